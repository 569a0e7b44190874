"""Separability, symmetry and trees from their definitions: one derivative at a time, every set of variables tried."""

from __future__ import annotations

from itertools import chain, combinations

import torch


def gradient(f, x):
    """The slopes of a function of one point."""
    return torch.autograd.functional.jacobian(f, x, create_graph=True)


def mixed(f, x, i, j):
    """One second derivative of a function of one point."""
    return torch.autograd.functional.hessian(f, x)[i, j]


def interaction(f, x, mode, bias=0.0):
    """Median mixed derivatives in units of the spreads; f takes one point."""
    s = x.std(0)
    heights = sorted(float(f(point)) for point in x)
    middle = (len(heights) - 1) // 2
    deviations = sorted(abs(height - heights[middle]) for height in heights)
    spread = min(float(torch.tensor(heights, dtype=torch.float64).std()), 1.4826 * deviations[middle])

    def g(point):
        return f(point) / spread if mode == "add" else (f(point) + bias).abs().log()

    d = x.shape[1]
    return torch.tensor(
        [[torch.stack([mixed(g, p, i, j).abs() for p in x]).median() * s[i] * s[j] for j in range(d)] for i in range(d)]
    )


def ratio(f, x, a, b):
    """Median mixed derivatives of the logarithm of the ratio of two slopes."""
    s = x.std(0)

    def g(point):
        slopes = gradient(f, point)
        return (slopes[b] / slopes[a]).abs().log()

    h = torch.stack([torch.autograd.functional.hessian(g, p).abs() for p in x])
    return h.median(0).values * s * s[:, None]


def turning(f, x, group):
    """The median speed with which the direction of the gradient in the group turns, a variable."""
    s = x.std(0)

    def direction(u):
        slopes = (gradient(f, u * s) * s)[list(group)]
        return slopes / slopes.norm()

    speed = torch.stack([torch.autograd.functional.jacobian(direction, p / s).norm(dim=0) for p in x])
    found = speed.median(0).values
    found[list(group)] = 0
    return found


def strong_sets(f, x, threshold):
    """The sets of variables that act through one number, and overlap no other such set."""
    d = x.shape[1]
    every = [frozenset(s) for s in chain.from_iterable(combinations(range(d), k) for k in range(1, d + 1))]
    acting = [s for s in every if len(s) in (1, d) or float(turning(f, x, s).max()) < threshold]
    return {s for s in acting if all(s <= o or o <= s or not s & o for o in acting)}
