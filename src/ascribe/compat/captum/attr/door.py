"""What every class behind Captum's names does: read the arguments, ask `explain`, answer in Captum's form.

`internal_batch_size`, `nt_samples_batch_size`, `perturbations_per_eval`, `device_ids` and `eps` are taken and have
nothing to do: a memory budget decides what goes through the network together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ascribe.core.explain import explain
from ascribe.core.method import Method
from ascribe.core.players import grouped
from ascribe.errors import InputError, LayerError, MethodError

Given = Mapping[str, Any]

# What only its default can be, and what to do instead.
_ONLY_DEFAULT = {
    "multiply_by_inputs": "divide the attributions by (inputs - baselines)",
    "custom_attribution_func": "work on the attributions that come back",
    "draw_baseline_from_distrib": "pass the distribution to GradientShap or DeepLiftShap as baselines",
    "grad_kwargs": "use ascribe.explain with at=",
}


def takes(*parts: Signature, **arguments: Any) -> Signature:
    """A signature from others and more arguments with their defaults; `...` where there is none.

    >>> takes(takes(inputs=...), n_steps=50)
    <Signature (inputs, n_steps=50)>
    """
    kind = Parameter.POSITIONAL_OR_KEYWORD
    given = [Parameter(n, kind, default=Parameter.empty if v is ... else v) for n, v in arguments.items()]
    return Signature([*(parameter for part in parts for parameter in part.parameters.values()), *given])


class Door(ABC):
    """A class with Captum's name and signatures: what its constructor takes, and what `attribute` takes."""

    construct: ClassVar[Signature]
    arguments: ClassVar[Signature]

    def __init_subclass__(cls) -> None:
        if "arguments" in vars(cls):
            cls.__signature__ = cls.construct
            cls.attribute = _signed(cls.attribute, cls.arguments)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        constructed = _bind(type(self).__name__, self.construct, args, kwargs)
        self.forward_func: Any = next(iter(constructed.values()))
        self.layer: Any = constructed.get("layer")

    @abstractmethod
    def attribute(self, *args: Any, **kwargs: Any) -> Any:
        """Attributions in the form of `inputs`; with `return_convergence_delta` also one delta a row."""

    def bind(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The arguments of `attribute` by name, defaults filled in.  Raises MethodError for one it does not take."""
        return _bind(f"{type(self).__name__}.attribute", self.arguments, args, kwargs)

    def has_convergence_delta(self) -> bool:
        """Whether `attribute` takes `return_convergence_delta`."""
        return "return_convergence_delta" in self.arguments.parameters

    def get_name(self) -> str:
        """The name of the class."""
        return type(self).__name__


class Attribution(Door):
    """A class of Captum that stands for one method of ascribe.

    `distribution` says that its baselines are the rows of a distribution, and not one reference, or one for each row.
    """

    distribution: ClassVar[bool] = False

    @abstractmethod
    def method(self, given: Given) -> Method:
        """The method of ascribe, from the arguments of `attribute`."""

    def attribute(self, *args: Any, **kwargs: Any) -> Any:
        """Attributions in the form of `inputs`; with `return_convergence_delta` also one delta a row."""
        given = self.bind(*args, **kwargs)
        return self.answer(given, self.method(given))

    def answer(self, given: Given, method: Method) -> Any:
        """What `attribute` returns when this method answers."""
        model = with_arguments(self.forward_func, given.get("additional_forward_args"))
        groups = groups_of(given)
        found = explain(
            model,
            given["inputs"],
            method,
            target=given.get("target"),
            at=place(model, self.layer, given.get("attribute_to_layer_input", False)),
            groups=groups,
            progress=given.get("show_progress", False),
            **self._compared(given),
        )
        values = found.values if groups is None else _spread(found.values, groups, given["inputs"])
        return (values, -found.gap) if given.get("return_convergence_delta") else values

    def _compared(self, given: Given) -> dict[str, Any]:
        baselines = given.get("baselines")
        if not self.distribution:
            return {"baseline": baselines}
        if callable(baselines):
            baselines = baselines(given["inputs"]) if signature(baselines).parameters else baselines()
        return {"background": baselines}


def _signed(attribute: Callable[..., Any], form: Signature) -> Callable[..., Any]:
    """The same method with a signature that help and editors can show."""

    @wraps(attribute)
    def signed(self: Door, *args: Any, **kwargs: Any) -> Any:
        return attribute(self, *args, **kwargs)

    own = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    vars(signed)["__signature__"] = Signature([own, *form.parameters.values()])
    return signed


def _bind(name: str, form: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    try:
        bound = form.bind(*args, **kwargs)
    except TypeError as error:
        raise MethodError(f"{name}: {error}; it takes {form}.") from error
    bound.apply_defaults()
    for argument, instead in _ONLY_DEFAULT.items():
        if argument in bound.arguments and bound.arguments[argument] != form.parameters[argument].default:
            raise MethodError(f"{name} does not take {argument}={bound.arguments[argument]!r} here; {instead}.")
    return dict(bound.arguments)


def place(model: Any, layer: nn.Module | None, at_its_input: bool) -> str | None:
    """Captum's layer as the place that `explain` cuts at.  Raises LayerError for a module from elsewhere."""
    if layer is None:
        return None
    modules = model.named_modules() if isinstance(model, nn.Module) else ()
    name = next((name for name, module in modules if module is layer and name), None)
    if name is None:
        raise LayerError(f"the layer {type(layer).__name__} is no part of the network; pass one of its modules.")
    return f"{name}:in" if at_its_input else name


class _WithArguments(nn.Module):
    """A network with the rest of its arguments."""

    def __init__(self, network: nn.Module, rest: tuple[Any, ...]) -> None:
        super().__init__()
        self.network, self.rest = network, rest

    def forward(self, *inputs: Any) -> Any:
        return self.network(*inputs, *self.rest)


def with_arguments(model: Any, rest: Any) -> Any:
    """The model with `additional_forward_args`, which are the same for every row.  Raises MethodError for tensors."""
    if rest is None:
        return model
    rest = rest if isinstance(rest, tuple) else (rest,)
    if any(isinstance(argument, Tensor) for argument in rest):
        raise MethodError(
            "additional_forward_args holds a tensor, and whether its rows belong to the rows of the inputs is not "
            "said; pass it as one of the inputs, or bind it: lambda x: model(x, tensor)."
        )
    return _WithArguments(model, rest) if isinstance(model, nn.Module) else lambda *inputs: model(*inputs, *rest)


def groups_of(given: Given) -> Tensor | None:
    """Captum's feature mask, which may be one tensor for each input and need only broadcast, for one row."""
    mask, inputs = given.get("feature_mask"), given["inputs"]
    if mask is None:
        return None
    masks, parts = ((mask,), (inputs,)) if isinstance(inputs, Tensor) else (mask, inputs)
    try:
        groups = [torch.broadcast_to(m, (1, *x.shape[1:]))[0] for m, x in zip(masks, parts, strict=True)]
    except (TypeError, ValueError, RuntimeError) as error:
        shapes = ", ".join(str((1, *x.shape[1:])) for x in parts)
        raise InputError(f"feature_mask does not fit one row of the inputs ({error}); pass {shapes}.") from error
    return groups[0] if isinstance(inputs, Tensor) else torch.cat([group.flatten() for group in groups])


def _spread(values: Tensor, groups: Tensor, inputs: Any) -> Any:
    """Every entry with the value of its group, in the form of the inputs."""
    names = [str(entry) for entry in range(groups.numel())]
    spread = grouped(groups, groups.shape, names, values.device).spread(values)
    if isinstance(inputs, Tensor):
        return spread
    sizes = [x[0].numel() for x in inputs]
    return tuple(part.reshape(x.shape) for part, x in zip(spread.split(sizes, 1), inputs, strict=True))
