"""How much attributions change when the input hardly does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.metrics.metric import Metric


@final
@dataclass(frozen=True)
class Sensitivity(Metric):
    r"""$\max_{y} \|\phi(y) - \phi(x)\| / \|\phi(x)\|$ over random $y$ with $|y_j - x_j| \le$ `radius`.

    A lower bound of the maximum over all such y; the changes are the same for all rows, and features should be on one
    scale. Costs `draws` runs of the method, whose attributions are the ones to judge.

    Source: Yeh, Hsieh, Suggala, Inouye & Ravikumar (2019), "On the (in)fidelity and sensitivity of explanations".
    """

    method: Method
    radius: float = 0.02
    draws: int = 10
    seed: int = 0

    name: ClassVar[str] = "sensitivity"
    compared: ClassVar[bool] = False
    laws: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        if not isinstance(self.method, Method):  # pyright: ignore[reportUnnecessaryIsInstance] - users may pass a class
            raise MethodError(f"method={self.method!r}; pass one with its knobs, such as Sensitivity(Saliency())")
        if self.draws < 1 or not 0 < self.radius < math.inf:
            raise MethodError(f"draws={self.draws} and radius={self.radius}; pass draws >= 1 and radius > 0")

    def __call__(
        self,
        f: Score,
        values: Float[Tensor, "*methods rows players"],
        z: Float[Tensor, "rows *shape"],
        z0: Float[Tensor, "draws any *shape"],
    ) -> Float64[Tensor, "*methods rows"]:
        generator = torch.Generator().manual_seed(self.seed)
        reference = z0 if self.method.reference == "background" else z0.mean(dim=0)
        worst = torch.zeros(values.shape[:-1], dtype=torch.float64)
        for _ in range(self.draws):
            noise = 2 * torch.rand(z.shape[1:], generator=generator, dtype=torch.float64) - 1
            near = z + (self.radius * noise).to(z)
            found = self.method(f, near, reference)
            found = found.values if isinstance(found, Estimate) else found
            found = found if found.shape[1:] == (f.players.count,) else f.players.gather(found)
            worst = worst.maximum(_length(found - values))
        size = _length(values)
        return torch.where(worst == 0, 0.0, worst / size)


def _length(values: Float[Tensor, "*methods rows players"]) -> Float64[Tensor, "*methods rows"]:
    return values.cpu().double().square().sum(dim=-1).sqrt()
