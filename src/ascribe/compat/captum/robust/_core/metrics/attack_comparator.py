"""`captum.robust.AttackComparator` over `ascribe.robust.AttackComparison`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ascribe.robust.comparison import ORIGINAL, AttackComparison


class AttackComparator:
    """A metric of the model's output, as it is and under each of several attacks."""

    def __init__(
        self,
        forward_func: Callable[..., Any],
        metric: Callable[..., Any],
        preproc_fn: Callable[[Any], Any] | None = None,
    ) -> None:
        self.comparison = AttackComparison(forward_func, metric, preproc_fn, lone=True)

    def add_attack(
        self,
        attack: Callable[..., Any],
        name: str | None = None,
        num_attempts: int = 1,
        apply_before_preproc: bool = True,
        attack_kwargs: dict[str, Any] | None = None,
        additional_attack_arg_names: list[str] | None = None,
    ) -> None:
        """Let one more attack take part."""
        named = additional_attack_arg_names or []
        self.comparison.add(attack, name, num_attempts, apply_before_preproc, attack_kwargs, named)

    def evaluate(
        self, inputs: Any, additional_forward_args: Any = None, perturbations_per_eval: int = 1, **kwargs: Any
    ) -> dict[str, Any]:
        """The metric under "Original", and its statistics under the name of every attack."""
        given = additional_forward_args
        given = () if given is None else given if isinstance(given, tuple) else (given,)
        found: dict[str, Any] = dict(self.comparison.evaluate(inputs, given, perturbations_per_eval, **kwargs))
        return found | {ORIGINAL: found[ORIGINAL]["mean"]}

    def summary(self) -> dict[str, dict[str, Any]]:
        """The mean over all batches since the last reset."""
        return self.comparison.summary()

    def reset(self) -> None:
        """Forget the batches."""
        self.comparison.reset()
