"""Classes that follow a path from a baseline, or many random ones."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from ascribe.compat.captum.attr.activation import activation
from ascribe.compat.captum.attr.attribution import GradientAttribution, LayerAttribution, NeuronAttribution
from ascribe.compat.captum.attr.door import Given, MethodDoor
from ascribe.compat.captum.attr.forms import (
    COMPARED,
    DELTA,
    DRAWS,
    FUNCTION_TIMES,
    GRAD,
    LAYER,
    LAYER_INPUT,
    LAYER_TIMES,
    NEURON_INPUT,
    RULE,
    deviations,
    quadrature,
)
from ascribe.compat.captum.attr.outputs import as_tuple, of_rows
from ascribe.compat.captum.attr.places import Held, place
from ascribe.compat.captum.attr.signature import takes
from ascribe.core.attribution import Attribution as Explanation
from ascribe.core.method import Method
from ascribe.errors import MethodError
from ascribe.methods import (
    conductance,
    expected_gradients,
    integrated_gradients,
    internal_influence,
    neuron_conductance,
)


class _Integral(MethodDoor, GradientAttribution):
    """`ascribe.IntegratedGradients` with a fixed quadrature."""

    def method(self, given: Given) -> Method:
        rule = quadrature(given["method"], given["n_steps"])
        return integrated_gradients.IntegratedGradients(rule, local=not self.multiplies_by_inputs)


class IntegratedGradients(_Integral):
    """`ascribe.IntegratedGradients` with a fixed quadrature."""

    construct = FUNCTION_TIMES
    arguments = takes(COMPARED, RULE, DELTA)


class LayerIntegratedGradients(_Integral, LayerAttribution):
    """`ascribe.IntegratedGradients` at a layer, or at several together."""

    construct = LAYER_TIMES
    arguments = takes(COMPARED, RULE, DELTA, LAYER_INPUT, GRAD)


class NeuronIntegratedGradients(_Integral, NeuronAttribution):
    """`ascribe.IntegratedGradients` of a neuron."""

    construct = LAYER_TIMES
    arguments = takes(
        takes(inputs=..., neuron_selector=..., baselines=None, additional_forward_args=None), RULE, NEURON_INPUT
    )


class LayerConductance(MethodDoor, LayerAttribution, GradientAttribution):
    """`ascribe.Conductance` with the sum over the nodes of a quadrature."""

    construct = LAYER
    arguments = takes(COMPARED, RULE, DELTA, LAYER_INPUT, GRAD)
    multiplies = True

    def method(self, given: Given) -> Method:
        return conductance.Conductance(quadrature(given["method"], given["n_steps"] + 1))


class InternalInfluence(MethodDoor, LayerAttribution, GradientAttribution):
    """`ascribe.InternalInfluence` with a fixed quadrature."""

    construct = LAYER
    arguments = takes(COMPARED, RULE, LAYER_INPUT, GRAD)

    def method(self, given: Given) -> Method:
        return internal_influence.InternalInfluence(quadrature(given["method"], given["n_steps"]))


class NeuronConductance(MethodDoor, NeuronAttribution, GradientAttribution):
    """`ascribe.NeuronConductance` with a fixed quadrature."""

    construct = LAYER_TIMES
    arguments = takes(
        takes(inputs=..., neuron_selector=..., baselines=None, target=None, additional_forward_args=None),
        takes(n_steps=50, method="riemann_trapezoid", internal_batch_size=None),
        NEURON_INPUT,
        GRAD,
    )

    def method(self, given: Given) -> Method:
        rule = quadrature(given["method"], given["n_steps"])
        index, local = self._index(given), not self.multiplies_by_inputs
        return neuron_conductance.NeuronConductance(index, rule, local=local)

    def at(self, whole: Held, given: Given) -> Any:
        """The layer of the neuron."""
        return place(whole.model, self.layer, given["attribute_to_neuron_input"])

    def _index(self, given: Given) -> Any:
        """The neuron's index; of a function of the layer's value, that of the entry which it picks."""
        selector: Any = given["neuron_selector"]
        if not callable(selector):
            return selector if isinstance(selector, tuple) else (selector,)
        one = tuple(x[:1] for x in as_tuple(given["inputs"]))
        first = of_rows(given, torch.tensor([0]))
        value = activation(
            self.forward_func,
            self.layer,
            one if isinstance(given["inputs"], tuple) else one[0],
            first["additional_forward_args"],
            at_its_input=given["attribute_to_neuron_input"],
        )
        numbers = torch.arange(value.numel(), dtype=torch.float64).reshape(value.shape)
        picked: Any = selector(numbers)
        if picked.numel() != 1 or not bool((numbers == picked.flatten()).any()):
            raise MethodError("neuron_selector does not pick one entry of the layer's value; pass its index.")
        return tuple(int(i) for i in torch.unravel_index(picked.flatten()[0].long(), value.shape[1:]))


class _Draws(MethodDoor, GradientAttribution):
    """`ascribe.ExpectedGradients`."""

    distribution: ClassVar[bool] = True

    def method(self, given: Given) -> Method:
        noise: Any = deviations(given["stdevs"], given["inputs"])
        local = not self.multiplies_by_inputs
        return expected_gradients.ExpectedGradients(given["n_samples"], noise, local=local)

    def delta(self, given: Given, found: Explanation) -> Tensor:
        """One for each draw, as Captum has it; draws are corrected by their known sum, so they share what is left."""
        return -found.gap.repeat_interleave(given["n_samples"])


class GradientShap(_Draws):
    """`ascribe.ExpectedGradients`."""

    construct = FUNCTION_TIMES
    arguments = takes(DRAWS, DELTA)


class LayerGradientShap(_Draws, LayerAttribution):
    """`ascribe.ExpectedGradients` at a layer, between the layer's own values."""

    construct = LAYER_TIMES
    arguments = takes(DRAWS, DELTA, LAYER_INPUT)


class NeuronGradientShap(_Draws, NeuronAttribution):
    """`ascribe.ExpectedGradients` of a neuron."""

    construct = LAYER_TIMES
    arguments = takes(
        takes(inputs=..., neuron_selector=..., baselines=..., n_samples=5, stdevs=0.0, additional_forward_args=None),
        NEURON_INPUT,
    )
