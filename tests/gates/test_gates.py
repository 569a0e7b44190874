"""Gates beside Captum's, and what they promise by themselves."""

import copy
import io

import captum.module as captum
import pytest
import torch

from ascribe.compat.captum import module as door
from ascribe.errors import InputError, MethodError
from ascribe.gates import BinaryConcreteGates, GaussianGates

NAMES = ["BinaryConcreteStochasticGates", "GaussianStochasticGates"]
MASK = torch.tensor([[0, 0, 1], [2, 1, 2]])


def pair(name, *args, **kwargs):
    torch.manual_seed(3)
    theirs = getattr(captum, name)(*args, **kwargs)
    torch.manual_seed(3)
    ours = getattr(door, name)(*args, **kwargs)
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    with torch.no_grad():
        next(theirs.parameters()).copy_(torch.linspace(-1, 2, 3))
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("reduction", ["sum", "mean", "none"])
def test_the_same_as_captum_with_the_same_noise(name, mode, reduction):
    ours, theirs = pair(name, 3, MASK, 0.3, reg_reduction=reduction)
    x = torch.randn(5, 2, 3)
    getattr(ours, mode)(), getattr(theirs, mode)()
    torch.manual_seed(1)
    gated, penalty = theirs(x)
    torch.manual_seed(1)
    found, cost = ours(x)
    torch.testing.assert_close((found, cost), (gated, penalty))
    torch.testing.assert_close(ours.get_gate_values(), theirs.get_gate_values())
    torch.testing.assert_close(ours.get_gate_values(clamp=False), theirs.get_gate_values(clamp=False))
    torch.testing.assert_close(ours.get_gate_active_probs(), theirs.get_gate_active_probs())


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_captums(name):
    ours, theirs = pair(name, 3)
    x = torch.randn(4, 3)
    for gates in (ours, theirs):
        torch.manual_seed(1)
        gated, penalty = gates(x)
        (gated.square().sum() + penalty).backward()
    torch.testing.assert_close(next(ours.parameters()).grad, next(theirs.parameters()).grad)


def test_a_subclass_of_the_base():
    class Half(door.StochasticGatesBase):
        def _get_gate_values(self):
            return torch.full((2,), 0.5)

        def _sample_gate_values(self, batch_size):
            return self._get_gate_values().expand(batch_size, 2)

        def _get_gate_active_probs(self):
            return torch.ones(2)

    gated, penalty = Half(2)(torch.ones(3, 2))
    assert gated.unique().tolist() == [0.5]
    assert float(penalty) == 2
    assert isinstance(door.GaussianStochasticGates(2), door.StochasticGatesBase)


@pytest.mark.parametrize("kind", [GaussianGates, BinaryConcreteGates])
def test_a_stream_of_their_own(kind):
    before = torch.get_rng_state()
    gates, again = kind(4, seed=1), kind(4, seed=1)
    x = torch.ones(6, 4)
    first, second = gates(x)[0], gates(x)[0]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(again(x)[0], first)
    assert not torch.equal(first, second)
    assert torch.equal(copy.deepcopy(again)(x)[0], second)
    assert not torch.equal(kind(4, seed=2)(x)[0], first)
    saved = io.BytesIO()
    torch.save(gates.state_dict(), saved)
    assert list(gates.state_dict()) == ["mu" if kind is GaussianGates else "log_alpha_param"]


@pytest.mark.parametrize("kind", [GaussianGates, BinaryConcreteGates])
def test_active_is_how_often_a_gate_is_open(kind):
    gates = kind(3).double()
    with torch.no_grad():
        next(gates.parameters()).copy_(torch.tensor([-0.4, 0.1, 0.8]))
    open_ = (gates.sampled(200_000) > 0).double()
    error = (gates.active() * (1 - gates.active()) / 200_000).sqrt()
    assert bool(((open_.mean(0) - gates.active()).abs() < 4 * error).all())


@pytest.mark.parametrize("kind", [GaussianGates, BinaryConcreteGates])
def test_useless_inputs_lose_their_gates(kind):
    torch.manual_seed(0)
    x = torch.randn(256, 4)
    gates = kind(4, reg_weight=0.05)
    optimiser = torch.optim.Adam(gates.parameters(), 0.05)
    for _ in range(300):
        gated, penalty = gates(x)
        loss = (gated[:, 0] - x[:, 0]).square().mean() + (gated[:, 1] - x[:, 1]).square().mean() + penalty
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    probability = gates.active().detach()
    assert float(probability[:2].min()) > 0.9
    assert float(probability[2:].max()) < 0.2


def test_refusals():
    with pytest.raises(MethodError, match="reg_reduction='max' is not known"):
        GaussianGates(3, reg_reduction="max")
    with pytest.raises(MethodError, match="std=0"):
        GaussianGates(3, std=0.0)
    with pytest.raises(MethodError, match="temperature=1"):
        BinaryConcreteGates(3, temperature=1.0)
    with pytest.raises(MethodError, match="below 0"):
        BinaryConcreteGates(3, lower_bound=0.1)
    with pytest.raises(MethodError, match="n_gates=0"):
        GaussianGates(0)
    with pytest.raises(InputError, match="gates 0 to 2 for n_gates=2"):
        GaussianGates(2, MASK)
    with pytest.raises(InputError, match="4 entries for 3 gates"):
        GaussianGates(3)(torch.ones(2, 4))
    with pytest.raises(InputError, match="gates need rows"):
        GaussianGates(3)(torch.ones(3))
    with pytest.raises(InputError, match="does not broadcast"):
        GaussianGates(3, MASK)(torch.ones(2, 4))
    with pytest.raises(InputError, match="whole number"):
        GaussianGates(3, MASK.float())
