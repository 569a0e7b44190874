import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.maths.indices import banzhaf_index, shapley_index
from ascribe.maths.pairings import apportioned, pairings, subsets


def drawn(players, background, budgets, index=shapley_index, seed=0):
    return list(pairings(players, background, index(players).profile(), budgets, torch.Generator().manual_seed(seed)))


def questions(pairing):
    return list(zip(map(tuple, pairing.coalitions.tolist()), pairing.draws.tolist(), strict=True))


# 40 players: sizes with more coalitions than are numbered.
@pytest.mark.parametrize(("players", "background"), [(2, 3), (5, 1), (7, 4), (12, 1), (40, 2), (200, 1)])
def test_questions_differ_come_in_pairs_and_go_on(players, background):
    there = (2**players - 2) * background
    budgets = [min(4 * players, there // 2), min(11 * players, there)]
    few, many = drawn(players, background, budgets)
    for pairing, budget in ((few, budgets[0]), (many, budgets[1])):
        asked = questions(pairing)
        assert len(set(asked)) == len(asked)
        assert budget - 2 <= len(asked) - background - 1 <= budget
        pairs = pairing.coalitions[background + 1 :]
        assert torch.equal(pairs[::2], ~pairs[1::2])
        assert torch.equal(pairing.smaller.sum(dim=1).bincount(minlength=players // 2 + 1)[1:], pairing.drawn)
        assert int(pairing.drawn.min()) >= 1
        assert not pairing.coalitions[:background].any()
        assert pairing.coalitions[background].all()
    assert questions(many)[: len(questions(few))] == questions(few)


@pytest.mark.parametrize(("players", "background"), [(2, 1), (2, 3), (5, 3), (6, 2)])
def test_with_enough_questions_all_are_asked(players, background):
    (pairing,) = drawn(players, background, [2**players * background])
    assert len(set(questions(pairing))) == (2**players - 2) * background + background + 1
    assert not pairing.missed.any()
    # Every pair stands for itself over every background row.
    sizes = torch.tensor([math.comb(players, s) for s in range(1, players // 2 + 1)])
    assert float((pairing.share * sizes[pairing.smaller.sum(dim=1) - 1]).sum() * 2) == pytest.approx(2**players - 2)


def test_a_size_draws_all_its_coalitions_alike():
    hits = torch.zeros(6, 6)
    for seed in range(300):
        (pairing,) = drawn(6, 1, [24], seed=seed)
        two = pairing.smaller[pairing.smaller.sum(dim=1) == 2].float()
        hits += two.T @ two
    alike = hits[~torch.eye(6, dtype=torch.bool)]
    assert float((alike - alike.mean()).abs().max()) < 4 * float(alike.mean()) ** 0.5


def test_background_rows_are_met_in_turn():
    (pairing,) = drawn(12, 7, [400])
    for size in range(1, 7):
        met = pairing.draw[pairing.smaller.sum(dim=1) == size].bincount(minlength=7)
        assert int(met.max() - met.min()) <= 1


def test_sizes_get_what_they_count():
    (shapley,), (banzhaf,) = drawn(30, 1, [4000]), drawn(30, 1, [4000], banzhaf_index)
    # Nearly the same for all sizes, as leverage scores ask; and nearly as many as there are.
    assert int(shapley.drawn[2:14].max()) < 3 * int(shapley.drawn[2:14].min())
    assert int(banzhaf.drawn[12]) > 50 * int(banzhaf.drawn[3])


@given(
    wanted=st.lists(st.floats(0.01, 10), min_size=1, max_size=6),
    most=st.integers(1, 30),
    seats=st.integers(6, 60),
)
def test_seats_are_used_and_never_lost(wanted, most, seats):
    wanted = torch.tensor(wanted, dtype=torch.float64)
    limit = torch.full_like(wanted, most)
    one, two = apportioned(wanted, limit, seats), apportioned(wanted, limit, seats + 1)
    assert int(one.sum()) == min(seats, int(limit.sum()))
    assert bool((two >= one).all())


@pytest.mark.parametrize(("players", "size"), [(1, 1), (5, 2), (7, 3), (6, 6)])
def test_subsets_by_number(players, size):
    found = subsets(players, size, torch.arange(math.comb(players, size)))
    assert len(found.unique(dim=0)) == len(found)
    assert found.sum(dim=1).unique().tolist() == [size]
    firsts = found[:, 0].long()
    assert torch.equal(firsts, firsts.sort(descending=True).values)
