"""Columns for what one suspects: variables made of the inputs, put before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.arguments import checked
from ascribe.errors import InputError
from ascribe.kan.layer import require_real
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.parse import parse


@overload
def augment_input(orig_vars: Sequence[Any], aux_vars: Sequence[Any], x: Tensor) -> Tensor: ...
@overload
def augment_input(orig_vars: Sequence[Any], aux_vars: Sequence[Any], x: Mapping[str, Tensor]) -> dict[str, Tensor]: ...
@checked
def augment_input(
    orig_vars: Sequence[Any],
    aux_vars: Sequence[Any],
    x: Float[Tensor, "n d"] | Mapping[str, Tensor],
) -> Float[Tensor, "n all"] | dict[str, Tensor]:
    """x with the values of expressions (sympy's, or texts) `aux_vars` of the columns `orig_vars` before its columns.

    Of a dataset a new one, with all its inputs (`train_input`, `test_input`, ...) augmented.
    Raises InputError when there are not as many symbols as columns, and as `parse` and `evaluate` do.

    >>> from sympy import symbols
    >>> a, b = symbols("a b")
    >>> augment_input([a, b], [a + b, a * b], torch.tensor([[2.0, 3.0]])).tolist()
    [[5.0, 6.0, 2.0, 3.0]]
    >>> augment_input(["a", "b"], ["a/b"], torch.tensor([[2.0, 4.0]])).tolist()
    [[0.5, 2.0, 4.0]]
    """
    if isinstance(x, Mapping):
        return {
            name: augment_input(orig_vars, aux_vars, value) if name.endswith("_input") else value
            for name, value in x.items()
        }
    columns = columns_of(orig_vars, x)
    expressions = [parse(aux, list(columns)) if isinstance(aux, str) else aux for aux in aux_vars]
    return torch.cat([*(evaluate(aux, columns)[:, None] for aux in expressions), x], 1)


def columns_of(symbols: Sequence[Any], x: Float[Tensor, "n d"]) -> dict[str, Tensor]:
    """The columns of x under the names of their symbols.  Raises InputError where there is not one a column."""
    require_real(x)
    if len(set(symbols)) != x.shape[1] or len(symbols) != x.shape[1]:
        raise InputError(f"{list(symbols)} names {x.shape[1]} columns; pass one symbol a column, each once.")
    return {str(symbol): column for symbol, column in zip(symbols, x.unbind(1), strict=True)}
