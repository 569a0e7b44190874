r"""Is f a sum, or a product, of functions of fewer variables?

f is a sum over groups of variables exactly where the mixed derivatives $\partial_i\partial_j f$ between the groups
vanish, and a product, apart from an added constant, where those of $\ln|f + bias|$ do. What is compared are
interactions $\mathrm{median}_x |\partial_i\partial_j f|\,s_i s_j / s_f$ with the standard deviations $s_i$ of the
variables and $s_f$ of f (or, where a few large values make that, 1.48 median deviations): what a step of one deviation
in both variables brings beyond the two single steps, as a share of the spread of f. For a product the logarithm, which
has no unit, takes the place of $f / s_f$. The median is over rows, so an interaction on less than half of them does not
count.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.hypotheses.check import Check
from ascribe.kan.hypotheses.jets import Function, Jet, jet, spreads

Mode = Literal["add", "mul"]
Groups = Sequence[Sequence[int]]


@final
@dataclass(frozen=True)
class Separability:
    """The finest grouping of the variables over which f is a sum ("add") or a product ("mul"); true where it is one.

    `interaction` holds the strength of every pair of variables; `hessian` the same in units of f; `residual` is the
    share of all `interaction` (that of variables with themselves included) which lies between the groups.
    """

    mode: str
    groups: list[list[int]]
    interaction: Float[Tensor, "d d"]
    hessian: Float[Tensor, "d d"]
    residual: float
    holds: bool

    def __bool__(self) -> bool:
        return self.holds

    @property
    def labels(self) -> list[int]:
        """The group of every variable."""
        label = {i: number for number, group in enumerate(self.groups) for i in group}
        return [label[i] for i in range(len(self.interaction))]

    def __str__(self) -> str:
        sign = " + " if self.mode == "add" else " * "
        parts = sign.join(f"f{n}({', '.join(f'x{i}' for i in group)})" for n, group in enumerate(self.groups))
        return f"{parts if self else 'not separable'} ({self.mode}; {self.residual:.2g} of the interaction is left out)"


def detect_separability(
    f: Function,
    x: Shaped[Tensor, "n d"],
    mode: Mode | str = "add",
    score_th: float | int = 1e-2,
    res_th: float | int = 1e-2,
    n_clusters: int | tuple[int, int] | None = None,
    bias: float | int = 0.0,
) -> Separability:
    """The finest grouping without an interaction of `score_th` between groups, and with a residual below `res_th`.

    `n_clusters` asks for that many groups, or between two numbers of them, and lets `res_th` alone decide.
    Price: the Hessian of f (see `jet`).
    Raises InputError for another mode, or a number of groups that the variables cannot form.

    >>> x = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    >>> detect_separability(lambda x: x[:, 0] ** 2 + torch.exp(x[:, 1] + x[:, 2]), x).groups
    [[0], [1, 2]]
    """
    interaction, hessian = interactions(jet(f, x), x, mode, bias)
    d = len(interaction)
    low, high = (
        (1, d) if n_clusters is None else (n_clusters, n_clusters) if isinstance(n_clusters, int) else n_clusters
    )
    if not 1 <= low <= high <= d:
        raise InputError(f"n_clusters={n_clusters!r} does not fit {d} variables; pass numbers from 1 to {d}.")
    coarser_first = [groups for groups in _nested(interaction) if low <= len(groups) <= high]
    total = float(interaction.sum())
    found, residual, holds = coarser_first[0], _between(interaction, coarser_first[0]), False
    for groups in coarser_first:
        between = _between(interaction, groups)
        quiet = n_clusters is not None or _strongest(interaction, groups)[0] < score_th
        if quiet and (between == 0 or between < res_th * total):
            found, residual, holds = groups, between, len(groups) > 1
    return Separability(mode, found, interaction, hessian, residual / total if total else 0.0, holds)


def check_separability(
    f: Function,
    x: Shaped[Tensor, "n d"],
    groups: Groups,
    mode: Mode | str = "add",
    threshold: float | int = 1e-2,
    bias: float | int = 0.0,
) -> Check:
    """Whether f is a sum (or product) over these groups, and over what they leave out; price as the Hessian of f.

    Raises InputError for variables that do not exist, or stand in two groups.

    >>> x = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    >>> bool(check_separability(lambda x: x[:, 0] ** 2 * (x[:, 1] + x[:, 2]), x, [[0], [1, 2]], mode="mul"))
    True
    """
    return separability_over(interactions(jet(f, x), x, mode, bias)[0], groups, mode, threshold)


def separability_over(
    interaction: Float[Tensor, "d d"], groups: Groups, mode: Mode | str, threshold: float | int
) -> Check:
    """The same from interactions at hand."""
    whole = partition(groups, len(interaction))
    value, against = _strongest(interaction, whole)
    word = "sum" if mode == "add" else "product"
    return Check(f"f is a {word} over {whole}", value, threshold, against)


def interactions(
    at: Jet, x: Shaped[Tensor, "n d"], mode: Mode | str, bias: float | int = 0.0
) -> tuple[Float[Tensor, "d d"], Float[Tensor, "d d"]]:
    """The interaction of every pair of variables, and the same in units of f.

    Rows where f + bias is 0 have no logarithm and are left out.  Raises InputError when that leaves less than half.
    """
    if mode not in ("add", "mul"):
        raise InputError(f"mode={mode!r} is not known; pass 'add' (a sum) or 'mul' (a product).")
    at = at.scaled(spreads(x))
    if mode == "add":
        strength = median_rows(at.hessian.abs())
        unit = _spread(at.value[at.value.isfinite()])
        return strength / torch.where(unit > 0, unit, 1.0), strength
    height = (at.value + bias)[:, None, None]
    logarithm = at.hessian / height - at.gradient[:, :, None] * at.gradient[:, None, :] / height**2
    strength = median_rows(logarithm.abs())
    return strength, strength


def _spread(values: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """The standard deviation, or what it would be of a normal distribution with the same median deviation, if less."""
    spread, usual = values.std(), 1.4826 * (values - values.median()).abs().median()
    return torch.where(usual > 0, torch.minimum(usual, spread), spread)


def median_rows(rows: Float[Tensor, "n *shape"]) -> Float[Tensor, "*shape"]:
    """The median over the rows that are finite.  Raises InputError when they are less than half of all."""
    finite = rows.flatten(1).isfinite().all(1)
    if 2 * int(finite.sum()) < len(rows):
        raise InputError(
            f"f has no finite derivatives at {int((~finite).sum())} of {len(rows)} rows (poles, or the logarithm of 0);"
            " pass points where it has, or another bias."
        )
    return rows[finite].median(0).values


def partition(groups: Any, d: int) -> list[list[int]]:
    """The groups, and one of the variables that they leave out.  Raises InputError where groups are none."""
    lists = [list(group) if isinstance(group, Iterable) else [] for group in groups]
    named = [i for group in lists for i in group]
    if (
        not all(lists)
        or not all(isinstance(i, numbers.Integral) and 0 <= int(i) < d for i in named)
        or len(set(named)) != len(named)
    ):
        raise InputError(
            f"groups={groups!r} does not group {d} variables; pass lists of numbers, each of 0 to {d - 1} at most once."
        )
    rest = [i for i in range(d) if i not in set(named)]
    return lists + ([rest] if rest else [])


def _strongest(interaction: Tensor, groups: Groups) -> tuple[float, tuple[int, ...]]:
    """The strongest interaction between two groups, and whose it is."""
    if len(groups) < 2:
        return 0.0, ()
    apart = interaction * _apart(groups, interaction)
    place = int(apart.argmax())
    return float(apart.max()), (place // len(interaction), place % len(interaction))


def _between(interaction: Tensor, groups: Groups) -> float:
    return float((interaction * _apart(groups, interaction)).sum())


def _apart(groups: Groups, like: Tensor) -> Tensor:
    """1 for the pairs of variables of different groups, 0 for the others."""
    label = torch.zeros(len(like), dtype=torch.long, device=like.device)
    for number, group in enumerate(groups):
        label[list(group)] = number
    return (label[:, None] != label).to(like.dtype)


def _nested(interaction: Tensor) -> list[list[list[int]]]:
    """Groupings from one group to single variables: at every step the weakest tie between two groups is cut."""
    d = len(interaction)
    group = {i: [i] for i in range(d)}
    found = [[[i] for i in range(d)]]
    pairs = torch.triu_indices(d, d, 1)
    for place in interaction[pairs[0], pairs[1]].argsort(descending=True, stable=True).tolist():
        i, j = int(pairs[0, place]), int(pairs[1, place])
        if group[i] is not group[j]:
            joined = sorted(group[i] + group[j])
            for member in joined:
                group[member] = joined
            found.append([g for i, g in group.items() if g[0] == i])
    return found[::-1]
