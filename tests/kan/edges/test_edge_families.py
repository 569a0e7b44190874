"""Every edge function under the public laws, and what is special to one."""

from __future__ import annotations

import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan.edges import Edge, Expansion, edge_named
from ascribe.maths.families import FAMILIES
from ascribe.testing import check_edge

float64 = torch.float64


@pytest.mark.parametrize("family", ["bspline", *sorted(FAMILIES)])
@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_the_laws(family, order, extrapolate):
    edge = edge_named(family, order, extrapolate)
    assert isinstance(edge, Edge)
    check_edge(edge)


def test_the_suite_catches_a_false_promise():
    class Promising:
        """Gaussians that claim to refine."""

        def __init__(self):
            self._edge = Expansion("rbf")
            self.laws = self._edge.laws | {"refines"}

        def __getattr__(self, name):
            return getattr(self._edge, name)

    with pytest.raises(AssertionError, match="refines"):
        check_edge(Promising())


@pytest.mark.parametrize("error", [lambda x: 1e-9 * x, lambda x: 1e-9])
def test_the_suite_catches_a_formula_that_is_not_the_curve(error):
    class Approximating:
        """Waves whose formula is only near."""

        def __init__(self):
            self._edge = Expansion("fourier")

        def __getattr__(self, name):
            return getattr(self._edge, name)

        def formula(self, x, knots, coefficients):
            return self._edge.formula(x, knots, coefficients) + error(x)

    with pytest.raises(AssertionError, match="formula: it"):
        check_edge(Approximating())


@pytest.mark.parametrize(("family", "cells"), [("rbf", 20), ("rational", 15)])
def test_many_more_cells_are_near_where_none_are_the_same(family, cells):
    """The bound of the docs: curves of order 3 on three and four times the cells."""
    edge = edge_named(family)
    one = torch.ones(1, dtype=float64)
    knots = edge.knots(-one, one, 5)
    coefficients = torch.randn(1, 200, 8, dtype=float64, generator=torch.Generator().manual_seed(0))
    more, fine = edge.refine(knots, coefficients, cells)
    x = torch.linspace(-1, 1, 500, dtype=float64)[None]
    old, new = coefficients @ edge.bases(x, knots), fine @ edge.bases(x, more)
    assert float(((new - old).square().mean(-1).sqrt() / old.std(-1)).max()) < 5e-3


def test_a_refinement_that_changes_a_curve_says_by_how_much():
    edge = edge_named("rational")
    one = torch.ones(1, dtype=float64)
    knots = edge.knots(-one, one, 5)
    coefficients = torch.randn(1, 5, 8, dtype=float64, generator=torch.Generator().manual_seed(0))
    with pytest.warns(UserWarning, match=r"rational edges on 6 cells.*change by up to \d+\.\d% of their spread"):
        edge.refine(knots, coefficients, 6)


def test_an_unknown_family_is_a_sentence():
    with pytest.raises(InputError, match=r"edge='b-spline' is not known; pass one of 'bspline'"):
        edge_named("b-spline")
