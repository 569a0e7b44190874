"""What runs before a cut runs once for every data row."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ascribe import Ablation, Conductance, DeepLift, InputXGradient, IntegratedGradients, explain
from ascribe.core.method import Method
from ascribe.maths.quadrature import GaussLegendre


class Trunk(nn.Module):
    """Torch's own modules and an activation in place before the cut; a module of the user's own that counts."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6))
        self.own = Own()
        self.second, self.head = nn.Linear(6, 6), nn.Linear(12, 2)
        self.rows = 0

    def forward(self, x: Tensor) -> Tensor:
        self.rows += len(x)
        h = self.own(torch.relu_(self.first(x)))
        return self.head(torch.cat([self.second(h).tanh(), h * self.own.kept], 1))


class Own(nn.Module):
    """Leaves something behind that is needed later."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Linear(6, 6)
        self.kept = torch.zeros(())
        self.calls = 0

    def forward(self, h: Tensor) -> Tensor:
        self.kept = h.sigmoid()
        self.calls += 1
        return self.scale(h)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(7, 4, generator=torch.Generator().manual_seed(1))


METHODS: list[Method] = [InputXGradient(), IntegratedGradients(GaussLegendre(9)), DeepLift(), Ablation()]


@pytest.mark.parametrize("memory", ["64 MiB", "2 KB"])
@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_values_are_those_of_the_part_behind_the_cut(method: Method, memory: str, x: Tensor) -> None:
    net = Trunk()
    with torch.no_grad():
        h = net.own(net.first(x).relu())
        h0 = net.own(net.first(torch.zeros(1, 4)).relu())
        kept = net.first(x).relu().sigmoid()

    def behind(part: Tensor, gate: Tensor, other: Tensor) -> Tensor:
        return net.head(torch.cat([part.tanh(), other * gate], 1))

    with torch.no_grad():
        second, second0 = net.second(h), net.second(h0)
    found = explain(net, x, method, target=1, at="second", memory=memory)
    asked = explain(behind, second, method, target=1, baseline=second0, given=(kept, h))
    torch.testing.assert_close(found.values, asked.values, rtol=1e-4, atol=1e-6)


def test_torchs_own_modules_run_once_a_row_and_others_always(x: Tensor) -> None:
    net, runs = Trunk(), [0]
    own = type(net.first[0]).forward

    class Counted(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            runs[0] += len(input)
            return own(self, input)

    Counted.__module__ = "torch.nn.modules.linear"
    net.first[0].__class__ = Counted
    explain(net, x, IntegratedGradients(GaussLegendre(50)), target=0, at="second")
    # A glance at a row, one row by itself, all rows, and the baseline; then nothing.
    assert runs[0] == 1 + 1 + len(x) + 1
    assert net.own.calls > 3


def test_a_hook_of_the_user_hears_every_run(x: Tensor) -> None:
    net, heard = Trunk(), [0]
    net.first.register_forward_hook(lambda *_: heard.__setitem__(0, heard[0] + 1))
    a = explain(net, x, IntegratedGradients(GaussLegendre(50)), target=0, at="second")
    assert heard[0] >= a.calls


def test_modules_are_as_before_also_after_an_error(x: Tensor) -> None:
    class Fragile(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head, self.calls = nn.Linear(4, 3), nn.Linear(3, 1), 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            if self.calls > 6:
                raise RuntimeError("mine")
            return self.head(self.body(x).tanh())

    net = Fragile()
    with pytest.raises(RuntimeError, match="mine"):
        explain(nn.Sequential(nn.Linear(4, 4), net), x, IntegratedGradients(), at="1.head:in", memory="1 KB")
    assert all("forward" not in vars(module) and not module._forward_hooks for module in net.modules())


def test_the_input_itself_is_left_alone(x: Tensor) -> None:
    net = Trunk()
    assert explain(net, x, Conductance(GaussLegendre(5)), target=0, at="second").values.shape == (7, 6)
