"""Infidelity and sensitivity under a user's own changes: from their formulas."""

import pytest
import torch
from torch import nn

from ascribe.errors import InputError, MethodError
from ascribe.metrics import perturbed_infidelity, perturbed_sensitivity


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Dropout(), nn.Linear(6, 3)).double()


X, PHI, Y = normal(0, 5, 4), normal(1, 5, 4), torch.tensor([0, 2, 1, 1, 0])


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("memory", ["64 MiB", "1 KB"])
def test_infidelity_is_its_formula(scaled, memory):
    net, changes = network(), iter(0.3 * normal(2, 7, 5, 4))
    drawn = []

    def perturb(x):
        drawn.append(next(changes))
        return drawn[-1], x - drawn[-1]

    found = perturbed_infidelity(net, X, PHI, perturb, target=Y, draws=7, scaled=scaled, memory=memory)
    net.eval()

    def f(row, y):
        return float(net(row[None])[0, y].detach())

    for i in range(5):
        said = torch.tensor([float((PHI[i] * change[i]).sum()) for change in drawn])
        done = torch.tensor([f(X[i], Y[i]) - f(X[i] - change[i], Y[i]) for change in drawn])
        best = float((said * done).sum() / said.square().sum()) if scaled else 1.0
        assert float(found[i]) == pytest.approx(float((best * said - done).square().mean()), rel=1e-5)


def test_sensitivity_is_its_formula():
    noise = 0.1 * normal(3, 6, 5, 4)
    for order in (1, 2, float("inf")):
        changes = iter(noise)
        found = perturbed_sensitivity(torch.sin, X, perturb=lambda x, c=changes: x + next(c), draws=6, order=order)
        apart = torch.stack([(torch.sin(X + one) - torch.sin(X)).norm(order, dim=1) for one in noise])
        torch.testing.assert_close(found, apart.amax(0) / torch.sin(X).norm(order, dim=1))
    assert perturbed_sensitivity(lambda x: 0 * x, X).tolist() == [0] * 5


def test_seeds_and_streams():
    before = torch.get_rng_state()
    one, again, other = (perturbed_sensitivity(torch.sin, X, seed=s) for s in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)

    def perturb(x):
        noise = torch.randn_like(x)
        return noise, x - noise

    perturbed_infidelity(network(), X, PHI, perturb, target=0, draws=3)
    after = torch.get_rng_state()
    torch.set_rng_state(before)
    for _ in range(3):
        torch.randn_like(X)
    assert torch.equal(torch.get_rng_state(), after)


def test_refusals():
    net = network()
    with pytest.raises(InputError, match="the change has shape"):
        perturbed_infidelity(net, X, PHI, lambda x: (x[:2], x), target=0)
    with pytest.raises(InputError, match="return two"):
        perturbed_infidelity(net, X, PHI, lambda x: x, target=0)
    with pytest.raises(InputError, match="attributions has shape"):
        perturbed_infidelity(net, X, PHI[:, :2], lambda x: (x, x), target=0)
    with pytest.raises(InputError, match="row 0 is NaN"):
        perturbed_infidelity(net, X, PHI, lambda x: (x, x * float("nan")), target=0)
    with pytest.raises(MethodError, match="draws=0"):
        perturbed_infidelity(net, X, PHI, lambda x: (x, x), target=0, draws=0)
    with pytest.raises(InputError, match="as many rows"):
        perturbed_sensitivity(lambda x: x[:1], X, together=2)
