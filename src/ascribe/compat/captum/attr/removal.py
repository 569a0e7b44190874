"""Classes that take features away and look at what the function then gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, ClassVar

import torch
from torch import Tensor

from ascribe.compat.captum.attr.activation import activation
from ascribe.compat.captum.attr.adapters import Against
from ascribe.compat.captum.attr.attribution import LayerAttribution, NeuronAttribution, PerturbationAttribution
from ascribe.compat.captum.attr.door import Given, MethodDoor
from ascribe.compat.captum.attr.forms import COMPARED, FUNCTION, LAYER, LAYER_INPUT, NEURON_INPUT, PIECES, PLAIN
from ascribe.compat.captum.attr.masks import Mask, mask_of, rows_by_mask
from ascribe.compat.captum.attr.outputs import Output, as_tuple, of_rows, of_whole_batch, output_of
from ascribe.compat.captum.attr.signature import takes
from ascribe.core.explain import explain
from ascribe.core.method import Method
from ascribe.errors import MethodError
from ascribe.methods import ablation, occlusion, permutation


class Removal(MethodDoor, PerturbationAttribution):
    """A class whose function may give several numbers a row, or some for the whole batch.

    Several numbers a row come one behind the other, (rows * outputs, ...), or in the shape of the output where
    `shaped`. Numbers for the whole batch are explained by features of which all rows lose theirs together.
    """

    multiplies: ClassVar[bool] = True
    shaped: ClassVar[bool] = False
    several: ClassVar[bool] = True

    def attribute(self, *args: Any, **kwargs: Any) -> Any:
        """Attributions in the form of `inputs`; rows that have masks of their own are asked about by themselves."""
        given = self.bind(*args, **kwargs)
        kinds = rows_by_mask(given.get("feature_mask"), given["inputs"])
        if not kinds:
            return self.answer(given, self.method(given))
        found = [self.attribute(**(of_rows(given, rows) | {"feature_mask": mask})) for rows, mask in kinds]
        order = torch.cat([rows for rows, _ in kinds]).argsort()
        if isinstance(found[0], tuple):
            return tuple(_dealt_back(parts, order) for parts in zip(*found, strict=True))
        return _dealt_back(found, order)

    def answer(self, given: Given, method: Method) -> Any:
        """Attributions with the outputs in front of the features' dimensions."""
        output = output_of(self.forward_func, given)
        if not output.by_row:
            return self._of_whole_batch(given, method, output)
        several = self.several and len(output.shape) > 1
        found = self.ask(given, method, **({"target": "all"} if several else {}))
        lead = output.shape if self.shaped else (-1,)

        def formed(values: Tensor) -> Tensor:
            values = values.movedim(0, 1).reshape(*lead, *values.shape[2:]) if several else values
            return values.to(output.dtype) if output.dtype.is_floating_point else values

        return _each(formed, found.values)

    def _of_whole_batch(self, given: Given, method: Method, output: Output) -> Any:
        inputs, lone = as_tuple(given["inputs"]), isinstance(given["inputs"], Tensor)
        mask = self.mask(given) or entries_of(given["inputs"])
        groups = mask.groups
        parts = (
            [groups]
            if lone
            else [
                part.reshape(x.shape[1:])
                for part, x in zip(groups.flatten().split([x[0].numel() for x in inputs]), inputs, strict=True)
            ]
        )
        batch = [part.expand(x.shape) for part, x in zip(parts, inputs, strict=True)]
        baselines = given.get("baselines")
        found = explain(
            of_whole_batch(self.forward_func, given),
            given["inputs"][None] if lone else tuple(x[None] for x in inputs),
            method,
            target="all",
            baseline=_each_with(
                lambda b, x: b.expand(x.shape)[None] if isinstance(b, Tensor) else b, baselines, given["inputs"]
            ),
            groups=batch[0] if lone else torch.cat([part.flatten() for part in batch]),
        )
        values = found.values[:, 0]
        lead = output.shape or (1,)
        shaped = values.reshape(*lead, -1) if self.shaped else values
        return _each(
            lambda part: part.to(output.dtype) if output.dtype.is_floating_point else part,
            self.shown(mask, shaped, given),
        )


def _dealt_back(found: Sequence[Tensor], order: Tensor) -> Tensor:
    """Rows in their own order again; several outputs of a row stay together."""
    joined = torch.cat(list(found))
    each = joined.unflatten(0, (len(order), -1))[order.to(joined.device)]
    return each.flatten(0, 1)


def _each(change: Any, nest: Any) -> Any:
    return tuple(map(change, nest)) if isinstance(nest, tuple) else change(nest)


def _each_with(change: Any, nest: Any, inputs: Any) -> Any:
    if isinstance(nest, tuple):
        return tuple(change(part, x) for part, x in zip(nest, inputs, strict=True))
    return change(nest, inputs) if isinstance(inputs, Tensor) else nest


def entries_of(inputs: Any) -> Mask:
    """Every entry of a row by itself."""
    parts = as_tuple(inputs)
    count = sum(x[0].numel() for x in parts)
    numbers = torch.arange(count, device=parts[0].device)
    if isinstance(inputs, Tensor):
        return Mask(numbers.reshape(inputs.shape[1:]), None)
    return Mask(numbers, tuple(x.shape[1:] for x in parts))


class Futures(Removal):
    """A class that also takes a function that returns futures."""

    def attribute_future(self, *args: Any, **kwargs: Any) -> Any:
        """What `attribute` gives, in a future; the function's futures are waited for, one call after the other."""
        waited, future = copy(self), torch.futures.Future[Any]()

        def function(*arguments: Any) -> Any:
            found = self.forward_func(*arguments)
            if not isinstance(found, torch.futures.Future):
                raise MethodError(
                    f"attribute_future needs a function that returns a torch.futures.Future, but it returned "
                    f"{type(found).__name__}; call attribute(...)."
                )
            return found.wait()

        waited.forward_func = function
        future.set_result(waited.attribute(*args, **kwargs))
        return future


def dealt(x: Tensor, feature_mask: Tensor) -> Tensor:
    """The rows with what the mask marks from another row; Captum's default for `perm_func`."""
    order = torch.randperm(len(x)).to(x.device)
    return torch.where(feature_mask, x[order], x)


def permuted(function: Callable[..., Tensor]) -> Method:
    """One permutation of each feature: by the user's function, or by the method's own chance."""
    if function is dealt:
        return permutation.Permutation(repeats=1)
    return permutation.Permutation(repeats=1, shuffle=lambda x, mask: function(x, mask[None]))


class FeatureAblation(Futures):
    """`ascribe.Ablation`."""

    construct = FUNCTION
    arguments = takes(COMPARED, takes(feature_mask=None), PIECES)

    def method(self, given: Given) -> Method:
        return ablation.Ablation()


class FeaturePermutation(FeatureAblation):
    """`ascribe.Permutation`, once."""

    perm_func: Callable[..., Tensor]

    construct = takes(forward_func=..., perm_func=dealt)
    arguments = takes(PLAIN, takes(feature_mask=None), PIECES)

    def method(self, given: Given) -> Method:
        return permuted(self.perm_func)


class Occlusion(FeatureAblation):
    """`ascribe.Occlusion`."""

    construct = FUNCTION
    arguments = takes(
        takes(inputs=..., sliding_window_shapes=..., strides=None, baselines=None, target=None),
        takes(additional_forward_args=None),
        PIECES,
    )

    def method(self, given: Given) -> Method:
        strides = given["strides"]
        return occlusion.Occlusion(given["sliding_window_shapes"], 1 if strides is None else strides)

    def attribute_future(self, *args: Any, **kwargs: Any) -> Any:
        """Not for this class."""
        raise NotImplementedError("attribute_future is not implemented for Occlusion")


class LayerFeatureAblation(MethodDoor, LayerAttribution, PerturbationAttribution):
    """`ascribe.Ablation` of the values of a layer."""

    construct = LAYER
    arguments = takes(
        takes(inputs=..., layer_baselines=None, target=None, additional_forward_args=None, layer_mask=None),
        LAYER_INPUT,
        takes(perturbations_per_eval=1),
    )
    multiplies = True

    def method(self, given: Given) -> Method:
        baselines = given["layer_baselines"]
        return Against(ablation.Ablation(), 0.0 if baselines is None else baselines)

    def mask(self, given: Given) -> Mask | None:
        """The mask of the layer's values."""
        if given["layer_mask"] is None:
            return None
        at_input = given.get("attribute_to_layer_input", False)
        one = tuple(x[:1] for x in given["inputs"]) if isinstance(given["inputs"], tuple) else given["inputs"][:1]
        more = given["additional_forward_args"]
        return mask_of(given["layer_mask"], activation(self.forward_func, self.layer, one, more, at_its_input=at_input))


class LayerFeaturePermutation(LayerFeatureAblation, FeaturePermutation):
    """`ascribe.Permutation` of the values of a layer, once."""

    construct = LAYER
    arguments = takes(PLAIN, takes(layer_mask=None, perturbations_per_eval=1))

    def method(self, given: Given) -> Method:
        return permuted(dealt)

    def answer(self, given: Given, method: Method) -> Any:
        """Attributions in the form of the layer."""
        return MethodDoor.answer(self, given, method)


class NeuronFeatureAblation(MethodDoor, NeuronAttribution, PerturbationAttribution):
    """`ascribe.Ablation` of a neuron."""

    construct = LAYER
    arguments = takes(
        takes(inputs=..., neuron_selector=..., baselines=None, additional_forward_args=None, feature_mask=None),
        NEURON_INPUT,
        takes(perturbations_per_eval=1),
    )
    multiplies = True

    def method(self, given: Given) -> Method:
        return ablation.Ablation()
