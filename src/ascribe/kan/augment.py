"""Columns for what one suspects: variables made of the inputs, put before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.expression import evaluate_expression


@overload
def augment_input(orig_vars: Sequence[Any], aux_vars: Sequence[Any], x: Tensor) -> Tensor: ...
@overload
def augment_input(orig_vars: Sequence[Any], aux_vars: Sequence[Any], x: Mapping[str, Tensor]) -> dict[str, Tensor]: ...
def augment_input(
    orig_vars: Sequence[Any],
    aux_vars: Sequence[Any],
    x: Float[Tensor, "n d"] | Mapping[str, Tensor],
) -> Float[Tensor, "n all"] | dict[str, Tensor]:
    """x with the values of sympy expressions `aux_vars` of the columns `orig_vars` before its own columns.

    Of a dataset a new one, with all its inputs (`train_input`, `test_input`, ...) augmented.
    Raises InputError as `evaluate_expression` does.

    >>> from sympy import symbols
    >>> a, b = symbols("a b")
    >>> augment_input([a, b], [a + b, a * b], torch.tensor([[2.0, 3.0]])).tolist()
    [[5.0, 6.0, 2.0, 3.0]]
    """
    if isinstance(x, Mapping):
        return {
            name: augment_input(orig_vars, aux_vars, value) if name.endswith("_input") else value
            for name, value in x.items()
        }
    return torch.cat([*(evaluate_expression(aux, orig_vars, x)[:, None] for aux in aux_vars), x], 1)
