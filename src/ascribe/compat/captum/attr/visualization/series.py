"""Attributions of a time series, by Captum's names."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from ascribe.compat.captum.attr.visualization.settings import below, colours, figure, named, shares, show
from ascribe.errors import InputError, need
from ascribe.plots.trace import Shades, borders, coloured, shade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class TimeseriesVisualizationMethod(Enum):
    """How a series is shown."""

    overlay_individual = 1
    overlay_combined = 2
    colored_graph = 3


def visualize_timeseries_attr(
    attr: Any,
    data: Any,
    x_values: Any = None,
    method: str = "overlay_individual",
    sign: str = "absolute_value",
    channel_labels: Sequence[str] | None = None,
    channels_last: bool = True,
    plt_fig_axis: tuple[Figure, Any] | None = None,
    outlier_perc: float | int = 2,
    cmap: Any = None,
    alpha_overlay: float | int = 0.7,
    show_colorbar: bool = False,
    title: str | None = None,
    fig_size: tuple[float | int, float | int] = (6, 6),
    use_pyplot: bool = True,
    **pyplot_kwargs: Any,
) -> tuple[Figure, Any]:
    """Attributions of a series (steps, channels), a panel a channel or all in one; returns figure and axes.

    Raises InputError for arrays of another form and for an unknown method or sign.
    """
    named(TimeseriesVisualizationMethod.__members__, method, "method")
    table, curves = (np.asarray(part).T if channels_last else np.asarray(part) for part in (attr, data))
    if table.ndim != 2 or table.shape != curves.shape:
        raise InputError(f"attr is {np.shape(attr)} and data {np.shape(data)}; pass two of shape (steps, channels).")
    combined = method == "overlay_combined"
    x = np.arange(table.shape[1], dtype=float) if x_values is None else np.asarray(x_values, dtype=float)
    if x.shape != table.shape[1:]:
        raise InputError(f"x_values has shape {x.shape} for {table.shape[1]} steps; pass one for each step.")
    sizes = shares(table.sum(0, keepdims=True) if combined else table, sign, outlier_perc)
    drawn, grid = figure(plt_fig_axis, use_pyplot, fig_size, nrows=len(sizes), sharex=True)
    panels: list[Axes] = list(np.atleast_1d(np.asarray(grid, dtype=object)))
    opacity = 1.0 if method == "colored_graph" else alpha_overlay
    shades = Shades(colours(sign, cmap), -1.0 if sign == "all" else 0.0, 1.0, opacity)
    labels = channel_labels or [None] * len(curves)
    if combined:
        _combined(panels[0], x, curves, labels, pyplot_kwargs)
        shade(panels[0], x, sizes[0], shades)
    else:
        for ax, curve, share, name in zip(panels, curves, sizes, labels, strict=True):
            _panel(ax, x, curve, share, shades, graph=method == "colored_graph", style=pyplot_kwargs)
            ax.set_ylabel(name or "")
        drawn.subplots_adjust(hspace=0)
    panels[0].set_xlim(*(x[[0, -1]] if len(x) > 1 else borders(x)))
    if show_colorbar:
        _series_bar(drawn, panels[-1], shades)
    if title:
        panels[0].set_title(title)
    show(use_pyplot)
    return drawn, grid


def _panel(
    ax: Axes, x: np.ndarray, curve: np.ndarray, share: np.ndarray, shades: Shades, *, graph: bool, style: dict[str, Any]
) -> None:
    if not graph:
        ax.plot(x, curve, **style)
        shade(ax, x, share, shades)
        return
    coloured(ax, x, curve, share, shades, **style)
    room = 0.1 * float(np.ptp(curve)) or 0.5
    ax.set_ylim(curve.min() - room, curve.max() + room)


def _combined(ax: Axes, x: np.ndarray, curves: np.ndarray, labels: Sequence[str | None], style: dict[str, Any]) -> None:
    matplotlib: Any = need("matplotlib", extra="plot")
    ax.set_prop_cycle(color=matplotlib.colormaps["Dark2"].colors)
    for curve, name in zip(curves, labels, strict=True):
        ax.plot(x, curve, label=name, **style)
    if any(labels):
        ax.legend(loc="best")


def _series_bar(drawn: Figure, ax: Axes, shades: Shades) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scale = ScalarMappable(Normalize(shades.low, shades.high), shades.cmap)
    drawn.colorbar(scale, orientation="horizontal", cax=below(ax, pad=0.4), alpha=shades.opacity)
