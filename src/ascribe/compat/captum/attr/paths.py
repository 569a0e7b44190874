"""Classes that follow a path from a baseline, or many random ones."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

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
from ascribe.compat.captum.attr.signature import takes
from ascribe.core.attribution import Attribution as Explanation
from ascribe.core.method import Method
from ascribe.methods import conductance, expected_gradients, integrated_gradients


class _Integral(MethodDoor, GradientAttribution):
    """`ascribe.IntegratedGradients` with a fixed quadrature."""

    multiplied: ClassVar[bool] = True

    def method(self, given: Given) -> Method:
        return integrated_gradients.IntegratedGradients(quadrature(given["method"], given["n_steps"]))


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


class _Draws(MethodDoor, GradientAttribution):
    """`ascribe.ExpectedGradients`."""

    distribution: ClassVar[bool] = True
    multiplied: ClassVar[bool] = True

    def method(self, given: Given) -> Method:
        noise: Any = deviations(given["stdevs"], given["inputs"])
        return expected_gradients.ExpectedGradients(max(4, given["n_samples"]), noise)

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
