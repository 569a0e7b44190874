"""Differences from a reference, passed back through every function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.evaluate import sweep
from ascribe.core.method import Method
from ascribe.core.score import Score
from ascribe.rules.multipliers import Contrast, contrast
from ascribe.rules.pieces import pieces


@final
@dataclass(frozen=True)
class DeepLift(Method):
    r"""$m \odot (x - x_0)$, where the multipliers $m$ carry differences exactly through every function of the network.

    The Rescale rule for functions of one number, the mean of both orders for products, and for softmax, normalisation,
    attention, pooling, recurrent and spline layers what follows from them: the sum is $f(x) - f(x_0)$, to rounding.
    Against several references, the mean over them (DeepLiftShap). Rules hang on the functions that the network calls,
    so functional and reused activations are right; a function without a rule is an error.

    `local=True` gives the multipliers themselves, of several references the mean.

    Costs two forward passes and one backward pass for each reference.

    Source: Shrikumar, Greenside & Kundaje (2017), https://arxiv.org/abs/1704.02685; Lundberg & Lee (2017) for the mean.

    >>> from ascribe.core.explain import explain
    >>> explain(lambda x: x[:, 0] * x[:, 1].relu(), torch.tensor([[2.0, 3.0]]), DeepLift()).values
    tensor([[3., 3.]])
    """

    local: bool = False

    reference: ClassVar[str] = "background"
    gradients: ClassVar[bool] = True

    @property
    def laws(self) -> frozenset[str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Multipliers alone are no shares of the score."""
        return frozenset({"dummy", "linear"} if self.local else {"complete", "dummy", "linear", "affine"})

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "draws any *shape"]
    ) -> Float[Tensor, "rows *shape"]:
        f.require_gradient()
        draws, shared = len(z0), z0.shape[1] == 1
        total = torch.zeros_like(z)
        scores: list[Tensor] = []
        before: list[Tensor] = []

        def one(index: Int[Tensor, " pairs"]) -> tuple[Tensor, Tensor, Contrast]:
            # Rows fastest: the outputs of one data row then share their point.
            row, draw = index % len(z), index // len(z)
            x, x0 = z[row], z0[draw, torch.zeros_like(row) if shared else row]
            points = f.points(x, row)
            own = slice(None) if points is None else points.first
            return row, x - x0, contrast(lambda values: f.at(values, row, points), x[own], x0[own], points)

        def work(index: Int[Tensor, " pairs"]) -> None:
            for row, difference, found in [one(part) for part in pieces(f, index)]:
                total.index_add_(0, row, found.multipliers if self.local else difference * found.multipliers)
                scores.append(found.scores)
                before.append(found.reference)

        sweep(f, len(z) * draws, work, gradients=True)
        _remember(f, z, torch.cat(scores)[: len(z)])
        there = torch.cat(before).view(draws, len(z))
        _remember(f, z0, (there[:, f.representatives()[0]] if shared else there).flatten())
        return total / draws


def _remember(f: Score, z: Tensor, scores: Float[Tensor, " n"]) -> None:
    """What was met on the way is not evaluated again; NaN is, and refused there."""
    if bool(scores.isfinite().all()):
        f.remember(z, scores)
