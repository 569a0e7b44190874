"""How relevance passes through what has no weights: sums, products, gates, activations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from ascribe.rules.calls import Call
from ascribe.rules.relevance.epsilon import Epsilon
from ascribe.rules.relevance.layer import ratio
from ascribe.rules.rule import LINEAR, Replaced, Rule, Written


class Passing(Replaced, ABC):
    """A function whose backward carries relevance; it needs the values of its inputs, or not even them (`looks`)."""

    looks: ClassVar[bool] = True

    @abstractmethod
    def carry(self, call: Call, relevance: Tensor, sums: Epsilon) -> tuple[Tensor | None, ...]:
        """The relevance of every input of the call (`call.values`, of which some rules only know the shape)."""


@final
class Alike(Passing):
    """A function of one number: all relevance goes to it, as with the identity.

    Source: Achtibat et al. (2024), "AttnLRP: attention-aware layer-wise relevance propagation for transformers".
    """

    looks = False

    def at(self, call: Call) -> Rule:
        call.require_one_input()
        return self

    def carry(self, call: Call, relevance: Tensor, sums: Epsilon) -> tuple[Tensor | None, ...]:
        return (relevance.sum_to_size(call.values[0].shape),)


@final
class Sums(Passing):
    r"""A function that is affine in its inputs: $R_i = x_i \sum_j J_{ji} R_j / (y_j + \epsilon\,\mathrm{sign}\,y_j)$.

    A constant, such as a position's embedding, is to it what a bias is to a layer.
    """

    def carry(self, call: Call, relevance: Tensor, sums: Epsilon) -> tuple[Tensor | None, ...]:
        with torch.enable_grad():
            sources = [value.detach().requires_grad_() for value in call.values]
            output = call.rerun(*sources)
        values = output.detach()
        constant = torch.zeros_like(values)
        if sums.bias in ("shared", "ignored"):
            with torch.no_grad():
                constant = call.rerun(*(torch.zeros_like(value) for value in call.values))
                constant = torch.where(constant.isfinite(), constant, 0.0)
        below = values if sums.bias != "ignored" else values - constant
        quotient = ratio(relevance, below, sums.epsilon)
        slopes = torch.autograd.grad(output, sources, quotient, retain_graph=True)
        found = [value * slope for value, slope in zip(call.values, slopes, strict=True)]
        if sums.bias == "shared":
            with torch.no_grad():
                count = call.rerun(*(torch.ones_like(value) for value in call.values)) - constant
            rest = relevance - (values - constant) * quotient
            rest = torch.where(count.isfinite() & (count != 0), rest / count, 0.0)
            evenly = torch.autograd.grad(output, sources, rest)
            found = [own + more for own, more in zip(found, evenly, strict=True)]
            if len(found) == 1 and found[0].shape == relevance.shape:
                # Of centring, whose terms cancel: to the entry itself.
                found[0] = found[0] + torch.where(count == 0, relevance - (values - constant) * quotient, 0.0)
        return tuple(torch.where(value.isfinite(), own, 0.0) for value, own in zip(call.values, found, strict=True))


@final
class Add(Rule):
    """A sum of two, the second perhaps some times over."""

    def at(self, call: Call) -> Rule:
        return Sums() if call.kwargs.get("alpha", 1) == 1 else Written(_add_times)


def _add_times(input: Any, other: Any, *, alpha: Any) -> Tensor:
    return torch.add(input, other * alpha)


@final
class Halves(Passing):
    r"""A product that sums over an index: each factor is credited with half, as the epsilon rule shares it out.

    Source: Achtibat et al. (2024), "AttnLRP: attention-aware layer-wise relevance propagation for transformers".
    """

    def carry(self, call: Call, relevance: Tensor, sums: Epsilon) -> tuple[Tensor | None, ...]:
        with torch.enable_grad():
            sources = [value.detach().requires_grad_() for value in call.values]
            output = call.rerun(*sources)
        quotient = ratio(relevance / len(sources), output.detach(), sums.epsilon)
        slopes = torch.autograd.grad(output, sources, quotient)
        found = [value * slope for value, slope in zip(call.values, slopes, strict=True)]
        if sums.bias == "shared":
            # What epsilon took goes by size; evenly would reach entries that a mask has closed.
            sizes = [value.detach().abs().requires_grad_() for value in call.values]
            with torch.enable_grad():
                size = call.rerun(*sizes)
            rest = ratio(relevance / len(sources) - output.detach() * quotient, size.detach(), 0.0)
            slopes = torch.autograd.grad(size, sizes, rest)
            found = [own + part.detach() * slope for own, part, slope in zip(found, sizes, slopes, strict=True)]
        return tuple(found)


@final
class Evenly(Passing):
    """A product entry by entry: its factors get the same."""

    looks = False

    def carry(self, call: Call, relevance: Tensor, sums: Epsilon) -> tuple[Tensor | None, ...]:
        part = relevance / len(call.values)
        return tuple(part.sum_to_size(value.shape) for value in call.values)


@final
@dataclass(frozen=True)
class Times(Rule):
    """A product: with a constant, all relevance goes to the other factor."""

    two: Passing

    def at(self, call: Call) -> Rule:
        return Alike() if len(call.inputs) == 1 else self.two


@final
class Signal(Passing):
    """A signal times a gate or over a spread: the signal takes all, the other nothing.

    Source: Arras et al. (2017), "Explaining recurrent neural network predictions in sentiment analysis".
    """

    looks = False

    def carry(self, call: Call, relevance: Tensor, sums: Epsilon) -> tuple[Tensor | None, ...]:
        if not call.depends[0]:
            # A constant signal takes its part as a bias does, unless that must not be lost.
            return (relevance.sum_to_size(call.values[0].shape) if sums.bias == "shared" else None,)
        return relevance.sum_to_size(call.values[0].shape), *(None for _ in call.values[1:])


@final
class Quotient(Rule):
    """A numerator takes all; a denominator takes all where the numerator is constant."""

    def at(self, call: Call) -> Rule:
        return Signal() if len(call.inputs) == 2 else Alike()


@final
class Factors(Passing):
    """A product of all entries, or along a dimension: they get the same."""

    looks = False

    def at(self, call: Call) -> Rule:
        return self

    def carry(self, call: Call, relevance: Tensor, sums: Epsilon) -> tuple[Tensor | None, ...]:
        (x,) = call.values
        dim, kept = call.argument(1, "dim"), call.argument(2, "keepdim", False)
        if not isinstance(dim, int):
            return ((relevance / x.numel()).expand(x.shape),)
        return ((relevance if kept else relevance.unsqueeze(dim)).expand(x.shape) / x.shape[dim],)


@final
@dataclass(frozen=True)
class Unless(Rule):
    """Entries that are moved, unless an argument makes it a sum or a product."""

    name: str
    position: int
    otherwise: Rule | None

    def at(self, call: Call) -> Rule:
        if not call.argument(self.position, self.name, None):
            return LINEAR
        if self.otherwise is None:
            raise call.refuse(f"{self.name} is set", "write it with sums and products")
        return self.otherwise.at(call)
