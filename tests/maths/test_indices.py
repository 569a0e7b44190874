import itertools

import pytest
import torch

from ascribe.maths.coalitions import every
from ascribe.maths.indices import banzhaf_index, pairwise_index, shapley_index
from ascribe.maths.signs import elementary, mean_product
from reference import interactions as reference

PAIRWISE = {
    "k-SII": reference.shapley_interactions,
    "STII": reference.shapley_taylor,
    "FSII": reference.faithful,
}


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def indices(players):
    return [shapley_index(players), banzhaf_index(players), *(pairwise_index(players, kind) for kind in PAIRWISE)]


@pytest.mark.parametrize("players", [1, 2, 3, 5])
def test_values_are_those_of_the_definitions(players):
    worths = normal(2, 2**players, seed=players)
    for index, definition in ((shapley_index, reference.shapley), (banzhaf_index, reference.banzhaf)):
        expected = torch.tensor([definition(reference.as_game(row)) for row in worths], dtype=torch.float64)
        torch.testing.assert_close(index(players).exact(worths), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", PAIRWISE)
@pytest.mark.parametrize("players", [1, 2, 3, 4, 6])
def test_interactions_are_those_of_the_definitions(kind, players):
    worths = normal(1, 2**players, seed=players)
    found, expected = pairwise_index(players, kind).exact(worths)[0], PAIRWISE[kind](reference.as_game(worths[0]))
    if kind == "FSII" and players == 2:
        # All of two players' games are met exactly; least squares is not asked for anything.
        expected = reference.shapley_interactions(reference.as_game(worths[0]))
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", PAIRWISE)
@pytest.mark.parametrize("players", [1, 3, 9])
def test_lines_sum_to_shapley_values_and_all_to_the_whole(kind, players):
    worths = normal(3, 2**players)
    matrix = pairwise_index(players, kind).exact(worths)
    assert torch.equal(matrix, matrix.mT)
    torch.testing.assert_close(matrix.sum(dim=2), shapley_index(players).exact(worths), rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(matrix.sum(dim=(1, 2)), worths[:, -1] - worths[:, 0], rtol=1e-11, atol=1e-11)


def test_the_nearest_additive_game_is_the_shapley_value():
    worths = normal(1, 32)
    found, _ = reference.nearest(reference.as_game(worths[0]), order=1)
    torch.testing.assert_close(shapley_index(5).exact(worths)[0], found, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("degree", range(5))
@pytest.mark.parametrize("players", [1, 2, 4, 7])
def test_the_index_of_products_of_signs(players, degree):
    at = every(players)[:: max(1, 2**players // 5)].double() * 2 - 1
    signs = every(players).double() * 2 - 1
    products = torch.zeros(len(at), len(signs), dtype=torch.float64)
    for chosen in map(list, itertools.combinations(range(players), degree)):
        products += at[:, chosen].prod(dim=1)[:, None] * signs[:, chosen].prod(dim=1)
    torch.testing.assert_close(elementary(players, at @ signs.T, degree), products)
    for index in indices(players):
        found = index.assembled([index.monomials(at, degree, line) for line in index.lines()])
        torch.testing.assert_close(found, index.exact(products), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("count", "degree"), [(5, 0), (5, 2), (6, 3), (4, 4), (3, 4)])
def test_mean_products(count, degree):
    signs = every(count).double() * 2 - 1
    present = torch.arange(count + 1).double()
    expected = torch.zeros(count + 1, dtype=torch.float64)
    if degree <= count:
        product = signs[:, :degree].prod(dim=1)
        expected = torch.stack([product[every(count).sum(dim=1) == size].mean() for size in range(count + 1)])
    torch.testing.assert_close(mean_product(count, present, degree), expected)


def test_many_players_neither_overflow_nor_vanish():
    for index in indices(1500)[:2]:
        assert bool(index.profile().isfinite().all())
    share = banzhaf_index(1500).inside
    assert float(share.sum()) == pytest.approx(2, rel=1e-9)
