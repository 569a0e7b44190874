"""`target="all"` explains every output in one pass and says the same as one output after the other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ascribe import (
    Ablation,
    Conductance,
    DeepLift,
    ExpectedGradients,
    InputXGradient,
    IntegratedGradients,
    Neuron,
    Shapley,
    SmoothGrad,
    explain,
)
from ascribe.core.method import Method
from ascribe.maths.quadrature import GaussLegendre

METHODS: list[Method] = [
    InputXGradient(),
    IntegratedGradients(),
    IntegratedGradients(GaussLegendre(8)),
    ExpectedGradients(draws=8),
    SmoothGrad(InputXGradient(), draws=3),
    DeepLift(),
    Ablation(),
    Shapley(),
    Shapley(budget=60, seed=3),
]


class Counting(nn.Module):
    """Counts the rows that it sees; two outputs in one place and three in the other, by head."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.body = nn.Linear(6, 8).double()
        self.head = nn.Linear(8, 6).double()
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 3)
        self.seen = 0

    def forward(self, x: Tensor) -> Tensor:
        self.seen += len(x)
        return self.head(self.body(x).tanh()).unflatten(1, (2, 3))


@pytest.fixture
def net() -> Counting:
    return Counting()


@pytest.fixture
def x() -> Tensor:
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@pytest.fixture
def background() -> Tensor:
    return torch.randn(3, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_says_what_one_output_after_the_other_says(method: Method, net: Counting, x: Tensor, background: Tensor):
    every = explain(net, x, method, target="all", background=background)
    assert every.values.shape == (6, 4, 6)
    for k in range(6):
        one = explain(net, x, method, target=(k // 3, k % 3), background=background)
        for mine, theirs in ((every.values, one.values), (every.output, one.output), (every.gap, one.gap)):
            torch.testing.assert_close(mine[k], theirs, rtol=1e-9, atol=1e-9)
        if one.error is not None:
            torch.testing.assert_close(every.error[k], one.error, rtol=1e-6, atol=1e-9)


def test_layers_too(net: Counting, x: Tensor):
    every = explain(net, x, InputXGradient(), target="all", at="body")
    one = explain(net, x, InputXGradient(), target=(1, 2), at="body")
    torch.testing.assert_close(every.values[5], one.values)


def test_conductance_varies_the_input_and_answers_about_the_layer(net: Counting, x: Tensor):
    every = explain(net, x, Conductance(), target="all", at="body")
    one = explain(net, x, Conductance(), target=(0, 1), at="body")
    torch.testing.assert_close(every.values[1], one.values, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "method", [InputXGradient(), IntegratedGradients(GaussLegendre(8)), Ablation(), Shapley()], ids=repr
)
def test_costs_the_evaluations_of_one_output(method: Method, net: Counting, x: Tensor):
    every = explain(net, x, method, target="all")
    one = explain(net, x, method, target=(0, 0))
    assert every.evaluations == one.evaluations


def test_small_pieces_hold_whole_points(net: Counting, x: Tensor):
    small = explain(net, x, Shapley(), target="all", memory="10 KB")
    torch.testing.assert_close(small.values, explain(net, x, Shapley(), target="all").values)
    assert small.calls > 10


def test_every_neuron_of_a_layer(net: Counting, x: Tensor):
    every = explain(net, x, InputXGradient(), target=Neuron("body", "all"))
    assert every.values.shape == (8, 4, 6)
    torch.testing.assert_close(every.values[3], explain(net, x, InputXGradient(), target=Neuron("body", 3)).values)


def test_one_output_only_still_stands_in_front():
    a = explain(nn.Linear(3, 1), torch.ones(2, 3), InputXGradient(), target="all")
    assert a.values.shape == (1, 2, 3)
    assert a.output.shape == (1, 2)


def test_tuples_keep_their_form():
    a = explain(lambda u, v: torch.stack([u.sum(1), (u * v).sum(1)], 1), (torch.ones(2, 3), torch.ones(2, 3)),
                InputXGradient(), target="all")  # fmt: skip
    assert [part.shape for part in a.values] == [(2, 2, 3), (2, 2, 3)]
    assert torch.equal(a.values[1][0], torch.zeros(2, 3))
