import pytest
import torch

from ascribe.maths import differences
from ascribe.maths.coalitions import every
from ascribe.maths.differences import DifferenceEstimator
from ascribe.maths.indices import banzhaf_index, pairwise_index, shapley_index
from ascribe.maths.pairings import pairings

INDICES = {
    "Shapley": shapley_index,
    "Banzhaf": banzhaf_index,
    "k-SII": lambda n: pairwise_index(n, "k-SII"),
    "STII": lambda n: pairwise_index(n, "STII"),
    "FSII": lambda n: pairwise_index(n, "FSII"),
}


def games(rows, players, background, seed=0):
    """Worths (rows, coalitions, background) of smooth games with interactions of all orders."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    x, other = normal(rows, players), normal(background, players) / 2
    hidden, out = normal(players, 12) / players**0.5, normal(12)
    mixed = torch.where(every(players)[None, :, None], x[:, None, None], other[None, None])
    return (2 * mixed @ hidden).tanh() @ out


def estimate(index, worths, budget, seed):
    background, players = worths.shape[2], index.players
    generator = torch.Generator().manual_seed(seed)
    pairing = next(pairings(players, background, index.profile(), [budget], generator))
    estimator = DifferenceEstimator(index, pairing)
    code = (estimator.coalitions * 2 ** torch.arange(players)).sum(dim=1)
    return estimator.estimate(worths[:, code, estimator.draws])


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("background", [1, 3])
def test_exact_where_all_coalitions_are_there(name, background):
    index, worths = INDICES[name](6), games(3, 6, background)
    values, errors = estimate(index, worths, 64 * background, seed=0)
    torch.testing.assert_close(values, index.exact(worths.mean(dim=2)), rtol=1e-9, atol=1e-9)
    assert float(errors.max()) < 1e-9


# The errors of many games under several samples: where nothing is missed there is none.
DESIGNS = [(7, 1, 60), (10, 1, 200), (7, 10, 300)]


@pytest.mark.parametrize(
    ("name", "players", "background", "budget"),
    [
        *(("Shapley", *design) for design in DESIGNS),
        ("Banzhaf", *DESIGNS[1]),
        ("k-SII", *DESIGNS[0]),
        ("k-SII", *DESIGNS[2]),
        ("STII", *DESIGNS[0]),
        ("FSII", *DESIGNS[0]),
    ],
)
def test_twice_the_error_covers_the_truth(name, players, background, budget):
    index, worths = INDICES[name](players), games(8, players, background)
    truth = index.exact(worths.mean(dim=2))
    runs = [estimate(index, worths, budget, seed) for seed in range(16)]
    off = torch.stack([values - truth for values, _ in runs])
    errors = torch.stack([errors for _, errors in runs])
    sampled = errors > 1e-9
    assert 0.9 < float((off.abs() < 2 * errors)[sampled].double().mean()) < 0.985
    assert float(off[~sampled].abs().max() if bool((~sampled).any()) else 0) < 1e-9
    assert 0.85 < float(errors.square().mean().sqrt() / off.square().mean().sqrt()) < 1.3
    # The mean of 16 runs is off by a quarter of the error by chance. A fit of few pairs leans to less interaction, by
    # less than the error and within it.
    bias = off.mean(dim=0).square().mean().sqrt() / errors.square().mean().sqrt()
    assert float(bias) < (0.35 if index.pair is None else 0.5)


@pytest.mark.parametrize("name", [name for name in INDICES if name != "Banzhaf"])
def test_the_whole_is_shared_out(name):
    index, worths = INDICES[name](9), games(4, 9, 5)
    values, _ = estimate(index, worths, 300, seed=1)
    whole = worths[:, -1, 0] - worths[:, 0].mean(dim=1)
    torch.testing.assert_close(values.flatten(1).sum(dim=1), whole, rtol=1e-10, atol=1e-10)


def test_the_fit_pays():
    """Against the estimate of the plain sample, without a fit: Banzhaf values by maximum sample reuse."""
    index, worths = banzhaf_index(10), games(6, 10, 1)
    truth = index.exact(worths[:, :, 0])
    present, ours, plain = every(10), 0.0, 0.0
    for seed in range(10):
        ours += float((estimate(index, worths, 200, seed)[0] - truth).square().mean())
        some = torch.randperm(1024, generator=torch.Generator().manual_seed(seed))[:203]
        inside, worth = present[some].double(), worths[:, some, 0]
        means = worth @ (inside / inside.sum(dim=0)) - worth @ ((1 - inside) / (1 - inside).sum(dim=0))
        plain += float((means - truth).square().mean())
    assert ours < plain / 10


@pytest.mark.parametrize("name", ["Shapley", "k-SII"])
def test_counts_may_be_taken_piece_by_piece(name, monkeypatch):
    index, worths = INDICES[name](7), games(3, 7, 2)
    values, errors = estimate(index, worths, 90, seed=0)
    monkeypatch.setattr(differences, "_TOGETHER", 7 * 10)
    pieces = estimate(index, worths, 90, seed=0)
    torch.testing.assert_close(pieces, (values, errors), rtol=1e-10, atol=1e-12)
