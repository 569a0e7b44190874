import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.maths.coalitions import antithetic, every, walk


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
    walks = walk(order, draw)
    for w in range(len(order)):
        present = torch.zeros(players, dtype=torch.bool)
        for step in range(players + 1):
            if step:
                present[order[w, step - 1]] = True
            question = walks.index[w, step]
            assert torch.equal(walks.coalitions[question], present)
            assert step == players or walks.draws[question] == draw[w]
    asked = {(tuple(c), b) for c, b in zip(walks.coalitions.tolist(), walks.draws.tolist(), strict=True)}
    assert len(asked) == len(walks.coalitions)
    assert int(walks.index.max()) + 1 == len(walks.coalitions)


def test_questions_of_the_first_walks_are_the_first_questions():
    order, draw = orders(6, 20), torch.arange(20).repeat_interleave(2) % 3
    whole = walk(order, draw)
    few = whole.first(10)
    alone = walk(order[:10], draw[:10])
    assert torch.equal(few.coalitions, alone.coalitions)
    assert torch.equal(few.draws, alone.draws)
    assert torch.equal(few.index, alone.index)


@given(budget=st.integers(0, 200))
def test_a_budget_is_kept_and_used(budget):
    whole = walk(orders(6, 20), torch.zeros(40, dtype=torch.long))
    asked = [len(whole.first(2 * pairs).coalitions) for pairs in range(1, 21)]
    affordable = sum(count <= budget for count in asked)
    if affordable:
        assert len(whole.within(budget).order) == 2 * affordable
