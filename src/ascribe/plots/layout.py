"""Where everything in a network's picture stands: plain geometry, no drawing.

Layers lie above each other, inputs at the bottom. Between two layers every edge has a square, its thumbnail; squares
stand in the order of their sources, in as many staggered rows as keep them large enough to read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ascribe.kan.picture import Edge, Picture

LARGEST = 1.1
"""Side of a thumbnail where there is room for it; the unit of length of the whole picture."""
FAN = 0.95
"""Height left for the lines below and above the thumbnails of a layer, as long as the picture is no wider."""
WIDEST, NARROWEST = 10.0, 4.0
MANY = 400
"""Thumbnails of a layer that fit into the widest picture; with more the picture grows, so that they can be read."""
ARITY_GAP = 0.6
"""Height between the factors of a product and the product."""


@dataclass(frozen=True)
class Band:
    """One layer of edges: square centres (edges, 2) in the order of `edges`, and the side of the squares."""

    edges: tuple[Edge, ...]
    squares: np.ndarray
    side: float


@dataclass(frozen=True)
class Layout:
    """Positions (n, 2) of the nodes of every layer and of the subnodes of every layer but the first (at 0: layer 1)."""

    nodes: tuple[np.ndarray, ...]
    subnodes: tuple[np.ndarray, ...]
    bands: tuple[Band, ...]
    width: float
    height: float


def rows_of(count: int) -> int:
    """Rows for `count` thumbnails: sixteen stand well beside each other; of very many, both sides of the block grow.

    >>> [rows_of(n) for n in (1, 16, 20, 64, 400)]
    [1, 1, 2, 4, 9]
    """
    return max(1, min(math.ceil(count / 16), math.ceil(math.sqrt(count / 4.5) - 0.5)))


def lay_out(picture: Picture, edges: tuple[Edge, ...], fill: float = 0.8) -> Layout:
    """Positions for `picture` with only these `edges` drawn; thumbnails take `fill` of the room that each has."""
    layers = [tuple(e for e in edges if e.layer == layer) for layer in range(len(picture.width) - 1)]
    across = max([math.ceil(len(layer) / rows_of(len(layer))) for layer in layers] + [sum(n) for n in picture.width])
    growth = math.sqrt(max(1.0, max(map(len, layers)) / MANY))
    width = float(np.clip(1.25 * LARGEST * across, NARROWEST, WIDEST * growth))
    fan = FAN * max(1.0, width / WIDEST)
    nodes, subnodes, bands, y = [_spread(sum(picture.width[0]), width, 0.0)], [], [], 0.0
    for layer, drawn in enumerate(layers):
        band, y = _band(drawn, width, y, fill, fan)
        sums, products = picture.width[layer + 1]
        arity = picture.arity[layer + 1]
        below = _spread(sums + sum(arity), width, y)
        # a product stands in the middle above its factors; a sum is its own subnode
        if products:
            y += ARITY_GAP
        starts = sums + np.concatenate([[0], np.cumsum(arity)]).astype(int)
        middles = [below[a:b, 0].mean() for a, b in pairwise(starts)]
        nodes.append(np.column_stack([[*below[:sums, 0], *middles], np.full(sums + products, y)]))
        subnodes.append(below)
        bands.append(band)
    return Layout(tuple(nodes), tuple(subnodes), tuple(bands), width, y)


def _spread(count: int, width: float, y: float) -> np.ndarray:
    return np.column_stack([(np.arange(count) + 0.5) / count * width, np.full(count, y)])


def _band(edges: tuple[Edge, ...], width: float, y: float, fill: float, fan: float) -> tuple[Band, float]:
    """The thumbnails above height `y`, and the height of the nodes they lead to."""
    ordered = tuple(sorted(edges, key=lambda e: (e.source, e.subnode)))
    count, rows = len(ordered), rows_of(len(ordered))
    side = min(LARGEST, fill * width * rows / max(count, 1))
    place = np.arange(count)
    row_height = 1.04 * side / fill
    # evenly from edge to edge, and no square beyond the picture
    margin = max(width / max(count, 1), side) / 2
    x = np.linspace(margin, width - margin, count) if count > 1 else np.full(count, width / 2)
    squares = np.column_stack([x, y + fan + side / 2 + (place % rows) * row_height])
    return Band(ordered, squares, side), y + 2 * fan + side + (rows - 1) * row_height
