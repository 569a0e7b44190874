# ruff: noqa: PT028 - pykan's names, of functions that are no tests
"""kan.hypothesis: pykan's questions about functions, answered by `ascribe.kan.hypotheses`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from typing import Any

from jaxtyping import Float
from torch import Tensor

from ascribe.compat.pykan._choice import chosen
from ascribe.compat.pykan._expressions import expression
from ascribe.compat.pykan._names import names_of
from ascribe.compat.pykan._plotting import current
from ascribe.core.arguments import checked
from ascribe.errors import InputError
from ascribe.kan.augment import columns_of
from ascribe.kan.hypotheses.general import check_general_separability
from ascribe.kan.hypotheses.jets import hessian, jacobian, spreads
from ascribe.kan.hypotheses.separability import check_separability
from ascribe.kan.hypotheses.separability import detect_separability as detect
from ascribe.kan.hypotheses.symmetry import check_symmetry, check_symmetry_variable
from ascribe.kan.hypotheses.tree import Tree, tree
from ascribe.kan.symbolic.evaluate import evaluate

Model = Callable[[Tensor], Tensor]
Molecules = Sequence[Sequence[Sequence[int]]]


@checked
def detect_separability(
    model: Model,
    x: Float[Tensor, "n d"],
    mode: str = "add",
    score_th: float | int = 1e-2,
    res_th: float | int = 1e-2,
    n_clusters: int | Sequence[int] | None = None,
    bias: float | int = 0.0,
    verbose: bool = False,
) -> dict[str, Any]:
    """The strengths `hessian` of all pairs, and the finest grouping: n_groups, labels, groups; and it prints."""
    if isinstance(n_clusters, Sequence) and not n_clusters:
        raise InputError("n_clusters is empty; pass a number of groups, or the least and the greatest.")
    between = n_clusters if n_clusters is None or isinstance(n_clusters, int) else (n_clusters[0], n_clusters[-1])
    found = detect(model, x, mode, score_th, res_th, between, bias)
    if verbose:
        print(f"n_group={len(found.groups)}, residual_ratio={found.residual}")
    print(f"{mode} separability {'detected' if found else 'not detected'}")
    return {"hessian": found.hessian, "n_groups": len(found.groups), "labels": found.labels, "groups": found.groups}


@checked
def test_separability(
    model: Model,
    x: Float[Tensor, "n d"],
    groups: Sequence[Sequence[int]],
    mode: str = "add",
    threshold: float | int = 1e-2,
    bias: float | int = 0,
) -> bool:
    """Whether the function is a sum ("add") or a product ("mul") over the groups."""
    return bool(check_separability(model, x, groups, mode, threshold, bias))


@checked
def test_general_separability(
    model: Model, x: Float[Tensor, "n d"], groups: Sequence[Sequence[int]], threshold: float | int = 1e-2
) -> bool:
    """Whether it is a function of a sum over the groups."""
    return bool(check_general_separability(model, x, groups, threshold))


@checked
def test_symmetry(
    model: Model, x: Float[Tensor, "n d"], group: Sequence[int], dependence_th: float | int = 1e-3
) -> bool:
    """Whether it depends on the group through one number."""
    return bool(check_symmetry(model, x, group, dependence_th))


@checked
def test_symmetry_var(
    model: Model, x: Float[Tensor, "n d"], input_vars: Sequence[Any], symmetry_var: Any
) -> Float[Tensor, " n"]:
    """The cosine between the gradients of the model and of a sympy expression at every row.  It prints the answer.

    x may have more columns than there are variables; the first ones are theirs.
    """
    expression(symmetry_var, "symmetry_var")
    columns = columns_of(input_vars, x[:, : len(input_vars)])
    group = [list(columns).index(name) for name in sorted(map(str, symmetry_var.free_symbols)) if name in columns]
    found = check_symmetry_variable(
        model, x, lambda x: evaluate(symmetry_var, columns_of(input_vars, x[:, : len(input_vars)])), group
    )
    print(f"{100 * found.share:.1f}% data have more than 0.9 cosine similarity")
    print("suggesting symmetry" if found else "not suggesting symmetry")
    return found.cosine


# They ask of functions, not of this package: no test runner is to collect them.
for _asked in (test_separability, test_general_separability, test_symmetry, test_symmetry_var):
    _asked.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]


@checked
def batch_grad_normgrad(
    model: Model, x: Float[Tensor, "n d"], group: Sequence[int], create_graph: bool = False
) -> Float[Tensor, "n group rest"]:
    """How the direction of the gradient in the group changes with each other variable, at every row."""
    slopes = jacobian(model, x, create_graph)
    group = chosen(group, x.shape[1], "group")
    rest = [i for i in range(x.shape[1]) if i not in group]
    slope = slopes[:, 0, group]
    change = hessian(model, x, create_graph)[:, group][:, :, rest]
    size = slope.norm(dim=1)[:, None, None].clamp(min=1e-6)
    direction = slope[:, :, None] / size
    return (change - direction * (direction * change).sum(1, keepdim=True)) / size


@checked
def get_dependence(model: Model, x: Float[Tensor, "n d"], group: Sequence[int]) -> Float[Tensor, "group rest"]:
    """How fast the direction of the gradient in the group turns with each other variable: medians over rows."""
    turning, unit = batch_grad_normgrad(model, x, group), spreads(x)
    rest = [i for i in range(x.shape[1]) if i not in set(group)]
    return (turning * unit[list(group)][:, None] * unit[rest]).abs().median(0).values


@checked
def get_molecule(
    model: Model, x: Float[Tensor, "n d"], sym_th: float | int = 1e-3, verbose: bool = True
) -> list[list[list[int]]]:
    """Level by level, from single variables to all: which variables have come together in one number.

    The levels are those of the one tree that the function has (`ascribe.kan.hypotheses.tree`).
    """
    found = tree(model, x, sym_th, kinds=False)
    levels = [[list(node.variables) for node in level] for level in found.levels()]
    if verbose:
        print(*levels, sep="\n")
    return levels


@checked
def get_tree_node(
    model: Model, x: Float[Tensor, "n d"], moleculess: Molecules, sep_th: float | int = 1e-2, skip_test: bool = True
) -> tuple[list[list[int]], list[list[str]]]:
    """For every level above the variables, of every molecule: of how many it is made, and how.

    "Add", "Mul" (of the whole function), "GS" (a function of a sum), "Id" (of one) or "" (not known, or not asked).
    Raises InputError where a level is no grouping of the one below.
    """
    arities: list[list[int]] = []
    kinds: list[list[str]] = []
    for l, (below, level) in enumerate(pairwise(moleculess)):
        made = [[part for part in below if set(part) <= set(molecule)] for molecule in level]
        if any(sorted(chain(*parts)) != sorted(molecule) for parts, molecule in zip(made, level, strict=True)):
            raise InputError(f"level {l + 1} of the molecules does not group level {l}; pass what get_molecule gives.")
        top = l == len(moleculess) - 2
        arities.append([len(parts) for parts in made])
        kinds.append([_kind(model, x, parts, sep_th, top, skip_test) for parts in made])
    return arities, kinds


def _kind(
    model: Model, x: Tensor, parts: Sequence[Sequence[int]], sep_th: float | int, top: bool, skip_test: bool
) -> str:
    if len(parts) == 1:
        return "Id"
    if skip_test:
        return ""
    if top and check_separability(model, x, parts, "mul", sep_th):
        return "Mul"
    if top and check_separability(model, x, parts, "add", sep_th):
        return "Add"
    return "GS" if check_general_separability(model, x, parts, sep_th) else ""


@checked
def plot_tree(
    model: Model,
    x: Float[Tensor, "n d"],
    in_var: Sequence[Any] | None = None,
    style: str = "tree",
    sym_th: float | int = 1e-3,
    sep_th: float | int = 1e-1,
    skip_sep_test: bool = False,
    verbose: bool = False,
) -> Any:
    """The picture of the function's tree, as a figure; `verbose` prints the tree."""
    from ascribe.plots.tree import tree as picture

    names = None if in_var is None else [str(name) for name in in_var]
    found: Tree = tree(model, x, sym_th, sep_th, names, kinds=not skip_sep_test)
    if verbose:
        print(found)
    return current(picture(found, style=style, names=in_var))


__getattr__ = names_of(__name__)
