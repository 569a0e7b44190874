"""What each of some things does to each of others, such as words of a prompt to words of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped

from ascribe.errors import InputError
from ascribe.plots.canvas import axes, letters, quiet
from ascribe.plots.cells import cells, named

if TYPE_CHECKING:
    import matplotlib.axes


def token_map(
    values: Shaped[np.ndarray, "rows columns"],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """A table of signed numbers with its names, in full colour at the largest: what each column does to each row.

    Raises InputError where there are not as many names as rows and columns.
    """
    if values.shape != (len(rows), len(columns)):
        raise InputError(
            f"the table has shape {values.shape}, and {len(rows)} and {len(columns)} names came; pass one for each row "
            "and each column."
        )
    ax = axes(ax, 1.4 + 0.3 * len(rows))
    cells(ax, values, float(np.nan_to_num(np.abs(values)).max(initial=0.0)))
    named(ax, rows, "y", letters(ax))
    named(ax, columns, "x", 18)
    quiet(ax)
    return ax
