"""From data to a Pareto front, phase by phase: train with pressure, prune, refine, train; and so on with the pruned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, final

import numpy as np
import torch
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.kan.network import KAN

Metric = Callable[[KAN, Any], float | Tensor]
Net = TypeVar("Net", bound=KAN)


@final
@dataclass(frozen=True)
class Phase:
    """A network after one phase, and how good and how large it is.

    `refinement` is 0 after pruning, and counts the refinements since. `id` names the network's version.
    """

    round: int
    refinement: int
    id: str
    test_loss: float
    n_edge: int
    grid: tuple[int, ...]
    metrics: Mapping[str, float]
    network: KAN = field(repr=False, compare=False)


@dataclass
class Run:
    """Every round trains the network of the last round's pruning under pressure `lamb`, and prunes it; then it refines
    to each of the first `refine_round` of `grids` in turn, and trains without pressure.

    `start` is left as it is. Every phase is added to `phases` when it is whole, and goes on from the phases before it:
    a run that was interrupted goes on where it stood when `resume` is called again. Nothing is written to disk.

    >>> from ascribe.kan.network import KAN
    >>> Run(KAN([2, 3, 1]), {}, grids=(5, 10), prune_round=1).places
    [(0, 0), (0, 1), (0, 2)]
    """

    start: KAN
    dataset: Any
    grids: Sequence[int] = (5, 10, 20)
    steps: int = 20
    lamb: float | int = 1e-3
    prune_round: int = 3
    refine_round: int | None = None
    edge_th: float | int = 1e-2
    node_th: float | int = 1e-2
    metrics: Sequence[Metric] = ()
    progress: bool = True
    phases: list[Phase] = field(default_factory=list)

    @property
    def places(self) -> list[tuple[int, int]]:
        """The round and the refinement of every phase.  Raises InputError for more refinements than grids."""
        refinements = len(self.grids) if self.refine_round is None else self.refine_round
        if not 0 <= refinements <= len(self.grids) or self.prune_round < 1:
            raise InputError(
                f"refine_round={self.refine_round} with {len(self.grids)} grids, prune_round={self.prune_round}: pass a"
                " grid a refinement, and one round or more."
            )
        return [(i, j) for i in range(self.prune_round) for j in range(refinements + 1)]

    def resume(self) -> Run:
        """Go through the phases that are not done yet."""
        for _ in self:
            pass
        return self

    def __iter__(self) -> Iterator[Phase]:
        """Go through the phases that are not done yet, giving each when it is."""
        for i, j in self.places[len(self.phases) :]:
            made = self._pruned(i) if j == 0 else self._refined(self.phases[-1].network, j)
            found = made.evaluate(self.dataset)
            loss, edges = found["test_loss"], found["n_edge"]
            assert isinstance(loss, float)
            assert isinstance(edges, int)
            with torch.no_grad():
                metrics = {name(metric): float(metric(made, self.dataset)) for metric in self.metrics}
            self.phases.append(Phase(i, j, made.versions.name, loss, edges, tuple(made.grid), metrics, made))
            yield self.phases[-1]

    def _pruned(self, i: int) -> KAN:
        before = [phase for phase in self.phases if (phase.round, phase.refinement) == (i - 1, 0)]
        net = before[0].network.rewind(before[0].id) if before else self.start.copy()
        net.fit(self.dataset, steps=self.steps, lamb=self.lamb, progress=self.progress)
        return net.prune(self.node_th, self.edge_th)

    def _refined(self, net: KAN, j: int) -> KAN:
        finer = net.refine(self.grids[j - 1])
        finer.fit(self.dataset, steps=self.steps, progress=self.progress)
        return finer

    def table(self) -> dict[str, np.ndarray]:
        """One entry a phase: test_loss, n_edge, grid (cells of the first layer), id, and the metrics."""
        columns: dict[str, list[Any]] = {
            "test_loss": [p.test_loss for p in self.phases],
            "n_edge": [p.n_edge for p in self.phases],
            "grid": [p.grid[0] for p in self.phases],
            "id": [p.id for p in self.phases],
        }
        columns |= {name(m): [p.metrics[name(m)] for p in self.phases] for m in self.metrics}
        return {column: np.array(values) for column, values in columns.items()}

    def to_frame(self) -> Any:
        """The table as a pandas DataFrame."""
        return need("pandas", extra="table").DataFrame(self.table())

    def pareto(self) -> list[Phase]:
        """The phases that no other beats: fewer edges times cells, or a smaller loss on the test set."""
        size = np.array([sum(g * n for g, n in zip(p.grid, _edges(p.network), strict=True)) for p in self.phases])
        _, _, chosen = pareto_frontier(size, np.array([p.test_loss for p in self.phases]))
        return [self.phases[n] for n in chosen]

    def __str__(self) -> str:
        best = {phase.id for phase in self.pareto()}
        lines = [f"{'':2}{'id':>6} {'edges':>6} {'grid':>5} {'test loss':>10}"]
        lines += [
            f"{'* ' if p.id in best else '  '}{p.id:>6} {p.n_edge:>6} {p.grid[0]:>5} {p.test_loss:>10.3g}"
            for p in self.phases
        ]
        return "\n".join(lines)


def name(metric: Metric) -> str:
    """What a metric is called in tables."""
    return getattr(metric, "__name__", type(metric).__name__)


def _edges(net: KAN) -> list[int]:
    return [int(layer.present.sum()) for layer in net.layers]


def pareto_frontier(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The points that no other is at most as large as in both, and less in one: x, y and their numbers.

    Of points that are the same the first stands.

    >>> pareto_frontier(np.array([1, 2, 2, 3]), np.array([5, 4, 4, 4]))[2].tolist()
    [0, 1]
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim != 1 or x.shape != y.shape:
        raise InputError(f"x has shape {x.shape} and y {y.shape}; pass two rows of as many numbers.")
    order = np.lexsort((np.arange(len(x)), y, x))
    best, chosen = np.inf, []
    for n in order:
        if y[n] < best:
            best = y[n]
            chosen.append(n)
    index = np.sort(np.array(chosen, dtype=np.intp))
    return x[index], y[index], index
