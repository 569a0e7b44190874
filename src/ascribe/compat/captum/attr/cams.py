"""Classes that draw maps of where a layer finds what speaks for the score."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from ascribe.compat.captum.attr.attribution import GradientAttribution, LayerAttribution
from ascribe.compat.captum.attr.door import Given, MethodDoor
from ascribe.compat.captum.attr.forms import GRAD, LAYER, LAYER_INPUT, MODEL_LAYER, PLAIN
from ascribe.compat.captum.attr.places import Held, place
from ascribe.compat.captum.attr.signature import takes
from ascribe.core.method import Method
from ascribe.methods import grad_cam, guided_grad_cam

# torch has a word for each number of dimensions.
_LINEAR = {"bilinear": "linear", "trilinear": "linear"}


class LayerGradCam(MethodDoor, LayerAttribution, GradientAttribution):
    """`ascribe.GradCAM`."""

    construct = LAYER
    arguments = takes(PLAIN, LAYER_INPUT, takes(relu_attributions=False, attr_dim_summation=True), GRAD)

    def method(self, given: Given) -> Method:
        return grad_cam.GradCAM(given["relu_attributions"], given["attr_dim_summation"])


class GuidedGradCam(MethodDoor, GradientAttribution):
    """`ascribe.GuidedGradCAM`; an empty tensor for one of several inputs that the map cannot be laid over."""

    construct = MODEL_LAYER
    arguments = takes(PLAIN, takes(interpolate_mode="nearest"), LAYER_INPUT)

    def method(self, given: Given) -> Method:
        mode: Any = _LINEAR.get(given["interpolate_mode"], given["interpolate_mode"])
        return guided_grad_cam.GuidedGradCAM(mode)

    def at(self, whole: Held, given: Given) -> Any:
        """The layer of the map."""
        return place(whole.model, self.layer, given["attribute_to_layer_input"])

    def answer(self, given: Given, method: Method) -> Any:
        """Attributions in the form of `inputs`."""
        found = super().answer(given, method)
        return tuple(map(_laid, found)) if isinstance(found, tuple) else found


def _laid(part: Tensor) -> Tensor:
    if not bool(part.isnan().all()):
        return part
    warnings.warn("The map cannot be laid over an input of this shape; its attributions are empty.", stacklevel=4)
    return torch.empty(0)
