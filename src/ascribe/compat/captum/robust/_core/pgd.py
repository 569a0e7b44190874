"""`captum.robust.PGD` over `ascribe.robust.PGD`."""

from __future__ import annotations

from typing import Any

import torch

from ascribe import robust
from ascribe.compat.captum.robust._core.fgsm import GradientAttack


class PGD(GradientAttack):
    """`ascribe.robust.PGD`; a random start is drawn from torch's global stream."""

    def perturb(
        self,
        inputs: Any,
        radius: float | int,
        step_size: float | int,
        step_num: int,
        target: Any,
        additional_forward_args: Any = None,
        targeted: bool = False,
        random_start: bool = False,
        norm: str = "Linf",
        mask: Any = None,
    ) -> Any:
        """`step_num` steps of `step_size`, never further than `radius`."""
        seed = torch.default_generator if random_start else None
        attack = robust.PGD(radius, step_size, step_num, norm, targeted, **self.bounds, seed=seed)
        return self.attack(attack, inputs, target, additional_forward_args, mask)
