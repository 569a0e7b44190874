"""The ways from data to formulas, in the order in which they are tried."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from ascribe.kan.symbolic.discovery.branch import Branch
from ascribe.kan.symbolic.discovery.power_laws import power_laws
from ascribe.kan.symbolic.discovery.quotients import quotients
from ascribe.kan.symbolic.discovery.race import raced, raced_sums
from ascribe.kan.symbolic.discovery.reduction import extended, reduced
from ascribe.kan.symbolic.discovery.relations import relations
from ascribe.kan.symbolic.discovery.terms import sums_of_products


class Stage(NamedTuple):
    """The formulas that one way gives; `rounding` where it needs data without noise."""

    way: str
    formulas: Iterator[Any]
    rounding: bool = False


def stages(data: Branch, seed: int) -> Iterator[Stage]:
    """From fast and exact to slow and general; without end."""
    smaller = reduced(data)
    data = replace(data, noise_known=smaller.noise)
    branches = [smaller, data] if len(smaller.x) < len(data.x) else [data]

    def related(branch: Branch, deep: bool = False, pair: bool = False) -> Stage:
        return Stage("relation", _whole(branch, relations(branch, deep, pair)), rounding=True)

    def networks(branch: Branch, seed: int) -> Iterator[Stage]:
        return (Stage("networks", _whole(branch, formulas)) for formulas in raced(branch, seed))

    for branch in branches:
        yield related(branch)
        yield Stage("power law", _whole(branch, power_laws(branch)))
        yield Stage("terms", _whole(branch, sums_of_products(branch)))
        yield Stage("sum", _whole(branch, raced_sums(branch, seed)))
    # Without noise these are relations.
    yield from (Stage("quotient", _whole(branch, quotients(branch))) for branch in branches if branch.noise)
    yield related(branches[0], deep=True)
    yield from (related(branch, pair=True) for branch in extended(branches[0]))
    yield from networks(branches[0], seed)
    yield from (related(branch, deep=True, pair=True) for branch in extended(branches[0]))
    if len(branches) > 1:
        yield related(data, deep=True)
    for further in itertools.count(seed + 1):
        for branch in branches:
            yield from networks(branch, further)


def _whole(branch: Branch, formulas: Iterator[Any]) -> Iterator[Any]:
    return (branch.whole(h, branch.symbols) for h in formulas)
