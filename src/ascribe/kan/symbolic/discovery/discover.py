"""From data to a formula in one call."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.race import raced, raced_sums
from ascribe.kan.symbolic.discovery.reduction import extended, reduced
from ascribe.kan.symbolic.discovery.relations import relations
from ascribe.kan.symbolic.discovery.terms import sums_of_products
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.exact import with_exact_numbers
from ascribe.kan.symbolic.pareto import EXACT, Candidate, Pareto, complexity_of

if TYPE_CHECKING:
    from ascribe.kan.network import KAN

# Rows that are searched; of those that remain, rows that rank.
_SEARCHED, _RANKING = 1000, 1000


@final
@dataclass(frozen=True)
class Discovery:
    """What `discover` found: a table of formulas, the chosen one, and the seconds it took."""

    table: Pareto
    names: tuple[str, ...]
    seconds: float

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
        rows = _numbers(x, "x")
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            raise InputError(
                f"x has shape {tuple(rows.shape)}, but the formula takes (rows, {len(self.names)}):"
                f" {', '.join(self.names)}."
            )
        return _values(self.formula, self.names, rows.T)

    def kan(self, dtype: torch.dtype = torch.float64) -> KAN:
        """The network that computes the formula."""
        from ascribe.kan.compile import kanpiler

        sympy = need("sympy", extra="pykan")
        return kanpiler([sympy.Symbol(name) for name in self.names], self.formula, dtype=dtype)

    def __str__(self) -> str:
        return f"{self.table}\nin {self.seconds:.1f} s"

    __repr__ = __str__


def discover(
    x: Any, y: Any, names: Sequence[str] | None = None, seconds: float | int = 60.0, seed: int = 0
) -> Discovery:
    r"""Formulas for y in the columns of x (n, columns), from the simplest to the most accurate.

    The same portfolio of symbolic networks for every problem, in this order, until one gives the data to rounding or
    `seconds` are over: variables that split off or count only in pairs are taken together (`reduction`), then sums of
    products under an outer function (`terms`), quotients and their roots (`relations`), sums of functions with free
    constants under an outer function, and thousands of random symbolic networks fitted together (`race`). Constants
    that are short expressions, to the precision of the data's dtype, are written so. One row in five ranks, and is not
    fitted; at most 1,000 rows are fitted.

    The exact ways need data without noise; with noise the table holds approximations.
    Raises InputError for data that is not two-dimensional, no numbers, not finite, or has fewer than 20 rows.

    >>> import torch
    >>> x = torch.rand(200, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.5
    >>> discover(x, x[:, 0] / x[:, 1] ** 2 / 4, names=("m", "r")).formula
    m/(4*r**2)
    """
    started = time.perf_counter()
    if not seconds > 0:
        raise InputError(f"seconds={seconds} leaves no time to search; pass seconds > 0.")
    columns, target, called, precision = _data(x, y, names)
    order = torch.randperm(len(target), generator=torch.Generator().manual_seed(seed))
    held = max(4, len(order) // 5)
    ranking, fitting = order[:held][:_RANKING], order[held:][:_SEARCHED]
    sympy = need("sympy", extra="pykan")
    symbols = [sympy.Symbol(name) for name in called]
    mean = float(target[fitting].mean())
    found = [Candidate(sympy.Float(mean), 1, 1.0, "mean")]
    spread = float(target[ranking].std())
    if float(target.std()) <= 1e-12 * abs(mean):
        exact = [Candidate(sympy.Float(mean), 1, 0.0, "mean")]
        return Discovery(Pareto.of(exact, held), called, time.perf_counter() - started)
    moving = (columns.std(1) > 0).nonzero()[:, 0].tolist()
    if not moving:
        return Discovery(Pareto.of(found, held), called, time.perf_counter() - started)
    data = Branch.of(columns[moving][:, fitting], target[fitting], [symbols[i] for i in moving], started + seconds)
    rounding = max(EXACT, 20 * precision)
    for way, stage in _stages(data, seed):
        for formula in stage:
            # In single precision 1/4 comes as 0.24999999: what the data cannot tell apart is written short.
            for expression in dict.fromkeys((formula, with_exact_numbers(formula, max(1e-9, 10 * precision)))):
                candidate = _ranked(expression, called, columns[:, ranking], target[ranking], spread, way)
                if candidate is not None:
                    found.append(replace(candidate, rounding=rounding))
            if any(c.exact and not c.expression.atoms(sympy.Float) for c in found[-2:]):
                break
        if any(c.exact for c in found) or data.late:
            break
    return Discovery(Pareto.of(found, held, rounding), called, time.perf_counter() - started)


def _stages(data: Branch, seed: int) -> Iterator[tuple[str, Iterator[Any]]]:
    """The ways, each as the formulas it gives."""
    smaller = reduced(data)
    branches = [smaller, data] if len(smaller.x) < len(data.x) else [data]

    def whole(branch: Branch, formulas: Iterator[Any]) -> Iterator[Any]:
        return (branch.whole(h, branch.symbols) for h in formulas)

    for branch in branches:
        yield "relation", whole(branch, relations(branch))
        yield "terms", whole(branch, sums_of_products(branch))
        yield "sum", whole(branch, raced_sums(branch, seed))
    yield "relation", whole(smaller, relations(smaller, deep=True))
    for deep in (False, True):
        for branch in extended(smaller):
            yield "relation", whole(branch, relations(branch, deep, pair=True))
        if not deep:
            yield "networks", whole(smaller, raced(smaller, seed))
    if smaller is not data:
        yield "relation", whole(data, relations(data, deep=True))
    while True:
        seed += 1
        for branch in branches:
            yield "networks", whole(branch, raced(branch, seed))


def _ranked(
    expression: Any, names: Sequence[str], x: Float[Tensor, "columns n"], y: Tensor, spread: float, way: str
) -> Candidate | None:
    sympy = need("sympy", extra="pykan")
    if expression.has(sympy.nan, sympy.zoo, sympy.oo, sympy.I):
        return None
    error = float((_values(expression, names, x) - y).square().mean().sqrt()) / spread
    return Candidate(expression, complexity_of(expression), error, way) if error < 1 else None


def _values(expression: Any, names: Sequence[str], x: Float[Tensor, "columns n"]) -> Float[Tensor, " n"]:
    return torch.broadcast_to(evaluate(expression, dict(zip(names, x, strict=True))), x.shape[1:])


def _numbers(given: Any, name: str) -> Tensor:
    """A tensor as it is, anything else as a copy in float64."""
    if isinstance(given, Tensor):
        return given
    try:
        return torch.from_numpy(np.array(given, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} holds what is no number ({error}); pass a tensor, an array or a frame of numbers alone."
        ) from None


def _data(x: Any, y: Any, names: Sequence[str] | None) -> tuple[Tensor, Tensor, tuple[str, ...], float]:
    """The columns and the target in float64, what the columns are called, and the precision that they came in."""
    if names is None and hasattr(x, "columns"):
        names = [str(name) for name in x.columns]
    given = _numbers(x, "x"), _numbers(y, "y")
    precision = max(torch.finfo(t.dtype).eps if t.is_floating_point() else 0.0 for t in given)
    rows, target = (t.double() for t in given)
    if rows.ndim != 2 or target.shape not in ((len(rows),), (len(rows), 1)) or not rows.shape[1]:
        raise InputError(
            f"x has shape {tuple(rows.shape)} and y {tuple(target.shape)}; pass x as (rows, columns), y as (rows,)."
        )
    if len(rows) < 20:
        raise InputError(f"{len(rows)} rows say too little about a formula; pass 20 at least.")
    if not bool(rows.isfinite().all() and target.isfinite().all()):
        raise InputError("x or y has NaN or infinity; drop those rows: x[x.isfinite().all(-1)].")
    called = tuple(names) if names is not None else tuple(f"x_{i + 1}" for i in range(rows.shape[1]))
    if len(called) != rows.shape[1] or len(set(called)) != len(called):
        raise InputError(f"names={list(called)!r} does not name the {rows.shape[1]} columns of x, each once.")
    return rows.T.contiguous().detach(), target.flatten().detach(), called, precision
