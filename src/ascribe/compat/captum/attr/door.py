"""What every class of the table does: read the arguments, ask `explain`, answer in Captum's form.

`internal_batch_size`, `nt_samples_batch_size`, `perturbations_per_eval`, `device_ids`, `memory_efficient` and `eps` are
taken and have nothing to do: a memory budget decides what goes through the network together.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import Signature, signature
from typing import Any, ClassVar

from torch import Tensor, nn

from ascribe.compat.captum.attr.attribution import Attribution, LayerAttribution, as_positions
from ascribe.compat.captum.attr.masks import Mask, mask_of
from ascribe.compat.captum.attr.places import Held, held, neuron_of, place
from ascribe.compat.captum.attr.signature import bound, signed
from ascribe.core.attribution import Attribution as Explanation
from ascribe.core.explain import explain
from ascribe.core.method import Method
from ascribe.errors import MethodError

Given = Mapping[str, Any]

# Options of `torch.autograd.grad` that change nothing here: unused inputs always count as having gradient zero.
_NO_MATTER = {"allow_unused", "materialize_grads", "retain_graph"}


class Door(Attribution):
    """A class with Captum's name and signatures: what its constructor takes, and what `attribute` takes.

    `multiplies` says what `multiplies_by_inputs` is where the constructor does not ask for it.
    """

    construct: ClassVar[Signature]
    arguments: ClassVar[Signature]
    multiplies: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        if "construct" in vars(cls):
            cls.__init__ = signed(Door.__init__, cls.construct)
        if "arguments" in vars(cls):
            cls.attribute = signed(cls.attribute, cls.arguments)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.begin(bound(type(self).__name__, self.construct, args, kwargs))

    def begin(self, constructed: dict[str, Any]) -> None:
        """Take what the constructor was given."""
        self.forward_func = next(iter(constructed.values()))
        self.layer: Any = None
        self._multiply_by_inputs = constructed.get("multiply_by_inputs", self.multiplies)
        for name, value in constructed.items():
            if name not in ("forward_func", "multiply_by_inputs"):
                setattr(self, name, value)

    @property
    def multiplies_by_inputs(self) -> bool:
        """Whether the attributions are sensitivities times (a change of) the inputs."""
        return self._multiply_by_inputs

    def has_convergence_delta(self) -> bool:
        """Whether `attribute` takes `return_convergence_delta`."""
        return "return_convergence_delta" in self.arguments.parameters

    def bind(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The arguments of `attribute` by name, defaults filled in.  Raises MethodError for one it does not take."""
        given = bound(f"{type(self).__name__}.attribute", self.arguments, args, kwargs)
        for name in {"baselines", "feature_mask"} & given.keys() if "inputs" in given else ():
            given[name] = _nested_as(given["inputs"], given[name])
        options = given.get("grad_kwargs") or {}
        strange = [name for name, value in options.items() if name not in _NO_MATTER and value]
        if strange:
            raise MethodError(
                f"grad_kwargs={options!r}: {', '.join(strange)} cannot be had, for the attributions carry no graph; "
                "leave it out."
            )
        return given


class MethodDoor(Door):
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
        found = self.ask(given, method)
        values = (
            list(found.values) if isinstance(self.layer, list) and isinstance(found.values, tuple) else found.values
        )
        return (values, self.delta(given, found)) if given.get("return_convergence_delta") else values

    def delta(self, given: Given, found: Explanation) -> Tensor:
        """What the attributions sum to, less what they should."""
        return -found.gap

    def ask(self, given: Given, method: Method, **other: Any) -> Explanation:
        """The explanation, with entries where a feature mask joins them."""
        whole = held(self.forward_func, self.layer, given["inputs"])
        mask = self.mask(given)
        keywords: dict[str, Any] = {
            "target": self.target(whole, given),
            "at": self.at(whole, given),
            "given": as_positions(given.get("additional_forward_args")),
            "groups": None if mask is None else mask.groups,
            "progress": bool(given.get("show_progress", False)),
        }
        keywords |= self._compared(whole, given) | other
        found = explain(whole.model, whole.columns(given["inputs"]), method, **keywords)
        if mask is not None:
            found = replace(found, values=self.shown(mask, found.values, given), error=None)
        return whole.released(found)

    def shown(self, mask: Mask, values: Tensor, given: Given) -> Any:
        """The values of features at their entries."""
        return mask.entries(values)

    def target(self, whole: Held, given: Given) -> Any:
        """Captum's target, or the neuron that is meant."""
        if "neuron_selector" not in given or "target" in given:
            return given.get("target")
        return neuron_of(whole.model, self.layer, given["neuron_selector"], given["attribute_to_neuron_input"])

    def at(self, whole: Held, given: Given) -> Any:
        """Where the network is cut."""
        if not isinstance(self, LayerAttribution):
            return None
        return place(whole.model, self.layer, given.get("attribute_to_layer_input", False))

    def mask(self, given: Given) -> Mask | None:
        """The feature mask that came, if any did."""
        return mask_of(given.get("feature_mask"), given["inputs"])

    def _compared(self, whole: Held, given: Given) -> dict[str, Any]:
        baselines = given.get("baselines")
        if not self.distribution:
            return {"baseline": whole.columns(baselines)}
        return {"background": whole.columns(rows_of(baselines, given["inputs"]))}


def _nested_as(inputs: Any, value: Any) -> Any:
    """One tensor or number for a tuple of one input as a tuple, and the other way round."""
    if isinstance(inputs, tuple) and len(inputs) == 1 and isinstance(value, (Tensor, int, float)):
        return (value,)
    return value[0] if isinstance(inputs, Tensor) and isinstance(value, tuple) and len(value) == 1 else value


def rows_of(baselines: Any, inputs: Any) -> Any:
    """A distribution of baselines, which may be a function of the inputs or of nothing."""
    if not callable(baselines):
        return baselines
    function: Callable[..., Any] = baselines
    return function(inputs) if signature(function).parameters else function()


def layers_of(layer: nn.Module | list[nn.Module] | None) -> list[nn.Module]:
    """One layer or several as a list."""
    if layer is None:
        return []
    return list(layer) if isinstance(layer, (list, tuple)) else [layer]
