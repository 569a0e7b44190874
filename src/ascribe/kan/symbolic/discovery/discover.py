"""From data to a formula in one call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.contest import Contest
from ascribe.kan.symbolic.discovery.data import numbers, read_data
from ascribe.kan.symbolic.discovery.stages import stages
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.pareto import Candidate, Pareto, complexity_of
from ascribe.kan.whole import whole

if TYPE_CHECKING:
    from ascribe.kan.network import KAN

# Rows that are searched; of those that remain, rows that rank.
_SEARCHED, _RANKING = 1000, 1000


@final
@dataclass(frozen=True)
class Discovery:
    """What `discover` found: a table of formulas, the chosen one, and the seconds it took.

    `deviations` are the standard errors of the chosen formula's decimal constants.
    """

    table: Pareto
    names: tuple[str, ...]
    seconds: float
    deviations: dict[float, float] = field(default_factory=dict[float, float])

    @property
    def formula(self) -> Any:
        """The chosen formula, a sympy expression in the names of the columns."""
        return self.table.best.expression

    @property
    def exact(self) -> bool:
        """Whether the formula gives the data to rounding."""
        return self.table.best.exact

    def __call__(self, x: Any) -> Float[Tensor, " n"]:
        """The values of the formula on rows of data, as `discover` takes them.  Raises InputError for other columns."""
        rows = numbers(x, "x")
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            raise InputError(
                f"x has shape {tuple(rows.shape)}, but the formula takes (rows, {len(self.names)}):"
                f" {', '.join(self.names)}."
            )
        return evaluate(self.formula, dict(zip(self.names, rows.T, strict=True)))

    def kan(self, dtype: torch.dtype = torch.float64) -> KAN:
        """The network that computes the formula."""
        from ascribe.kan.compile import kanpiler

        sympy = need("sympy", extra="pykan")
        return kanpiler([sympy.Symbol(name) for name in self.names], self.formula, dtype=dtype)

    def __str__(self) -> str:
        known = ", ".join(f"{value:.4g} ± {error:.1g}" for value, error in self.deviations.items())
        return f"{self.table}\nin {self.seconds:.1f} s" + (f"; constants {known}" if known else "")

    __repr__ = __str__


@torch.inference_mode(False)
@torch.enable_grad()
def discover(
    x: Any, y: Any, names: Sequence[str] | None = None, seconds: float | int = 60.0, seed: int = 0
) -> Discovery:
    r"""Formulas for y in the columns of x (n, columns), from the simplest to the most accurate.

    The same portfolio of symbolic networks for every problem, in this order, until one gives the data to rounding, or
    leaves nothing but noise and stays the best for some steps, or `seconds` are over: variables that split off or count
    only in pairs are taken together (`reduction`), then quotients and their roots (`relations`: they need data without
    noise), one product of powers (`power_laws`), sums of products under an outer function (`terms`), sums of functions
    with free constants under an outer function, quotients in noise (`quotients`), and thousands of random symbolic
    networks fitted together (`race`). Constants that are short expressions, to the precision of the data's dtype or to
    their standard errors, are written so. One row in five ranks, and is not fitted before the end; at most 1,000 rows
    are searched, and all give the constants at the end. Of columns that are the same, the first is searched.

    Raises InputError for data that is not two-dimensional, no numbers, not finite, or has fewer than 20 rows.

    >>> import torch
    >>> x = torch.rand(200, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.5
    >>> discover(x, x[:, 0] / x[:, 1] ** 2 / 4, names=("m", "r")).formula
    m/(4*r**2)
    """
    started = time.perf_counter()
    seed = whole(seed, "seed")
    if not seconds > 0:
        raise InputError(f"seconds={seconds!r} leaves no time to search; pass a number > 0.")
    columns, target, called, precision = read_data(x, y, names)
    order = torch.randperm(len(target), generator=torch.Generator().manual_seed(seed))
    held = max(4, len(order) // 5)
    ranking, fitting = order[:held][:_RANKING], order[held:][:_SEARCHED]
    sympy = need("sympy", extra="pykan")
    contest = Contest(called, columns, target, fitting, ranking, precision)
    mean = sympy.Float(float(target[fitting].mean()))
    constant = float(target.std()) <= 1e-12 * abs(float(mean))
    contest.found.append(Candidate(mean, 1, 0.0 if constant else 1.0, "mean"))
    moving = _moving(columns)
    if moving and not constant:
        symbols = [sympy.Symbol(called[i]) for i in moving]
        data = Branch.of(columns[moving][:, fitting], target[fitting], symbols, started + seconds)
        _search(contest, data, seed)
    return _discovery(contest, started)


def _moving(columns: Float[Tensor, "columns n"]) -> list[int]:
    """Columns that are no constants, the first of those that are the same."""
    unlike = (columns.std(1) > 0).nonzero()[:, 0].tolist()
    return [i for i in unlike if not any(torch.equal(columns[i], columns[j]) for j in range(i))]


def _search(contest: Contest, data: Branch, seed: int) -> None:
    for stage in stages(data, seed):
        if data.late:
            break
        if stage.rounding and contest.noisy:
            continue
        tried = False
        for formula in stage.formulas:
            tried = True
            if contest.take(formula, stage.way):
                break
        if contest.exact or contest.settled(tried):
            break


def _discovery(contest: Contest, started: float) -> Discovery:
    """The front, its constants fitted to all rows."""
    table, deviations = contest.table, dict[Any, dict[float, float]]()
    if not table.best.exact:
        candidates = list(table.candidates)
        for i, candidate in enumerate(candidates):
            made = contest.snapped(candidate.expression, torch.arange(len(contest.y)))
            if made is not None:
                simple = made.expression
                candidates[i] = replace(candidate, expression=simple, complexity=complexity_of(simple))
                deviations[simple] = made.deviations
        table = Pareto.of(candidates, len(contest.ranking), contest.rounding)
    took = time.perf_counter() - started
    return Discovery(table, tuple(contest.names), took, deviations.get(table.best.expression, {}))
