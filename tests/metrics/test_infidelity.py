import itertools
import math

import pytest
import torch

from ascribe.metrics.infidelity import Infidelity
from reference.asking import bent, data, score


def by_definition(x, background, values, scale=1.0):
    """One row: the mean over sizes, over sets of that size, of the squared surprise; and of what removal does."""
    players = len(x)
    surprise = effect = 0.0
    for size in range(1, players + 1):
        for removed in itertools.combinations(range(players), size):
            without = x.repeat(len(background), 1)
            without[:, removed] = background[:, removed]
            done = float(bent(x[None])[0] - bent(without).mean())
            said = scale * float(values[list(removed)].sum())
            weight = 1 / (players * math.comb(players, size))
            surprise += weight * (said - done) ** 2
            effect += weight * done**2
    return surprise, effect


def test_the_definition():
    x, background, values = data(4, 3, 0), data(5, 3, 1), data(4, 3, 2)
    expected = [by_definition(x[i], background, values[i]) for i in range(4)]
    with score(bent, x, background) as (f, z, z0):
        plain = Infidelity(scaled=False, relative=False)(f, values, z, z0)
        relative = Infidelity(scaled=False)(f, values, z, z0)
    torch.testing.assert_close(plain, torch.tensor([surprise for surprise, _ in expected], dtype=torch.float64))
    torch.testing.assert_close(relative, torch.tensor([s / e for s, e in expected], dtype=torch.float64))


def test_the_scale_is_the_best():
    x, background, values = data(1, 3, 0), data(5, 3, 1), data(1, 3, 2)
    with score(bent, x, background) as (f, z, z0):
        scaled = float(Infidelity(relative=False)(f, values, z, z0))
        assert float(Infidelity(relative=False)(f, -7 * values, z, z0)) == pytest.approx(scaled)
    tried = [by_definition(x[0], background, values[0], scale)[0] for scale in torch.linspace(-20, 20, 401).tolist()]
    assert scaled <= min(tried)
    assert scaled == pytest.approx(min(tried), rel=1e-2)


def test_saying_nothing_is_one_and_a_constant_has_nothing_to_foretell():
    x, background = data(2, 3, 0), data(2, 3, 1)
    with score(bent, x, background) as (f, z, z0):
        assert Infidelity()(f, torch.zeros_like(x), z, z0).tolist() == pytest.approx([1, 1])
    with score(lambda z: 0 * z[:, 0], x, background) as (f, z, z0):
        assert Infidelity()(f, torch.zeros_like(x), z, z0).tolist() == [0, 0]


def test_many_players_are_sampled_without_bias():
    weights, x, background = data(1, 12, 3), data(3, 12, 0), data(2, 12, 1)
    values = data(3, 12, 2)

    def curved(z):
        return (z @ weights[0]).square()

    with score(curved, x, background) as (f, z, z0):
        whole = Infidelity(2**12, relative=False, scaled=False)(f, values, z, z0)
        samples = torch.stack(
            [Infidelity(200, relative=False, scaled=False, seed=s)(f, values, z, z0) for s in range(60)]
        )
    error = samples.std(dim=0) / 60**0.5
    assert bool(((samples.mean(dim=0) - whole).abs() < 4 * error).all())


def test_attributions_share_their_evaluations():
    x, background, values = data(3, 6, 0), data(2, 6, 1), data(3, 6, 2)
    with score(lambda z: z.sum(dim=1), x, background) as (f, z, z0):
        Infidelity(10)(f, values.expand(5, 3, 6), z, z0)
        assert f.budget.evaluations <= 3 * 10 * 2 + 3 + 6
