"""The value at a layer."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ascribe.compat.captum.attr.attribution import LayerAttribution, as_positions
from ascribe.compat.captum.attr.door import Door
from ascribe.compat.captum.attr.forms import LAYER, LAYER_INPUT
from ascribe.compat.captum.attr.places import held, place
from ascribe.compat.captum.attr.signature import takes
from ascribe.core.asking import asked
from ascribe.core.cut import first_tensor


class LayerActivation(Door, LayerAttribution):
    """The value at a layer; of a list of layers, a list."""

    construct = LAYER
    arguments = takes(takes(inputs=..., additional_forward_args=None), LAYER_INPUT)
    multiplies = True

    def attribute(self, *args: Any, **kwargs: Any) -> Any:
        """The output of the layer, or its input, at `inputs`."""
        given = self.bind(*args, **kwargs)
        several = isinstance(self.layer, (list, tuple))
        found = activation(
            self.forward_func,
            self.layer,
            given["inputs"],
            given["additional_forward_args"],
            at_its_input=given["attribute_to_layer_input"],
        )
        return list(found) if several else found


def activation(function: Any, layer: Any, inputs: Any, more: Any, *, at_its_input: bool) -> Any:
    """The value of a layer, or of each of several, at inputs."""
    whole = held(function, layer, inputs)
    at = place(whole.model, layer, at_its_input)
    with asked(whole.model, whole.columns(inputs), at=at, target=_any, given=as_positions(more)) as question:
        return question.place.nest(question.place.z)


def _any(output: Any) -> Tensor:
    """Some number a row, where nothing is asked of the score."""
    tensor = first_tensor(output)
    assert tensor is not None
    return tensor.reshape(len(tensor), -1)[:, 0]
