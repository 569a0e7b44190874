"""How a loss bends with the parameters of a network: gradients and Hessians over all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.errors import InputError


def parameter_vector(model: nn.Module) -> Float[Tensor, " parameters"]:
    """All parameters, one after the other."""
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])


def parameter_derivative(
    model: nn.Module, loss: Callable[[], Tensor], order: Literal["jacobian", "hessian"] | str = "hessian"
) -> Float[Tensor, "..."]:
    """The gradient (parameters,) or the Hessian (parameters, parameters) of a loss that is computed with `model`.

    Parameters that are not trained, or that the loss does not read, have zeros.
    Price: a backward pass; for the Hessian one more a parameter.  Raises InputError for another order.

    >>> line = nn.Linear(1, 1)
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> parameter_derivative(line, lambda: line(x).square().mean()).tolist()
    [[10.0, 4.0], [4.0, 2.0]]
    """
    if order not in ("jacobian", "hessian"):
        raise InputError(f"derivative={order!r} is not known; pass 'jacobian' or 'hessian'.")
    every = list(model.parameters())
    trained = [p for p in every if p.requires_grad]
    with torch.enable_grad():
        slopes = torch.autograd.grad(loss(), trained, create_graph=order == "hessian", materialize_grads=True)
        gradient = torch.cat([g.reshape(-1) for g in slopes])
        place = torch.cat([torch.full((p.numel(),), p.requires_grad, device=gradient.device) for p in every])
        if order == "jacobian":
            return gradient.new_zeros(len(place)).masked_scatter(place, gradient.detach())
        rows = [_row(entry, trained) for entry in gradient]
    bent = torch.stack(rows).detach()
    full = bent.new_zeros(len(place), len(place))
    full[place.nonzero(), place.nonzero()[:, 0]] = bent
    return full


def _row(entry: Tensor, trained: list[nn.Parameter]) -> Tensor:
    """The slopes of one slope; of a loss that is straight in everything there are none."""
    if not entry.requires_grad:
        return torch.cat([torch.zeros_like(p).reshape(-1) for p in trained])
    second = torch.autograd.grad(entry, trained, retain_graph=True, materialize_grads=True)
    return torch.cat([g.reshape(-1) for g in second])
