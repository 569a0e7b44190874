"""Captum's attribution classes: the signatures of each, and the method of ascribe that it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, final, get_args

from jaxtyping import Float
from torch import Tensor

from ascribe.compat.captum.attr.door import Attribution, Door, Given, groups_of, place, takes, with_arguments
from ascribe.core.asking import asked
from ascribe.core.cut import first_tensor
from ascribe.core.method import Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.maths.quadrature import GaussLegendre, Quadrature, Riemann, Side
from ascribe.methods import (
    ablation,
    conductance,
    deep_lift,
    expected_gradients,
    input_x_gradient,
    integrated_gradients,
    saliency,
    shapley,
    smooth_grad,
)

_FUNCTION = takes(forward_func=...)
_FUNCTION_TIMES = takes(forward_func=..., multiply_by_inputs=True)
_LAYER = takes(forward_func=..., layer=..., device_ids=None)

_COMPARED = takes(inputs=..., baselines=None, target=None, additional_forward_args=None)
_AGAINST = takes(inputs=..., baselines=..., target=None, additional_forward_args=None)
_DELTA = takes(return_convergence_delta=False)
_STEPS = takes(n_steps=50, method="gausslegendre", internal_batch_size=None, return_convergence_delta=False)
_AT_LAYER = takes(attribute_to_layer_input=False, grad_kwargs=None)
_PIECES: dict[str, Any] = {"perturbations_per_eval": 1, "show_progress": False}


class IntegratedGradients(Attribution):
    """`ascribe.IntegratedGradients` with a fixed quadrature."""

    construct = _FUNCTION_TIMES
    arguments = takes(_COMPARED, _STEPS)

    def method(self, given: Given) -> Method:
        return integrated_gradients.IntegratedGradients(_quadrature(given["method"], given["n_steps"]))


@final
@dataclass(frozen=True)
class Absolute(Method):
    """The size of another method's values, which is what Captum's `Saliency` shows unless told otherwise."""

    inner: saliency.Saliency

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]
    ) -> Float[Tensor, "rows *shape"]:
        return self.inner(f, z, z0).abs()


class Saliency(Attribution):
    """`ascribe.Saliency`."""

    construct = _FUNCTION
    arguments = takes(inputs=..., target=None, abs=True, additional_forward_args=None)

    def method(self, given: Given) -> Method:
        return Absolute(saliency.Saliency()) if given["abs"] else saliency.Saliency()


class InputXGradient(Attribution):
    """`ascribe.InputXGradient`."""

    construct = _FUNCTION
    arguments = takes(inputs=..., target=None, additional_forward_args=None)

    def method(self, given: Given) -> Method:
        return input_x_gradient.InputXGradient()


class DeepLift(Attribution):
    """`ascribe.DeepLift` against one reference, or one for each row."""

    construct = takes(model=..., multiply_by_inputs=True, eps=1e-10)
    arguments = takes(_COMPARED, _DELTA, custom_attribution_func=None)

    def method(self, given: Given) -> Method:
        return deep_lift.DeepLift()


class DeepLiftShap(Attribution):
    """`ascribe.DeepLift` against every row of a distribution."""

    construct = takes(model=..., multiply_by_inputs=True)
    arguments = takes(_AGAINST, _DELTA, custom_attribution_func=None)
    distribution = True

    def method(self, given: Given) -> Method:
        return deep_lift.DeepLift()


class GradientShap(Attribution):
    """`ascribe.ExpectedGradients`, which takes no fewer than 4 draws."""

    construct = _FUNCTION_TIMES
    arguments = takes(
        takes(inputs=..., baselines=...),
        takes(n_samples=5, stdevs=0.0, target=None, additional_forward_args=None),
        _DELTA,
    )
    distribution = True

    def method(self, given: Given) -> Method:
        return expected_gradients.ExpectedGradients(max(4, given["n_samples"]), _one(given["stdevs"]))


class FeatureAblation(Attribution):
    """`ascribe.Ablation`."""

    construct = _FUNCTION
    arguments = takes(_COMPARED, feature_mask=None, **_PIECES)

    def method(self, given: Given) -> Method:
        return ablation.Ablation()


class ShapleyValueSampling(Attribution):
    """`ascribe.Shapley` with as many evaluations as this many random orders have, exact where these suffice for it."""

    construct = _FUNCTION
    arguments = takes(_COMPARED, feature_mask=None, n_samples=25, **_PIECES)

    def method(self, given: Given) -> Method:
        return shapley.Shapley(budget=max(10, given["n_samples"]) * _players(given))


class ShapleyValues(Attribution):
    """`ascribe.Shapley`, exact."""

    construct = _FUNCTION
    arguments = takes(_COMPARED, feature_mask=None, **_PIECES)

    def method(self, given: Given) -> Method:
        return shapley.Shapley(budget=2 ** _players(given))


class LayerConductance(Attribution):
    """`ascribe.Conductance` with the sum over the nodes of a quadrature."""

    construct = _LAYER
    arguments = takes(_COMPARED, _STEPS, _AT_LAYER)

    def method(self, given: Given) -> Method:
        return conductance.Conductance(_quadrature(given["method"], given["n_steps"] + 1))


class LayerIntegratedGradients(Attribution):
    """`ascribe.IntegratedGradients` at a layer."""

    construct = takes(forward_func=..., layer=..., device_ids=None, multiply_by_inputs=True)
    arguments = takes(_COMPARED, _STEPS, _AT_LAYER)

    def method(self, given: Given) -> Method:
        return integrated_gradients.IntegratedGradients(_quadrature(given["method"], given["n_steps"]))


class NoiseTunnel(Door):
    """`ascribe.SmoothGrad` around another class of this table, whose arguments `attribute` takes beside its own."""

    construct = takes(attribution_method=...)
    arguments = takes(
        inputs=...,
        nt_type="smoothgrad",
        nt_samples=5,
        nt_samples_batch_size=None,
        stdevs=1.0,
        draw_baseline_from_distrib=False,
    )

    def attribute(self, *args: Any, **kwargs: Any) -> Any:
        """Attributions in the form of `inputs`, averaged over noise."""
        inner = self.forward_func
        if not isinstance(inner, Attribution):
            raise MethodError(f"NoiseTunnel({inner!r}) has nothing to smooth; pass IntegratedGradients(model), say.")
        own = self.bind(*args, **{name: kwargs.pop(name) for name in [*kwargs] if name in self.arguments.parameters})
        given = inner.bind(own["inputs"], **kwargs)
        if own["nt_type"] != "smoothgrad" or given.get("return_convergence_delta"):
            raise MethodError(
                f"NoiseTunnel gives the mean over noise, without a delta, but nt_type={own['nt_type']!r} and "
                f"return_convergence_delta={given.get('return_convergence_delta', False)} came; leave both out."
            )
        smooth = smooth_grad.SmoothGrad(inner.method(given), _one(own["stdevs"]), max(2, own["nt_samples"]))
        return inner.answer(given, smooth)


class LayerActivation(Door):
    """The value at a layer; of a list of layers, a list."""

    construct = _LAYER
    arguments = takes(inputs=..., additional_forward_args=None, attribute_to_layer_input=False)

    def attribute(self, *args: Any, **kwargs: Any) -> Any:
        """The output of the layer, or its input, at `inputs`."""
        given = self.bind(*args, **kwargs)
        if isinstance(self.layer, list):
            return [type(self)(self.forward_func, layer).attribute(**given) for layer in self.layer]
        model = with_arguments(self.forward_func, given["additional_forward_args"])
        at = place(model, self.layer, given["attribute_to_layer_input"])
        with asked(model, given["inputs"], at=at, target=_any) as question:
            return question.place.z


def _any(output: Any) -> Tensor:
    """Some number a row, where nothing is asked of the score."""
    tensor = first_tensor(output)
    assert tensor is not None
    return tensor.reshape(len(tensor), -1)[:, 0]


def _quadrature(name: str, steps: int) -> Quadrature:
    rules: dict[str, Quadrature] = {"gausslegendre": GaussLegendre(steps)}
    rules |= {f"riemann_{side}": Riemann(steps, side) for side in get_args(Side)}
    if name not in rules:
        raise MethodError(f"method={name!r} is not known; pass one of {', '.join(map(repr, rules))}.")
    return rules[name]


def _players(given: Given) -> int:
    groups, inputs = groups_of(given), given["inputs"]
    if groups is not None:
        return len(groups.unique())
    return sum(prod(x.shape[1:]) for x in ((inputs,) if isinstance(inputs, Tensor) else inputs))


def _one(stdevs: Any) -> float:
    """The one standard deviation that is meant; Captum takes one for each input."""
    given = set(stdevs) if isinstance(stdevs, (tuple, list)) else {stdevs}
    if len(given) != 1:
        raise MethodError(f"stdevs={stdevs!r} differ between the inputs; scale the inputs so that one number serves.")
    return float(given.pop())
