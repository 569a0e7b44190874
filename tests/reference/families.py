"""The functions of edge families from their definitions, one number at a time, in float64."""

from __future__ import annotations

import math


def chebyshev(t: float, count: int, order: int) -> list[float]:
    return [math.cos(m * math.acos(t)) for m in range(count)]


def fourier(t: float, count: int, order: int) -> list[float]:
    found = [1.0]
    for m in range(1, count + 1):
        found += [math.sin(m * math.pi * t / 2), math.cos(m * math.pi * t / 2)]
    return found[:count]


def rbf(t: float, count: int, order: int) -> list[float]:
    """Broomhead & Lowe (1988): a Gaussian a node; nodes a cell apart, their middle the middle of the range."""
    cell = 2 / (count - order)
    return [math.exp(-(((t - (m - (count - 1) / 2) * cell) / cell) ** 2)) for m in range(count)]


def wavelet(t: float, count: int, order: int) -> list[float]:
    """Daubechies (1992): the second derivative of a Gaussian, dilated by 2 and translated."""
    found, level = [1.0, t], 0
    while len(found) < count:
        for place in range(2**level):
            centre = -1 + (2 * place + 1) / 2**level
            z = (t - centre) / (4 / 3 / 2**level)
            found.append((1 - z * z) * math.exp(-z * z / 2))
        level += 1
    return found[:count]


def rational(t: float, count: int, order: int) -> list[float]:
    """Floater & Hormann (2007), (4) and (5): polynomials through degree + 1 neighbours, blended."""
    degree = min(order, count - 1)
    nodes = [0.0] if count == 1 else [-1 + 2 * m / (count - 1) for m in range(count)]
    if count == 1:
        return [1.0]
    if t in nodes:
        return [float(t == node) for node in nodes]
    found, total = [0.0] * count, 0.0
    for first in range(count - degree):
        near = range(first, first + degree + 1)
        blend = (-1) ** first / math.prod(t - nodes[j] for j in near)
        total += blend
        for m in near:
            found[m] += blend * math.prod((t - nodes[j]) / (nodes[m] - nodes[j]) for j in near if j != m)
    return [value / total for value in found]
