r"""The B-splines of the CUDA form, in Triton: a thread holds the k + 1 bases that are not 0 at its sample.

Every number is written by one thread, in an order of its own: the same bits each time. Without Triton the module can
be imported, and its functions are only text.
"""

# ruff: noqa: RUF005  Triton adds tuples; it does not unpack them.

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, no_type_check

try:
    import triton  # pyright: ignore[reportMissingImports]  # its wheels are for machines with a GPU
    import triton.language as tl  # pyright: ignore[reportMissingImports]
except ModuleNotFoundError:
    triton = tl = None

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


def _compiled(function: _Kernel) -> _Kernel:
    """`triton.jit`, which reads the text of a function: no checker of types may wrap it, hence `no_type_check`."""
    return function if triton is None else triton.jit(function)


@_compiled
@no_type_check
def _cell(x, knots, bases, ORDER: tl.constexpr, LINEAR: tl.constexpr, HALVINGS: tl.constexpr):
    """The last knot at or before x, by halving.

    The x of a linear spline lies on its grid, in a cell with a width; the last of these owns the right end.
    """
    first = ORDER if LINEAR else -1
    last = bases - 1 if LINEAR else bases + ORDER
    cell = tl.full(x.shape, first, tl.int32)
    for step in tl.static_range(HALVINGS):
        further = cell + (1 << (HALVINGS - 1 - step))
        knot = tl.load(knots + tl.minimum(further, last))
        entered = (further <= last) & (x >= knot)
        if LINEAR:
            entered = entered & (knot < tl.load(knots + bases))
        cell = tl.where(entered, further, cell)
    return cell


@_compiled
@no_type_check
def _recur(x, knots, cell, bases, ORDER: tl.constexpr, DERIVATIVE: tl.constexpr, TINY: tl.constexpr):
    """Cox and de Boor on the bases cell - k ... cell; one that needs knots beyond the ends is not a basis."""
    values = (tl.full(x.shape, 0 if DERIVATIVE > ORDER else 1, x.dtype),)
    for level in tl.static_range(1, ORDER + 1):
        raised = ()
        rising = tl.zeros_like(x)
        for r in tl.static_range(level):
            left = tl.load(knots + tl.maximum(cell + 1 - level + r, 0))
            right = tl.load(knots + tl.minimum(tl.maximum(cell + 1 + r, 0), bases + ORDER))
            wide = right - left > TINY
            # Where knots coincide the basis vanishes.
            scaled = tl.where(wide, values[r] / tl.where(wide, right - left, 1.0), 0.0)
            if level > ORDER - DERIVATIVE:
                raised = raised + (level * (rising - scaled),)
                rising = scaled
            else:
                raised = raised + (rising + (right - x) * scaled,)
                rising = (x - left) * scaled
        if level > ORDER - DERIVATIVE:
            rising = level * rising
        values = raised + (rising,)
    return values


@_compiled
@no_type_check
def _splines(
    x, knots, bases,
    ORDER: tl.constexpr, DERIVATIVE: tl.constexpr, LINEAR: tl.constexpr, HALVINGS: tl.constexpr, TINY: tl.constexpr,
):  # fmt: skip
    """The number of the first basis that may not be 0 at x, and the derivatives of this one and the next k."""
    inner = x
    if LINEAR:
        low = tl.load(knots + ORDER)
        high = tl.load(knots + bases)
        # Comparisons, and not a minimum, so that what is not a number stays so.
        inner = tl.where(x < low, low, tl.where(x > high, high, x))
    cell = _cell(inner, knots, bases, ORDER, LINEAR, HALVINGS)
    values = _recur(inner, knots, cell, bases, ORDER, DERIVATIVE, TINY)
    if LINEAR and DERIVATIVE == 0:
        slopes = _recur(inner, knots, cell, bases, ORDER, 1, TINY)
        line = ()
        for r in tl.static_range(ORDER + 1):
            line = line + (values[r] + (x - inner) * slopes[r],)
        values = line
    if LINEAR and DERIVATIVE > 1:
        inside = ()
        for r in tl.static_range(ORDER + 1):
            inside = inside + (tl.where(x == inner, values[r], 0.0),)
        values = inside
    return cell - ORDER, values


@_compiled
@no_type_check
def design_kernel(
    x, knots, design, n, inputs, bases,
    ORDER: tl.constexpr, DERIVATIVE: tl.constexpr, LINEAR: tl.constexpr, HALVINGS: tl.constexpr, TINY: tl.constexpr,
    ROWS: tl.constexpr,
):  # fmt: skip
    """The bases of one input at ROWS samples of x (inputs, n), into terms 1 ... of design (inputs, 1 + bases, n)."""
    i = (tl.program_id(0) % inputs).to(tl.int64)
    rows = (tl.program_id(0) // inputs).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    sample = tl.load(x + i * n + rows, mask=rows < n, other=0.0)
    first, values = _splines(sample, knots + i * (bases + ORDER + 1), bases, ORDER, DERIVATIVE, LINEAR, HALVINGS, TINY)
    terms = design + i * (bases + 1) * n + rows
    for basis in range(bases):
        terms += n
        term = tl.zeros_like(sample)
        for r in tl.static_range(ORDER + 1):
            term = tl.where(first + r == basis, values[r], term)
        tl.store(terms, term, mask=rows < n)


@_compiled
@no_type_check
def slope_kernel(
    x, knots, gradient, gx, n, inputs, bases,
    ORDER: tl.constexpr, LINEAR: tl.constexpr, HALVINGS: tl.constexpr, TINY: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """A gradient in the design (inputs, 1 + bases, n), times the slopes of the bases and summed over them, into gx."""
    i = (tl.program_id(0) % inputs).to(tl.int64)
    rows = (tl.program_id(0) // inputs).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    sample = tl.load(x + i * n + rows, mask=rows < n, other=0.0)
    first, slopes = _splines(sample, knots + i * (bases + ORDER + 1), bases, ORDER, 1, LINEAR, HALVINGS, TINY)
    total = tl.zeros_like(sample)
    for r in tl.static_range(ORDER + 1):
        basis = first + r
        there = (rows < n) & (basis >= 0) & (basis < bases)
        term = i * (bases + 1) + 1 + basis
        total += slopes[r] * tl.load(gradient + term * n + rows, mask=there, other=0.0)
    tl.store(gx + i * n + rows, total, mask=rows < n)
