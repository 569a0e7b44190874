"""The fast gradient sign method."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from ascribe.errors import MethodError
from ascribe.robust.attack import Attack, standing
from ascribe.robust.loss import LossFunction, negative_log


@final
@dataclass(frozen=True)
class FGSM(Attack):
    r"""$\mathrm{clamp}(x + \epsilon\,\mathrm{sign}\nabla_x L(x), l, u)$; with `targeted` against the gradient.

    One forward and one backward pass.

    Source: Goodfellow, Shlens & Szegedy (2015), "Explaining and harnessing adversarial examples".

    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Softmax(-1))
    >>> moved = FGSM(0.1)(net, torch.zeros(4, 3), target=1)
    >>> moved.shape, round(moved.abs().max().item(), 3)
    (torch.Size([4, 3]), 0.1)
    """

    epsilon: float | int
    targeted: bool = False
    lower: float | int = -math.inf
    upper: float | int = math.inf

    def __post_init__(self) -> None:
        check_bounds(self.lower, self.upper)
        if not math.isfinite(self.epsilon):
            raise MethodError(f"epsilon={self.epsilon}; pass a finite number")

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
        borrowed: dict[str, Any] = {"loss": loss, "mask": mask, "given": given, "memory": memory, "progress": progress}
        with standing(model, x, target, title="FGSM", **borrowed) as ground:
            moved = ground.climb(ground.parts, -self.epsilon if self.targeted else self.epsilon)
            return ground.form(tuple(part.clamp(self.lower, self.upper) for part in moved))


def check_bounds(lower: float | int, upper: float | int) -> None:
    """Raises MethodError for bounds with nothing between them."""
    if not lower < upper:
        raise MethodError(f"lower={lower} and upper={upper} leave no room; pass lower < upper")
