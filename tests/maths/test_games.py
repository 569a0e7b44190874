import itertools

import pytest
import torch

from ascribe.maths.coalitions import antithetic, every, walk
from ascribe.maths.games import contributions, shapley, shapley_weights


def by_permutations(worths, players):
    """The definition: the mean contribution over all orders."""
    values = torch.zeros(players, dtype=torch.float64)
    for order in itertools.permutations(range(players)):
        code = 0
        for player in order:
            values[player] += worths[code | 1 << player] - worths[code]
            code |= 1 << player
    return values / len(list(itertools.permutations(range(players))))


@pytest.mark.parametrize("players", [1, 2, 3, 6])
def test_exact_values_are_the_mean_over_all_orders(players):
    worths = torch.randn(3, 2**players, dtype=torch.float64, generator=torch.Generator().manual_seed(players))
    expected = torch.stack([by_permutations(row, players) for row in worths])
    torch.testing.assert_close(shapley(worths), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("players", [1, 4, 12])
def test_efficiency_and_dummy(players):
    weights = shapley_weights(players)
    assert weights.dtype == torch.float64
    whole = weights.sum(dim=1)
    assert whole[0] == pytest.approx(-1)
    assert whole[-1] == pytest.approx(1)
    torch.testing.assert_close(whole[1:-1], torch.zeros_like(whole[1:-1]), rtol=0, atol=1e-15)
    additive = (every(players).double() @ torch.arange(players).double())[None]
    torch.testing.assert_close(shapley(additive)[0], torch.arange(players).double(), rtol=1e-13, atol=1e-13)


def test_contributions_of_all_orders_average_to_the_exact_values():
    players = 4
    worths = torch.randn(2, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    order = torch.tensor(list(itertools.permutations(range(players))))
    walks = walk(order, torch.zeros(len(order), dtype=torch.long), background=1)
    code = (walks.coalitions * 2 ** torch.arange(players)).sum(dim=1)
    each = contributions(worths[:, code][:, walks.index], order)
    torch.testing.assert_close(each.mean(dim=1), shapley(worths))
    torch.testing.assert_close(each.sum(dim=-1), (worths[:, -1] - worths[:, 0])[:, None].expand(2, 24))


def test_a_contribution_stands_at_its_player():
    order = antithetic(3, 1, torch.Generator().manual_seed(1))
    worths = torch.tensor([[[0.0, 1.0, 11.0, 111.0], [0.0, 1.0, 11.0, 111.0]]], dtype=torch.float64)
    each = contributions(worths, order)[0]
    assert each[0][order[0]].tolist() == [1, 10, 100]
    assert each[1][order[1]].tolist() == [1, 10, 100]
