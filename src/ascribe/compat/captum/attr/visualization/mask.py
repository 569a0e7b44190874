"""The rim and the name of a part of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_mask_border(ax: Axes, mask: np.ndarray, border_width: int = 1, border_color: Any = "black") -> None:
    """Paint the rim of a mask, `border_width` pixels wide, on its inner side."""
    from matplotlib.colors import to_rgba

    mask = np.asarray(mask, dtype=bool)
    if mask.any():
        rim = mask & ~_eroded(mask, border_width)
        ax.imshow(rim[..., None] * np.asarray(to_rgba(border_color)))


def _eroded(mask: np.ndarray, times: int) -> np.ndarray:
    """What is left when, `times` over, every pixel goes that touches one outside; beyond the image all is outside."""
    for _ in range(times):
        wide = np.pad(mask, 1)
        mask = mask & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return mask


def draw_mask_legend(
    ax: Axes,
    mask: np.ndarray,
    label: str,
    fontsize: int = 10,
    text_color: str = "white",
    bbox_facecolor: str = "black",
    bbox_alpha: float = 0.6,
) -> None:
    """Write a label in the middle of a mask."""
    rows, columns = np.nonzero(mask)
    if len(rows):
        box = {"boxstyle": "round,pad=0.2", "facecolor": bbox_facecolor, "alpha": bbox_alpha}
        middle = float(columns.mean()), float(rows.mean())
        ax.text(*middle, label, color=text_color, fontsize=fontsize, ha="center", va="center", bbox=box)
