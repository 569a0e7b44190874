"""What cannot be used is refused in one sentence, or gives the right result; state is given back either way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from torch import Tensor, nn

from ascribe import (
    Ablation,
    Adaptive,
    Attribution,
    Conductance,
    DeepLift,
    ExpectedGradients,
    GaussLegendre,
    InputXGradient,
    IntegratedGradients,
    Neuron,
    Riemann,
    Saliency,
    Shapley,
    SmoothGrad,
    explain,
)
from ascribe.core.method import Method
from ascribe.errors import AscribeError, FileError, InputError, LayerError, MethodError, TargetError

ROWS = np.arange(20, dtype=np.float32).reshape(5, 4) / 10
FRAME = pd.DataFrame(ROWS, columns=list("abcd"))


@pytest.fixture
def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))


@pytest.fixture
def x() -> Tensor:
    return torch.from_numpy(ROWS.copy())


def total(z: Tensor) -> Tensor:
    return z.sum(1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(torch.ones(3, 4).to_sparse(), "dense tensor", id="sparse"),
        pytest.param(torch.ones(3, 4, dtype=torch.complex64), "pass real numbers", id="complex"),
        pytest.param(np.ma.array(ROWS, mask=ROWS > 1), "masked entries", id="masked"),
        pytest.param(pl.DataFrame(FRAME), r"a polars DataFrame; .* x\.to_pandas\(\)", id="polars"),
        pytest.param(pa.Table.from_pandas(FRAME), r"a pyarrow Table; .* x\.to_pandas\(\)", id="arrow"),
        pytest.param(FRAME.set_axis(list("abca"), axis=1), "two columns are called 'a'", id="columns"),
        pytest.param(FRAME.astype(complex), "column 'a' is of complex numbers", id="complex frame"),
        pytest.param(None, "a NoneType", id="nothing"),
    ],
)
def test_inputs(given: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        explain(total, given, Shapley())


def test_columns_of_a_background_are_found_by_name_and_know_their_categories() -> None:
    def predict(frame: pd.DataFrame) -> Any:
        return frame.to_numpy() @ np.arange(4.0)

    expected = explain(predict, FRAME, Shapley(), background=FRAME).values
    shuffled = FRAME[["c", "a", "d", "b"]].assign(more=1)
    assert torch.equal(explain(predict, FRAME, Shapley(), background=shuffled).values, expected)
    few, more = (pd.DataFrame({"kind": pd.Categorical(kinds)}) for kinds in (["p", "r"], ["p", "q"]))
    with pytest.raises(InputError, match="'kind' holds 'q', which is no category of that column of x"):
        explain(lambda frame: np.zeros(len(frame)), few, Shapley(), background=more)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ((), "gives 3 outputs"),
        ([0.5] * 5, "whole numbers"),
        (torch.tensor([1.0]), "whole numbers"),
        ([[0, 1], [2]], "no table of numbers"),
        (["a"] * 5, "no table of numbers"),
        (True, "gives 3 outputs"),
        (lambda output: output[:, 7], r"does not run on the network's output \(IndexError"),
        (lambda output: output.logits, r"does not run on the network's output \(AttributeError"),
    ],
    ids=["empty", "floats", "float", "ragged", "words", "bool", "out of range", "no attribute"],
)
def test_targets(net: nn.Module, x: Tensor, target: Any, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        explain(net, x, Saliency(), target=target)


def test_arrays_that_may_not_be_written_are_read_without_a_warning(net: nn.Module) -> None:
    locked = ROWS.copy()
    locked.flags.writeable = False
    expected = explain(net, ROWS, Saliency(), target=1).values
    assert torch.equal(explain(net, locked, Saliency(), target=1, baseline=locked[:1]).values, expected)


def test_numpy_integers_are_targets(net: nn.Module, x: Tensor) -> None:
    expected = explain(net, x, Saliency(), target=1).values
    for target in (np.int64(1), np.uint8(1), np.full(5, 1, dtype=np.uint8), torch.tensor(1)):
        assert torch.equal(explain(net, x, Saliency(), target=target).values, expected)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (lambda z: None, "gives None; it must give"),
        (lambda z: ["a"] * len(z), "it must give one number a row"),
        (lambda z: [[1], [2, 3]], "it must give one number a row"),
        (lambda z: z[:, :0], "holds no number to explain"),
        (lambda z: z.sum(), "one entry a row"),
    ],
    ids=["nothing", "words", "ragged", "empty", "scalar"],
)
def test_outputs(x: Tensor, output: Callable[[Tensor], Any], words: str) -> None:
    with pytest.raises(TargetError, match=words):
        explain(output, x, Ablation())


@pytest.mark.parametrize(
    "baseline", ["mean", [[0.0], [0, 0, 0]], {"a": 0}, 1j, lambda: 0], ids=["word", "ragged", "dict", "complex", "call"]
)
def test_baselines(net: nn.Module, x: Tensor, baseline: Any) -> None:
    with pytest.raises(InputError, match=r"cannot be read as torch.float32 .* pass a number, or rows of shape \(4,\)"):
        explain(net, x, Saliency(), target=0, baseline=baseline)


def test_a_baseline_beyond_the_range_of_half_precision(x: Tensor) -> None:
    with pytest.raises(InputError, match="without overflow"):
        explain(total, x.half(), Saliency(), baseline=1e6)


def test_what_x_is_compared_with_must_have_a_score(x: Tensor) -> None:
    with pytest.raises(InputError, match="for what x is compared with; pass another baseline"):
        explain(lambda z: z.sum(1).log(), x + 1, InputXGradient())


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"g": "ab"}, r"pass \{'g': \['ab'\]\}"),
        ({"g": 0}, r"pass \{'g': \[0\]\}"),
        ({"g": [-1]}, "a row has 4 entries"),
        ("ab", "pass whole numbers"),
        ([["a", "b"], ["c", "d"]], "pass whole numbers"),
        ([0.0, 0.0, 1.0, 1.0], "pass whole numbers"),
    ],
    ids=["word", "number", "negative", "text", "names", "floats"],
)
def test_groups(x: Tensor, groups: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        explain(total, x, Shapley(), groups=groups, names=list("abcd"))


def test_a_name_of_several_features_makes_no_group(x: Tensor) -> None:
    with pytest.raises(InputError, match="'a', which several features are called; give their positions"):
        explain(total, x, Shapley(), groups={"g": ["a", "b"]}, names=list("aabc"))


def test_numpy_integers_and_booleans_make_groups(x: Tensor) -> None:
    expected = explain(total, x, Shapley(), groups=[0, 0, 1, 1]).values
    for groups in ({"g": np.arange(2), "h": [2, 3]}, np.array([False, False, True, True])):
        assert torch.equal(explain(total, x, Shapley(), groups=groups).values, expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Shapley(budget=0),
        lambda: Shapley(until=0.0),
        lambda: Shapley(until=float("nan")),
        lambda: Shapley(limit=-1),
        lambda: ExpectedGradients(noise=float("nan")),
        lambda: SmoothGrad(Saliency(), sigma=float("inf")),
        lambda: IntegratedGradients(Adaptive(float("nan"))),
        lambda: Conductance(GaussLegendre(0)),
    ],
    ids=["budget", "until 0", "until NaN", "limit", "noise", "sigma", "tolerance", "steps"],
)
def test_knobs(make: Callable[[], Method]) -> None:
    with pytest.raises(MethodError, match="; pass "):
        make()


def test_knobs_of_another_kind() -> None:
    """A type checker would say so too."""
    for make in (
        lambda: IntegratedGradients(50),  # pyright: ignore
        lambda: IntegratedGradients(Riemann(5, "up")),  # pyright: ignore
        lambda: SmoothGrad(Saliency),  # pyright: ignore
        lambda: explain(total, torch.ones(2, 2), Saliency(), names=3),  # pyright: ignore
        lambda: explain(nn.Linear(2, 1), torch.ones(2, 2), Saliency(), at=0),  # pyright: ignore
    ):
        with pytest.raises((AscribeError, TypeError)):
            make()


def test_exact_values_of_many_players_are_not_begun(x: Tensor) -> None:
    with pytest.raises(MethodError, match=r"2\*\*40 coalitions, and here 20 players are the most"):
        explain(total, torch.ones(1, 40), Shapley(budget=2**40))


def test_neurons_of_other_layers(net: nn.Module, x: Tensor) -> None:
    with pytest.raises(LayerError, match="no layer 'zero'"):
        explain(net, x, Saliency(), target=Neuron("zero", 1))


class Fragile(nn.Module):
    """A network in training mode that is stopped at one of its calls."""

    def __init__(self, stops_at: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(), nn.Linear(6, 1))
        self.calls, self.stops_at = 0, stops_at

    def forward(self, z: Tensor) -> Tensor:
        self.calls += 1
        if self.calls == self.stops_at:
            raise KeyboardInterrupt
        torch.rand(1)
        return self.body(z)

    def state(self) -> list[Any]:
        hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in self.modules()]
        modes = [m.training for m in self.modules()]
        parameters = [(p.requires_grad, p.grad is None) for p in self.parameters()]
        return [hooks, modes, parameters, [b.tolist() for b in self.buffers()], torch.get_rng_state().tolist()]


@pytest.mark.parametrize(
    ("method", "at"),
    [
        (Saliency(), None),
        (IntegratedGradients(), "body.0"),
        (DeepLift(), "body.0"),
        (Conductance(), "body.0"),
        (Shapley(), None),
        (SmoothGrad(Saliency()), None),
    ],
    ids=lambda value: value.name if isinstance(value, Method) else str(value),
)
def test_an_interrupt_leaves_everything_as_it_was(x: Tensor, method: Method, at: str | None) -> None:
    for stops_at in (1, 2, 3, 4, 6):
        net = Fragile(stops_at)
        before = net.state()
        with suppress(KeyboardInterrupt):
            explain(net, x, method, at=at)
        assert net.calls >= min(stops_at, 2)
        assert net.state() == before
        assert torch.overrides._get_current_function_mode() is None


@pytest.mark.parametrize(
    "method",
    [Saliency(), IntegratedGradients(), DeepLift(), Shapley(), Ablation(), ExpectedGradients(), InputXGradient()],
    ids=lambda method: method.name,
)
class TestModelsOfEveryKind:
    def test_that_write_into_their_input(self, x: Tensor, method: Method) -> None:
        def doubled(z: Tensor) -> Tensor:
            z.mul_(2)
            return z.tanh().sum(1)

        background, before = torch.rand(3, 4), x.clone()
        kept = background.clone()
        clean = explain(lambda z: (2 * z).tanh().sum(1), x, method, background=background)
        torch.testing.assert_close(explain(doubled, x, method, background=background).values, clean.values)
        assert torch.equal(x, before)
        assert torch.equal(background, kept)

    def test_in_inference_mode(self, net: nn.Module, x: Tensor, method: Method) -> None:
        expected = explain(net, x, method, target=0, background=x).values
        with torch.inference_mode():
            made_there = x.clone()
            inside = explain(net, made_there, method, target=0, background=x).values
            assert torch.is_inference_mode_enabled()
        for found in (inside, explain(net, made_there, method, target=0, background=made_there).values):
            assert torch.equal(found, expected)

    def test_on_inputs_that_need_a_gradient_or_lie_askew(self, net: nn.Module, x: Tensor, method: Method) -> None:
        expected = explain(net, x, method, target=0, background=x).values
        leaf = x.clone().requires_grad_()
        for given in (leaf, leaf * 1, x.T.contiguous().T):
            found = explain(net, given, method, target=0, background=given)
            torch.testing.assert_close(found.values, expected)
            assert not found.values.requires_grad
        assert leaf.grad is None

    def test_in_half_precision(self, method: Method) -> None:
        net, x = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1)).bfloat16(), torch.rand(5, 4)
        found = explain(net, x.bfloat16(), method, background=torch.zeros(2, 4).bfloat16())
        assert found.values.dtype == torch.bfloat16
        wide = explain(net.float(), x.bfloat16().float(), method, background=torch.zeros(2, 4))
        torch.testing.assert_close(found.values.float(), wide.values, atol=0.02, rtol=0.05)


def test_a_model_that_is_called_wrongly_says_so(x: Tensor) -> None:
    def asserting(z: Tensor) -> Tensor:
        assert z.shape[1] == 7, "seven columns"
        return z

    with pytest.raises(InputError, match="seven columns"):
        explain(asserting, x, Saliency())


def test_a_models_own_errors_pass_with_a_note(x: Tensor) -> None:
    def failing(z: Tensor) -> Tensor:
        if len(z) > 1:
            raise ZeroDivisionError("mine")
        return z.sum(1)

    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        explain(failing, x, Saliency())
    assert caught.value.__notes__ == ["while the model was run on (5, 4) float32"]


def test_large_inputs_stay_within_a_small_budget() -> None:
    sizes: list[int] = []

    def predict(z: Tensor) -> Tensor:
        sizes.append(len(z))
        return (z**2).sum(1)

    x = torch.ones(20_000, 100)
    a = explain(predict, x, InputXGradient(), memory="8 MiB")
    assert torch.equal(a.values, torch.full_like(x, 2.0))
    assert 2 * 400 * max(sizes) <= 2**23


class TestFiles:
    def test_names_that_are_also_figures_come_back(self, net: nn.Module, x: Tensor, tmp_path: Path) -> None:
        names = ("output", "output", "a (2)", "input 0")
        a = explain(net, x, IntegratedGradients(), target=0, names=names)
        a.save(tmp_path / "a.parquet")
        b = Attribution.load(tmp_path / "a.parquet")
        assert b.names == names
        for name in ("values", "error", "output", "gap", "inputs"):
            assert torch.equal(getattr(a, name), getattr(b, name)), name
        assert len(set(a.to_frame().columns)) == len(a.to_frame().columns)

    @pytest.mark.parametrize("about", [b"{}", b"nothing", b"[]", b'{"lead": [1], "names": ["a"]}'])
    def test_forged_ones_are_refused(self, about: bytes, tmp_path: Path) -> None:
        table = pa.table({"a": [1.0]}).replace_schema_metadata({b"ascribe.attribution": about})
        parquet.write_table(table, tmp_path / "a.parquet")
        with pytest.raises(FileError, match="not of an attribution"):
            Attribution.load(tmp_path / "a.parquet")

    def test_half_a_file_is_refused(self, net: nn.Module, x: Tensor, tmp_path: Path) -> None:
        explain(net, x, Saliency(), target=0).save(tmp_path / "a.parquet")
        whole = (tmp_path / "a.parquet").read_bytes()
        (tmp_path / "a.parquet").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FileError, match="cannot read"):
            Attribution.load(tmp_path / "a.parquet")
