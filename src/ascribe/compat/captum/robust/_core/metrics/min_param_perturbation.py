"""`captum.robust.MinParamPerturbation` over `ascribe.robust.smallest_parameter`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ascribe.errors import MethodError
from ascribe.robust.smallest import SmallestParameter, right_class, smallest_parameter


class MinParamPerturbation:
    """The smallest `arg_name` of an attack at which the model is no longer correct."""

    def __init__(
        self,
        forward_func: Callable[..., Any],
        attack: Callable[..., Any],
        arg_name: str,
        arg_min: float | int,
        arg_max: float | int,
        arg_step: float | int,
        mode: str = "linear",
        num_attempts: int = 1,
        preproc_fn: Callable[[Any], Any] | None = None,
        apply_before_preproc: bool = False,
        correct_fn: Callable[..., bool] | None = None,
    ) -> None:
        self.forward_func, self.attack, self.arg_name = forward_func, attack, arg_name
        self.preproc_fn, self.apply_before_preproc = preproc_fn, apply_before_preproc
        self.correct_fn = default_correct_fn if correct_fn is None else correct_fn
        self.knobs: dict[str, Any] = {"search": mode.lower(), "attempts": num_attempts}
        self.range = (arg_min, arg_max, arg_step)
        self._search(1)

    def evaluate(
        self,
        inputs: Any,
        additional_forward_args: Any = None,
        target: Any = None,
        perturbations_per_eval: int = 1,
        attack_kwargs: dict[str, Any] | None = None,
        correct_fn_kwargs: dict[str, Any] | None = None,
    ) -> tuple[Any, float | int | None]:
        """The attacked input and the parameter; two times None where no attack succeeded."""
        given = additional_forward_args
        knobs = ({} if target is None else {"target": target}) | (correct_fn_kwargs or {})
        if not knobs and self.correct_fn is default_correct_fn:
            raise MethodError("target was not given, and no correct_fn that does without it; pass target=3, say")
        prepare, before = self.preproc_fn, self.apply_before_preproc
        start = inputs if before or prepare is None else prepare(inputs)
        found = smallest_parameter(
            self.forward_func,
            start,
            lambda x, parameter: self.attack(x, **(attack_kwargs or {}), **{self.arg_name: parameter}),
            self._search(perturbations_per_eval),
            correct=lambda output: bool(self.correct_fn(output, **knobs)),
            given=() if given is None else given if isinstance(given, tuple) else (given,),
            prepare=prepare if before else None,
            lone=True,
        )
        return (None, None) if found is None else found

    def _search(self, together: int) -> SmallestParameter[Any]:
        least, most, step = self.range
        return SmallestParameter(least, most, step, **self.knobs, together=together)


def default_correct_fn(model_out: Tensor, target: Any) -> bool:
    """Whether the largest output of every row is its target."""
    return right_class(model_out, target)
