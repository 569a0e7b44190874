"""What one edge may be."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.structure import Network
from ascribe.kan.symbolic.candidates import Range, candidates
from ascribe.kan.symbolic.function import Function
from ascribe.kan.symbolic.suggestion import Suggestion
from ascribe.kan.whole import whole


def suggest_symbolic(
    kan: Network,
    l: int,
    i: int,
    j: int,
    a_range: Range = (-10, 10),
    b_range: Range = (-10, 10),
    lib: str | Function | Iterable[str | Function] | None = None,
    topk: int = 5,
    verbose: bool = False,
    weight_simple: float = 0.2,
    x: Tensor | None = None,
) -> Suggestion:
    r"""The functions that edge (l, i, j) may be, best first: a table that unpacks into the best name, function, r2 and
    complexity. The network stays as it is.

    All of `lib` (or of the library) is fitted on the training data, or on x, and ranked as `suggestion.rank` says:
    `weight_simple` is what complexity counts beside the misfit in bits. pykan's .8 makes a straight line of r2 .97
    better than an exact arcsin; .2 does not. An edge that is not there is 0.
    Raises InputError for an edge that does not exist, without data, or for a function that is not known.

    >>> import torch
    >>> from ascribe.kan.network import KAN
    >>> kan = KAN([1, 1])
    >>> kan.fix(0, 0, 0, "sin", (3, 0.5, 2, 1))
    >>> name, function, r2, complexity = suggest_symbolic(kan, 0, 0, 0, x=torch.linspace(-1, 1, 50)[:, None])
    >>> name, round(r2, 6), complexity
    ('sin', 1.0, 2)
    """
    if whole(topk, "topk") < 1:
        raise InputError(f"topk={topk} shows nothing; pass topk >= 1.")
    found = candidates(kan, [(l, i, j)], lib, a_range, b_range, x).of(l, i, j, weight_simple).top(topk)
    if verbose:
        print(found)
    return found
