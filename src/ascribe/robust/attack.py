"""What every attack does: walk a network's inputs along the gradient of its loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.asking import asked
from ascribe.core.evaluate import differentiate, sweep
from ascribe.core.score import Score
from ascribe.errors import InputError, MethodError
from ascribe.robust.loss import Loss, LossFunction, negative_log

_FLAT = 1e-6  # slopes no larger than this are taken for rounding: their sign would be noise

Parts = tuple[Tensor, ...]


class Attack(ABC):
    """A formula plus its knobs; called on a network, it gives inputs near x that the network gets wrong.

    `target` is the true class of every row (one for all, or one a row), or with `targeted` the class to arrive at.
    `loss(output, target)` gives one number a row, or their sum or mean; `mask` (1 or 0, broadcast to x) says which
    entries may move; `given` are further arguments of the model. The result has the form of x: a tensor, or a tuple or
    dict of tensors.

    Rows go through the network in pieces of `memory`, in evaluation mode; the network's state is given back.

    Raises InputError for whole numbers or a mask that does not fit, MethodError where there is no gradient.
    """

    @abstractmethod
    def __call__(
        self,
        model: Callable[..., Any],
        x: Any,
        target: Any = None,
        *,
        loss: LossFunction = negative_log,
        mask: Any = None,
        given: Any = None,
        memory: int | str = "256 MiB",
        progress: bool = False,
    ) -> Any:
        """Inputs near x, in x's form."""


@final
@dataclass(frozen=True)
class Ground:
    """The loss of a network around x: what an attack walks on."""

    f: Score
    parts: Parts
    masks: Parts

    def climb(self, at: Parts, step: float | int) -> Parts:
        r"""$x + \mathrm{step}\cdot\mathrm{sign}\nabla L(x)$, where the mask allows it and the loss is not flat."""
        return tuple(
            torch.where(slope.abs() > _FLAT, part + step * slope.sign() * mask, part)
            for part, slope, mask in zip(at, self._slopes(at), self.masks, strict=True)
        )

    def form(self, parts: Parts) -> Any:
        """Parts in the form of x."""
        return self.f.inputs.nested(parts)

    def _slopes(self, at: Parts) -> Parts:
        f = self.f
        z = f.inputs.pack(at)
        slopes = torch.empty_like(z)

        def work(index: Int[Tensor, " piece"]) -> None:
            slopes[index] = differentiate(f, z[index], f.every[index])[1]

        sweep(f, len(z), work, gradients=True)
        if bool(slopes.isnan().any()):
            row = int(slopes.flatten(1).isnan().any(dim=1).nonzero()[0])
            raise MethodError(f"the loss has no gradient at row {row} (NaN); pass a loss that is smooth there")
        return tuple(g.to(part.dtype) for g, part in zip(f.inputs.unpack(slopes), at, strict=True))


@contextmanager
def standing(
    model: Callable[..., Any],
    x: Any,
    target: Any,
    *,
    loss: LossFunction,
    mask: Any,
    given: Any,
    memory: int | str,
    progress: bool,
    title: str,
) -> Iterator[Ground]:
    """The ground around x, while the network's state is borrowed."""
    further: dict[str, Any] = {} if given is None else {"given": given}
    with asked(model, x, target=_first_entry, memory=memory, progress=progress, **further) as question:
        f = question.entrance.f
        if f.inputs.whole:
            raise InputError(
                "an attack walks along a gradient, which whole numbers (token ids, categories) do not have; "
                "pass the part of the network after the embedding, and embedded rows"
            )
        f = replace(f, pick=Loss(loss, target, f.rows), known=[])
        with f.budget.showing(title):
            yield Ground(f, f.inputs.parts, _masks(mask, f))


def _first_entry(output: Tensor) -> Float[Tensor, " rows"]:
    """Some number of every row; the loss takes its place."""
    return output.reshape(len(output), -1)[:, 0]


def _masks(mask: Any, f: Score) -> Parts:
    parts, keys = f.inputs.parts, f.inputs.keys
    if mask is None:
        return tuple(part.new_ones(()) for part in parts)
    if isinstance(mask, dict):
        masks: Sequence[Any] = [mask.get(key) for key in keys or ()]
    else:
        masks = [mask] if isinstance(mask, Tensor) else list(mask)
    if len(masks) != len(parts):
        raise InputError(f"mask has {len(masks)} tensors for {len(parts)} inputs; pass one for each")
    found: list[Tensor] = []
    for part, one in zip(parts, masks, strict=True):
        try:
            found.append(torch.as_tensor(one, dtype=part.dtype, device=part.device).expand_as(part))
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(
                f"mask does not broadcast to an input of shape {tuple(part.shape)} ({error}); "
                f"pass ones and zeros of shape {tuple(part.shape[1:])}"
            ) from error
    return tuple(found)
