"""Attributions under noise on the inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.compat.captum.attr.attribution import Attribution, GradientAttribution, LayerAttribution
from ascribe.compat.captum.attr.door import Door, MethodDoor
from ascribe.compat.captum.attr.forms import deviations
from ascribe.compat.captum.attr.outputs import as_tuple
from ascribe.compat.captum.attr.signature import takes
from ascribe.core.explain import explain
from ascribe.core.method import Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.methods.smooth_grad import SmoothGrad
from ascribe.methods.smooth_grad_squared import SmoothGradSquared
from ascribe.methods.var_grad import VarGrad

_TYPES: dict[str, Callable[..., Method]] = {
    "smoothgrad": SmoothGrad,
    "smoothgrad_sq": SmoothGradSquared,
    "vargrad": partial(VarGrad, unbiased=False),
}


@final
@dataclass(frozen=True, eq=False)
class Inner(Method):
    """Any class with `attribute`, also a user's, as a method of its inputs; remembers the deltas of every draw.

    Where baselines are to be drawn, every row gets one of them by chance, anew in every draw.
    """

    attribution: Attribution
    keywords: dict[str, Any]
    rows: int
    drawn: Any = None
    chance: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(0))
    shapes: list[torch.Size] = field(default_factory=list[torch.Size])
    deltas: list[Tensor] = field(default_factory=list[Tensor])
    several: list[bool] = field(default_factory=list[bool])

    yields: ClassVar[str] = "map"

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]) -> Tensor:
        # Targets, masks and other arguments of `attribute` are for the rows as they came: a draw at a time.
        return torch.cat([self._draw(f, one) for one in z.split(self.rows)])

    def _draw(self, f: Score, z: Float[Tensor, "rows *shape"]) -> Tensor:
        keywords = dict(self.keywords)
        if self.drawn is not None:
            keywords["baselines"] = self._baselines()
        found = self.attribution.attribute(f.inputs.nest(z), **keywords)
        if keywords.get("return_convergence_delta"):
            found, delta = found
            self.deltas.append(delta)
        parts = [part.detach() for part in as_tuple(found)]
        self.shapes[:], self.several[:] = [part.shape for part in parts], [isinstance(found, tuple)]
        return torch.cat([part.flatten(1) for part in parts], 1) if len(parts) > 1 else parts[0]

    def nest(self, values: Tensor) -> Any:
        """Values of all parts in the form that `attribute` gave."""
        if len(self.shapes) == 1:
            return (values,) if self.several[0] else values
        pieces = values.split([shape[1:].numel() for shape in self.shapes], 1)
        return tuple(piece.reshape(shape) for piece, shape in zip(pieces, self.shapes, strict=True))

    def _baselines(self) -> Any:
        drawn = tuple(
            part[torch.randint(len(part), (self.rows,), generator=self.chance).to(part.device)]
            if isinstance(part, Tensor)
            else part
            for part in as_tuple(self.drawn)
        )
        return drawn if isinstance(self.drawn, tuple) else drawn[0]


class NoiseTunnel(Door):
    """`ascribe.SmoothGrad` and its kin around another class, whose arguments `attribute` takes beside its own."""

    construct = takes(attribution_method=...)
    arguments = takes(
        inputs=...,
        nt_type="smoothgrad",
        nt_samples=5,
        nt_samples_batch_size=None,
        stdevs=1.0,
        draw_baseline_from_distrib=False,
    )

    def begin(self, constructed: dict[str, Any]) -> None:
        """Take the class whose attributions are smoothed.  Raises MethodError for anything else."""
        inner = constructed["attribution_method"]
        if not isinstance(inner, Attribution):
            raise MethodError(
                f"NoiseTunnel({inner!r:.60}) has nothing to smooth; pass IntegratedGradients(model), say."
            )
        super().begin(constructed)
        self.attribution_method, self.forward_func = inner, inner.forward_func
        self.is_delta_supported = inner.has_convergence_delta()
        self.is_gradient_method = isinstance(inner, GradientAttribution)
        self._multiply_by_inputs = inner.multiplies_by_inputs

    def has_convergence_delta(self) -> bool:
        """As the inner class's."""
        return self.is_delta_supported

    def attribute(self, *args: Any, **kwargs: Any) -> Any:
        """Attributions in the form of the inner class's, over noise; with deltas, one for each row and draw."""
        own = self.bind(*args, **{name: kwargs.pop(name) for name in [*kwargs] if name in self.arguments.parameters})
        inner, inputs, draws = self.attribution_method, own["inputs"], own["nt_samples"]
        if own["nt_type"] not in _TYPES:
            raise MethodError(f"nt_type={own['nt_type']!r} is not known; pass one of {', '.join(map(repr, _TYPES))}.")
        smoothing, noise = _TYPES[own["nt_type"]], deviations(own["stdevs"], inputs)
        drawn = kwargs.get("baselines") if own["draw_baseline_from_distrib"] else None
        if isinstance(inner, MethodDoor) and drawn is None and _is_plain(inner, kwargs):
            given = inner.bind(inputs, **kwargs)
            return inner.answer(given, smoothing(inner.method(given), noise, draws))
        asked = Inner(inner, kwargs, len(as_tuple(inputs)[0]), drawn)
        found = explain(_nothing, inputs, smoothing(asked, noise, draws))
        values = asked.nest(found.values)
        if not kwargs.get("return_convergence_delta"):
            return values
        return values, torch.stack([delta.reshape(len(as_tuple(inputs)[0]), -1) for delta in asked.deltas], 1).flatten()


def _is_plain(inner: MethodDoor, keywords: dict[str, Any]) -> bool:
    """Whether the class stands for a method of the inputs, about which nothing else is asked."""
    return not isinstance(inner, LayerAttribution) and not keywords.get("return_convergence_delta")


def _nothing(*inputs: Tensor) -> Tensor:
    """A score of which nothing is asked."""
    return inputs[0].new_zeros(len(inputs[0]))
