"""Classes that pass differences or relevance back through the functions of a network."""

from __future__ import annotations

from typing import Any, ClassVar

from ascribe.compat.captum.attr.activation import activation
from ascribe.compat.captum.attr.attribution import GradientAttribution, LayerAttribution, NeuronAttribution
from ascribe.compat.captum.attr.door import Given, MethodDoor, rows_of
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
from ascribe.compat.captum.attr.outputs import as_tuple
from ascribe.compat.captum.attr.pairs import like, made, mean_of_pairs, paired
from ascribe.compat.captum.attr.signature import takes
from ascribe.core.method import Method
from ascribe.methods import deep_lift


class DeepLift(MethodDoor, GradientAttribution):
    """`ascribe.DeepLift` against one reference, or one for each row."""

    construct = takes(model=..., multiply_by_inputs=True, eps=1e-10)
    arguments = takes(COMPARED, DELTA, CUSTOM)

    def method(self, given: Given) -> Method:
        wanted = given["custom_attribution_func"] is not None
        return deep_lift.DeepLift(local=wanted or not self.multiplies_by_inputs)

    def answer(self, given: Given, method: Method) -> Any:
        """Attributions in the form of the inputs, or of the layer; deltas of each pair of a row and a baseline."""
        custom, wanted = given["custom_attribution_func"], given.get("return_convergence_delta", False)
        if custom is None and not (self.distribution and wanted):
            return super().answer(given, method)
        count = 1
        if self.distribution:
            given, count = paired(given, rows_of(given["baselines"], given["inputs"]))
        baselines = like(given["baselines"], given["inputs"])
        nested = baselines if isinstance(given["inputs"], tuple) else baselines[0]
        found = self.ask(given, method, baseline=nested, background=None)
        values, delta = found.values, -found.gap
        if custom is not None:
            inputs = as_tuple(given["inputs"])
            if isinstance(self, LayerAttribution):
                inputs, baselines = as_tuple(found.inputs), as_tuple(self._inside(given, nested))
            values = made(custom, values, inputs, baselines)
            total = sum(part.flatten(1).sum(1) for part in as_tuple(values))
            delta = total - (found.output - found.reference)
        values = mean_of_pairs(values, count) if self.distribution else values
        return (values, delta) if wanted else values

    def _inside(self, given: Given, baselines: Any) -> Any:
        """The layer's values for the baselines."""
        more, at_its_input = given.get("additional_forward_args"), given["attribute_to_layer_input"]
        return activation(self.forward_func, self.layer, baselines, more, at_its_input=at_its_input)


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


class NeuronDeepLift(NeuronAttribution, DeepLift):
    """`ascribe.DeepLift` of a neuron."""

    construct = MODEL_LAYER_TIMES
    arguments = takes(
        takes(inputs=..., neuron_selector=..., baselines=None, additional_forward_args=None), NEURON_INPUT, CUSTOM
    )


class NeuronDeepLiftShap(NeuronDeepLift):
    """`ascribe.DeepLift` of a neuron, against every row of a distribution."""

    construct = MODEL_LAYER_TIMES
    arguments = takes(
        takes(inputs=..., neuron_selector=..., baselines=..., additional_forward_args=None), NEURON_INPUT, CUSTOM
    )
    distribution: ClassVar[bool] = True
