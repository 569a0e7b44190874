"""What was read of a network: its choices, and tables of formulas."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.fit.loop import fit
from ascribe.kan.state.history import Versioned
from ascribe.kan.symbolic.candidates import Place
from ascribe.kan.symbolic.exact import with_exact_numbers
from ascribe.kan.symbolic.formula import Formula, composed
from ascribe.kan.symbolic.function import Function
from ascribe.kan.symbolic.gather import gathered
from ascribe.kan.symbolic.pareto import EXACT, Candidate, Pareto, complexity_of
from ascribe.kan.symbolic.plain import rounded
from ascribe.kan.symbolic.snap import snap

Net = TypeVar("Net", bound=Versioned)
Rows = tuple[Float[Tensor, "_ columns"], Float[Tensor, "_ outputs"]]

# Steps of a fit after a change of one edge, each of several iterations.
REFIT = 8
# Of the largest coefficient of a sum, below which another one is what float64 leaves of 0.
_ROUNDING = 4e-10
# The loss of a network without values: an edge is outside its function's domain.
NOWHERE = math.inf


class Choice(NamedTuple):
    """What an edge became, and the r2 of its fit before the rest was refitted."""

    edge: Place
    function: str
    r2: float


@final
@dataclass(frozen=True, repr=False)
class Reading:
    """What `auto_symbolic` chose, in order, and the formulas of every output: tables of complexity and error.

    There is no table while an edge is still a spline (see `r2_threshold`); `left` names those. `network` is the network
    as it was read, in float64; `fitted` are the rows it was fitted to, `held` those that rank formulas. `precision` is
    the rounding of the network as it came: constants are not known better.
    """

    choices: tuple[Choice, ...]
    left: tuple[Place, ...]
    network: Versioned
    fitted: Rows
    held: Rows
    precision: float

    @cached_property
    def tables(self) -> tuple[Pareto, ...]:
        """One table an output; made when they are asked for, at the price of two fits for every edge."""
        return () if self.left else _tables(self.network, self.fitted, self.held, self.precision)

    @property
    def table(self) -> Pareto:
        """The table of the only output.  Raises InputError where there is none, or there are several."""
        if self.left:
            raise InputError(f"edges {list(self.left)} are still splines; lower r2_threshold, or fix_symbolic them.")
        if self.held[1].shape[1] != 1:
            raise InputError(f"the network has {self.held[1].shape[1]} outputs; take one of `tables`.")
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


def refitted(net: Net, rows: Rows, steps: int = REFIT) -> Net:
    """The network itself, fitted to the rows on its grids."""
    fit(net, rows, opt="auto", steps=steps, update_grid=False, progress=False)
    return net


def with_edge(net: Net, edge: Place, function: str | Function, affine: Sequence[float], rows: Rows) -> Net:
    """Another network, in which an edge is this function and the rest is refitted.

    It is not where the function takes an edge above it out of its domain: there `loss_of` is that of no network.
    """
    trial = copy.deepcopy(net)
    trial.fix(*edge, function, affine)
    return refitted(trial, rows) if loss_of(trial, rows) < NOWHERE else trial


def loss_of(net: Versioned, rows: Rows) -> float:
    """The mean squared error as a share of the labels' variance, all outputs together."""
    with torch.no_grad():
        rest = net(rows[0]) - rows[1]
    return (
        float(rest.square().mean() / rows[1].var(0).mean().clamp(min=1e-300))
        if bool(rest.isfinite().all())
        else NOWHERE
    )


# Asked for wherever somebody looks; its fits need gradients.
@torch.inference_mode(False)
def _tables(net: Versioned, rows: Rows, held: Rows, precision: float) -> tuple[Pareto, ...]:
    """The formulas of every output: as they are, with exact and with short numbers, and with one edge less or plain."""
    whole = composed(net)
    trials = (
        (with_edge(net, (l, i, j), name, affine, rows), f"edge {(l, i, j)} as {name}")
        for l, layer in enumerate(net.layers)
        for i, j in layer.present.nonzero().tolist()
        for name, affine in (("0", (1.0, 0.0, 0.0, 0.0)), ("x", (1.0, 0.0, 1.0, 0.0)))
    )
    # 1/u has no value, and no formula, where nothing comes in.
    simpler = [(composed(trial), way) for trial, way in trials if loss_of(trial, rows) < NOWHERE]
    tables: list[Pareto] = []
    for output, (expression, label) in enumerate(zip(whole.expressions, held[1].unbind(1), strict=True)):
        short = gathered(expression, max(_ROUNDING, precision))
        ways = [
            (expression, "network"),
            (short, "network"),
            (with_exact_numbers(short, max(1e-9, 10 * precision)), "exact numbers"),
            (snap(short, whole.variables, rows[0], rows[1][:, output]).expression, "exact numbers"),
            *((rounded(short, digits), f"{digits} digits") for digits in (2, 3, 4, 6)),
            *((rounded(gathered(other.expressions[output]), 4), way) for other, way in simpler),
        ]
        spread = float(label.std()) or 1.0
        found: list[Candidate] = []
        for tried, way in ways:
            rest = Formula((tried,), whole.variables)(held[0])[:, 0] - label
            error = float(rest.square().mean().sqrt()) / spread
            if math.isfinite(error):
                found.append(Candidate(tried, complexity_of(tried), error, way))
        tables.append(Pareto.of(found, len(label), max(EXACT, 10 * precision)))
    return tuple(tables)
