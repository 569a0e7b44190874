"""A question put to a model, ready for any method: the score, the point, what it is compared with, and the names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.attribution import Attribution
from ascribe.core.evaluate import reference_values, values
from ascribe.core.method import Estimate, Method
from ascribe.core.names import numbered
from ascribe.core.place import Place, embedded, of_every_output


@final
@dataclass(frozen=True)
class Question:
    """One model, one x, one target; `answer` may be asked of several methods.

    `place` is the cut where there is one and the input elsewhere; `entrance` is always the input. `outputs` is how many
    there are with `target="all"`.
    """

    place: Place
    entrance: Place
    outputs: int | None
    target: Any
    at: str | tuple[str, ...] | None
    grouped: bool

    def answer(self, method: Method) -> Attribution:
        """Attributions by this method."""
        started = self.place.f.budget.calls, self.place.f.budget.evaluations, perf_counter()
        shown = self.entrance if method.yields in ("input", "map") else self.place
        with torch.no_grad(), self.place.f.budget.showing(method.name):
            place = self._varied(method)
            f, z0 = place.f, place.background if method.reference == "background" else place.point
            found = method(f, place.z, z0)
            # After the method, which may have met these scores on its way.
            output = values(f, place.z)
            reference = torch.zeros_like(output) if method.reference == "nothing" else reference_values(f, z0)
        found = found if isinstance(found, Estimate) else Estimate(found, None)
        gap = output.double() - reference.double() - found.values.double().flatten(1).sum(1)
        calls, evaluations, start = started
        return Attribution(
            values=self._shown(found.values, method, shown, place),
            error=None if found.error is None else self._shown(found.error, method, shown, place),
            output=self._by_output(output),
            reference=self._by_output(reference),
            gap=self._by_output(gap.to(output.dtype)),
            inputs=shown.f.form.original,
            names=_map_names(found.values, self.at) if method.yields == "map" else shown.f.players.names,
            target=self.target,
            at=self.at,
            method=method,
            calls=f.budget.calls - calls,
            evaluations=f.budget.evaluations - evaluations,
            seconds=perf_counter() - start,
        )

    def _varied(self, method: Method) -> Place:
        """The place that the method varies: of token ids that it must differentiate, their embedding."""
        place = self.place if method.space == "layer" else self.entrance
        place = replace(place, f=replace(place.f, known=[]))
        if method.gradients and place.f.obstacle is not None:
            place = embedded(place)
        return place if self.outputs is None else of_every_output(place, self.outputs)

    def _shown(self, found: Float[Tensor, "rows ..."], method: Method, shown: Place, varied: Place) -> Any:
        """Players' values where groups were asked for, and entries in the user's nest elsewhere."""
        if method.yields in ("map", "pairs"):
            return self._by_output(found)
        # Conductance varies the input and answers about the layer; all others answer about what they vary.
        like = shown if method.space == "input" and method.yields == "place" else varied
        players, grouped = like.f.players, self.grouped and shown is self.place
        if grouped or like.f.site is not shown.f.site:
            found = found if found.shape[1:] == (players.count,) else players.gather(found)
        return self._by_output(found) if grouped else shown.nest(self._by_output(found.reshape(-1, *shown.z.shape[1:])))

    def _by_output(self, found: Float[Tensor, "rows ..."]) -> Float[Tensor, "..."]:
        """The outputs in front, where all are asked for."""
        return found if self.outputs is None else found.unflatten(0, (-1, self.outputs)).movedim(1, 0)


def _map_names(found: Float[Tensor, "rows *form"], at: str | tuple[str, ...] | None) -> Sequence[str]:
    return numbered(at if isinstance(at, str) else "map", found.shape[1:])
