"""How the variables of a function are put together: a tree of sets of variables that act through one number each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, final

from jaxtyping import Shaped
from torch import Tensor

from ascribe.core.drawing import Drawer
from ascribe.errors import InputError
from ascribe.kan.hypotheses.check import Check
from ascribe.kan.hypotheses.general import general_separability
from ascribe.kan.hypotheses.jets import Function, jet, spreads, third_derivatives
from ascribe.kan.hypotheses.modules import Set, parts
from ascribe.kan.hypotheses.separability import interactions, separability_over
from ascribe.kan.hypotheses.symmetry import STILL

Kind = Literal["variable", "sum", "product", "of a sum", "function"]


@final
@dataclass(frozen=True)
class Tree:
    """A variable, or a function of the numbers that its children come to.

    `kind` is "sum" or "product" (of functions of the children; only the whole function can be known to be one),
    "of a sum" (some function of such a sum, or of a product), or "function" where nothing more is known.
    `check` is the test that the kind passed, or the one that it failed most narrowly.
    """

    variables: tuple[int, ...]
    kind: Kind
    children: tuple[Tree, ...] = ()
    names: tuple[str, ...] = ()
    check: Check | None = None

    plot = Drawer()

    @property
    def height(self) -> int:
        """The number of steps to the deepest variable."""
        return 1 + max(child.height for child in self.children) if self.children else 0

    @property
    def name(self) -> str:
        """The variable's name, or that of the function."""
        inside = [self.names[i] if self.names else f"x{i}" for i in self.variables]
        return f"f({', '.join(inside)})" if self.children else inside[0]

    def levels(self) -> list[list[Tree]]:
        """Every level from the variables up: the highest nodes up to that height, in one order throughout."""
        return [list(self._cut(height)) for height in range(self.height + 1)]

    def _cut(self, height: int) -> Iterator[Tree]:
        if self.height <= height:
            yield self
        else:
            for child in self.children:
                yield from child._cut(height)

    def __str__(self) -> str:
        return "\n".join(self._lines("", ""))

    def _lines(self, first: str, rest: str) -> Iterator[str]:
        yield first + self.name + (f": {_WORDS[self.kind]}" if self.children else "")
        for child in self.children:
            last = child is self.children[-1]
            yield from child._lines(rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))


_WORDS: dict[Kind, str] = {
    "variable": "",
    "sum": "a sum",
    "product": "a product",
    "of a sum": "a function of a sum",
    "function": "a function",
}


def tree(
    f: Function,
    x: Shaped[Tensor, "n d"],
    sym_th: float | int = 1e-3,
    sep_th: float | int = 1e-2,
    names: Sequence[str] | None = None,
    kinds: bool = True,
) -> Tree:
    """The tree of f: which variables first come together in one number, and which of those numbers in the next.

    Variables that f does not depend on stand last, directly below the whole.
    `sym_th` decides what acts through one number (`check_symmetry`), `sep_th` what is a sum or a product.
    Price: the third derivatives of f (memory n*d^3); without the `kinds` of nodes its Hessian.
    Raises InputError for another number of names than variables.

    >>> import torch
    >>> x = torch.randn(100, 4, generator=torch.Generator().manual_seed(0))
    >>> print(tree(lambda x: x[:, 0] * ((x[:, 1] ** 2 + x[:, 2]) ** 2 + x[:, 3]), x))
    f(x0, x1, x2, x3): a product
    ├─ x0
    └─ f(x1, x2, x3): a function of a sum
       ├─ f(x1, x2): a function of a sum
       │  ├─ x1
       │  └─ x2
       └─ x3
    """
    at = jet(f, x)
    d = x.shape[1]
    if names is not None and len(names) != d:
        raise InputError(f"names={list(names)!r} names {len(names)} variables, but x has {d} columns.")
    scaled = at.scaled(spreads(x))
    # Only a node that is no plain sum or product asks for them.
    third = cache(lambda: third_derivatives(f, x))
    called = tuple(map(str, names or ()))

    def kind_of(groups: list[list[int]]) -> tuple[Kind, Check | None]:
        if not kinds:
            return "function", None
        if sum(map(len, groups)) == d:
            added = separability_over(interactions(at, x, "add")[0], groups, "add", sep_th)
            if added:
                return "sum", added
            # Where f is 0 at most of the points there is no logarithm to ask.
            if 2 * int((at.value != 0).sum()) > len(x):
                multiplied = separability_over(interactions(at, x, "mul")[0], groups, "mul", sep_th)
                if multiplied:
                    return "product", multiplied
        general = general_separability(at, third(), x, groups, sep_th)
        return ("of a sum" if general else "function"), general

    def build(whole: Set, idle: Sequence[int] = ()) -> Tree:
        if len(whole) == 1 and not idle:
            return Tree(tuple(whole), "variable", names=called)
        apart = [*parts(scaled, whole, sym_th), *(Set({i}) for i in idle)]
        children = tuple(build(part) for part in apart)
        variables = tuple(i for child in children for i in child.variables)
        kind, check = kind_of([list(child.variables) for child in children])
        return Tree(variables, kind, children, called, check)

    # A set of variables with one more that f does not depend on acts as it did without: it would overlap all others.
    size = scaled.gradient.abs().amax(0)
    acting = size > STILL * size.max()
    idle = (~acting).nonzero()[:, 0].tolist()
    return build(Set(acting.nonzero()[:, 0].tolist()), idle)
