"""An edge's curve as the path of an SVG, with no more points than one can see."""

from __future__ import annotations

import numpy as np

from ascribe.kan.picture import Edge
from ascribe.plots.scale import unit

FINE = 1000
"""Steps of a curve across its range, both ways."""
ROUGH = 3.0
"""Steps that a curve may be off where points of it are left out."""


def outline(edge: Edge) -> str:
    """The curve as a path in thousandths of its ranges, y downwards; nothing where it is no number.

    Points that are not missed are left out.
    """
    across, up = unit(edge.x, edge.x), unit(edge.y, edge.y)
    points = np.column_stack([FINE * (across + 0.5), FINE * (0.5 - up)])
    if len(points) and not np.ptp(across[np.isfinite(across)]):
        # one value of the input is a level line too
        points = np.array([[0.0, FINE / 2], [FINE, FINE / 2]])
    path = ""
    for piece in _pieces(points):
        kept = np.round(piece[_needed(piece)]).astype(int)
        steps = " ".join(f"{dx} {dy}" for dx, dy in np.diff(kept, axis=0).tolist())
        path += f"M{kept[0, 0]} {kept[0, 1]}" + (f"l{steps}" if steps else "")
    return path


def _pieces(points: np.ndarray) -> list[np.ndarray]:
    """The runs of points that are numbers, of two or more."""
    good = np.isfinite(points).all(1)
    ends = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(int)))
    return [points[a:b] for a, b in ends.reshape(-1, 2).tolist() if b - a > 1]


def _needed(piece: np.ndarray) -> list[int]:
    """The points without which the line would be more than a little off.

    Source: Ramer (1972); Douglas & Peucker (1973).
    """
    kept, open_ = {0, len(piece) - 1}, [(0, len(piece) - 1)]
    while open_:
        a, b = open_.pop()
        if b - a < 2:
            continue
        (x0, y0), (x1, y1) = piece[a], piece[b]
        inner = piece[a + 1 : b]
        off = np.abs(y0 + (inner[:, 0] - x0) * (y1 - y0) / (x1 - x0) - inner[:, 1])
        far = a + 1 + int(off.argmax())
        if off.max() > ROUGH:
            kept.add(far)
            open_ += [(a, far), (far, b)]
    return sorted(kept)
