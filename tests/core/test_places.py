"""Several layers at once, more arguments of the model, and token ids at their embedding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ascribe import Ablation, InputError, InputXGradient, IntegratedGradients, LayerError, Shapley, explain
from ascribe.core.method import Method
from ascribe.maths.quadrature import GaussLegendre


class Towers(nn.Module):
    """Two inputs, each with a layer of its own, multiplied, scaled by a third."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.user, self.item, self.head = nn.Linear(3, 4), nn.Linear(2, 4), nn.Linear(4, 2)

    def forward(self, u: Tensor, v: Tensor, scale: Tensor | float = 1.0, *, shift: Tensor | float = 0.0) -> Tensor:
        scale = scale[:, None] if isinstance(scale, Tensor) and scale.ndim else scale
        return self.head((self.user(u) * self.item(v)).relu()) * scale + shift


class Text(nn.Module):
    """Tokens and positions, a mask from the ids themselves, a mean, and one number of each row beside them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.tokens, self.places, self.head = nn.Embedding(20, 5), nn.Embedding(6, 5), nn.Linear(6, 3)

    def forward(self, ids: Tensor, age: Tensor | None = None) -> Tensor:
        mask = (ids != 0)[..., None]
        mixed = (self.tokens(ids) + self.places(torch.arange(ids.shape[1]))).tanh() * mask
        age = torch.zeros(len(ids), 1) if age is None else age
        return self.head(torch.cat([mixed.sum(1) / mask.sum(1).clamp_min(1), age], 1))


@pytest.fixture
def ids() -> Tensor:
    return torch.tensor([[0, 1, 2, 3, 4, 5], [7, 3, 3, 9, 0, 0], [19, 18, 1, 1, 2, 0]])


@pytest.fixture
def uv() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(5, 3, generator=generator), torch.randn(5, 2, generator=generator)


class TestSeveralLayers:
    def test_values_come_back_one_for_each_layer(self, uv: tuple[Tensor, Tensor]) -> None:
        a = explain(Towers(), uv, IntegratedGradients(), target=1, at=("user", "item"))
        assert [part.shape for part in a.values] == [(5, 4), (5, 4)]
        assert a.names[:5] == ("user[0]", "user[1]", "user[2]", "user[3]", "item[0]")
        assert a.at == ("user", "item")
        assert float(a.gap.abs().max()) < 1e-5

    def test_together_they_are_the_function_of_both(self, uv: tuple[Tensor, Tensor]) -> None:
        net = Towers()
        behind = lambda u, v: net.head((u * v).relu())  # noqa: E731
        inside = tuple(part.detach() for part in (net.user(uv[0]), net.item(uv[1])))
        nothing = tuple(part.detach() for part in (net.user(torch.zeros(1, 3)), net.item(torch.zeros(1, 2))))
        for method in (IntegratedGradients(GaussLegendre(20)), Shapley()):
            found = explain(net, uv, method, target=0, at=["user", "item"])
            asked = explain(behind, inside, method, target=0, baseline=nothing)
            for mine, theirs in zip(found.values, asked.values, strict=True):
                torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)

    def test_no_layer_is_an_error(self, uv: tuple[Tensor, Tensor]) -> None:
        with pytest.raises(LayerError, match="names no layer"):
            explain(Towers(), uv, IntegratedGradients(), target=0, at=())

    def test_a_layer_twice_is_an_error(self, uv: tuple[Tensor, Tensor]) -> None:
        with pytest.raises(LayerError, match="twice"):
            explain(Towers(), uv, IntegratedGradients(), target=0, at=("user", "user"))

    def test_a_file_keeps_the_places(self, uv: tuple[Tensor, Tensor], tmp_path) -> None:
        a = explain(Towers(), uv, InputXGradient(), target=0, at=("user", "item"))
        a.save(tmp_path / "a.parquet")
        assert type(a).load(tmp_path / "a.parquet").at == ("user", "item")


class TestMoreArguments:
    @pytest.mark.parametrize("method", [InputXGradient(), Ablation(), Shapley()], ids=repr)
    def test_tensors_with_a_row_each_go_with_their_rows(self, method: Method, uv: tuple[Tensor, Tensor]) -> None:
        net, scale = Towers(), torch.arange(1.0, 6.0)
        scaled = explain(net, uv, method, target=0, given=(scale,), memory="10 KB")
        plain = explain(net, uv, method, target=0)
        for mine, theirs in zip(scaled.values, plain.values, strict=True):
            torch.testing.assert_close(mine, theirs * scale[:, None], rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(scaled.reference, plain.reference * scale)

    def test_everything_else_goes_as_it_is(self, uv: tuple[Tensor, Tensor]) -> None:
        a = explain(Towers(), uv, InputXGradient(), target=0, given={"scale": 2.0, "shift": torch.tensor([1.0, 5.0])})
        plain = explain(Towers(), uv, InputXGradient(), target=0)
        torch.testing.assert_close(a.output, 2 * plain.output + 1)

    def test_layers_see_them(self, uv: tuple[Tensor, Tensor]) -> None:
        scale = torch.arange(1.0, 6.0)
        a = explain(Towers(), uv, IntegratedGradients(), target=0, at="user", given=(scale,))
        plain = explain(Towers(), uv, IntegratedGradients(), target=0, at="user")
        torch.testing.assert_close(a.values, plain.values * scale[:, None], rtol=1e-4, atol=1e-5)


class TestTokenIds:
    def test_have_one_value_each(self, ids: Tensor) -> None:
        a = explain(Text(), ids, IntegratedGradients(), target=1)
        assert a.values.shape == ids.shape
        assert a.names[2] == "x2"
        assert float(a.gap.abs().max()) < 1e-5

    def test_are_explained_at_their_embedding(self, ids: Tensor) -> None:
        net = Text()
        here = explain(net, ids, InputXGradient(), target=1)
        there = explain(net, ids, InputXGradient(), target=1, at="tokens")
        torch.testing.assert_close(here.values, there.values.sum(-1))
        torch.testing.assert_close(here.reference, there.reference)

    def test_beside_numbers(self, ids: Tensor) -> None:
        a = explain(Text(), {"ids": ids, "age": torch.ones(3, 1)}, IntegratedGradients(), target="all")
        assert a.values["ids"].shape == (3, 3, 6)
        assert a.values["age"].shape == (3, 3, 1)
        assert float(a.gap.abs().max()) < 1e-5

    def test_in_groups(self, ids: Tensor) -> None:
        net = Text()
        a = explain(net, ids, InputXGradient(), target=1, groups=torch.tensor([0, 0, 0, 1, 1, 1]))
        single = explain(net, ids, InputXGradient(), target=1)
        torch.testing.assert_close(a.values, single.values.unflatten(1, (2, 3)).sum(-1))

    def test_are_changed_themselves_by_methods_of_players(self, ids: Tensor) -> None:
        a = explain(Text(), ids, Ablation(), target=1)
        without = ids.clone()
        without[:, 2] = 0
        lost = a.output - Text()(without)[:, 1].detach()
        torch.testing.assert_close(a.values[:, 2], lost, check_dtype=False)

    @pytest.mark.parametrize("method", [IntegratedGradients(), Shapley()], ids=repr)
    def test_a_baseline_that_the_model_does_not_know_is_refused(self, method: Method, ids: Tensor) -> None:
        with pytest.raises(InputError, match="out of range"):
            explain(Text(), ids, method, target=1, baseline=99)

    def test_a_bag_says_what_to_do(self) -> None:
        net = nn.Sequential(nn.EmbeddingBag(10, 4), nn.Linear(4, 1))
        with pytest.raises(InputError, match="at='0'"):
            explain(net, torch.tensor([[1, 2], [3, 4]]), InputXGradient())

    def test_two_embeddings_of_the_same_ids_are_named(self, ids: Tensor) -> None:
        class Two(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.wide, self.deep = nn.Embedding(20, 1), nn.Embedding(20, 4)

            def forward(self, ids: Tensor) -> Tensor:
                return self.wide(ids).sum((1, 2)) + self.deep(ids).tanh().sum((1, 2))

        with pytest.raises(InputError, match="'deep#0', 'wide#0'"):
            explain(Two(), ids, InputXGradient())
        both = explain(Two(), ids, InputXGradient(), at=("wide#0", "deep#0"))
        assert [part.shape for part in both.values] == [(3, 6, 1), (3, 6, 4)]

    def test_ids_that_meet_no_embedding_say_so(self) -> None:
        with pytest.raises(InputError, match="whole numbers"):
            explain(nn.Sequential(nn.Flatten(), _AsFloat()), torch.tensor([[1, 2]]), InputXGradient())


class _AsFloat(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.float().sum(1)
