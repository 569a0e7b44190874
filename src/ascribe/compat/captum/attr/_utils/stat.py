"""Statistics that `Summarizer` keeps of a stream of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ascribe.maths.moments import Moments

StatValue = Tensor | int | float


class Stat:
    """One statistic of a stream, under a name; two of one class with the same parameters are equal."""

    def __init__(self, name: str | None = None, **params: Any) -> None:
        self.params, self._name = params, name

    def update(self, x: Tensor) -> None:
        """See one more tensor."""
        raise NotImplementedError(f"{type(self).__name__} has no update(x); define it")

    def get(self) -> StatValue | None:
        """The statistic of what was seen; None before anything was."""
        raise NotImplementedError(f"{type(self).__name__} has no get(); define it")

    @property
    def name(self) -> str:
        """What the summary calls it."""
        if self._name is not None:
            return self._name
        return type(self).__name__.lower() + (f"({self.params})" if self.params else "")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stat) and type(self) is type(other) and self.params == other.params

    def __hash__(self) -> int:
        return hash((type(self), frozenset(self.params.items())))


class _OfMoments(Stat):
    def __init__(self, name: str | None = None, **params: Any) -> None:
        super().__init__(name, **params)
        self.moments: Moments | None = None

    def update(self, x: Tensor) -> None:
        """See one more tensor; whole numbers count as float64."""
        seen = Moments.of((x if x.is_floating_point() else x.double())[None])
        self.moments = seen if self.moments is None else self.moments.joined(seen)


class Count(Stat):
    """How many tensors came."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.n: int | None = None

    def update(self, x: Tensor) -> None:
        """See one more tensor."""
        self.n = (self.n or 0) + 1

    def get(self) -> int | None:
        """The count."""
        return self.n


class Mean(_OfMoments):
    """The mean."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)

    def get(self) -> Tensor | None:
        """The mean of what was seen."""
        return None if self.moments is None else self.moments.mean


class MSE(_OfMoments):
    """The sum of squared deviations from the mean, which Captum calls so."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)

    def get(self) -> Tensor | None:
        """The sum over what was seen."""
        return None if self.moments is None else self.moments.second


class Var(_OfMoments):
    """The variance, with `order` degrees of freedom fewer than tensors, in float64."""

    def __init__(self, name: str | None = None, order: int = 0) -> None:
        super().__init__(name or _of_order("variance", order), order=order)
        self.order = order

    def get(self) -> Tensor | None:
        """The variance of what was seen."""
        if self.moments is None:
            return None
        left, squares = self.moments.count - self.order, self.moments.second
        return squares.double() / left if left > 0 else torch.zeros_like(squares)


class StdDev(Var):
    """The square root of the variance."""

    def __init__(self, name: str | None = None, order: int = 0) -> None:
        super().__init__(name or _of_order("std_dev", order), order)

    def get(self) -> Tensor | None:
        """The standard deviation of what was seen."""
        variance = super().get()
        return None if variance is None else variance.sqrt()


def _of_order(name: str, order: int) -> str:
    return {0: name, 1: f"sample_{name}"}.get(order, f"{name}({order})")


class GeneralAccumFn(Stat):
    """A function of what it gave so far and the next tensor."""

    def __init__(self, fn: Callable[[Tensor, Tensor], Tensor], name: str | None = None) -> None:
        super().__init__(name)
        self.result: Tensor | None = None
        self.fn = fn

    def update(self, x: Tensor) -> None:
        """See one more tensor."""
        self.result = x.clone() if self.result is None else self.fn(self.result, x)

    def get(self) -> Tensor | None:
        """What the function gave last."""
        return self.result


class Min(GeneralAccumFn):
    """The smallest."""

    def __init__(self, name: str | None = None, min_fn: Callable[[Tensor, Tensor], Tensor] = torch.min) -> None:
        super().__init__(min_fn, name)


class Max(GeneralAccumFn):
    """The largest."""

    def __init__(self, name: str | None = None, max_fn: Callable[[Tensor, Tensor], Tensor] = torch.max) -> None:
        super().__init__(max_fn, name)


class Sum(GeneralAccumFn):
    """The sum."""

    def __init__(self, name: str | None = None, add_fn: Callable[[Tensor, Tensor], Tensor] = torch.add) -> None:
        super().__init__(add_fn, name)


def CommonStats() -> list[Stat]:  # noqa: N802 - Captum's name
    """Mean, sample variance, sample standard deviation, least and largest."""
    return [Mean(), Var(order=1), StdDev(order=1), Min(), Max()]
