"""Projected gradient descent: small steps of the sign method inside a ball."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from ascribe.core.nest import leaves
from ascribe.errors import MethodError
from ascribe.robust.attack import Attack, Parts, standing
from ascribe.robust.ball import BALLS
from ascribe.robust.fgsm import check_bounds
from ascribe.robust.loss import LossFunction, negative_log


@final
@dataclass(frozen=True)
class PGD(Attack):
    r"""$x_{t+1} = \mathrm{clamp}(\Pi_{B(x, r)}(x_t + \alpha\,\mathrm{sign}\nabla L(x_t)), l, u)$, `steps` times.

    The ball's `norm` is "Linf" (no entry moves further than the radius) or "L2" (no row does, each input of several by
    itself). Begins at x, or with a `seed` (or a generator, which moves on) at a random point of the ball. Costs `steps`
    forward and backward passes.

    Source: Madry, Makelov, Schmidt, Tsipras & Vladu (2018), "Towards deep learning models resistant to adversarial
    attacks".
    """

    radius: float | int
    step: float | int
    steps: int
    norm: str = "Linf"
    targeted: bool = False
    lower: float | int = -math.inf
    upper: float | int = math.inf
    seed: int | torch.Generator | None = None

    def __post_init__(self) -> None:
        check_bounds(self.lower, self.upper)
        if self.norm not in BALLS:
            raise MethodError(f'norm={self.norm!r} is not known; pass "Linf" or "L2"')
        if self.steps < 0 or not self.radius >= 0 or not math.isfinite(self.step):
            raise MethodError(
                f"radius={self.radius}, step={self.step} and steps={self.steps}; pass finite numbers, and neither the "
                "radius nor the steps below 0"
            )

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
        ball = BALLS[self.norm]
        borrowed: dict[str, Any] = {"loss": loss, "mask": mask, "given": given, "memory": memory, "progress": progress}
        # Drawn before the network's state is borrowed: a generator of the caller's has moved on afterwards.
        changes = self._changes(x)
        with standing(model, x, target, title="PGD", **borrowed) as ground:
            at = ground.parts
            if changes is not None:
                at = self._bounded(p + c.to(p) * m for p, c, m in zip(at, changes, ground.masks, strict=True))
            for _ in range(self.steps):
                moved = ground.climb(at, -self.step if self.targeted else self.step)
                clipped = (p + ball.clip(q - p, self.radius) for p, q in zip(ground.parts, moved, strict=True))
                at = self._bounded(clipped)
            return ground.form(at)

    def _changes(self, x: Any) -> Parts | None:
        if self.seed is None:
            return None
        generator = self.seed
        if not isinstance(generator, torch.Generator):
            generator = torch.Generator().manual_seed(generator)
        parts = [torch.as_tensor(part).to(generator.device) for part in leaves(x)]
        return tuple(BALLS[self.norm].draw(part, self.radius, generator) for part in parts)

    def _bounded(self, parts: Any) -> tuple[Tensor, ...]:
        return tuple(part.clamp(self.lower, self.upper) for part in parts)
