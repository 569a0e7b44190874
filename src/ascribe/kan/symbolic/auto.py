"""A whole network becomes a formula: edge after edge, the surest first, the rest refitted after each."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import torch

from ascribe.errors import InputError, PoorFormulaWarning
from ascribe.kan.fit.dataset import read_dataset
from ascribe.kan.fit.loss import loss_named
from ascribe.kan.state.history import Versioned
from ascribe.kan.symbolic.candidates import Place, Range, candidates, functions_of
from ascribe.kan.symbolic.exchange import exchanged
from ascribe.kan.symbolic.function import Function
from ascribe.kan.symbolic.reading import NOWHERE, Choice, Reading, Rows, loss_of, refitted, with_edge
from ascribe.kan.symbolic.suggestion import Ranked, Suggestion

Net = TypeVar("Net", bound=Versioned)

# Functions that are tried on an edge, and what keeping the loss means.
_TRIED, _KEPT = 4, 1.5
# A loss this much lower than that of the splines shows the right function.
_SHARP = 1e-3
# Steps of the fit when all is chosen.
_LAST = 40
# Mean squared error, relative to the variance, that splines do not go below: as good as none.
_ROUNDING = 1e-24
# Share of the labels' variance that may be lost without a word, and the r2 of an edge that lost none of it.
_LOST, _GOOD = 0.05, 0.9
# Share of the spread below which an edge does nothing.
_IDLE = 1e-6


# The parameters that are made here are trained later, wherever this is called.
@torch.inference_mode(False)
def auto_symbolic(
    kan: Versioned,
    a_range: Range = (-10, 10),
    b_range: Range = (-10, 10),
    lib: str | Function | Iterable[str | Function] | None = None,
    verbose: int | bool = 1,
    weight_simple: float | int = 0.2,
    r2_threshold: float | int = 0.0,
    dataset: Any = None,
) -> Reading:
    """Make every edge a function, in place, and read the formula.

    All functions of `lib` (or of the library) are fitted to all edges at once; the edge whose best function leaves
    least comes first. Its four best are tried, each with the rest of the network refitted in float64; the simplest that
    keeps the fit stays, and so on with fresh fits. At last functions are exchanged while that serves the fit, or costs
    it nothing and is simpler. `weight_simple` is what complexity counts, as in `suggest_symbolic`. Edges below
    `r2_threshold` stay splines, as do those that no function keeps inside the domains of the edges above. `kan` changes
    once, at the end.

    The network is refitted to the labels of the `dataset`, which is what `fit` takes, or to those of the last fit: only
    so does a formula become more exact than the splines were. Without any it is refitted to its own outputs.

    The tables have the formula of the network, that with constants written as short exact expressions, those with
    rounded constants, and those with one edge made a straight line or nothing. One row in five is not fitted, and ranks
    them; the tables are made when they are asked for (or printed, with `verbose`).

    Where no function fits, the least bad is taken; a PoorFormulaWarning says so when that loses a twentieth of the
    labels' variance.

    Raises InputError where there is no data, or fewer than 4 rows.

    >>> import torch
    >>> from ascribe.kan.network import KAN
    >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None]
    >>> kan = KAN([1, 1], dtype=torch.float64)
    >>> history = kan.fit((x, torch.sin(3 * x) + 1), opt="LM", steps=5, progress=False)
    >>> kan.auto_symbolic(verbose=0, dataset=(x, torch.sin(3 * x) + 1)).formula
    sin(3*x_1) + 1
    """
    precision = torch.finfo(kan.layers[0].coef.dtype).eps
    work = copy.deepcopy(kan).double()
    # What is tried makes no files.
    work.ckpt_path = None
    lib = functions_of(lib)
    rows, held = _split(_rows(work, dataset))
    chosen: list[Choice] = []
    left: list[Place] = []
    remaining = [
        (l, i, j)
        for l, layer in enumerate(work.layers)
        for i, j in layer.present.nonzero().tolist()
        if layer.symbolic.at(i, j) is None or layer.mask[i, j] != 0
    ]
    work = refitted(work, rows)
    splines = loss_of(work, rows)
    while remaining:
        found = candidates(work, remaining, lib, a_range, b_range, rows[0])
        suggested = [found.of(*edge, weight_simple) for edge in remaining]
        sure = min(range(len(remaining)), key=lambda n: _doubt(suggested[n], float(found.spread[n])))
        edge, suggestion = remaining.pop(sure), suggested[sure]
        if not suggestion.ranked or suggestion.best.r2 < r2_threshold:
            left.append(edge)
            continue
        taken = _chosen(work, edge, suggestion, float(found.spread[sure]), rows, precision)
        if taken is None:
            left.append(edge)
            continue
        work, ranked = taken
        chosen.append(Choice(edge, ranked.name, ranked.r2))
        if verbose:
            print(f"edge {edge} is {ranked.name} (r2 {ranked.r2:.6f})")
    if not left:
        floor = max(_ROUNDING, precision**2)
        work, exchanges = exchanged(work, chosen, rows, lib, a_range, b_range, weight_simple, floor)
        chosen = list(exchanges)
        work = refitted(work, rows, _LAST)
    kan.load_state_dict(work.state_dict())
    kan.log_history("auto_symbolic")
    _say_lost(splines, loss_of(work, rows), chosen)
    reading = Reading(tuple(chosen), tuple(sorted(left)), work, rows, held, precision)
    if verbose and not left:
        print("\n".join(map(str, reading.tables)))
    return reading


def _rows(work: Versioned, dataset: Any) -> Rows:
    """Inputs and labels in float64: given, of the last fit, or the network's own outputs."""
    if dataset is not None:
        train = read_dataset(dataset, work, loss_named(None)).train
        inputs, label = train.inputs.double().clone(), train.label.T.double().clone()
    else:
        inputs = work.data(None)
        inputs = inputs.reshape(-1, inputs.shape[-1]).double()
        with torch.no_grad():
            label = work(inputs) if work.label is None else work.label.reshape(len(inputs), -1).double()
    if len(inputs) < 4:
        raise InputError(f"{len(inputs)} rows say too little about a formula; pass dataset=(x, y) with more rows.")
    return inputs, label


def _say_lost(splines: float, functions: float, chosen: Sequence[Choice]) -> None:
    if functions - splines <= _LOST:
        return
    poor = sorted((choice for choice in chosen if choice.r2 < _GOOD), key=lambda choice: choice.r2)[:3]
    worst = ", ".join(f"{choice.edge} as {choice.function} (r2 {choice.r2:.3f})" for choice in poor)
    warnings.warn(
        f"the functions explain {max(0.0, 1 - functions):.1%} of the labels' variance, the splines"
        f" {max(0.0, 1 - splines):.1%};{f' edges {worst} fit worst;' if poor else ''} take it back with rewind, and"
        " keep what no function fits as splines (r2_threshold=0.9), widen a_range and b_range, or add_symbolic what is"
        " missing.",
        PoorFormulaWarning,
        stacklevel=5,
    )


def _split(rows: Rows) -> tuple[Rows, Rows]:
    """Four rows in five, and the fifth; all of them twice where they are few."""
    inputs, label = rows
    held = torch.arange(len(inputs), device=inputs.device) % 5 == 4
    return (rows, rows) if len(inputs) < 20 else ((inputs[~held], label[~held]), (inputs[held], label[held]))


def _doubt(suggestion: Suggestion, spread: float) -> float:
    """What the best function leaves of the edge; an edge that does nothing is sure."""
    return suggestion.best.error if suggestion.ranked and spread > _IDLE else 0.0


def _chosen(
    work: Net, edge: Place, suggestion: Suggestion, spread: float, rows: Rows, precision: float
) -> tuple[Net, Ranked] | None:
    """The network with the simplest function that keeps the loss, or else with the one that spoils it least.

    What the loss gains below the splines' own is no evidence, unless it is orders of magnitude. Where none of the best
    leaves the edges above inside their domains the first that does is taken; there may be none.
    """
    before = max(loss_of(work, rows), _ROUNDING, precision**2)
    trials: list[tuple[float, Net, Ranked]] = []
    for n, ranked in enumerate(suggestion.ranked):
        if trials and n >= (_TRIED if spread > _IDLE else 1):
            break
        trial = with_edge(work, edge, ranked.function, ranked.affine, rows)
        loss = loss_of(trial, rows)
        if loss < NOWHERE:
            trials.append((loss, trial, ranked))
    if not trials:
        return None
    least = min(trial[0] for trial in trials)
    enough = _KEPT * max(least, before if least > _SHARP * before else 0.0, _ROUNDING)
    kept = [trial for trial in trials if trial[0] <= enough]
    # Of equals the one that is suggested first, as the loss of the more supple function is always lower.
    best = min(kept, key=lambda trial: trial[2].complexity)
    return best[1], best[2]
