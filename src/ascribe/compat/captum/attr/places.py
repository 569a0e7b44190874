"""Where Captum's layers and neurons are in a network, also in one that a plain function of the user runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

from torch import Tensor, nn

from ascribe.core.attribution import Attribution as Explanation
from ascribe.core.state import network_of
from ascribe.core.target import Neuron
from ascribe.errors import LayerError


class _Holder(nn.Module):
    """A function with the layers that it runs, so that they have names; lone numbers a row as the function has them."""

    def __init__(self, function: Callable[..., Any], layers: list[nn.Module], lone: tuple[bool, ...]) -> None:
        super().__init__()
        self.function, self.lone = function, lone
        self.layers = nn.ModuleList(layers)

    def forward(self, *arguments: Any) -> Any:
        inputs = [x[:, 0] if lone else x for x, lone in zip(arguments, self.lone, strict=False)]
        return self.function(*inputs, *arguments[len(self.lone) :])


@final
@dataclass(frozen=True)
class Held:
    """A model for `explain`, which wants rows of features also where the user has one number a row."""

    model: Callable[..., Any]
    lone: tuple[bool, ...]

    def columns(self, nest: Any) -> Any:
        """Inputs or baselines with one number a row as a column."""
        if isinstance(nest, tuple):
            return tuple(_column(part) if lone else part for part, lone in zip(nest, self.lone, strict=False))
        return _column(nest) if any(self.lone) else nest

    def released(self, found: Explanation) -> Explanation:
        """Values about columns as numbers again."""
        if not any(self.lone) or found.at is not None:
            return found
        values = found.values
        if isinstance(values, Tensor):
            return replace(found, values=values.squeeze(-1))
        return replace(
            found, values=tuple(v.squeeze(-1) if lone else v for v, lone in zip(values, self.lone, strict=True))
        )


def _column(part: Any) -> Any:
    return part[:, None] if isinstance(part, Tensor) and part.ndim == 1 else part


def held(function: Callable[..., Any], layer: Any, inputs: Any) -> Held:
    """The function as it is where that will do, and else with its layers and its lone numbers held together."""
    parts = (inputs,) if isinstance(inputs, Tensor) else inputs
    lone = tuple(isinstance(part, Tensor) and part.ndim == 1 for part in parts)
    layers = [] if layer is None else list(layer) if isinstance(layer, (list, tuple)) else [layer]
    network = network_of(function)
    hidden = layers and (network is None or any(one is network for one in layers))
    if hidden or any(lone):
        return Held(_Holder(function, layers if hidden else [], lone), lone)
    return Held(function, lone)


def place(model: Callable[..., Any], layer: Any, at_its_input: bool) -> Any:
    """Captum's layer, or list of layers, as what `explain` takes for `at`.

    Raises LayerError for a module from elsewhere.
    """
    if isinstance(layer, (list, tuple)):
        return tuple(place(model, one, at_its_input) for one in layer)
    network = network_of(model)
    modules = () if network is None else network.named_modules()
    name = next((name for name, module in modules if module is layer and name), None)
    if name is None:
        raise LayerError(f"the layer {type(layer).__name__} is no part of the network; pass one of its modules.")
    return f"{name}:in" if at_its_input else name


def neuron_of(model: Callable[..., Any], layer: nn.Module, selector: Any, at_its_input: bool) -> Neuron:
    """Captum's neuron: an index, an index with slices (their sum), or a function of the layer's value."""
    return Neuron(place(model, layer, at_its_input), index_of(selector))


def index_of(selector: Any) -> Any:
    """The index, or the function of the layer's value, that a neuron selector stands for."""
    if callable(selector) or not isinstance(selector, tuple) or not any(isinstance(i, slice) for i in selector):
        return selector
    return lambda value: value[(slice(None), *selector)].flatten(1).sum(1)
