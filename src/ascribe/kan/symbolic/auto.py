"""A whole network becomes a formula: edge after edge, the surest first, the rest refitted after each."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, TypeVar

import torch

from ascribe.kan.fit.dataset import read_dataset
from ascribe.kan.fit.loss import loss_named
from ascribe.kan.history import Versioned
from ascribe.kan.symbolic.candidates import Place, Range, candidates
from ascribe.kan.symbolic.function import Function
from ascribe.kan.symbolic.reading import Choice, Reading, Rows, refitted, with_edge
from ascribe.kan.symbolic.suggestion import Ranked, Suggestion

Net = TypeVar("Net", bound=Versioned)

# Functions that are tried on an edge until one keeps the loss, and what keeping it means.
_TRIED, _KEPT = 4, 1.5
# Steps of the fit when all is chosen.
_LAST = 40
# Mean squared error, relative to the variance, that splines do not go below: as good as none.
_ROUNDING = 1e-24
# Share of the spread below which an edge does nothing.
_IDLE = 1e-6


def auto_symbolic(
    kan: Versioned,
    a_range: Range = (-10, 10),
    b_range: Range = (-10, 10),
    lib: Iterable[str | Function] | None = None,
    verbose: int | bool = 1,
    weight_simple: float | int = 0.2,
    r2_threshold: float | int = 0.0,
    dataset: Any = None,
) -> Reading:
    """Make every edge a function, in place, and read the formula.

    All functions of `lib` (or of the library) are fitted to all edges at once; the edge whose best function leaves
    least becomes that function, the rest of the network is refitted in float64, and so on with fresh fits. A function
    that spoils the fit is taken back, and the next best is tried. `weight_simple` is what complexity counts, as in
    `suggest_symbolic`; edges below `r2_threshold` stay splines. `kan` changes once, at the end.

    With a `dataset`, as `fit` takes it, the network is refitted to its labels: only so does a formula become more
    exact than the splines were. Without one it is refitted to its own outputs on the training data.

    The tables have the formula of the network, that with constants written as short exact expressions, those with
    rounded constants, and those with one edge made a straight line or nothing. One row in five is not fitted, and ranks
    them; the tables are made when they are asked for (or printed, with `verbose`).

    Raises InputError where there is no data.

    >>> import torch
    >>> from ascribe.kan.network import KAN
    >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None]
    >>> kan = KAN([1, 1], dtype=torch.float64)
    >>> history = kan.fit((x, torch.sin(3 * x) + 1), opt="LM", steps=5, progress=False)
    >>> kan.auto_symbolic(verbose=0, dataset=(x, torch.sin(3 * x) + 1)).formula
    sin(3*x_1) + 1
    """
    work = copy.deepcopy(kan).double()
    rows, held = _split(_rows(work, dataset))
    chosen: list[Choice] = []
    left: list[Place] = []
    remaining = [
        (l, i, j)
        for l, layer in enumerate(work.layers)
        for i, j in layer.present.nonzero().tolist()
        if layer.symbolic.at(i, j) is None
    ]
    work = refitted(work, rows)
    while remaining:
        found = candidates(work, remaining, lib, a_range, b_range, rows[0])
        suggested = [found.of(*edge, weight_simple) for edge in remaining]
        sure = min(range(len(remaining)), key=lambda n: _doubt(suggested[n], float(found.spread[n])))
        edge, suggestion = remaining.pop(sure), suggested[sure]
        if not suggestion.ranked or suggestion.best.r2 < r2_threshold:
            left.append(edge)
            continue
        work, ranked = _chosen(work, edge, suggestion, float(found.spread[sure]), rows)
        chosen.append(Choice(edge, ranked.name, ranked.r2))
        if verbose:
            print(f"edge {edge} is {ranked.name} (r2 {ranked.r2:.6f})")
    if not left:
        work = refitted(work, rows, _LAST)
    kan.load_state_dict(work.state_dict())
    kan.log_history("auto_symbolic")
    reading = Reading(tuple(chosen), tuple(sorted(left)), work, rows, held)
    if verbose and not left:
        print("\n".join(map(str, reading.tables)))
    return reading


def _rows(work: Versioned, dataset: Any) -> Rows:
    """Inputs and labels in float64; the network's own outputs where no labels are given."""
    if dataset is not None:
        train = read_dataset(dataset, work, loss_named(None)).train
        return train.inputs.double(), train.label.T.double()
    inputs = work.data(None)
    inputs = inputs.reshape(-1, inputs.shape[-1]).double()
    with torch.no_grad():
        return inputs, work(inputs)


def _split(rows: Rows) -> tuple[Rows, Rows]:
    """Four rows in five, and the fifth; all of them twice where they are few."""
    inputs, label = rows
    held = torch.arange(len(inputs), device=inputs.device) % 5 == 4
    return (rows, rows) if len(inputs) < 20 else ((inputs[~held], label[~held]), (inputs[held], label[held]))


def _doubt(suggestion: Suggestion, spread: float) -> float:
    """What the best function leaves of the edge; an edge that does nothing is sure."""
    return suggestion.best.error if suggestion.ranked and spread > _IDLE else 0.0


def _loss(net: Versioned, rows: Rows) -> float:
    """The mean squared error as a share of the labels' variance, all outputs together."""
    with torch.no_grad():
        rest = net(rows[0]) - rows[1]
    return float(rest.square().mean() / rows[1].var(0).mean().clamp(min=1e-300)) if bool(rest.isfinite().all()) else 1e9


def _chosen(work: Net, edge: Place, suggestion: Suggestion, spread: float, rows: Rows) -> tuple[Net, Ranked]:
    """The network with the first function that keeps the loss, or else the one that spoils it least."""
    before = max(_loss(work, rows), _ROUNDING)
    trials: list[tuple[float, Net, Ranked]] = []
    for ranked in suggestion.ranked[: _TRIED if spread > _IDLE else 1]:
        trial = with_edge(work, edge, ranked.function, ranked.affine, rows)
        loss = _loss(trial, rows)
        if loss <= _KEPT * before:
            return trial, ranked
        trials.append((loss, trial, ranked))
    best = min(trials, key=lambda trial: trial[0])
    return best[1], best[2]
