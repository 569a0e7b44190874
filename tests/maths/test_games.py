import itertools

import torch

from ascribe.maths.coalitions import antithetic, walk
from ascribe.maths.games import contributions
from ascribe.maths.indices import shapley_index


def test_contributions_of_all_orders_average_to_the_exact_values():
    players = 4
    worths = torch.randn(2, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    order = torch.tensor(list(itertools.permutations(range(players))))
    walks = walk(order, torch.zeros(len(order), dtype=torch.long), background=1)
    code = (walks.coalitions * 2 ** torch.arange(players)).sum(dim=1)
    each = contributions(worths[:, code][:, walks.index], order)
    torch.testing.assert_close(each.mean(dim=1), shapley_index(players).exact(worths))
    torch.testing.assert_close(each.sum(dim=-1), (worths[:, -1] - worths[:, 0])[:, None].expand(2, 24))


def test_a_contribution_stands_at_its_player():
    order = antithetic(3, 1, torch.Generator().manual_seed(1))
    worths = torch.tensor([[[0.0, 1.0, 11.0, 111.0], [0.0, 1.0, 11.0, 111.0]]], dtype=torch.float64)
    each = contributions(worths, order)[0]
    assert each[0][order[0]].tolist() == [1, 10, 100]
    assert each[1][order[1]].tolist() == [1, 10, 100]
