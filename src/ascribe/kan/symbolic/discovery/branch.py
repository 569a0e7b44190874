"""A question that is searched: what function of these variables gives these values?"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import need
from ascribe.kan.symbolic.discovery.smooth import left_by_polynomials, noise_share


@dataclass(frozen=True)
class Branch:
    r"""The data is $y = u\,h(x)$: `factor` is u, `variables` are the x as expressions in the columns of the data.

    `weight` holds u's values. h is searched in the plain symbols `symbols`, and no longer than `until`, a moment of
    time.perf_counter. `noise_known` is a deviation of y's noise that other variables have shown.
    """

    x: Float[Tensor, "variables n"]
    y: Float[Tensor, " n"]
    weight: Float[Tensor, " n"]
    variables: tuple[Any, ...]
    factor: Any
    until: float = math.inf
    noise_known: float = 0.0

    @staticmethod
    def of(
        x: Float[Tensor, "variables n"], y: Float[Tensor, " n"], variables: Sequence[Any], until: float = math.inf
    ) -> Branch:
        """The data as it came."""
        return Branch(x, y, torch.ones_like(y), tuple(variables), need("sympy", extra="pykan").Integer(1), until)

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return time.perf_counter() > self.until

    @cached_property
    def symbols(self) -> tuple[Any, ...]:
        """Stand-ins for the variables."""
        sympy = need("sympy", extra="pykan")
        positive = (self.x > 0).all(1).tolist()
        # What is positive on the data may leave a modulus and a root.
        return tuple(
            sympy.Dummy(f"q{i}", positive=True) if p else sympy.Dummy(f"q{i}", real=True)
            for i, p in enumerate(positive)
        )

    @cached_property
    def left(self) -> float:
        """The share of y's variance that polynomials in the variables, times the factor, leave."""
        return left_by_polynomials(self.x, self.y, self.weight)

    @cached_property
    def noise(self) -> float:
        """The deviation of the noise of y, as far as polynomials tell it from what they leave; else 0."""
        share = noise_share(self.x, self.y, self.weight, self.left)
        return max(self.noise_known, math.sqrt(share) * float(self.y.std()))

    @property
    def kept(self) -> Tensor:
        """The rows where the factor does not vanish: h is seen there."""
        return self.weight.abs() > 1e-4 * self.weight.abs().amax()

    @property
    def noise_of_target(self) -> float:
        """The deviation of the noise of h, where the factor is of its usual size."""
        return self.noise / float(self.weight[self.kept].abs().median())

    @cached_property
    def inputs(self) -> Float[Tensor, "variables m"]:
        """The variables where h is seen."""
        return self.x[:, self.kept]

    @cached_property
    def target(self) -> Float[Tensor, " m"]:
        """The values of h."""
        return (self.y / self.weight)[self.kept]

    def in_y(self, slope: Float[Tensor, " m"]) -> Float[Tensor, " m"]:
        """What errors count that come out in h by their slope: as they come out in y, the largest as 1."""
        weight = slope * self.weight[self.kept].abs()
        return weight / weight.amax()

    def whole(self, h: Any, symbols: Sequence[Any]) -> Any:
        """The formula of the data from one of h."""
        return self.factor * h.xreplace(dict(zip(symbols, self.variables, strict=True)))
