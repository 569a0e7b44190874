"""FGSM and PGD: from their papers, and what they promise."""

import copy

import pytest
import torch
from torch import nn

from ascribe.errors import InputError, MethodError, TargetError
from ascribe.robust import FGSM, PGD
from reference.attacks import descent, sign_step


def network(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3)).double()


X = torch.randn(6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
Y = torch.tensor([0, 1, 2, 2, 1, 0])


def cross_entropy(output, target):
    return nn.functional.cross_entropy(output, target, reduction="none")


@pytest.mark.parametrize("memory", ["64 MiB", "1 KB"])
def test_the_papers(memory):
    net = network()
    whole = FGSM(0.1)(net, X, Y, loss=cross_entropy, memory=memory)
    near = {norm: PGD(0.2, 0.05, 7, norm)(net, X, Y, loss=cross_entropy, memory=memory) for norm in ("Linf", "L2")}
    net.eval()
    for i, (row, y) in enumerate(zip(X, Y, strict=True)):

        def loss(x, y=y):
            return nn.functional.cross_entropy(net(x), y[None])

        torch.testing.assert_close(whole[i], sign_step(loss, row, 0.1))
        for norm, found in near.items():
            torch.testing.assert_close(found[i], descent(loss, row, 0.2, 0.05, 7, norm))


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_any_reduction_of_the_loss(reduction):
    net = network()
    loss = nn.CrossEntropyLoss(reduction=reduction)
    torch.testing.assert_close(FGSM(0.1)(net, X, Y, loss=loss), FGSM(0.1)(net, X, Y, loss=cross_entropy))


def test_an_attack_raises_the_loss_and_a_targeted_one_lowers_it():
    net = network().eval()
    start = cross_entropy(net(X), Y)
    assert bool((cross_entropy(net(PGD(0.3, 0.1, 5)(net, X, Y, loss=cross_entropy)), Y) > start).all())
    assert bool((cross_entropy(net(PGD(0.3, 0.1, 5, targeted=True)(net, X, Y, loss=cross_entropy)), Y) < start).all())


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_it_stays_in_the_ball_and_the_bounds(norm):
    net = network()
    for seed in range(3):
        moved = PGD(0.5, 0.4, 3, norm, lower=-1.0, upper=1.0, seed=seed)(net, X, Y, loss=cross_entropy)
        assert float(moved.abs().max()) <= 1
        inside = PGD(0.5, 0.4, 3, norm, seed=seed)(net, X, Y, loss=cross_entropy) - X
        length = inside.abs().amax(1) if norm == "Linf" else inside.norm(dim=1)
        assert float(length.max()) <= 0.5 + 1e-12


def test_random_starts_fill_the_ball():
    net = nn.Linear(2, 1).double()
    x = torch.zeros(20_000, 2, dtype=torch.float64)
    for norm, power in (("L2", 2), ("Linf", 2)):
        start = PGD(3.0, 0.1, 0, norm, seed=0)(net, x)
        length = start.norm(dim=1) if norm == "L2" else start.abs().amax(1)
        # The part of the ball within t of its centre is (t / radius) ** dimensions.
        inside = (length[None] < 3 * torch.tensor([[0.3], [0.6], [0.9]])).double().mean(1)
        torch.testing.assert_close(inside, torch.tensor([0.3, 0.6, 0.9]).double() ** power, atol=0.02, rtol=0)


def test_masks_and_several_inputs():
    first, second = nn.Linear(2, 3).double(), nn.Linear(3, 3).double()

    def model(a, b, scale):
        return (first(a) + second(b)) * scale

    a, b = X[:, :2], X[:, :3]
    moved = FGSM(0.1)(model, (a, b), Y, loss=cross_entropy, mask=(torch.tensor([1, 0]), torch.ones(3)), given=(2.0,))
    assert torch.equal(moved[0][:, 1], a[:, 1])
    assert bool((moved[0][:, 0] != a[:, 0]).all())
    assert bool((moved[1] != b).all())
    named = FGSM(0.1)(lambda a, b: model(a, b, 2.0), {"a": a, "b": b}, Y, loss=cross_entropy)
    assert list(named) == ["a", "b"]
    torch.testing.assert_close(named["b"], moved[1])


def test_everything_is_given_back():
    net = network()
    before = copy.deepcopy(net.state_dict())
    stream = torch.get_rng_state()
    net[0].weight.requires_grad_(False)

    def failing(output, target):
        raise ZeroDivisionError

    FGSM(0.1)(net, X, Y, loss=cross_entropy)
    with pytest.raises(ZeroDivisionError):
        PGD(0.1, 0.1, 2, seed=0)(net, X, Y, loss=failing)
    assert all(m.training for m in net.modules())
    assert all(torch.equal(a, b) for a, b in zip(before.values(), net.state_dict().values(), strict=True))
    assert [p.requires_grad for p in net.parameters()] == [False, True, True, True, True, True]
    assert all(p.grad is None for p in net.parameters())
    assert torch.equal(torch.get_rng_state(), stream)
    assert not X.requires_grad


def test_refusals():
    net = network()
    with pytest.raises(MethodError, match="norm='L3'"):
        PGD(0.1, 0.1, 1, "L3")
    with pytest.raises(MethodError, match="leave no room"):
        FGSM(0.1, lower=1.0, upper=0.0)
    with pytest.raises(MethodError, match="cross_entropy"):
        FGSM(0.1)(net, X, Y)
    with pytest.raises(TargetError, match="one number a row"):
        FGSM(0.1)(net, X, Y, loss=lambda output, target: output[:2, 0])
    with pytest.raises(TargetError, match="one target for each row"):
        FGSM(0.1)(net, X, Y[:3], loss=cross_entropy)
    with pytest.raises(MethodError, match="epsilon=nan"):
        FGSM(float("nan"))
    with pytest.raises(MethodError, match="steps=-1"):
        PGD(0.1, 0.1, -1)
    with pytest.raises(InputError, match="does not broadcast"):
        FGSM(0.1)(net, X, Y, loss=cross_entropy, mask=torch.ones(3))
    with pytest.raises(InputError, match="whole numbers"):
        FGSM(0.1)(nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2)), torch.ones(2, 2).long(), 0)
    with pytest.raises(MethodError, match="NaN"):
        FGSM(0.1)(nn.Identity(), X - X, 0, loss=lambda output, target: output[:, 0].sqrt() * output[:, 1])
