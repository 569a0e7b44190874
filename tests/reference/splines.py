"""B-splines and edges from the definition, one number at a time, in float64: slow, and plain to see."""

from __future__ import annotations

import math

import numpy as np


def basis(x: float, knots: list[float], order: int, m: int, derivative: int = 0) -> float:
    """Cox (1972) and de Boor (1972): half-open cells, and 0/0 = 0."""
    if derivative > 0:
        if order == 0:
            return 0.0
        left, right = knots[m + order] - knots[m], knots[m + order + 1] - knots[m + 1]
        before = basis(x, knots, order - 1, m, derivative - 1) / left if left > 0 else 0.0
        after = basis(x, knots, order - 1, m + 1, derivative - 1) / right if right > 0 else 0.0
        return order * (before - after)
    if order == 0:
        return 1.0 if knots[m] <= x < knots[m + 1] else 0.0
    left, right = knots[m + order] - knots[m], knots[m + order + 1] - knots[m + 1]
    rising = (x - knots[m]) / left * basis(x, knots, order - 1, m) if left > 0 else 0.0
    falling = (knots[m + order + 1] - x) / right * basis(x, knots, order - 1, m + 1) if right > 0 else 0.0
    return rising + falling


def bases(x: float, knots: list[float], order: int, derivative: int = 0, linear: bool = False) -> list[float]:
    """All bases at x; `linear` continues value and slope from the ends of the grid proper."""
    count = len(knots) - order - 1
    low, high = knots[order], knots[count]
    if linear and not low <= x < high:
        # The right end belongs to the last cell: the bases are read just inside it.
        end = low if x < low else high - 1e-12 * (high - low)
        value = [basis(end, knots, order, m) for m in range(count)]
        slope = [basis(end, knots, order, m, 1) for m in range(count)]
        if derivative == 0:
            return [v + (x - (low if x < low else high)) * s for v, s in zip(value, slope, strict=True)]
        return slope if derivative == 1 else [0.0] * count
    return [basis(x, knots, order, m, derivative) for m in range(count)]


def silu(x: float) -> float:
    return x / (1 + math.exp(-x))


BASE = {"silu": silu, "identity": lambda x: x, "zero": lambda x: 0.0}


def edges(x: np.ndarray, knots: np.ndarray, weight: np.ndarray, order: int, base: str, linear: bool) -> np.ndarray:
    """phi_ij at every row: (n, inputs, outputs)."""
    n, inputs = x.shape
    out = np.zeros((n, inputs, weight.shape[1]))
    for r in range(n):
        for i in range(inputs):
            terms = [BASE[base](x[r, i]), *bases(x[r, i], list(knots[i]), order, 0, linear)]
            for j in range(weight.shape[1]):
                out[r, i, j] = sum(w * t for w, t in zip(weight[i, j], terms, strict=True))
    return out
