"""A layer with weights, and how the relevance of its outputs is shared out among its inputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, final, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import MethodError

Bias = Literal["absorbs", "kept", "shared", "ignored"]


@final
@dataclass(frozen=True)
class Layer:
    """$y = W x + b$: one call of a matrix product, a convolution or a normalisation with stored statistics.

    `apply(x, weight)` is the layer without its bias, at any values of both; `bias` is as it is added to the output.
    """

    x: Tensor
    weight: Tensor
    bias: Tensor | None
    apply: Callable[[Tensor, Tensor], Tensor]


class LayerRule(ABC):
    """How the relevance of a layer's outputs is shared out among its inputs.

    `bias` says what becomes of the share that falls to the layer's bias: it "absorbs" it, as a weight of an input that
    is always 1; likewise, but "kept" as it is where the rule changes weights; it is "shared" evenly among the inputs,
    together with what $\\epsilon$ takes, so that nothing is lost; or it is "ignored", and the others take all.
    """

    @property
    def conserves(self) -> bool:
        """Whether the inputs get all relevance, whatever the layer."""
        return False

    @abstractmethod
    def __call__(self, layer: Layer, relevance: Tensor) -> Tensor:
        """The relevance of the layer's inputs."""


def checked(epsilon: float, bias: str = "absorbs") -> None:
    """Raises MethodError for knobs out of range."""
    if not 0 <= epsilon < float("inf"):
        raise MethodError(f"epsilon={epsilon}; pass epsilon >= 0, such as 1e-6")
    if bias not in get_args(Bias):
        raise MethodError(f"bias={bias!r} is not known; pass one of {', '.join(map(repr, get_args(Bias)))}")


def stabilized(values: Float[Tensor, "*shape"], epsilon: float) -> Float[Tensor, "*shape"]:
    r"""$z + \epsilon\,\mathrm{sign}(z)$, with the sign of 0 positive."""
    return values + torch.where(values < 0, -epsilon, epsilon)


def ratio(relevance: Tensor, values: Tensor, epsilon: float) -> Tensor:
    """Relevance a unit of value; nothing where there is no value to share it by, or an infinite one (a mask)."""
    below = stabilized(values, epsilon)
    return torch.where((below == 0) | ~below.isfinite(), 0.0, relevance / below)


def share(
    layer: Layer,
    relevance: Tensor,
    terms: Sequence[tuple[Tensor, Tensor]],
    epsilon: float,
    bias: Bias = "ignored",
    change: Callable[[Tensor], Tensor] = lambda b: b,
) -> Tensor:
    r"""$R_i = \sum_j \frac{\sum_t x^t_i w^t_{ij}}{\sum_t \sum_i x^t_i w^t_{ij} + b_j}\,R_j$ for terms $(x^t, w^t)$.

    `change` is what the rule makes of the bias. One forward and one backward pass of the layer a term.
    """
    with torch.enable_grad():
        sources = [x.detach().requires_grad_() for x, _ in terms]
        weighted = [layer.apply(x, weight) for x, (_, weight) in zip(sources, terms, strict=True)]
        total = torch.stack(weighted).sum(0) if len(weighted) > 1 else weighted[0]
    values = total.detach()
    if layer.bias is not None and bias != "ignored":
        values = values + (layer.bias if bias == "kept" else change(layer.bias))
    quotient = ratio(relevance, values, epsilon)
    slopes = torch.autograd.grad(total, sources, quotient)
    shares = [x * slope for (x, _), slope in zip(terms, slopes, strict=True)]
    if bias == "shared":
        shares.append(share_evenly(layer, relevance - total.detach() * quotient))
    return torch.stack(shares).sum(0) if len(shares) > 1 else shares[0]


def share_evenly(layer: Layer, relevance: Tensor) -> Tensor:
    """Every input that an output sees gets the same of it."""
    return share(layer, relevance, [(torch.ones_like(layer.x), torch.ones_like(layer.weight))], 0.0)
