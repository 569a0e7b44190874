"""What several attacks do to a figure of the model's output."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, final

from torch import Tensor

from ascribe.errors import MethodError
from ascribe.robust.figures import Figures
from ascribe.robust.together import outputs

ORIGINAL = "Original"


@final
@dataclass(frozen=True)
class Entrant:
    """An attack under its name: how often it is tried, before or after the preparation, and with what."""

    attack: Callable[..., Any]
    attempts: int
    before_preparation: bool
    knobs: Mapping[str, Any]
    named: Sequence[str]


class AttackComparison:
    """A metric of the model's output on inputs as they are and under each of several attacks, batch by batch.

    `metric(output, **named)` gives a number, a tensor with one number a row, or a (named) tuple of these. `prepare`
    makes of an input what the model takes; an attack comes before it, or after it. With `lone` a tuple is one argument
    of the model, and not several.

    >>> import torch
    >>> comparison = AttackComparison(torch.nn.Identity(), lambda output: output.mean())
    >>> comparison.add(lambda x: x + 1, "one more")
    >>> {name: float(found["mean"]) for name, found in comparison.evaluate(torch.zeros(2, 3)).items()}
    {'Original': 0.0, 'one more': 1.0}
    """

    def __init__(
        self,
        model: Callable[..., Any],
        metric: Callable[..., Any],
        prepare: Callable[[Any], Any] | None = None,
        lone: bool = False,
    ) -> None:
        self.model, self.metric, self.prepare, self.lone = model, metric, prepare, lone
        self.entrants: dict[str, Entrant] = {}
        self._summary: dict[str, Figures] = {}

    def add(
        self,
        attack: Callable[..., Any],
        name: str | None = None,
        attempts: int = 1,
        before_preparation: bool = True,
        knobs: Mapping[str, Any] | None = None,
        named: Sequence[str] = (),
    ) -> None:
        """Let one more attack take part: `attack(input, **knobs)`, and what `evaluate` is given under these names.

        Raises MethodError for a name that is taken.
        """
        name = type(attack).__name__ if name is None else name
        if name in self.entrants or name == ORIGINAL:
            raise MethodError(f"there is an attack {name!r} already; pass another name=")
        if attempts < 1:
            raise MethodError(f"attempts={attempts}; pass at least 1")
        self.entrants[name] = Entrant(attack, attempts, before_preparation, dict(knobs or {}), tuple(named))

    def evaluate(
        self, x: Any, given: tuple[Any, ...] = (), together: int = 1, **named: Any
    ) -> dict[str, dict[str, Any]]:
        """The metric's mean over the attempts on this batch, and for several attempts its least and its largest.

        `given` are further arguments of the model, `named` of the metric; `together` inputs go through the model at
        once.
        """
        found = {name: figures.read() for name, figures in self._figures(x, given, together, named).items()}
        for name, statistics in found.items():
            for statistic, value in statistics.items():
                key = name if len(statistics) == 1 else f"{name} {statistic.title()} Attempt"
                self._summary.setdefault(key, Figures("mean")).add(_over_rows(value))
        return found

    def summary(self) -> dict[str, dict[str, Any]]:
        """The mean over all batches since the last reset."""
        return {name: figures.read() for name, figures in self._summary.items()}

    def reset(self) -> None:
        """Forget the batches."""
        self._summary = {}

    def _figures(self, x: Any, given: tuple[Any, ...], together: int, named: Mapping[str, Any]) -> dict[str, Figures]:
        figures = {ORIGINAL: Figures("mean")}
        for name, entrant in self.entrants.items():
            figures[name] = Figures("mean", "min", "max") if entrant.attempts > 1 else Figures("mean")
        versions = self._versions(x, named)
        while piece := list(islice(versions, together)):
            found = outputs(self.model, [version for _, version in piece], given, lone=self.lone)
            for (name, _), output in zip(piece, found, strict=True):
                figures[name].add(self.metric(output, **named))
        return figures

    def _versions(self, x: Any, named: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """What the model takes, as it is and under every attempt, each made when it is asked for."""
        prepare = (lambda x: x) if self.prepare is None else self.prepare
        prepared = prepare(x)
        yield ORIGINAL, prepared
        for name, entrant in self.entrants.items():
            knobs = {**_known(entrant, name, named), **entrant.knobs}
            for _ in range(entrant.attempts):
                before = entrant.before_preparation
                yield name, prepare(entrant.attack(x, **knobs)) if before else entrant.attack(prepared, **knobs)


def _known(entrant: Entrant, name: str, named: Mapping[str, Any]) -> dict[str, Any]:
    for missing in (key for key in entrant.named if key not in named):
        warnings.warn(f"evaluate was not given {missing!r}, which the attack {name!r} takes", stacklevel=3)
    return {key: named[key] for key in entrant.named if key in named}


def _over_rows(value: Any) -> Any:
    if isinstance(value, tuple):
        means = [_over_rows(entry) for entry in value]
        return type(value)._make(means) if hasattr(value, "_make") else tuple(means)  # pyright: ignore[reportAttributeAccessIssue]
    return value.mean(dim=0) if isinstance(value, Tensor) else value
