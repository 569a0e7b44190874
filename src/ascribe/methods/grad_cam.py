"""Where in a convolutional layer the evidence is: its channels, weighted by their mean gradients."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.evaluate import sweep
from ascribe.core.method import Method
from ascribe.core.score import Score
from ascribe.errors import LayerError


@final
@dataclass(frozen=True)
class GradCAM(Method):
    r"""$\mathrm{ReLU}\big(\sum_c \overline{\partial f/\partial h_c}\;h_c\big)$ for a layer's value h with channels c,
    the gradient averaged over all places: a map (rows, 1, *space). Say which layer with `at=`. One forward pass, and
    one backward pass down to the layer.

    `relu=False` keeps what speaks against the score. `summed=False` gives every channel's own map, (rows, channels,
    *space). `channels`: the dimension of the channels, 1 in convolutional networks, -1 where they come last, as in a
    transformer's (rows, tokens, channels). `grid`: the shape in which the last of a layer's tokens lie, such as
    (14, 14); tokens before these (class tokens) are left out. `upsampled` lays the map over the input.

    Source: Selvaraju et al. (2017), "Grad-CAM: visual explanations from deep networks via gradient-based localization".
    """

    relu: bool = True
    summed: bool = True
    channels: int = 1
    grid: tuple[int, ...] | None = None

    laws: ClassVar[frozenset[str]] = frozenset()
    reference: ClassVar[str] = "nothing"
    space: ClassVar[str] = "input"
    yields: ClassVar[str] = "map"
    gradients: ClassVar[bool] = True

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]
    ) -> Float[Tensor, "rows channels *space"]:
        f.require_gradient()
        pieces: list[Tensor] = []
        scores: list[Tensor] = []

        def work(row: Int[Tensor, " piece"]) -> None:
            score, h = f.record(z[row], row)
            (pull,) = torch.autograd.grad(score.sum(), h, allow_unused=True, materialize_grads=True)
            scores.append(score.detach())
            pieces.append(self._map(h.detach(), pull))

        sweep(f, len(z), work, gradients=True)
        f.remember(z, torch.cat(scores))
        return torch.cat(pieces)

    def _map(self, h: Float[Tensor, "n *layer"], pull: Float[Tensor, "n *layer"]) -> Float[Tensor, "n channels *space"]:
        h, pull = self._on_grid(h), self._on_grid(pull)
        weight = pull.flatten(2).mean(2).reshape(*pull.shape[:2], *[1] * (pull.ndim - 2)) if pull.ndim > 2 else pull
        found = weight * h
        found = found.sum(1, keepdim=True) if self.summed else found
        return found.relu() if self.relu else found

    def _on_grid(self, h: Float[Tensor, "n *layer"]) -> Float[Tensor, "n channels *space"]:
        """Channels in front, and the places on their grid."""
        if self.channels == 0 or not -h.ndim < self.channels < h.ndim:
            raise LayerError(f"the layer gives {tuple(h.shape)}, which has no dimension {self.channels} of channels")
        h = h.movedim(self.channels, 1)
        if self.grid is None:
            return h
        if h.ndim != 3 or h.shape[2] < prod(self.grid):
            raise LayerError(
                f"the layer gives {h.shape[1]} channels at {tuple(h.shape[2:])} places, of which grid={self.grid} "
                f"takes the last {prod(self.grid)}; pass the tokens' own grid, and channels=-1 where channels come last"
            )
        return h[:, :, h.shape[2] - prod(self.grid) :].unflatten(2, self.grid)
