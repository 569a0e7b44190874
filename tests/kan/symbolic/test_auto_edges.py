"""Which edges `auto_symbolic` makes functions, whatever they were before."""

from __future__ import annotations

import pytest
import torch

from ascribe.kan.compile.kanpiler import kanpiler
from ascribe.kan.network import KAN

X = torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None]


def test_edges_that_are_sums_of_a_function_and_a_spline_become_functions():
    kan = kanpiler(("x",), "x**2").double().perturb(mode="all", mag=0.1)
    assert set(kan.mode(0, 0, 0)) == {"n", "s"}
    kan.fit((X, X**4), steps=10, progress=False)
    reading = kan.auto_symbolic(verbose=0)
    assert (kan.mode(0, 0, 0), reading.left) == ("s", ())
    torch.testing.assert_close(kan(X), X**4, atol=1e-6, rtol=0)


@pytest.mark.filterwarnings("ignore:the functions explain")
@pytest.mark.parametrize(("lib", "left"), [(["x^2", "x^4"], ()), (["x^2"], ((0, 0, 0),))])
def test_functions_that_leave_the_domain_of_an_edge_above_are_not_taken(lib: list[str], left: tuple[object, ...]):
    """The parabola next to |x|^3 is negative around 0, where the square root above it has no values."""
    kan = KAN([1, 1, 1], grid=10, k=4, seed=1, dtype=torch.float64)
    kan.layers[1].fix(0, 0, "sqrt", [1.0, 1.0, 1.0, 0.0])
    y = torch.sqrt(X.abs() ** 3 + 1e-6)
    kan.fit((X, y), steps=30, progress=False)
    reading = kan.auto_symbolic(lib=lib, verbose=0)
    assert reading.left == left
    assert bool(kan(reading.fitted[0]).isfinite().all())
