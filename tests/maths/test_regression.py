import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import linear_model

from ascribe.errors import MethodError
from ascribe.maths import regression
from ascribe.maths.regression import Lasso, Ridge
from reference.lime import ridge


def data(rows, samples, features, shared, seed):
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand(samples, features, generator=generator) < 0.5).double()
    y = torch.randn(rows, samples, generator=generator, dtype=torch.float64) + 3 * x[:, 0]
    return x, y, torch.rand(1 if shared else rows, samples, generator=generator, dtype=torch.float64) + 0.1


@settings(max_examples=15)
@given(
    features=st.integers(1, 6), shared=st.booleans(), alpha=st.sampled_from([0.0, 0.1, 1.0, 30.0]),
    seed=st.integers(0, 9),
)  # fmt: skip
def test_ridge_is_the_replica_and_scikit_learn_s(features, shared, alpha, seed):
    x, y, w = data(3, 60, features, shared, seed)
    found, error = Ridge(alpha)(x, y, w)
    for row in range(3):
        weights = w[0 if shared else row]
        values, errors = ridge(x, y[row], weights, alpha)
        torch.testing.assert_close(found[row], values)
        torch.testing.assert_close(error[row], errors)
        theirs = linear_model.Ridge(alpha).fit(x.numpy(), y[row].numpy(), sample_weight=weights.numpy())
        torch.testing.assert_close(found[row], torch.from_numpy(theirs.coef_))


@settings(max_examples=15)
@given(
    samples=st.sampled_from([12, 30, 80]), features=st.integers(1, 20), shared=st.booleans(),
    alpha=st.sampled_from([0.001, 0.01, 0.1, 10.0]), seed=st.integers(0, 9),
)  # fmt: skip
def test_lasso_is_scikit_learn_s(samples, features, shared, alpha, seed):
    x, y, w = data(2, samples, features, shared, seed)
    x = x + torch.randn(x.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) / 10
    found, _ = Lasso(alpha)(x, y, w)
    for row in range(2):
        theirs = linear_model.Lasso(alpha, tol=1e-13, max_iter=10**6)
        theirs.fit(x.numpy(), y[row].numpy(), sample_weight=w[0 if shared else row].numpy())
        torch.testing.assert_close(found[row], torch.from_numpy(theirs.coef_), rtol=1e-6, atol=1e-6)
    if alpha == 10.0:
        assert not found.any()


@pytest.mark.parametrize("surrogate", [Ridge(0.0), Ridge(5.0), Lasso(0.03)])
def test_the_errors_are_the_spread_of_repeated_samples(surrogate):
    x, noise, w = data(400, 100, 3, True, 0)
    # Spread that depends on a feature, which a single variance would miss.
    y = x @ torch.tensor([2.0, -1.0, 0.0]).double() + (noise - 3 * x[:, 0]) * (1 + 2 * x[:, 1])
    found, error = surrogate(x, y, w)
    torch.testing.assert_close(error.square().mean(0).sqrt(), found.std(0), rtol=0.15, atol=0)


def test_rows_solved_in_pieces_are_the_same(monkeypatch):
    x, y, w = data(7, 30, 5, False, 1)
    for surrogate in (Ridge(), Lasso(0.1)):
        monkeypatch.setattr(regression, "_TOGETHER", 2**21)
        together = surrogate(x, y, w)
        monkeypatch.setattr(regression, "_TOGETHER", 400)
        for whole, pieces in zip(together, surrogate(x, y, w), strict=True):
            # A lasso's errors are exact to fewer digits than its values.
            torch.testing.assert_close(pieces, whole, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("shared", [True, False])
def test_more_features_than_samples(shared):
    x, y, w = data(2, 15, 40, shared, 5)
    x = x + torch.randn(x.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    for surrogate, theirs in (
        (Ridge(0.7), linear_model.Ridge(0.7)),
        (Ridge(0.0), linear_model.LinearRegression()),
        (Lasso(0.3), linear_model.Lasso(0.3, tol=1e-11, max_iter=10**6)),
    ):
        found, _ = surrogate(x, y, w)
        for row in range(2):
            theirs.fit(x.numpy(), y[row].numpy(), sample_weight=w[0 if shared else row].numpy())
            torch.testing.assert_close(found[row], torch.from_numpy(theirs.coef_), rtol=1e-6, atol=1e-6)
    values, errors = ridge(x, y[0], w[0], 0.7)
    for ours, expected in zip(Ridge(0.7)(x, y[:1], w[:1]), (values, errors), strict=True):
        torch.testing.assert_close(ours[0], expected)


def test_features_that_do_not_vary_or_are_the_same():
    x, y, w = data(2, 50, 3, True, 2)
    x[:, 2] = 1.0
    assert not Lasso(0.01)(x, y, w)[0][:, 2].any()
    assert not Ridge(0.0)(x, y, w)[0][:, 2].abs().gt(1e-12).any()
    x[:, 2] = x[:, 0]
    found, _ = Ridge(0.0)(x, y, w)
    torch.testing.assert_close(found[:, 0], found[:, 2])


def test_no_error_without_samples_to_spare():
    x, y, w = data(1, 6, 8, True, 3)
    assert bool(Ridge(0.0)(x, y, w)[1].isinf().all())
    assert bool(Lasso(0.1)(x, y, w)[1].isinf().all())


@pytest.mark.parametrize("kind", [Ridge, Lasso])
@pytest.mark.parametrize("alpha", [-1.0, float("nan"), float("inf")])
def test_penalties_out_of_range_are_refused(kind, alpha):
    with pytest.raises(MethodError, match="pass alpha of 0 or more"):
        kind(alpha)
