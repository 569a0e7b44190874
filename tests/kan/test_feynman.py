"""The Feynman problems: 120, right where pykan's are wrong, finite on their ranges, in the dtype of the data."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
import torch

from ascribe.errors import InputError
from ascribe.kan.feynman import PROBLEMS, get_feynman_dataset


def drawn(ranges: list[tuple[float, float]], rows: int, seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    low, high = torch.tensor(ranges, dtype=dtype).unbind(1)
    return (
        torch.rand(rows, len(ranges), dtype=dtype, generator=torch.Generator().manual_seed(seed)) * (high - low) + low
    )


def test_there_are_120_under_names_of_their_own():
    assert [p.number for p in PROBLEMS] == list(range(1, 121))
    names = [name for p in PROBLEMS for name in (p.name, *p.aliases)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("number", range(1, 121))
def test_values_are_finite_on_the_ranges_and_those_of_the_formula(number: int):
    symbols, expr, f, ranges = get_feynman_dataset(number)
    assert expr.free_symbols == set(symbols)
    assert not expr.atoms(sympy.Float)
    x = drawn(ranges, 2000, number)
    y = f(x)
    assert y.shape == (2000, 1)
    assert y.dtype == torch.float64
    assert bool(y.isfinite().all())
    row = dict(zip(symbols, map(sympy.Float, x[0].tolist()), strict=True))
    assert float(y[0]) == pytest.approx(float(expr.subs(row).evalf(30)), rel=1e-9)
    assert f(x.float()).dtype == torch.float32


# From textbooks, in numpy: the ones that pykan has wrong, or writes in a way that sympy reads as a float.
BY_HAND = {
    20: lambda u, v, c: (u + v) / (1 + u * v / c**2),
    32: lambda q, a, eps, c: q**2 * a**2 / (6 * math.pi * eps * c**3),
    110: lambda d, G, m1, m2: 2 * math.pi * d * np.sqrt(d / (G * (m1 + m2))),
    113: lambda m, p, w, x, alpha, y: (p**2 + (m * w * x) ** 2 * (1 + alpha * x / y)) / (2 * m),
    114: lambda q, eps, y, V, d: (
        q / (4 * math.pi * eps * y**2) * (4 * math.pi * eps * V * d - q * d * y**3 / (y**2 - d**2) ** 2)
    ),
}


@pytest.mark.parametrize("number", BY_HAND)
def test_what_pykan_has_wrong_is_right(number: int):
    _, _, f, ranges = get_feynman_dataset(number)
    x = drawn(ranges, 50, 0)
    assert f(x)[:, 0].numpy() == pytest.approx(BY_HAND[number](*x.numpy().T), rel=1e-12)


def test_by_name_and_by_number():
    assert get_feynman_dataset("I.34.14")[1] == get_feynman_dataset(36)[1]
    assert get_feynman_dataset("I.18.4")[0] == list(sympy.symbols("m1 r1 m2 r2"))
    assert get_feynman_dataset("I.10.9")[1] == get_feynman_dataset(60)[1]
    assert get_feynman_dataset("test")[3] == [(-1.0, 1.0), (-1.0, 1.0)]


@pytest.mark.parametrize("name", [0, 121, -1, "I.6.20z", "sin"])
def test_another_number_or_name_is_refused(name: object):
    with pytest.raises(InputError, match=r"there is no Feynman problem .*; pass a number from 1 to 120"):
        get_feynman_dataset(name)  # pyright: ignore[reportArgumentType]


def test_data_of_the_wrong_width_is_refused():
    with pytest.raises(InputError, match=r"shape \(3, 2\), but the formula takes \(\*, 3\)"):
        get_feynman_dataset(36)[2](torch.zeros(3, 2))
