"""Classes that look at gradients where the inputs are."""

from __future__ import annotations

from typing import Any

from ascribe.compat.captum.attr.adapters import Absolute, Against
from ascribe.compat.captum.attr.attribution import GradientAttribution, LayerAttribution, NeuronAttribution
from ascribe.compat.captum.attr.door import Given, MethodDoor
from ascribe.compat.captum.attr.forms import FUNCTION, GRAD, LAYER, LAYER_INPUT, MODEL, MODEL_LAYER, NEURON_INPUT, PLAIN
from ascribe.compat.captum.attr.signature import takes
from ascribe.core.method import Method
from ascribe.methods import deconvolution, guided_backprop, input_x_gradient, saliency

_NEURON = takes(inputs=..., neuron_selector=..., additional_forward_args=None)


class Saliency(MethodDoor, GradientAttribution):
    """`ascribe.Saliency`."""

    construct = FUNCTION
    arguments = takes(inputs=..., target=None, abs=True, additional_forward_args=None)

    def method(self, given: Given) -> Method:
        return Absolute(saliency.Saliency()) if given["abs"] else saliency.Saliency()


class InputXGradient(MethodDoor, GradientAttribution):
    """`ascribe.InputXGradient`."""

    construct = FUNCTION
    arguments = PLAIN
    multiplies = True

    def method(self, given: Given) -> Method:
        return input_x_gradient.InputXGradient()


class GuidedBackprop(MethodDoor, GradientAttribution):
    """`ascribe.GuidedBackprop`."""

    construct = MODEL
    arguments = PLAIN

    def method(self, given: Given) -> Method:
        return guided_backprop.GuidedBackprop()


class Deconvolution(MethodDoor, GradientAttribution):
    """`ascribe.Deconvolution`."""

    construct = MODEL
    arguments = PLAIN

    def method(self, given: Given) -> Method:
        return deconvolution.Deconvolution()


class LayerGradientXActivation(MethodDoor, LayerAttribution, GradientAttribution):
    """`ascribe.InputXGradient` of a layer against 0, or `ascribe.Saliency` of it."""

    construct = takes(LAYER, multiply_by_inputs=True, memory_efficient=False)
    arguments = takes(PLAIN, LAYER_INPUT, GRAD)

    def method(self, given: Given) -> Method:
        return Against(input_x_gradient.InputXGradient()) if self.multiplies_by_inputs else saliency.Saliency()

    def answer(self, given: Given, method: Method) -> Any:
        """Attributions in the form of the layer; of a list of layers, a list: each by itself, as if it were alone."""
        if not isinstance(self.layer, list):
            return super().answer(given, method)
        layers = [LayerGradientXActivation(self.forward_func, layer, None) for layer in self.layer]
        return [layer.answer(given, method) for layer in layers]


class NeuronGradient(MethodDoor, NeuronAttribution, GradientAttribution):
    """`ascribe.Saliency` of a neuron."""

    construct = LAYER
    arguments = takes(_NEURON, NEURON_INPUT)

    def method(self, given: Given) -> Method:
        return saliency.Saliency()


class NeuronGuidedBackprop(MethodDoor, NeuronAttribution, GradientAttribution):
    """`ascribe.GuidedBackprop` of a neuron."""

    construct = MODEL_LAYER
    arguments = takes(_NEURON, NEURON_INPUT)

    def method(self, given: Given) -> Method:
        return guided_backprop.GuidedBackprop()


class NeuronDeconvolution(MethodDoor, NeuronAttribution, GradientAttribution):
    """`ascribe.Deconvolution` of a neuron."""

    construct = MODEL_LAYER
    arguments = takes(_NEURON, NEURON_INPUT)

    def method(self, given: Given) -> Method:
        return deconvolution.Deconvolution()
