"""The smallest parameter of an attack that is enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, final

import torch

from ascribe.core.target import output_tensor
from ascribe.errors import MethodError, TargetError
from ascribe.robust.together import outputs

Attempt = TypeVar("Attempt")


@final
@dataclass(frozen=True)
class SmallestParameter(Generic[Attempt]):
    """A search for the smallest of `least`, `least` + `step`, ... below `most` at which one of `attempts` succeeds.

    `search="linear"` tries them in order, so nothing smaller succeeded; "binary" halves the range, which is right where
    more is never worse. `together` attempts are judged at once.

    >>> search = SmallestParameter(0, 100, 1, search="binary")
    >>> search(lambda p: p * p, lambda squares: next((i for i, s in enumerate(squares) if s > 150), None))
    (169, 13)
    """

    least: float | int
    most: float | int
    step: float | int
    search: str = "linear"
    attempts: int = 1
    together: int = 1

    def __post_init__(self) -> None:
        if self.search not in ("linear", "binary"):
            raise MethodError(f'search={self.search!r} is not known; pass "linear" or "binary"')
        if not 0 < self.step < self.most - self.least:
            raise MethodError(
                f"step={self.step} does not fit between least={self.least} and most={self.most}; "
                "pass a step above 0 that is smaller than the range"
            )
        if self.attempts < 1 or self.together < 1:
            raise MethodError(f"attempts={self.attempts} and together={self.together}; pass at least 1")

    def __call__(
        self, attempt: Callable[[float | int], Attempt], succeeded: Callable[[list[Attempt]], int | None]
    ) -> tuple[Attempt, float | int] | None:
        """The attempt that succeeded and its parameter, or nothing; `succeeded` says which of several did first."""
        search = self._linear if self.search == "linear" else self._binary
        return search(attempt, succeeded)

    def _linear(
        self, attempt: Callable[[float | int], Attempt], succeeded: Callable[[list[Attempt]], int | None]
    ) -> tuple[Attempt, float | int] | None:
        # A range that is a whole number of steps up to rounding has no step more.
        count = math.ceil(round((self.most - self.least) / self.step, 9))
        parameters = [self.least + i * self.step for i in range(count) for _ in range(self.attempts)]
        for piece in _pieces(parameters, self.together):
            tried = [attempt(parameter) for parameter in piece]
            if (first := succeeded(tried)) is not None:
                return tried[first], piece[first]
        return None

    def _binary(
        self, attempt: Callable[[float | int], Attempt], succeeded: Callable[[list[Attempt]], int | None]
    ) -> tuple[Attempt, float | int] | None:
        low, high = self.least, self.most
        found: tuple[Attempt, float | int] | None = None
        while high > low:
            half = (high - low) // self.step // 2
            if half == 0 and low + self.step < high:
                half = 1
            middle = low + half * self.step
            success = self._any(middle, attempt, succeeded)
            if success is not None:
                high = middle
                if found is None or middle < found[1]:
                    found = success
            if math.isclose(low, middle):
                break
            if success is None:
                low = middle
        return found

    def _any(
        self,
        parameter: float | int,
        attempt: Callable[[float | int], Attempt],
        succeeded: Callable[[list[Attempt]], int | None],
    ) -> tuple[Attempt, float | int] | None:
        for piece in _pieces([parameter] * self.attempts, self.together):
            tried = [attempt(parameter) for _ in piece]
            if (first := succeeded(tried)) is not None:
                return tried[first], parameter
        return None


def smallest_parameter(
    model: Callable[..., Any],
    x: Any,
    attack: Callable[[Any, float | int], Any],
    search: SmallestParameter[Any],
    *,
    target: Any = None,
    correct: Callable[[Any], bool] | None = None,
    given: tuple[Any, ...] = (),
    prepare: Callable[[Any], Any] | None = None,
    lone: bool = False,
) -> tuple[Any, float | int] | None:
    """The attacked input, and the smallest parameter at which `attack(x, parameter)` makes the model wrong; or nothing.

    Right is `correct(output)`; without it, that the largest output of every row is `target` (one class for all rows, or
    one a row). `prepare` makes of an attacked input what the model takes; `given` are further arguments of the model;
    with `lone` a tuple is one argument, and not several.

    >>> net = torch.nn.Linear(1, 2, bias=False)
    >>> with torch.no_grad(): _ = net.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    >>> search = SmallestParameter(0.0, 5.0, 0.5)
    >>> smallest_parameter(net, torch.tensor([[1.2]]), lambda x, p: x - p, search, target=0)[1]
    1.5
    """
    if correct is None and target is None:
        raise TargetError("neither target nor correct was given; say what is right, such as target=3")
    right = correct if correct is not None else lambda output: right_class(output, target)

    def succeeded(attacked: list[Any]) -> int | None:
        versions = attacked if prepare is None else [prepare(one) for one in attacked]
        judged = (right(output) for output in outputs(model, versions, given, lone=lone))
        return next((i for i, is_right in enumerate(judged) if not is_right), None)

    return search(lambda parameter: attack(x, parameter), succeeded)


def right_class(output: Any, target: Any) -> bool:
    """Whether the largest output of every row is its target.  Raises TargetError for an output that is no table."""
    tensor = output_tensor(output, len(output))
    if tensor.ndim != 2:
        raise TargetError(f"the network gives {tuple(tensor.shape)}, which has no largest class a row; pass correct=")
    wanted = torch.as_tensor(target, device=tensor.device)
    return bool((tensor.argmax(dim=1) == wanted).all())


def _pieces(parameters: list[float | int], size: int) -> Iterator[list[float | int]]:
    for first in range(0, len(parameters), size):
        yield parameters[first : first + size]
