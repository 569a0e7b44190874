"""kan.experiment: runs of training, pruning and refining, by `ascribe.kan.runner`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ascribe.compat.pykan._names import names_of
from ascribe.compat.pykan.MultKAN import KAN
from ascribe.core.arguments import checked
from ascribe.errors import InputError
from ascribe.kan.runner import Run
from ascribe.kan.runner import pareto_frontier as pareto_frontier


@checked
def runner1(
    width: Sequence[int | Sequence[int]],
    dataset: Any,
    grids: Sequence[int] = (5, 10, 20),
    steps: int = 20,
    lamb: float | int = 0.001,
    prune_round: int = 3,
    refine_round: int = 3,
    edge_th: float | int = 1e-2,
    node_th: float | int = 1e-2,
    metrics: Sequence[Callable[[Any, Any], Any]] | None = None,
    seed: int = 1,
) -> dict[str, np.ndarray]:
    """One entry a phase: test_loss, c (edges), G (cells of every layer), id (of the version), and the metrics."""
    if not len(grids):
        raise InputError("grids is empty; pass the numbers of cells, as grids=[5, 10].")
    start = KAN(width=width, grid=grids[0], seed=seed)
    run = Run(start, dataset, grids, steps, lamb, prune_round, refine_round, edge_th, node_th, tuple(metrics or ()))
    table = run.resume().table()
    cells = np.array([phase.grid for phase in run.phases])
    return {"test_loss": table.pop("test_loss"), "c": table.pop("n_edge"), "G": cells, **_without_grid(table)}


def _without_grid(table: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: column for name, column in table.items() if name != "grid"}


__getattr__ = names_of(__name__)
