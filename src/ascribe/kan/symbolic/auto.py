"""A whole network becomes a formula: edge after edge, the surest first, the rest refitted after each."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.fit.dataset import read_dataset
from ascribe.kan.fit.loop import fit
from ascribe.kan.fit.loss import loss_named
from ascribe.kan.history import Versioned
from ascribe.kan.symbolic.candidates import Place, Range, candidates
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.exact import with_exact_numbers
from ascribe.kan.symbolic.formula import Formula, rounded, symbolic_formula
from ascribe.kan.symbolic.function import Function
from ascribe.kan.symbolic.gather import gathered
from ascribe.kan.symbolic.library import LIBRARY
from ascribe.kan.symbolic.pareto import Candidate, Pareto, complexity_of
from ascribe.kan.symbolic.suggestion import Ranked, Suggestion

Net = TypeVar("Net", bound=Versioned)

# Functions that are tried on an edge until one keeps the loss, and what keeping it means.
_TRIED, _KEPT = 4, 1.5
# Steps of Levenberg-Marquardt (5 iterations each) after a choice, and when all is chosen.
_REFIT, _LAST = 8, 40
# Mean squared error, relative to the variance, that splines do not go below: as good as none.
_ROUNDING = 1e-24
# Share of the spread below which an edge does nothing.
_IDLE = 1e-6


class Choice(NamedTuple):
    """What an edge became, and the r2 of its fit before the rest was refitted."""

    edge: Place
    function: str
    r2: float


@final
@dataclass(frozen=True)
class Reading:
    """What `auto_symbolic` chose, in order, and for every output the formulas: tables of complexity and error.

    There is no table while an edge is still a spline (see `r2_threshold`); `left` names those.
    """

    choices: tuple[Choice, ...]
    left: tuple[Place, ...]
    tables: tuple[Pareto, ...]

    @property
    def table(self) -> Pareto:
        """The table of the only output.  Raises InputError where there is none, or there are several."""
        if self.left:
            raise InputError(f"edges {list(self.left)} are still splines; lower r2_threshold, or fix_symbolic them.")
        if len(self.tables) != 1:
            raise InputError(f"the network has {len(self.tables)} outputs; take one of `tables`.")
        return self.tables[0]

    @property
    def formula(self) -> Any:
        """The chosen formula of the only output, a sympy expression."""
        return self.table.best.expression

    def __str__(self) -> str:
        lines = [f"edge {choice.edge}: {choice.function} (r2 {choice.r2:.6f})" for choice in self.choices]
        lines += [f"edge {edge}: still a spline" for edge in self.left]
        return "\n".join([*lines, *map(str, self.tables)])

    __repr__ = __str__


def auto_symbolic(
    kan: Versioned,
    a_range: Range = (-10, 10),
    b_range: Range = (-10, 10),
    lib: Iterable[str | Function] | None = None,
    verbose: int = 1,
    weight_simple: float = 0.2,
    r2_threshold: float = 0.0,
    dataset: Any = None,
) -> Reading:
    """Make every edge a function, in place, and read the formula.

    All functions of `lib` (or of the library) are fitted to all edges at once; the edge whose best function leaves
    least becomes that function, the rest of the network is refitted in float64, and so on with fresh fits. A function
    that spoils the fit is taken back, and the next best is tried. `weight_simple` is what complexity counts, as in
    `suggest_symbolic`; edges below `r2_threshold` stay splines. `kan` changes once, at the end.

    With a `dataset`, as `fit` takes it, the network is refitted to its labels: only so does a formula become more
    exact than the splines were. Without one it is refitted to its own outputs on the training data.

    The table of every output has its formula, that with constants written as short exact expressions, those with
    rounded constants, and those with one edge made a straight line or nothing. The chosen one was checked on the data.

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
    rows = _rows(work, dataset)
    chosen: list[Choice] = []
    left: list[Place] = []
    remaining = [
        (l, i, j)
        for l, layer in enumerate(work.layers)
        for i, j in layer.present.nonzero().tolist()
        if layer.symbolic.at(i, j) is None
    ]
    work = _refitted(work, rows, _REFIT)
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
        work = _refitted(work, rows, _LAST)
    tables = () if left else tuple(_table(work, rows, output) for output in range(rows[1].shape[1]))
    kan.load_state_dict(work.state_dict())
    kan.log_history("auto_symbolic")
    reading = Reading(tuple(chosen), tuple(sorted(left)), tables)
    if verbose and tables:
        print("\n".join(map(str, tables)))
    return reading


Rows = tuple[Float[Tensor, "n columns"], Float[Tensor, "n outputs"]]


def _rows(work: Versioned, dataset: Any) -> Rows:
    """Inputs and labels in float64; the network's own outputs where no labels are given."""
    if dataset is not None:
        train = read_dataset(dataset, work, loss_named(None)).train
        return train.inputs.double(), train.label.T.double()
    inputs = work.data(None)
    inputs = inputs.reshape(-1, inputs.shape[-1]).double()
    with torch.no_grad():
        return inputs, work(inputs)


def _doubt(suggestion: Suggestion, spread: float) -> float:
    """What the best function leaves of the edge; an edge that does nothing is sure."""
    return suggestion.best.error if suggestion.ranked and spread > _IDLE else 0.0


def _loss(net: Versioned, rows: Rows) -> float:
    """The mean squared error as a share of the labels' variance, all outputs together."""
    with torch.no_grad():
        rest = net(rows[0]) - rows[1]
    return float(rest.square().mean() / rows[1].var(0).mean().clamp(min=1e-300)) if bool(rest.isfinite().all()) else 1e9


def _refitted(net: Net, rows: Rows, steps: int) -> Net:
    fit(net, rows, opt="auto", steps=steps, update_grid=False, progress=False)
    return net


def _with(work: Net, edge: Place, function: str | Function, affine: Sequence[float], rows: Rows, steps: int) -> Net:
    trial = copy.deepcopy(work)
    trial.fix(*edge, function, affine)
    return _refitted(trial, rows, steps)


def _chosen(work: Net, edge: Place, suggestion: Suggestion, spread: float, rows: Rows) -> tuple[Net, Ranked]:
    """The network with the first function that keeps the loss, or else the one that spoils it least."""
    before = max(_loss(work, rows), _ROUNDING)
    trials: list[tuple[float, Net, Ranked]] = []
    for ranked in suggestion.ranked[: _TRIED if spread > _IDLE else 1]:
        trial = _with(work, edge, ranked.function, ranked.affine, rows, _REFIT)
        loss = _loss(trial, rows)
        if loss <= _KEPT * before:
            return trial, ranked
        trials.append((loss, trial, ranked))
    best = min(trials, key=lambda trial: trial[0])
    return best[1], best[2]


def _table(work: Versioned, rows: Rows, output: int) -> Pareto:
    """The formulas of one output, all of them tried on the data."""
    label = rows[1][:, output]
    found: list[Candidate] = []

    def take(formula: Formula, expression: Any, way: str) -> None:
        values = {v.name: column for v, column in zip(formula.variables, rows[0].T, strict=True)}
        functions = {name: function.torch for name, function in LIBRARY.items()}
        rest = evaluate(expression, values, functions).expand_as(label) - label
        error = float(rest.square().mean().sqrt() / label.std())
        if error == error:
            found.append(Candidate(expression, complexity_of(expression), error, way))

    whole = symbolic_formula(work, x=rows[0])
    expression = whole.expressions[output]
    take(whole, expression, "network")
    short = gathered(expression)
    take(whole, short, "network")
    take(whole, with_exact_numbers(short), "exact numbers")
    for digits in (2, 3, 4, 6):
        take(whole, rounded(short, digits), f"{digits} digits")
    for l, layer in enumerate(work.layers):
        for i, j in layer.present.nonzero().tolist():
            for name, affine in (("0", (1.0, 0.0, 0.0, 0.0)), ("x", (1.0, 0.0, 1.0, 0.0))):
                simpler = _with(work, (l, i, j), name, affine, rows, _REFIT)
                formula = symbolic_formula(simpler, x=rows[0])
                take(formula, rounded(gathered(formula.expressions[output]), 4), f"edge {(l, i, j)} as {name}")
    return Pareto.of(found, len(label))
