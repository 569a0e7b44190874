"""A question put to a model, ready for any method: the score, the point, what it is compared with, and the names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.attribution import Attribution
from ascribe.core.evaluate import reference_values, values
from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.core.target import Pick


@final
@dataclass(frozen=True)
class Place:
    """What a method varies: a score with its point and references, at the input or at a cut."""

    f: Score
    z: Float[Tensor, "rows *shape"]
    point: Float[Tensor, "any *shape"]
    background: Float[Tensor, "draws any *shape"]


@final
@dataclass(frozen=True)
class Question:
    """One model, one x, one target; `answer` may be asked of several methods.

    `place` is the cut where there is one and the input elsewhere; `entrance` is always the input. `picks` has one
    pick, or one for each output with `target="all"`.
    """

    place: Place
    entrance: Place
    picks: tuple[Pick, ...]
    target: Any
    at: str | None
    grouped: bool

    def answer(self, method: Method) -> Attribution:
        """Attributions by this method."""
        answers = [self._answer(method, pick) for pick in self.picks]
        every_output = isinstance(self.target, str) and self.target == "all"
        return _stacked(answers) if every_output else answers[0]

    def _answer(self, method: Method, pick: Pick) -> Attribution:
        place = self.place if method.space == "layer" else self.entrance
        f = replace(place.f, pick=pick, known=[])
        calls, evaluations, start = f.budget.calls, f.budget.evaluations, perf_counter()
        with torch.no_grad(), f.budget.showing(method.name):
            z0 = place.point if method.reference == "point" else place.background
            found = method(f, place.z, z0)
            # After the method, which may have met these scores on its way.
            output, reference = values(f, place.z), reference_values(f, z0)
        found = found if isinstance(found, Estimate) else Estimate(found, None)
        gap = output.double() - reference.double() - found.values.double().flatten(1).sum(1)
        return Attribution(
            values=self._shown(found.values),
            error=None if found.error is None else self._shown(found.error),
            output=output,
            reference=reference,
            gap=gap.to(output.dtype),
            inputs=self._nest(self.place.z),
            names=self.place.f.players.names,
            target=self.target,
            at=self.at,
            method=method,
            calls=f.budget.calls - calls,
            evaluations=f.budget.evaluations - evaluations,
            seconds=perf_counter() - start,
        )

    def _shown(self, found: Tensor) -> Any:
        """Players' values where groups were asked for, and entries in the user's nest elsewhere."""
        players, shape = self.place.f.players, self.place.z.shape
        if self.grouped:
            return found if found.shape[1:] == (players.count,) else players.gather(found)
        return self._nest(found.reshape(shape))

    def _nest(self, z: Tensor) -> Any:
        return z if self.at is not None else self.place.f.inputs.nest(z)


def _stacked(answers: list[Attribution]) -> Attribution:
    """One attribution with the outputs in front."""
    first = answers[0]

    def stack(nests: list[Any]) -> Any:
        if isinstance(nests[0], Tensor):
            return torch.stack(nests)
        if isinstance(nests[0], dict):
            return {key: torch.stack([nest[key] for nest in nests]) for key in nests[0]}
        return tuple(torch.stack(parts) for parts in zip(*nests, strict=True))

    return replace(
        first,
        values=stack([a.values for a in answers]),
        error=None if first.error is None else stack([a.error for a in answers]),
        output=torch.stack([a.output for a in answers]),
        reference=torch.stack([a.reference for a in answers]),
        gap=torch.stack([a.gap for a in answers]),
        calls=sum(a.calls for a in answers),
        evaluations=sum(a.evaluations for a in answers),
        seconds=sum(a.seconds for a in answers),
    )
