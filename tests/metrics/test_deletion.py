import itertools

import pytest
import torch

from ascribe.metrics.deletion import Deletion
from reference.asking import bent, data, score


def curve(x, background, order):
    """The mean output after each removal in this order, from none to all."""
    outputs = [float(bent(x[None])[0])]
    for count in range(1, len(order) + 1):
        without = x.repeat(len(background), 1)
        without[:, order[:count]] = background[:, order[:count]]
        outputs.append(float(bent(without).mean()))
    return outputs


def area(outputs):
    return sum((a + b) / 2 for a, b in itertools.pairwise(outputs)) / (len(outputs) - 1)


def test_the_area_between_the_curves():
    x, background, values = data(4, 3, 0), data(5, 3, 1), data(4, 3, 2)
    orders = values.argsort(dim=1, descending=True)
    expected = [
        area(curve(x[i], background, orders[i].flip(0))) - area(curve(x[i], background, orders[i])) for i in range(4)
    ]
    with score(bent, x, background) as (f, z, z0):
        found = Deletion()(f, values, z, z0)
        assert found.tolist() == pytest.approx(expected)
        assert Deletion()(f, -values, z, z0).tolist() == pytest.approx([-value for value in expected])


def test_chance_gets_nothing():
    x, background = data(3, 3, 0), data(4, 3, 1)
    with score(bent, x, background) as (f, z, z0):
        figures = Deletion()(f, torch.stack([data(3, 3, seed) for seed in range(100)]), z, z0)
    assert bool((figures.mean(dim=0).abs() < 4 * figures.std(dim=0) / 100**0.5).all())


def test_stages_bound_the_price():
    x = data(2, 50, 0)
    with score(lambda z: z.sum(dim=1), x, torch.zeros(1, 50)) as (f, z, z0):
        figure = Deletion(stages=10)(f, x, z, z0)
        assert f.budget.evaluations <= 2 * 2 * 9 + 6
        whole = Deletion(stages=50)(f, x, z, z0)
    torch.testing.assert_close(figure, whole, rtol=0.05, atol=0)


def test_one_player_has_no_order():
    with score(lambda z: z[:, 0], data(2, 1, 0), torch.zeros(1, 1)) as (f, z, z0):
        assert Deletion()(f, data(2, 1, 1), z, z0).tolist() == [0, 0]
