"""IntegratedHessians: the paper's double integral, its lines and sums, and kinks, which no second derivative sees."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ascribe.core.explain import explain
from ascribe.errors import MethodError
from ascribe.maths.quadrature import Adaptive
from ascribe.methods import IntegratedGradients, IntegratedHessians
from ascribe.methods.paths import ToleranceWarning
from reference.integrated_hessians import gradients_of_gradients, integrated_hessians

X, X0 = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(5)).double()


def _net(activation: type[nn.Module], width: int = 8, inputs: int = 4) -> nn.Sequential:
    layers = nn.Linear(inputs, width), activation(), nn.Linear(width, width), activation(), nn.Linear(width, 1)
    return nn.Sequential(*layers).double()


def test_quadratics_are_exact() -> None:
    matrix, slope = torch.randn(4, 4).double(), torch.randn(4).double()
    a = explain(lambda z: ((z @ matrix) * z).sum(1) + z @ slope, X, IntegratedHessians(), baseline=X0)
    away, both = X - X0, matrix + matrix.T
    truth = away[:, :, None] * away[:, None] * both / 4
    truth += torch.diag_embed(away * (X0 @ both + slope + away @ both / 4))
    torch.testing.assert_close(a.values, truth, rtol=1e-12, atol=1e-12)
    assert a.evaluations == 3 * 13


def test_cubics_are_exact() -> None:
    a = explain(lambda z: z[:, 0] * z[:, 1] * z[:, 2] + z[:, 3] ** 3, X, IntegratedHessians(), baseline=X0)
    truth = torch.stack(
        [
            integrated_hessians(lambda z: z[:, 0] * z[:, 1] * z[:, 2] + z[:, 3] ** 3, x, x0)
            for x, x0 in zip(X, X0, strict=True)
        ]
    )
    torch.testing.assert_close(a.values, truth, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Softplus])
def test_smooth_networks_are_the_papers_double_integral(activation: type[nn.Module]) -> None:
    net = _net(activation)
    truth = torch.stack([integrated_hessians(net, x, x0) for x, x0 in zip(X, X0, strict=True)])
    a = explain(net, X, IntegratedHessians(1e-5), baseline=X0)
    torch.testing.assert_close(a.values, truth, rtol=0, atol=1e-5)
    loose = explain(net, X, IntegratedHessians(), baseline=X0)
    assert bool(((loose.values - truth).abs().flatten(1).amax(1) < 1e-2 * truth.abs().flatten(1).amax(1)).all())


def test_kinks_count() -> None:
    """Networks of ReLUs, whose second derivatives are zero wherever they are."""
    net = _net(nn.ReLU)
    x, x0 = X[:2], X0[:2]
    truth = torch.stack([gradients_of_gradients(net, *row, 120, 1200) for row in zip(x, x0, strict=True)])
    a = explain(net, x, IntegratedHessians(1e-3, 10**4), baseline=x0)
    off = (a.values - truth).abs().flatten(1).amax(1)
    assert bool((off < 2e-2 * truth.abs().flatten(1).amax(1)).all())  # the differences blur by their width
    beside = a.values - torch.diag_embed(a.values.diagonal(dim1=1, dim2=2))
    assert float(beside.abs().max()) > 0.05 * float(truth.abs().max())


def test_one_kink_is_exact_wherever_it_is() -> None:
    weight = torch.tensor([0.7, -1.1, 0.4, 0.9]).double()
    score = lambda z: (z @ weight + 0.1).relu()  # noqa: E731
    a = explain(score, X, IntegratedHessians(0.5), baseline=X0)
    height = X0 @ weight + 0.1
    climb = (X - X0) @ weight
    place = -height / climb
    assert bool(((place > 0) & (place < 1)).any())
    terms = (X - X0) * weight
    for k in range(len(X)):
        s = place[k].clamp(0, 1)
        primitive = s - torch.special.xlogy(s, s)
        share = (1 - primitive) if climb[k] > 0 else primitive
        if not 0 < place[k] < 1:
            share = (height[k] > 0).double()
        truth = torch.diag(terms[k]) * share
        if 0 < place[k] < 1:
            truth += -place[k] * place[k].log() / climb[k].abs() * torch.outer(terms[k], terms[k])
        torch.testing.assert_close(a.values[k], truth, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU, nn.GELU])
def test_lines_are_integrated_gradients(activation: type[nn.Module]) -> None:
    net = _net(activation, 16)
    a = explain(net, X, IntegratedHessians(1e-3, 10**4), baseline=X0)
    whole = explain(net, X, IntegratedGradients(Adaptive(1e-6, 10**5)), baseline=X0).values
    torch.testing.assert_close(a.values.sum(2), whole, rtol=0, atol=1e-3)
    torch.testing.assert_close(a.values, a.values.mT)
    assert float(a.gap.abs().max()) < 1e-4


def test_groups_are_players() -> None:
    net = _net(nn.Tanh)
    each = explain(net, X, IntegratedHessians(1e-6), baseline=X0).values
    a = explain(net, X, IntegratedHessians(1e-6), baseline=X0, groups={"pair": [0, 2]})
    join = torch.tensor([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]).double()
    torch.testing.assert_close(a.values, join @ each @ join.T, rtol=0, atol=1e-7)


def test_every_output_and_any_pieces() -> None:
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    every = explain(net, X, IntegratedHessians(), baseline=X0, target="all").values
    one = explain(net, X, IntegratedHessians(), baseline=X0, target=1).values
    torch.testing.assert_close(every[1], one)
    torch.testing.assert_close(explain(net, X, IntegratedHessians(), baseline=X0, target=1, memory="4 KB").values, one)


def test_token_ids_have_pairs() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(10, 3)
            self.head = nn.Linear(3, 1)

        def forward(self, ids: Tensor) -> Tensor:
            return self.head(self.embedding(ids).prod(1)).tanh()

    ids = torch.tensor([[1, 4, 2], [5, 3, 3]])
    a = explain(Tokens().double(), ids, IntegratedHessians(1e-4), baseline=torch.zeros_like(ids))
    assert a.values.shape == (2, 3, 3)
    assert float(a.gap.abs().max()) < 1e-4


@pytest.mark.parametrize(
    ("dtype", "activation"), [(torch.float16, nn.Tanh), (torch.float32, nn.Tanh), (torch.float32, nn.ReLU)]
)
def test_low_precision_ends(dtype: torch.dtype, activation: type[nn.Module]) -> None:
    net = _net(activation).to(dtype)
    a = explain(net, X.to(dtype), IntegratedHessians(0.05), baseline=X0.to(dtype))
    assert a.values.dtype == dtype
    exact = explain(net.double(), X, IntegratedHessians(1e-3, 10**4), baseline=X0).values
    assert float((a.values.double() - exact).abs().max()) < 0.1 * float(exact.abs().max())


def test_attention_is_differentiated_twice() -> None:
    net = nn.Sequential(
        nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True), nn.Flatten(), nn.Linear(12, 1)
    )
    x = torch.randn(2, 3, 4)
    before = torch.backends.cuda.flash_sdp_enabled()
    a = explain(net, x, IntegratedHessians(), groups=torch.arange(3)[:, None].expand(3, 4))
    assert a.values.shape == (2, 3, 3)
    assert torch.backends.cuda.flash_sdp_enabled() == before


class _Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: object, slope: Tensor) -> Tensor:
        raise NotImplementedError("derivative for once is not implemented")


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(MethodError, match="no second derivative"):
        explain(lambda z: _Once.apply(z).sum(1), X, IntegratedHessians())
    with pytest.raises(MethodError, match="no gradient"):
        explain(lambda z: z.round().detach().sum(1), X, IntegratedHessians())
    for knobs in ({"tolerance": 0.0}, {"tolerance": 2.0}, {"limit": 3}):
        with pytest.raises(MethodError, match="pass 0 < tolerance"):
            IntegratedHessians(**knobs)


def test_the_limit_warns() -> None:
    with pytest.warns(ToleranceWarning, match=r"IntegratedHessians\(limit=60\)"):
        explain(_net(nn.ReLU, 30), X, IntegratedHessians(1e-4, limit=15), baseline=X0)
