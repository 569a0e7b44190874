import pytest
import torch

from ascribe.maths import surrogates
from ascribe.maths.surrogates import EVEN, ODD, Surrogate


def units(count, players, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 2, (count, players), generator=generator).double() * 2 - 1


def surrogate(signs, strengths):
    return Surrogate(signs > 0, strengths)


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("strengths", [ODD[1], EVEN[1]])
def test_what_is_left_out_is_what_a_fit_without_the_unit_misses(strengths):
    signs, values = units(20, 4), normal(20, 3)
    weight = torch.ones(20, dtype=torch.float64)
    fit = surrogate(signs, (strengths,)).fit(values, weight)
    for unit in (0, 7, 19):
        rest = torch.arange(20) != unit
        # A unit of no weight in a larger set is foretold from the others: ask for it by the fit to the rest.
        alone = surrogate(signs[rest], (strengths,))
        without = alone.fit(values[rest], weight[rest])
        alike = signs[unit] @ signs[rest].T
        trend = signs[unit] if strengths is ODD[1] else torch.ones(1, dtype=torch.float64)
        guess = trend @ without.trend
        for degree, amplitude in without.amplitudes.items():
            guess = guess + surrogates.elementary(4, alike, degree) @ amplitude
        torch.testing.assert_close(fit.left_out[unit], values[unit] - guess, rtol=1e-8, atol=1e-8)


def test_an_additive_game_is_met_exactly_and_every_row_chooses_for_itself():
    signs = units(60, 8)
    cubic = signs[:, 0] * signs[:, 1] * signs[:, 2] + signs[:, 3] * signs[:, 4] * signs[:, 5]
    values = torch.stack([signs @ normal(8), cubic, normal(60)], dim=1)
    weight = torch.ones(60, dtype=torch.float64)
    fit = surrogate(signs, ODD).fit(values, weight)
    assert float(fit.left_out[:, 0].abs().max()) < 1e-10
    plain = surrogate(signs, ODD[:1]).fit(values, weight)
    assert float(fit.left_out[:, 1].square().sum()) < 0.8 * float(plain.left_out[:, 1].square().sum())
    alone = surrogate(signs, ODD).fit(values[:, 1:2], weight)
    torch.testing.assert_close(alone.residual[:, 0], fit.residual[:, 1])


def test_units_beyond_those_fitted_are_foretold(monkeypatch):
    monkeypatch.setattr(surrogates, "_FITTED", 50)
    monkeypatch.setattr(surrogates, "_TOGETHER", 600)
    signs = units(90, 6)
    values = torch.stack([signs @ normal(6), signs[:, 0] * signs[:, 1] * signs[:, 2]], dim=1)
    fit = surrogate(signs, ODD).fit(values, torch.ones(90, dtype=torch.float64))
    assert fit.residual.shape == (90, 2)
    assert float(fit.residual[:, 0].abs().max()) < 1e-10
    rest = torch.ones(90, dtype=torch.bool)
    rest[torch.linspace(0, 89, 50).round().long()] = False
    assert torch.equal(fit.residual[rest], fit.left_out[rest])
    assert float(fit.residual[rest, 1].square().mean()) < 0.5
