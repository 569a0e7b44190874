"""Constants of a formula made exact: snapped one by one to simple numbers, the others fitted again each time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.kan.symbolic.canonical import canonical
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.library import LIBRARY
from ascribe.maths.levenberg import Damping, damped_step

_STEPS = 60
_DENOMINATORS = range(1, 25)
_EXACT = 1e-8  # relative: digits that a fit without noise gives at least
_ZERO = 1e-12  # what is tried as 0 whatever its standard error: rounding leaves as much
_DEVIATIONS = 3.0  # by which a constant may move
_NOTHING = 1e-13  # of the spread of y: an error that rounding makes


class Snapped(NamedTuple):
    """A formula with exact constants, and its mean squared error beside that of the fit with free ones.

    `deviations` are the standard errors of the constants that stayed decimals.
    """

    expression: Any
    error: float
    free_error: float
    deviations: dict[float, float]


def snap(expression: Any, variables: Sequence[Any], x: Float[Tensor, "n columns"], y: Float[Tensor, " n"]) -> Snapped:
    r"""The formula with its decimal constants fitted to y, and then made whole numbers, fractions, or multiples of pi,
    e and roots, wherever the data allow it.

    The formula is brought into a form in which each constant stands once (`canonical`). All constants are fitted by
    least squares; then the one with the simplest number within three standard errors (and 1e-8 of itself) takes it,
    and the others are fitted again. It keeps the number where the summed squared error has not grown by more than nine
    times its mean (a test of one degree of freedom at three deviations), or is rounding. A constant on which nothing
    depends becomes simple, too.
    Price: a fit of all constants for each of them.
    Raises InputError where the formula is not real on the data.

    >>> import sympy
    >>> a = sympy.Symbol("a")
    >>> x = torch.linspace(0, 1, 50, dtype=torch.float64)
    >>> near = 0.99 * sympy.sin(3.1 * a + 0.02) + 0.26
    >>> snap(near, [a], x[:, None], torch.sin(torch.pi * x) + 0.25).expression
    sin(pi*a) + 1/4
    """
    x, y = x.detach().double(), y.detach().double()
    sympy = need("sympy", extra="pykan")
    plain = canonical(expression)
    numbers = sorted(plain.atoms(sympy.Float), key=str)
    free = [sympy.Dummy(f"c{place}") for place in range(len(numbers))]
    shape = plain.xreplace(dict(zip(numbers, free, strict=True)))
    columns = {v.name: column for v, column in zip(variables, x.unbind(1), strict=True)}
    start = y.new_tensor([float(number) for number in numbers])
    best = now = _fit(shape, free, start, columns, y)
    if not math.isfinite(best.error):
        raise InputError(f"{expression} is not a real number on all of the data; pass data inside its domain.")
    nothing = len(y) * (_NOTHING * float((y - y.mean()).square().mean().sqrt() + y.abs().max() * 1e-3)) ** 2
    refused: set[Any] = set()
    while choice := _simplest(free, now, refused):
        symbol, exact = choice
        place = free.index(symbol)
        rest = [each for each in free if each is not symbol]
        kept = [n for n in range(len(free)) if n != place]
        new_shape = shape.xreplace({symbol: exact})
        # What sympy simplifies away is no longer a constant to fit.
        left = [n for n, each in enumerate(rest) if new_shape.has(each)]
        new = _fit(new_shape, [rest[n] for n in left], now.theta[[kept[n] for n in left]], columns, y)
        mean = best.error / max(1, len(y) - len(numbers))
        if new.error <= max(now.error + _DEVIATIONS**2 * mean, nothing):
            shape, free, now = new_shape, [rest[n] for n in left], new
        else:
            refused.add(choice)
    values = [sympy.Float(value) for value in now.theta.tolist()]
    count = max(1, len(y))
    expression = shape.xreplace(dict(zip(free, values, strict=True)))
    deviations = dict(zip(now.theta.tolist(), now.deviation.tolist(), strict=True))
    return Snapped(expression, now.error / count, best.error / count, deviations)


class _Fit(NamedTuple):
    theta: Float64[Tensor, " constants"]
    error: float  # the sum of squares
    deviation: Float64[Tensor, " constants"]


def _simplest(free: Sequence[Any], fit: _Fit, refused: set[Any]) -> tuple[Any, Any] | None:
    """The constant with the simplest number near it, and that number; no pair that was refused."""
    choices: list[tuple[float, int, Any]] = []
    for place, symbol in enumerate(free):
        value = float(fit.theta[place])
        width = max(_DEVIATIONS * float(fit.deviation[place]), _EXACT * abs(value))
        found = simple_number(value, width)
        if found is not None and (symbol, found[1]) not in refused:
            choices.append((found[0], place, found[1]))
    if not choices:
        return None
    _, place, exact = min(choices, key=lambda choice: choice[:2])
    return free[place], exact


def simple_number(value: float, width: float) -> tuple[float, Any] | None:
    """The simplest number within `width` of a value, as its length in bits and in sympy; None where none is short.

    Fractions with denominators to 24, alone or times pi, 1/pi, pi^2, e, a root of 2, 3, 5 or pi. A number counts as
    short when its bits are fewer than those that the width fixes, so that chance finds few.

    >>> simple_number(0.3333333, 1e-6)[1], simple_number(6.2831853, 1e-6)[1], simple_number(0.43219, 1e-5)
    (1/3, 2*pi, None)
    """
    sympy = need("sympy", extra="pykan")
    if abs(value) <= max(width, _ZERO):
        return 0.0, sympy.Integer(0)
    known = math.log2(abs(value) / width)
    units = (
        (0.0, 1.0, sympy.Integer(1)), (2.0, math.pi, sympy.pi), (4.0, 1 / math.pi, 1 / sympy.pi),
        (4.0, math.e, sympy.E), (4.0, 2**0.5, sympy.sqrt(2)), (5.0, math.pi**2, sympy.pi**2),
        (5.0, 3**0.5, sympy.sqrt(3)), (5.0, math.pi**0.5, sympy.sqrt(sympy.pi)),
        (5.0, math.pi**-0.5, 1 / sympy.sqrt(sympy.pi)), (6.0, 5**0.5, sympy.sqrt(5)),
    )  # fmt: skip
    best: tuple[float, Any] | None = None
    for price, unit, exact in units:
        for q in _DENOMINATORS:
            p = round(abs(value) / unit * q)
            bits = price + math.log2(1 + p) + 2 * math.log2(q)
            short = bits <= max(0.7 * known, 1.0)
            if p and short and abs(p * unit / q - abs(value)) <= width and (best is None or bits < best[0]):
                best = bits, exact * sympy.Rational(p, q) * (1 if value > 0 else -1)
    return best


def _fit(shape: Any, free: Sequence[Any], start: Tensor, columns: dict[str, Tensor], y: Float64[Tensor, " n"]) -> _Fit:
    """Least squares for the free constants, by Levenberg-Marquardt steps."""
    functions = {name: function.torch for name, function in LIBRARY.items()}

    def residual(theta: Float64[Tensor, "n constants"]) -> Float64[Tensor, " n"]:
        constants = {symbol.name: value for symbol, value in zip(free, theta.unbind(1), strict=True)}
        return evaluate(shape, {**columns, **constants}, functions).expand(len(y)) - y

    def left_and_slope(theta: Tensor) -> tuple[Tensor, Tensor]:
        # Each row has constants of its own, so that one backward pass gives every row's derivatives.
        own = theta.expand(len(y), -1).clone().requires_grad_()
        with torch.enable_grad():
            left = residual(own)
            (slope,) = torch.autograd.grad(left.sum() + 0 * own.sum(), own)
        return left.detach(), slope

    theta, damping = start.clone(), Damping()
    left, slope = left_and_slope(theta)
    error = float(left @ left)
    curvature = theta.new_zeros(len(free), len(free))
    for _ in range(_STEPS if len(free) and math.isfinite(error) else 0):
        curvature = slope.T @ slope
        if not bool(curvature.isfinite().all()):
            return _Fit(theta, math.inf, torch.zeros_like(theta))
        gradient = slope.T @ left
        for _ in range(8):
            step = damped_step(curvature, gradient, damping.value)
            if step is None:
                damping.fail()
                continue
            trial = theta + step[0]
            new, new_slope = left_and_slope(trial)
            new_error = float(new @ new)
            if new_error < error:
                damping.succeed((error - new_error) / max(2 * step[1], 1e-300))
                break
            damping.fail()
        else:
            break
        small = error - new_error <= 1e-12 * error
        theta, left, slope, error = trial, new, new_slope, new_error
        if small:
            break
    variance = error / max(1, len(y) - len(free))
    # A direction without curvature is known to no digit: its deviation is as large as the eigenvalue is small.
    values, vectors = torch.linalg.eigh(curvature)
    inverse = (vectors.square() / values.clamp(min=1e-14 * float(values.max()) + 1e-300 if len(values) else 1.0)).sum(1)
    return _Fit(theta, error, (variance * inverse).sqrt())
