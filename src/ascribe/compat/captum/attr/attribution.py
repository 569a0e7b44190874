"""The base classes of `captum.attr`, which users subclass and ask `isinstance` of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, final

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ascribe.core.explain import explain
from ascribe.core.method import Method
from ascribe.core.score import Score


class Attribution:
    """A function to be explained, and a method `attribute` that does it."""

    def __init__(self, forward_func: Callable[..., Any]) -> None:
        self.forward_func = forward_func

    def attribute(self, *args: Any, **kwargs: Any) -> Any:
        """Attributions in the form of the inputs."""
        raise NotImplementedError(f"{type(self).__name__} has no attribute(...); define it")

    def attribute_future(self, *args: Any, **kwargs: Any) -> Any:
        """What `attribute` gives, as a future, where the class can do that."""
        raise NotImplementedError(f"attribute_future is not implemented for {type(self).__name__}")

    def compute_convergence_delta(self, *args: Any, **kwargs: Any) -> Tensor:
        """What completeness leaves over, where the class has a notion of it."""
        raise NotImplementedError(f"{type(self).__name__} has no convergence delta")

    @property
    def multiplies_by_inputs(self) -> bool:
        """Whether the attributions are sensitivities times (a change of) the inputs."""
        return False

    def has_convergence_delta(self) -> bool:
        """Whether `attribute` takes `return_convergence_delta`."""
        return False

    @classmethod
    def get_name(cls) -> str:
        """The name of the class in words.

        >>> Attribution.get_name()
        'Attribution'
        """
        first, *rest = cls.__name__
        return first + "".join(letter if letter.islower() else f" {letter}" for letter in rest)


@final
@dataclass(frozen=True)
class Known(Method):
    """Attributions that somebody has computed already."""

    values: Tensor
    yields: ClassVar[str] = "map"

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "..."]) -> Tensor:
        return self.values


class GradientAttribution(Attribution):
    """An attribution that differentiates the function."""

    def compute_convergence_delta(
        self,
        attributions: Any,
        start_point: Any,
        end_point: Any,
        target: Any = None,
        additional_forward_args: Any = None,
    ) -> Tensor:
        """The sum of the attributions less F(end_point) - F(start_point), a number a row."""
        parts = attributions if isinstance(attributions, tuple) else (attributions,)
        total = sum(part.detach().flatten(1).sum(1, keepdim=True) for part in parts)
        assert isinstance(total, Tensor)
        found = explain(
            self.forward_func,
            end_point,
            Known(total),
            target=target,
            baseline=start_point,
            given=as_positions(additional_forward_args),
        )
        return -found.gap


class PerturbationAttribution(Attribution):
    """An attribution that changes the inputs and looks at the output."""

    @property
    def multiplies_by_inputs(self) -> bool:
        """Always: what is taken away is all of a feature."""
        return True


class InternalAttribution(Attribution):
    """An attribution that has to do with a layer of a network."""

    def __init__(
        self, forward_func: Callable[..., Any], layer: nn.Module | list[nn.Module], device_ids: list[int] | None = None
    ) -> None:
        super().__init__(forward_func)
        self.layer, self.device_ids = layer, device_ids


class LayerAttribution(InternalAttribution):
    """Attributions of the values of a layer."""

    @staticmethod
    def interpolate(
        layer_attribution: Tensor, interpolate_dims: int | tuple[int, ...], interpolate_mode: str = "nearest"
    ) -> Tensor:
        """Maps (rows, channels, *size) brought to another size, as `torch.nn.functional.interpolate` does."""
        return F.interpolate(layer_attribution, interpolate_dims, mode=interpolate_mode)


class NeuronAttribution(InternalAttribution):
    """Attributions of the inputs to a neuron of a layer."""


def as_positions(additional: Any) -> tuple[Any, ...] | None:
    """Captum's `additional_forward_args`, one argument or a tuple of them, as arguments after the inputs."""
    return additional if additional is None or isinstance(additional, tuple) else (additional,)
