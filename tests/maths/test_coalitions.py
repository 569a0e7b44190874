import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.maths.coalitions import antithetic, every, plans, walk


def orders(players, pairs, seed=0):
    return antithetic(players, pairs, torch.Generator().manual_seed(seed))


def test_every_coalition_once():
    coalitions = every(5)
    assert coalitions.shape == (32, 5)
    assert len(coalitions.unique(dim=0)) == 32


def test_orders_come_with_their_reverse():
    order = orders(7, 5)
    assert order.shape == (10, 7)
    assert torch.equal(order[1::2], order[::2].flip(1))
    assert torch.equal(order.sort(dim=1).values, torch.arange(7).expand(10, 7))


# 62 players fill one word of a coalition's code; 63 and 130 need more.
@given(players=st.sampled_from([1, 2, 3, 5, 61, 62, 63, 130]), pairs=st.integers(1, 6), draws=st.integers(1, 3))
def test_walks_ask_every_question_once_and_in_order(players, pairs, draws):
    order = orders(players, pairs)
    draw = torch.arange(pairs).repeat_interleave(2) % draws
    walks = walk(order, draw, draws)
    for w in range(len(order)):
        present = torch.zeros(players, dtype=torch.bool)
        for step in range(players + 1):
            if step:
                present[order[w, step - 1]] = True
            question = walks.index[w, step]
            assert torch.equal(walks.coalitions[question], present)
            assert step == players or walks.draws[question] == draw[w]
    assert not walks.coalitions[:draws].any()
    assert walks.draws[:draws].tolist() == list(range(draws))
    assert walks.coalitions[draws].all()
    asked = {(tuple(c), b) for c, b in zip(walks.coalitions.tolist(), walks.draws.tolist(), strict=True)}
    assert len(asked) == len(walks.coalitions)


@given(questions=st.integers(0, 150))
def test_a_number_of_questions_is_kept_and_used(questions):
    order, draw = orders(6, 20), torch.arange(20).repeat_interleave(2) % 3
    asked = [len(walk(order[: 2 * pairs], draw[: 2 * pairs], 3).coalitions) for pairs in range(1, 21)]
    kept = walk(order, draw, 3).within(questions)
    pairs = sum(count <= questions for count in asked)
    assert len(kept.order) == 2 * pairs
    if pairs:
        alone = walk(order[: 2 * pairs], draw[: 2 * pairs], 3)
        assert torch.equal(kept.coalitions, alone.coalitions)
        assert torch.equal(kept.draws, alone.draws)
        assert torch.equal(kept.index, alone.index)


@pytest.mark.parametrize(("players", "background"), [(11, 1), (4, 300), (2, 600), (70, 3)])
def test_plans_go_on_from_one_another_within_their_budgets(players, background):
    budgets = [600, 1000]
    small, large = plans(players, background, budgets, torch.Generator().manual_seed(0))
    for walks, budget in zip([small, large], budgets, strict=True):
        asked = len(walks.coalitions) - background - 1
        assert budget - 2 * players < asked <= budget
    assert torch.equal(large.order[: len(small.order)], small.order)
    assert torch.equal(large.coalitions[: len(small.coalitions)], small.coalitions)
    assert torch.equal(large.draw[: len(small.draw)], small.draw)
    meetings = large.draw[::2].bincount(minlength=background)
    assert int(meetings.max() - meetings.min()) <= 1
