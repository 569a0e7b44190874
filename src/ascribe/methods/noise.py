"""Any method at noisy inputs: what the wrappers that summarise such draws have in common."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.maths.moments import Moments
from ascribe.methods.around import Around
from ascribe.methods.repeated import repeated, times_together

Deviation = float | tuple[float, ...]


@dataclass(frozen=True)
class Noisy(Around):
    r"""Draws of $A(z + \epsilon)$ with $\epsilon \sim N(0, \sigma^2)$ for a method A; a subclass says what of them.

    `sigma` is in the units of z: a number, a tuple with one for each input (or for each layer of `at=`), or one for
    each entry of a row. All rows meet the same noise, so that a row's result does not depend on the others.
    `draws`: runs of the inner method. `until`: go on, in rounds that double the draws, until a row's largest standard
    error is at most this part of its largest value, or there were `limit` draws. One draw has no standard error.

    Raises MethodError for knobs out of range.
    """

    sigma: Deviation = 0.1
    draws: int = 16
    seed: int = 0
    until: float | None = None
    limit: int = 4096

    keeps: ClassVar[frozenset[str]]  # what noise and the summary leave of the inner method's laws
    fewest: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not isinstance(self.inner, Method):  # pyright: ignore[reportUnnecessaryIsInstance] - users may pass a class
            wrapper = type(self).__name__
            raise MethodError(f"inner={self.inner!r}; pass a method with its knobs, such as {wrapper}(Saliency())")
        checked_deviation(self.sigma, "sigma")
        if self.draws < self.fewest:
            raise MethodError(f"draws={self.draws}; pass draws >= {self.fewest}")
        checked_until(self.until, self.draws, self.limit)

    @property
    def laws(self) -> frozenset[str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """What is left of the inner method's laws."""
        return self.inner.laws & self.keeps

    @abstractmethod
    def sample(self, values: Float[Tensor, "rows *form"]) -> Float[Tensor, "rows *form"]:
        """What of the inner method's values is gathered."""

    @abstractmethod
    def summary(self, moments: Moments) -> Estimate:
        """The result and its standard error."""

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]) -> Estimate:
        generator = torch.Generator().manual_seed(self.seed)
        sigma = deviation(f, z, self.sigma, "sigma")
        together = 1 if self.inner.batchwise else times_together(f, z, self.limit if self.until else self.draws)
        moments: Moments | None = None
        kept: Estimate | None = None
        settled = torch.zeros(len(z), dtype=torch.bool, device=z.device)
        for count in rounds(self.draws, self.until, self.limit):
            while moments is None or moments.count < count:
                times = min(together, count - (0 if moments is None else moments.count))
                noise = [torch.randn(z[:1].shape, generator=generator, dtype=z.dtype) for _ in range(times)]
                away = sigma * torch.cat(noise).to(z.device)
                noisy = (z + away[:, None]).flatten(0, 1)
                found = self.inner(repeated(f, times), noisy, self._references(z0, len(z), times))
                values = self.sample(found.values if isinstance(found, Estimate) else found)
                batch = Moments.of(values.unflatten(0, (times, len(z))))
                moments = batch if moments is None else moments.joined(batch)
            # A row that has settled keeps what it had, whatever company it is in.
            kept = _merged(settled, kept, self.summary(moments))
            settled |= is_settled(kept, self.until)
            if bool(settled.all()):
                break
        assert kept is not None
        return kept

    def _references(self, z0: Float[Tensor, "..."], rows: int, times: int) -> Float[Tensor, "..."]:
        """For every repetition of a row the row's own."""
        dim = 1 if self.inner.reference == "background" else 0
        return z0 if z0.shape[dim] != rows else torch.cat([z0] * times, dim)


def rounds(draws: int, until: float | None, limit: int) -> list[int]:
    """How many draws there are at the end of each round."""
    counts = [draws]
    while until is not None and counts[-1] < limit:
        counts.append(min(2 * counts[-1], limit))
    return counts


def is_settled(found: Estimate, until: float | None) -> Tensor:
    """The rows whose largest standard error is small enough beside their largest value."""
    if found.error is None:
        return torch.ones(len(found.values), dtype=torch.bool, device=found.values.device)
    worst, largest = found.error.flatten(1).amax(1), found.values.abs().flatten(1).amax(1)
    return worst <= (math.inf if until is None else until) * largest


def _merged(keep: Tensor, kept: Estimate | None, fresh: Estimate) -> Estimate:
    if kept is None or kept.error is None or fresh.error is None:
        return fresh
    mask = keep.reshape(-1, *[1] * (fresh.values.ndim - 1))
    return Estimate(torch.where(mask, kept.values, fresh.values), torch.where(mask, kept.error, fresh.error))


def checked_until(until: float | None, draws: int, limit: int) -> None:
    """Raises MethodError for a tolerance or a limit that cannot be met."""
    if until is not None and not (0 < until < math.inf and draws >= 4 and limit >= draws):
        raise MethodError(
            f"until={until} with draws={draws} and limit={limit}; pass a part of the largest value, such as "
            "until=0.05, draws >= 4 for the first round, and limit >= draws"
        )


def checked_deviation(sigma: Deviation, called: str) -> None:
    """Raises MethodError for what is no standard deviation."""
    numbers = sigma if isinstance(sigma, tuple) else (sigma,)
    if not numbers or not all(0 <= number < math.inf for number in numbers):
        raise MethodError(f"{called}={sigma}; pass standard deviations >= 0, such as {called}=0.1 or (0.1, 0.2)")


def deviation(
    f: Score, z: Float[Tensor, "rows *shape"], sigma: Deviation, called: str
) -> Float[Tensor, "#one *#shape"]:
    """Standard deviations for a row of z.  Raises MethodError where there is not one for each input or entry."""
    if not isinstance(sigma, tuple):
        return torch.full([1] * z.ndim, sigma, dtype=z.dtype, device=z.device)
    form = f.form
    if len(sigma) == len(form.parts):
        return form.pack([part.new_full((1, *part.shape[1:]), s) for part, s in zip(form.parts, sigma, strict=True)])
    if len(sigma) != prod(z.shape[1:]):
        raise MethodError(
            f"{called} has {len(sigma)} numbers; pass one, one for each of {len(form.parts)} inputs, "
            f"or one for each of {prod(z.shape[1:])} entries"
        )
    return torch.tensor(sigma, dtype=z.dtype, device=z.device).reshape(1, *z.shape[1:])
