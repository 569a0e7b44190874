r"""Which sets of variables act through one number each, and how those sets lie in one another.

Such sets, where they overlap, have unions, intersections and differences that are such sets too, and the function is
then one of a sum over the parts (Gorman 1968). So those that overlap no other form a tree. Of two variables the
smallest set with both is found by adding whatever turns the direction of the gradient in it, until nothing does.

Source: Gorman, "The structure of utility functions" (1968); the tree is the decomposition of Habib & Paul (2010).
"""

from __future__ import annotations

from itertools import combinations

from ascribe.kan.hypotheses.jets import Jet
from ascribe.kan.hypotheses.symmetry import dependence

Set = frozenset[int]


def closure(at: Jet, start: Set, threshold: float | int) -> Set:
    """The smallest set with `start` in it that acts through one number; the jet is in units of spread."""
    grown = start
    while True:
        turning = dependence(at, sorted(grown))
        joined = grown | set((turning >= threshold).nonzero()[:, 0].tolist())
        if joined == grown:
            return grown
        grown = joined


def parts(at: Jet, whole: Set, threshold: float | int) -> list[Set]:
    """The largest proper sets in `whole` that act through one number and overlap no other, by their first variable.

    Price: a closure a pair of variables; each a few sums over the Hessian, no call of the function.
    """
    if len(whole) <= 2:
        return [Set({i}) for i in sorted(whole)]
    pairs = {closure(at, Set(pair), threshold) & whole for pair in combinations(sorted(whole), 2)}
    proper = [s for s in pairs if s != whole]
    largest = [s for s in proper if not any(s < other for other in proper)]
    found: list[Set] = []
    for cluster in _overlapping(largest):
        union = Set().union(*cluster)
        # Sets that overlap up to the whole are unions of its parts: a part is what no set tears apart.
        found += _atoms(union, cluster) if union == whole else [union]
    covered = Set().union(*found)
    return sorted([*found, *(Set({i}) for i in whole - covered)], key=min)


def _overlapping(sets: list[Set]) -> list[list[Set]]:
    """The sets in clusters that share no variable with one another."""
    clusters: list[list[Set]] = []
    for s in sorted(sets, key=sorted):
        touched = [c for c in clusters if any(s & other for other in c)]
        clusters = [c for c in clusters if c not in touched] + [[s, *(other for c in touched for other in c)]]
    return clusters


def _atoms(whole: Set, sets: list[Set]) -> list[Set]:
    signature: dict[tuple[bool, ...], set[int]] = {}
    for i in sorted(whole):
        signature.setdefault(tuple(i in s for s in sets), set()).add(i)
    return [Set(atom) for atom in signature.values()]
