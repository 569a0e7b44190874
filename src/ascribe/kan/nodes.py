"""From subnodes to nodes: a sum node is one subnode, a multiplication node the product of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import SupportsIndex

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.whole import whole, wholes

Width = list[list[int]]  # [sum nodes, multiplication nodes] of every layer
Arity = list[list[int]]  # the number of factors of every multiplication node of every layer


def parse_width(
    width: Sequence[int | Sequence[int]], mult_arity: SupportsIndex | Sequence[Sequence[int]]
) -> tuple[Width, Arity]:
    """Both spelt out for every layer; what was passed stays as it is.

    Raises InputError for fewer than two layers, an empty layer, or arities that do not fit the width.

    >>> parse_width([2, [1, 2], 1], 3)
    ([[2, 0], [1, 2], [1, 0]], [[], [3, 3], []])
    """
    full = [[whole(n, "width") for n in w] if isinstance(w, Sequence) else [whole(w, "width"), 0] for w in width]
    if len(full) < 2 or any(len(w) != 2 or min(w) < 0 or sum(w) < 1 for w in full):
        raise InputError(
            f"width={list(width)!r} is no network; pass two layers or more, as [4, 5, 1] or [2, [3, 1], 1]."
        )
    if full[0][1]:
        raise InputError(f"width={list(width)!r} multiplies before the first edge; the first layer is a plain number.")
    if isinstance(mult_arity, Sequence):
        arity = [[whole(n, "mult_arity") for n in layer] for layer in mult_arity]
    else:
        arity = [wholes(mult_arity, products, "mult_arity") for _, products in full]
    if [len(a) for a in arity] != [products for _, products in full] or any(n < 1 for a in arity for n in a):
        raise InputError(
            f"mult_arity={mult_arity!r} does not fit width={list(width)!r};"
            " pass one integer >= 1, or one list a layer with one integer a multiplication node."
        )
    return full, arity


def multiply(z: Float[Tensor, "n subnodes"], sums: int, arity: Sequence[int]) -> Float[Tensor, "n nodes"]:
    """Sum nodes as they are, then the products of consecutive subnodes."""
    if not arity:
        return z
    nodes = [z[:, :sums]]
    if len(set(arity)) == 1:
        factors = z[:, sums:].unflatten(1, (len(arity), arity[0])).unbind(2)
        nodes.append(_product(factors))
    else:
        nodes += [_product(factor.unbind(1))[:, None] for factor in z[:, sums:].split(list(arity), 1)]
    return torch.cat(nodes, 1)


def _product(factors: Sequence[Tensor]) -> Tensor:
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    return product


def owners(sums: int, arity: Sequence[int]) -> list[int]:
    """The node that each subnode belongs to.

    >>> owners(2, [2, 3])
    [0, 1, 2, 2, 3, 3, 3]
    """
    return [*range(sums), *(sums + m for m, factors in enumerate(arity) for _ in range(factors))]
