"""What `explain` promises about targets, places, references, players and names, on networks whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor, nn

from ascribe import (
    KAN,
    Ablation,
    Attribution,
    Conductance,
    InputXGradient,
    IntegratedGradients,
    Neuron,
    Saliency,
    Shapley,
    explain,
)
from ascribe.errors import InputError, LayerError, MethodError, TargetError


@pytest.fixture
def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=True), nn.Linear(5, 3)).double()


@pytest.fixture
def x() -> Tensor:
    return torch.randn(6, 4).double()


class Twice(nn.Module):
    """One activation module that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.relu, self.unused = nn.Linear(4, 4), nn.ReLU(), nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.linear(self.relu(self.linear(x)))).sum(1)


class TestTargets:
    @pytest.mark.parametrize("target", [1, -2, (1,), np.int64(1), torch.tensor(1), [1] * 6, np.full(6, 1)], ids=repr)
    def test_forms_of_one_target_agree(self, net: nn.Module, x: Tensor, target: Any) -> None:
        expected = explain(net, x, Saliency(), target=lambda output: output[:, 1]).values
        assert torch.equal(explain(net, x, Saliency(), target=target).values, expected)

    def test_one_target_a_row(self, net: nn.Module, x: Tensor) -> None:
        target = [0, 1, 2, 2, 1, 0]
        a = explain(net, x, IntegratedGradients(), target=target)
        for row, k in enumerate(target):
            alone = explain(net, x[row : row + 1], IntegratedGradients(), target=k)
            torch.testing.assert_close(a.values[row], alone.values[0])
            torch.testing.assert_close(a.reference[row], alone.reference[0])

    def test_predicted_is_the_largest_output(self, net: nn.Module, x: Tensor) -> None:
        expected = explain(net, x, Saliency(), target=net(x).argmax(1))
        assert torch.equal(explain(net, x, Saliency(), target="predicted").values, expected.values)

    def test_all_stacks_the_outputs_in_front(self, net: nn.Module, x: Tensor) -> None:
        a = explain(net, x, IntegratedGradients(), target="all")
        assert a.values.shape == (3, 6, 4)
        assert a.gap.shape == a.output.shape == (3, 6)
        for k in range(3):
            torch.testing.assert_close(a.values[k], explain(net, x, IntegratedGradients(), target=k).values)

    def test_a_neuron_is_a_target(self, net: nn.Module, x: Tensor) -> None:
        slope = explain(net, x, Saliency(), target=Neuron("0", 2)).values
        torch.testing.assert_close(slope, net[0].weight.detach()[2].expand(6, 4))

    def test_a_single_output_needs_no_target(self, x: Tensor) -> None:
        for model in (nn.Linear(4, 1).double(), lambda z: z.sum(1), lambda z: z.sum(1)[:, None, None]):
            assert explain(model, x, Saliency()).values.shape == x.shape
            assert explain(model, x, Saliency(), target=0).values.shape == x.shape

    def test_the_first_tensor_of_a_tuple_is_the_output(self) -> None:
        series = torch.randn(3, 5, 4)
        a = explain(nn.LSTM(4, 2, batch_first=True), series, IntegratedGradients(), target=(4, 1))
        assert a.values.shape == series.shape
        assert float(a.gap.abs().max()) < 1e-5

    @pytest.mark.parametrize(
        ("target", "words"),
        [
            (None, 'gives 3 outputs .0..2. a row; pass target="predicted"'),
            (9, "target=9, but the network gives 3 outputs"),
            (-4, "target=-4"),
            (1.5, "target=1.5"),
            ("best", "'best' is not known"),
            ([0, 1], "2 entries for 6 rows"),
            ((1, 0), "target=.1, 0."),
            (torch.nn.Identity(), "one number a row"),
        ],
        ids=str,
    )
    def test_unclear_targets_get_their_sentence(self, net: nn.Module, x: Tensor, target: Any, words: str) -> None:
        with pytest.raises(TargetError, match=words):
            explain(net, x, Saliency(), target=target)

    def test_dicts_and_scalars_are_no_output(self, x: Tensor) -> None:
        with pytest.raises(TargetError, match="dict with 'logits'"):
            explain(lambda z: {"logits": z}, x, Saliency(), target=0)
        with pytest.raises(TargetError, match="one entry a row"):
            explain(lambda z: z.sum(), x, Saliency())


class TestPlaces:
    def test_a_layer_is_explained_as_the_network_behind_it(self, net: nn.Sequential, x: Tensor) -> None:
        a = explain(net, x, IntegratedGradients(), target=1, at="0")
        with torch.no_grad():
            h, h0 = net[0](x), net[0](torch.zeros_like(x))
        behind = explain(nn.Sequential(nn.ReLU(), net[2]), h, IntegratedGradients(), target=1, baseline=h0)
        torch.testing.assert_close(a.values, behind.values)
        assert a.names[0] == "0[0]"

    def test_input_and_output_of_neighbours_are_one_place(self, net: nn.Module, x: Tensor) -> None:
        left = explain(net, x, InputXGradient(), target=0, at="0")
        right = explain(net, x, InputXGradient(), target=0, at="1:in")
        torch.testing.assert_close(left.values, right.values)
        assert right.at == "1:in"
        assert torch.equal(explain(net, x, InputXGradient(), target=0, at=net[0]).values, left.values)

    def test_a_module_used_twice_wants_its_call_named(self) -> None:
        x = torch.randn(3, 4)
        with pytest.raises(LayerError, match="at='relu#0' to at='relu#1'"):
            explain(Twice(), x, Saliency(), at="relu")
        first, second = (explain(Twice(), x, Saliency(), at=f"relu#{call}") for call in (0, 1))
        assert torch.equal(second.values, torch.ones(3, 4))
        assert not torch.equal(first.values, second.values)

    @pytest.mark.parametrize(
        ("at", "words"),
        [
            ("lin", "did you mean 'linear'"),
            ("unused", "did not run"),
            ("relu#2", "no call #2"),
            ("relu:by", "not a place"),
        ],
    )
    def test_other_places_get_their_sentence(self, at: str, words: str) -> None:
        with pytest.raises(LayerError, match=words):
            explain(Twice(), torch.randn(3, 4), Saliency(), at=at)

    def test_layers_need_a_network_and_rows_in_front(self, net: nn.Module, x: Tensor) -> None:
        with pytest.raises(LayerError, match="plain function"):
            explain(lambda z: net(z), x, Saliency(), target=0, at="0")

        class StepsFirst(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.lstm = nn.LSTM(4, 3)

            def forward(self, x: Tensor) -> Tensor:
                return self.lstm(x.transpose(0, 1))[0][-1, :, 0]

        with pytest.raises(LayerError, match="first dimension is the rows"):
            explain(StepsFirst(), torch.randn(7, 7, 4), Saliency(), at="lstm")
        with pytest.raises(LayerError, match='say which with at="layer"'):
            explain(net, x, Conductance(), target=0)

    def test_token_ids_are_explained_at_their_embedding(self) -> None:
        net, ids = nn.Sequential(nn.Embedding(9, 3), nn.Flatten(), nn.Linear(12, 1)), torch.randint(9, (5, 4))
        assert explain(net, ids, Saliency()).values.shape == (5, 4)
        a = explain(net, ids, IntegratedGradients(), at="0")
        assert a.values.shape == (5, 4, 3)
        assert float(a.gap.abs().max()) < 1e-5
        assert explain(net, ids, Shapley()).values.shape == (5, 4)


class TestReferences:
    def test_baselines_may_be_a_number_a_row_or_one_for_each(self, net: nn.Module, x: Tensor) -> None:
        row = torch.full((4,), 0.5).double()
        expected = explain(net, x, InputXGradient(), target=0, baseline=row.expand(6, 4)).values
        for baseline in (0.5, row, row[None], row.numpy()):
            assert torch.equal(explain(net, x, InputXGradient(), target=0, baseline=baseline).values, expected)

    def test_one_kind_of_reference_serves_for_the_other(self, net: nn.Module, x: Tensor) -> None:
        background = torch.randn(3, 4).double()
        centre = explain(net, x, InputXGradient(), target=0, baseline=background.mean(0))
        assert torch.equal(explain(net, x, InputXGradient(), target=0, background=background).values, centre.values)
        alone = explain(net, x, Shapley(), target=0, background=background[:1])
        torch.testing.assert_close(explain(net, x, Shapley(), target=0, baseline=background[0]).values, alone.values)

    def test_the_reference_is_the_mean_over_the_background(self, net: nn.Module, x: Tensor) -> None:
        background = torch.randn(3, 4).double()
        for at in (None, "0"):
            a = explain(net, x, Shapley(), target="predicted", at=at, background=background)
            expected = net(background).detach().mean(0)[net(x).argmax(1)]
            torch.testing.assert_close(a.reference, expected)
            assert float(a.gap.abs().max()) < 1e-9

    @pytest.mark.parametrize(
        ("words", "more"),
        [
            ("baseline has 3 rows for 6", {"baseline": torch.zeros(3, 4)}),
            ("baseline has shape .3,., but a row of x has .4,.", {"baseline": torch.zeros(3)}),
            ("baseline holds 4 values that are NaN", {"baseline": float("nan")}),
            ("background has shape .3, 5.", {"background": torch.zeros(3, 5)}),
        ],
    )
    def test_references_that_do_not_fit_get_their_sentence(
        self, net: nn.Module, x: Tensor, words: str, more: dict[str, Any]
    ) -> None:
        with pytest.raises(InputError, match=words):
            explain(net, x, Saliency(), target=0, **more)


class TestInputs:
    @pytest.mark.parametrize(
        ("x", "words"),
        [
            (torch.tensor([[1.0, float("nan")]]), "1 values that are NaN or infinite, the first in row 0, entry 1"),
            (torch.tensor([[1.0, float("inf")]]), "NaN or infinite"),
            (torch.zeros(0, 2), "at least one feature"),
            (torch.zeros(3), r"x\[None\]"),
            (torch.tensor(1.0), "rows"),
            ([[1.0, 2.0]], "an input is a list"),
            (torch.zeros(2, 3), "does not run on a row of x, .1, 3. float32"),
            (torch.zeros(2, 2).double(), "does not run on a row of x, .1, 2. float64"),
            ((torch.zeros(2, 2), torch.zeros(3, 2)), "2 and 3 rows"),
            (np.array([["a", "b"]]), "array of <U1"),
        ],
        ids=str,
    )
    def test_unusable_inputs_get_their_sentence(self, x: Any, words: str) -> None:
        with pytest.raises(InputError, match=words):
            explain(nn.Linear(2, 1), x, Saliency())

    def test_outputs_that_are_not_finite_are_named(self) -> None:
        with pytest.raises(InputError, match="for row 1 of x"):
            explain(lambda z: z.sum(1).log(), torch.tensor([[1.0], [-1.0]]), Saliency(), baseline=1.0)

    def test_a_method_class_and_a_missing_gradient_are_named(self, net: nn.Module, x: Tensor) -> None:
        with pytest.raises((MethodError, TypeCheckError), match="IntegratedGradients"):
            explain(net, x, IntegratedGradients, target=0)  # pyright: ignore
        with pytest.raises(MethodError, match="no gradient"):
            explain(lambda z: z.detach().sum(1), x, Saliency())

    def test_tuples_and_dicts_come_back_as_they_went(self) -> None:
        a, b = torch.randn(5, 3), torch.randn(5, 2, 2)

        class Product(nn.Module):
            def forward(self, a: Tensor, b: Tensor) -> Tensor:
                return a.sum(1) * b.flatten(1).sum(1)

        pair = explain(Product(), (a, b), IntegratedGradients())
        named = explain(Product(), {"b": b, "a": a}, IntegratedGradients(), baseline={"a": 0, "b": torch.zeros(2, 2)})
        assert [part.shape for part in pair.values] == [a.shape, b.shape]
        torch.testing.assert_close(named.values["b"], pair.values[1])
        assert named.names[0] == "b[0, 0]"
        assert pair.per_feature().shape == (5, 7)
        with pytest.raises(InputError, match="as x was"):
            explain(Product(), (a, b), Saliency(), baseline=a)

    def test_float64_arrays_meet_a_float32_network(self) -> None:
        a = explain(nn.Linear(3, 1), np.random.default_rng(0).normal(size=(4, 3)), Saliency())
        assert a.values.dtype == torch.float32

    def test_functions_of_arrays_get_arrays(self) -> None:
        def predict(array: np.ndarray) -> np.ndarray:
            assert isinstance(array, np.ndarray)
            assert array.dtype == np.int64
            return array @ np.array([1, 2, 3])

        a = explain(predict, np.arange(6).reshape(2, 3), Shapley())
        torch.testing.assert_close(a.values, torch.tensor([[0.0, 2, 6], [3, 8, 15]]).double())

    def test_functions_of_frames_get_their_columns_and_words_back(self) -> None:
        frame = pd.DataFrame(
            {"rooms": [1, 2, 3], "place": ["sea", "hill", None], "kind": pd.Categorical(["a", "b", "a"]), "new": True}
        )

        def predict(given: pd.DataFrame) -> pd.Series:
            assert list(given.columns) == list(frame.columns)
            assert given["kind"].dtype == frame["kind"].dtype
            worth = given["place"].map({"sea": 10.0, "hill": 3.0}).fillna(0.0)
            return 2.0 * given["rooms"] + worth + (given["kind"].astype(str) == "b") + given["new"]

        a = explain(predict, frame, Shapley(), background=frame)
        assert a.names == ("rooms", "place", "kind", "new")
        worth = torch.tensor([10.0, 3.0, 0.0]).double()
        torch.testing.assert_close(a.values[:, 1], worth - worth.mean())
        with pytest.raises(InputError, match="text, which has no zero"):
            explain(predict, frame, Shapley())
        with pytest.raises(InputError, match="'kind' is missing"):
            explain(predict, frame, Shapley(), background=frame.drop(columns="kind"))
        with pytest.raises(InputError, match="a network takes numbers"):
            explain(nn.Linear(4, 1), frame, Saliency())


class TestPlayersAndNames:
    def test_groups_add_up_for_gradients_and_play_together_for_games(self) -> None:
        x, w = torch.randn(3, 4), torch.tensor([1.0, 2.0, 3.0, 4.0])
        groups, names = {"outer": ["a", "d"]}, list("abcd")
        for method in (IntegratedGradients(), Shapley(), Ablation()):
            a = explain(lambda z: z @ w, x, method, groups=groups, names=names)
            assert a.names == ("outer", "b", "c")
            torch.testing.assert_close(a.values[:, 0], x[:, 0] + 4 * x[:, 3])
        ids = torch.tensor([7, 2, 2, 7])
        assert explain(lambda z: z @ w, x, Shapley(), groups=ids).names == ("group 7", "group 2")

    @pytest.mark.parametrize(
        ("groups", "words"),
        [
            ({"g": ["z"]}, "'z', which is no feature"),
            ({"g": ["a"], "h": ["a"]}, "twice"),
            ([0, 1], "whole numbers of shape"),
        ],
    )
    def test_groups_that_do_not_fit_get_their_sentence(self, groups: Any, words: str) -> None:
        with pytest.raises(InputError, match=words):
            explain(nn.Linear(4, 1), torch.zeros(2, 4), Saliency(), groups=groups, names=list("abcd"))

    def test_names_of_the_last_dimension_serve_every_step(self) -> None:
        model = lambda z: z.flatten(1).sum(1)  # noqa: E731
        assert explain(model, torch.zeros(2, 2, 2), Saliency(), names=["u", "v"]).names == (
            "u[0]",
            "v[0]",
            "u[1]",
            "v[1]",
        )
        with pytest.raises(InputError, match="names has 3 entries"):
            explain(model, torch.zeros(2, 2, 2), Saliency(), names=["u", "v", "w"])


class TestResult:
    @pytest.mark.parametrize("target", [0, "all"])
    def test_saved_is_loaded(self, net: nn.Module, x: Tensor, target: Any, tmp_path: Any) -> None:
        a = explain(net, x, IntegratedGradients(), target=target)
        a.save(tmp_path / "a.parquet")
        assert [file.name for file in tmp_path.iterdir()] == ["a.parquet"]
        b = Attribution.load(tmp_path / "a.parquet")
        for name in ("values", "error", "output", "reference", "gap", "inputs"):
            assert torch.equal(getattr(a, name), getattr(b, name)), name
        assert (a.names, a.target, a.at, repr(a.method), a.evaluations) == (
            b.names, b.target, b.at, repr(b.method), b.evaluations
        )  # fmt: skip
        with pytest.raises(MethodError, match="came from a file"):
            explain(net, x, b.method, target=0)

    def test_nests_and_half_precision_are_loaded_as_they_were(self, tmp_path: Any) -> None:
        parts = {"a": torch.randn(3, 2).bfloat16(), "b": torch.randn(3, 1, 2).bfloat16()}
        a = explain(lambda a, b: a.sum(1) + b.flatten(1).sum(1), parts, Saliency())
        a.save(tmp_path / "a.parquet")
        b = Attribution.load(tmp_path / "a.parquet")
        assert b.error is None
        for key, part in parts.items():
            assert torch.equal(b.values[key], a.values[key])
            assert torch.equal(b.inputs[key], part)

    def test_files_that_are_none_get_their_sentence(self, net: nn.Module, x: Tensor, tmp_path: Any) -> None:
        (tmp_path / "text").write_text("hello")
        pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "frame.parquet")
        for name, words in (
            ("text", "cannot read"),
            ("none", "cannot read"),
            ("frame.parquet", "not of an attribution"),
        ):
            with pytest.raises(OSError, match=words):
                Attribution.load(tmp_path / name)
        with pytest.raises(OSError, match="cannot write"):
            explain(net, x, Saliency(), target=0).save(tmp_path / "no folder" / "a.parquet")

    def test_the_table_has_features_then_figures_then_errors(self, net: nn.Module, x: Tensor) -> None:
        frame = explain(net, x, IntegratedGradients(), target=0, names=["a", "a", "b", "gap"]).to_frame()
        assert list(frame.columns[:7]) == ["a", "a (2)", "b", "gap", "output", "reference", "gap (2)"]
        assert list(frame.columns[7:]) == ["a (error)", "a (2) (error)", "b (error)", "gap (error)"]
        assert "output number" in explain(net, x, Saliency(), target="all").to_frame().columns

    def test_names_are_escaped_in_html(self, net: nn.Module, x: Tensor) -> None:
        page = explain(net, x, Saliency(), target=0, names=["<script>", "b", "c", "d"])._repr_html_()
        assert "<script>" not in page
        assert "&lt;script&gt;" in page

    def test_pictures_are_found_by_name(self, net: nn.Module, x: Tensor) -> None:
        a = explain(net, x, Saliency(), target=0)
        assert "beeswarm" in dir(a.plot)
        with pytest.raises(AttributeError, match=r"no picture 'pie'; there are \.plot\."):
            a.plot.pie()


def test_a_kan_is_a_network_like_any_other() -> None:
    kan, x = KAN([4, 3, 1]), torch.randn(5, 4) / 2
    inputs = explain(kan, x, IntegratedGradients())
    layer = explain(kan, x, Conductance(), at="act_fun.0")
    assert layer.values.shape == (5, 3)
    for a in (inputs, layer):
        assert float(a.gap.abs().max()) < 1e-5


def test_an_exported_program_is_explained() -> None:
    net, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), torch.randn(5, 4)
    exported = torch.export.export(net, (x,), dynamic_shapes=({0: torch.export.Dim("rows")},)).module()
    expected = explain(net, x, IntegratedGradients(), target=0).values
    torch.testing.assert_close(explain(exported, x, IntegratedGradients(), target=0).values, expected)
