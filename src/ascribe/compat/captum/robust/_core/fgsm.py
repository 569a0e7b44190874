"""`captum.robust.FGSM` over `ascribe.robust.FGSM`, and what it shares with PGD."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ascribe import robust
from ascribe.compat.captum.robust._core.perturbation import Perturbation
from ascribe.robust.attack import Attack
from ascribe.robust.loss import chosen_of


class GradientAttack(Perturbation):
    """An attack along the gradient of `loss_func`, or of -log of the outputs' entry `target`, whatever its sign."""

    def __init__(
        self,
        forward_func: Callable[..., Any],
        loss_func: Callable[..., Any] | None = None,
        lower_bound: float | int = -math.inf,
        upper_bound: float | int = math.inf,
    ) -> None:
        self.forward_func, self.loss_func = forward_func, loss_func
        self.bounds = {"lower": lower_bound, "upper": upper_bound}

    def attack(self, attack: Attack, inputs: Any, target: Any, additional_forward_args: Any, mask: Any) -> Any:
        given = additional_forward_args
        given = given if given is None or isinstance(given, tuple) else (given,)
        loss = _minus_log if self.loss_func is None else self.loss_func
        return attack(self.forward_func, inputs, target, loss=loss, mask=mask, given=given)


class FGSM(GradientAttack):
    """`ascribe.robust.FGSM`."""

    def perturb(
        self,
        inputs: Any,
        epsilon: float | int,
        target: Any,
        additional_forward_args: Any = None,
        targeted: bool = False,
        mask: Any = None,
    ) -> Any:
        """One step of `epsilon`."""
        attack = robust.FGSM(epsilon, targeted, **self.bounds)
        return self.attack(attack, inputs, target, additional_forward_args, mask)


def _minus_log(output: Tensor, target: Any) -> Tensor:
    return -chosen_of(output, target).log()
