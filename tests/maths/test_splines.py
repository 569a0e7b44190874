"""Knots, fits and insertion."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.kan.edges import BSpline
from ascribe.maths.kernels import Basis, design
from ascribe.maths.splines import extend_knots, fit_coefficients, insert_knots, refine_knots, uniform_knots
from ascribe.testing.edges import check_edge

float64 = torch.float64


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_the_laws_of_edges(order, extrapolate):
    check_edge(BSpline(order, extrapolate))


def test_uniform_knots_are_equal_cells_on_both_sides():
    knots = uniform_knots(torch.tensor([-1.0, 0.0]), torch.tensor([1.0, 6.0]), 4, 2)
    torch.testing.assert_close(knots.diff(dim=1), torch.tensor([[0.5], [1.5]]).expand(2, 8))
    torch.testing.assert_close(knots[:, 2], torch.tensor([-1.0, 0.0]))


@given(order=st.integers(0, 5), cells=st.integers(1, 5), more=st.integers(0, 9), seed=st.integers(0, 1000))
def test_inserted_knots_keep_the_function(order, cells, more, seed):
    generator = torch.Generator().manual_seed(seed)
    grid = torch.rand(2, cells + 1, generator=generator, dtype=float64).sort(1).values
    knots = extend_knots(grid, order)
    coefficients = torch.randn(2, 3, cells + order, generator=generator, dtype=float64)
    x = torch.rand(50, 2, generator=generator, dtype=float64) * 3 - 1

    def values(knots, coefficients):
        return torch.einsum("nim,ijm->nij", design(x, Basis(knots, order, "zero", "zero"))[..., 1:], coefficients)

    added = refine_knots(knots, order, cells + more)
    finer, fine = insert_knots(knots, coefficients, order, added)
    assert finer.shape[1] == knots.shape[1] + more
    torch.testing.assert_close(values(finer, fine), values(knots, coefficients), rtol=1e-11, atol=1e-11)


def test_a_fit_is_solved_once_an_input_and_never_fails_where_no_data_is():
    knots = uniform_knots(-torch.ones(2), torch.ones(2), 8, 3)
    x = torch.rand(2, 30) * 0.1
    target = torch.rand(2, 500, 30)
    bases = design(x.T, Basis(knots, 3, "zero"))[..., 1:].permute(1, 2, 0)
    coefficients = fit_coefficients(bases, target)
    assert coefficients.shape == (2, 500, 11)
    assert bool(coefficients.isfinite().all())
    assert bool(fit_coefficients(bases[:, :, :0], target[:, :, :0]).eq(0).all())
