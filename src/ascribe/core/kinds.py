"""Kinds of input: tensors, arrays and frames, each with its way into a tensor and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from ascribe.core.frame import FrameKind, is_frame
from ascribe.errors import InputError


@runtime_checkable
class Kind(Protocol):
    """One kind of input: how it becomes a tensor, and what the model gets instead of that tensor."""

    def read(self, value: Any) -> Tensor: ...

    def give(self, z: Tensor) -> Any: ...

    @property
    def whole(self) -> bool: ...

    @property
    def coded(self) -> tuple[int, ...]: ...

    @property
    def columns(self) -> tuple[str, ...] | None: ...


@final
@dataclass(frozen=True)
class TensorKind:
    """Tensors as they are; for a network also arrays, in the network's dtype and on its device.

    Whole numbers travel as float64 and are whole again when the model gets them.
    """

    like: Tensor
    coded: tuple[int, ...] = ()
    columns: None = None

    def read(self, value: Any) -> Tensor:
        dtype = torch.float64 if self.whole else self.like.dtype
        if isinstance(value, np.ndarray) and not value.flags.writeable:
            value = value.copy()  # torch warns of sharing memory that may not be written, which nobody here writes
        tensor = torch.as_tensor(value, dtype=dtype, device=self.like.device).detach()
        # A tensor made in inference mode knows no versions, by which scores are remembered.
        return tensor.clone() if tensor.is_inference() else tensor

    def give(self, z: Tensor) -> Tensor:
        return z.round().to(self.like.dtype) if self.whole else z.to(self.like.dtype)

    @property
    def whole(self) -> bool:
        return not self.like.is_floating_point()


@final
@dataclass(frozen=True)
class ArrayKind:
    """Numpy arrays for a function of numpy arrays."""

    dtype: np.dtype[Any]
    coded: tuple[int, ...] = ()
    columns: None = None
    whole: bool = False

    def read(self, value: Any) -> Tensor:
        return torch.from_numpy(np.array(value, dtype=self.dtype if self.dtype.kind == "f" else np.float64))

    def give(self, z: Tensor) -> np.ndarray[Any, np.dtype[Any]]:
        array = z.detach().cpu().numpy()
        return (array if self.dtype.kind == "f" else array.round()).astype(self.dtype, copy=True)


def kind_of(value: Any, network: nn.Module | None) -> Kind:
    """The kind of one input for a network, or for a plain function.

    Raises InputError for anything else: what is not a table of plain numbers must be made one by its owner.
    """
    if is_frame(value):
        return FrameKind.of(value, _network_like(network) if network is not None else None)
    if isinstance(value, Tensor):
        if value.layout != torch.strided or value.is_complex():
            raise InputError(
                f"an input is a tensor of {value.layout} and {value.dtype}; pass real numbers in a dense tensor"
            )
        return TensorKind(value.new_empty(0))
    if not isinstance(value, np.ndarray):
        library, name = type(value).__module__.split(".")[0], type(value).__name__
        known = f"a {name}" if library == "builtins" else f"a {library} {name}"
        hint = ", such as x.to_pandas()" if hasattr(value, "to_pandas") else ""
        raise InputError(
            f"an input is {known}; pass a tensor, array or pandas DataFrame{hint}, or a tuple or dict of these"
        )
    if value.dtype.kind not in "fiub":
        raise InputError(f"x is an array of {value.dtype}; pass numbers, or a DataFrame for columns of text")
    if np.ma.is_masked(value):
        raise InputError("x is an array with masked entries; fill them, as in x.filled(0.0), or drop their rows")
    if network is None:
        return ArrayKind(value.dtype)
    like = _network_like(network)
    return TensorKind(like if value.dtype.kind == "f" else torch.from_numpy(np.empty(0, value.dtype)).to(like.device))


def _network_like(network: nn.Module) -> Tensor:
    floating = (p for p in network.parameters() if p.is_floating_point())
    first = next(floating, None)
    return torch.empty(0) if first is None else first.detach().reshape(-1)[:0]
