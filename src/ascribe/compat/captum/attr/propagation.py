"""Classes that pass differences or relevance back through the functions of a network."""

from __future__ import annotations

from typing import ClassVar

from ascribe.compat.captum.attr.attribution import GradientAttribution, LayerAttribution, NeuronAttribution
from ascribe.compat.captum.attr.door import Given, MethodDoor
from ascribe.compat.captum.attr.forms import (
    AGAINST,
    COMPARED,
    CUSTOM,
    DELTA,
    GRAD,
    LAYER_INPUT,
    MODEL_LAYER_TIMES,
    NEURON_INPUT,
)
from ascribe.compat.captum.attr.signature import takes
from ascribe.core.method import Method
from ascribe.methods import deep_lift


class DeepLift(MethodDoor, GradientAttribution):
    """`ascribe.DeepLift` against one reference, or one for each row."""

    construct = takes(model=..., multiply_by_inputs=True, eps=1e-10)
    arguments = takes(COMPARED, DELTA, CUSTOM)

    multiplied: ClassVar[bool] = True

    def method(self, given: Given) -> Method:
        return deep_lift.DeepLift()


class DeepLiftShap(DeepLift):
    """`ascribe.DeepLift` against every row of a distribution."""

    construct = takes(model=..., multiply_by_inputs=True)
    arguments = takes(AGAINST, DELTA, CUSTOM)
    distribution: ClassVar[bool] = True


class LayerDeepLift(LayerAttribution, DeepLift):
    """`ascribe.DeepLift` at a layer."""

    construct = MODEL_LAYER_TIMES
    arguments = takes(COMPARED, DELTA, LAYER_INPUT, CUSTOM, GRAD)


class LayerDeepLiftShap(LayerDeepLift, DeepLiftShap):
    """`ascribe.DeepLift` at a layer, against every row of a distribution."""

    construct = MODEL_LAYER_TIMES
    arguments = takes(AGAINST, DELTA, LAYER_INPUT, CUSTOM)


class NeuronDeepLift(MethodDoor, NeuronAttribution, GradientAttribution):
    """`ascribe.DeepLift` of a neuron."""

    construct = MODEL_LAYER_TIMES
    arguments = takes(
        takes(inputs=..., neuron_selector=..., baselines=None, additional_forward_args=None), NEURON_INPUT, CUSTOM
    )

    multiplied: ClassVar[bool] = True

    def method(self, given: Given) -> Method:
        return deep_lift.DeepLift()


class NeuronDeepLiftShap(NeuronDeepLift):
    """`ascribe.DeepLift` of a neuron, against every row of a distribution."""

    construct = MODEL_LAYER_TIMES
    arguments = takes(
        takes(inputs=..., neuron_selector=..., baselines=..., additional_forward_args=None), NEURON_INPUT, CUSTOM
    )
    distribution: ClassVar[bool] = True
