"""Running means and central moments of samples that come batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from jaxtyping import Float
from torch import Tensor


@final
@dataclass(frozen=True)
class Moments:
    r"""The mean of n samples and the sums of their second to fourth powers about it; nothing cancels.

    Source: Pébay (2008), "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order
    statistical moments".

    >>> import torch
    >>> moments = Moments.of(torch.tensor([[1.0], [2.0]])).joined(Moments.of(torch.tensor([[6.0]])))
    >>> moments.mean, moments.variance(unbiased=True), moments.mean_error()
    (tensor([3.]), tensor([7.]), tensor([1.5275]))
    """

    count: int
    mean: Float[Tensor, "*shape"]
    second: Float[Tensor, "*shape"]
    third: Float[Tensor, "*shape"]
    fourth: Float[Tensor, "*shape"]

    @classmethod
    def of(cls, samples: Float[Tensor, "n *shape"]) -> Moments:
        """The moments of one batch."""
        mean = samples.mean(0)
        away = samples - mean
        square = away.square()
        return cls(len(samples), mean, square.sum(0), (square * away).sum(0), square.square().sum(0))

    def joined(self, other: Moments) -> Moments:
        """The moments of both batches together."""
        m, k = self.count, other.count
        n, away = m + k, other.mean - self.mean
        step = away / n
        second, third = m * other.second - k * self.second, m * other.third - k * self.third
        return Moments(
            n,
            self.mean + k * step,
            self.second + other.second + m * k * step * away,
            self.third + other.third + m * k * (m - k) * step**2 * away + 3 * step * second,
            self.fourth
            + other.fourth
            + m * k * (m**2 - m * k + k**2) * step**3 * away
            + 6 * step**2 * (m**2 * other.second + k**2 * self.second)
            + 4 * step * third,
        )

    def variance(self, unbiased: bool) -> Float[Tensor, "*shape"]:
        """The variance: the sum of squares over n - 1, or over n."""
        return self.second / (self.count - unbiased)

    def mean_error(self) -> Float[Tensor, "*shape"]:
        """The standard error of the mean."""
        return (self.variance(unbiased=True) / self.count).sqrt()

    def variance_error(self) -> Float[Tensor, "*shape"]:
        r"""The standard error of the unbiased variance, $\sqrt{(\mu_4 - \sigma^4 (n-3)/(n-1))/n}$."""
        n = self.count
        spread = self.fourth / n - self.variance(unbiased=True) ** 2 * (n - 3) / (n - 1)
        return (spread.clamp_min(0) / n).sqrt()
