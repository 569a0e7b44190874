"""A cut: the place in a network named by `at="encoder.2"`, where a value is read or replaced while the network runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, final

from torch import Tensor, nn

from ascribe.errors import LayerError

Change = Callable[[Tensor], Tensor]


@final
@dataclass(frozen=True)
class Cut:
    """One call of one module, at its output or its input; of a tuple such as an LSTM's, the first tensor."""

    name: str
    module: nn.Module
    side: Literal["out", "in"]
    call: int | None

    @contextmanager
    def seeing(self, change: Change | None = None) -> Iterator[list[Tensor]]:
        """Collect the value at the cut while the network runs; `change` may put another in its place.

        Raises LayerError when the module does not run, or runs several times and no call was named.
        """
        seen: list[Tensor] = []
        calls = 0

        def visit(value: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls - 1 != (self.call or 0):
                return value
            tensor = first_tensor(value)
            if tensor is None:
                raise LayerError(f"layer '{self.name}' has no tensor as its {self.side}put, but {type(value).__name__}")
            tensor = tensor if change is None else change(tensor)
            seen.append(tensor)
            # What runs next may work in place, which would change what was seen and is not allowed on a leaf.
            return _with_first(value, tensor.clone())

        def before(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
            return visit((args, kwargs))

        def after(_: nn.Module, __: Any, output: Any) -> Any:
            return visit(output)

        if self.side == "in":
            handle = self.module.register_forward_pre_hook(before, with_kwargs=True)
        else:
            handle = self.module.register_forward_hook(after)
        try:
            yield seen
        finally:
            handle.remove()
        if calls == 0:
            raise LayerError(f"layer '{self.name}' did not run in the forward pass; name a layer that does")
        if self.call is None and calls > 1:
            raise LayerError(
                f"layer '{self.name}' runs {calls} times in one forward pass; "
                f"say which: at='{self.name}#0' to at='{self.name}#{calls - 1}'"
            )
        if not seen:
            raise LayerError(f"layer '{self.name}' runs {calls} times, so there is no call #{self.call}; count from 0")


def cut_at(network: nn.Module | None, at: str | nn.Module) -> Cut:
    """Read `"encoder.2"`, `"encoder.2:in"`, `"relu#1"` (the second call of a module that is used again), or a module.

    Raises LayerError for a name the network does not have.

    >>> cut = cut_at(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), "1:in"); cut.name, cut.side
    ('1', 'in')
    """
    if network is None:
        raise LayerError(
            f"at={at!r} needs a torch.nn.Module, but the model is a plain function; pass the network itself"
        )
    layers = {name: module for name, module in network.named_modules() if name}
    if isinstance(at, nn.Module):
        for name, module in layers.items():
            if module is at:
                return Cut(name, module, "out", None)
        raise LayerError(
            f"the layer {type(at).__name__} is not a part of the network; pass its name, e.g. '{_any(layers)}'"
        )
    if not isinstance(at, str):  # pyright: ignore[reportUnnecessaryIsInstance] - not every user runs a checker
        raise LayerError(f"at={at!r} is not a place; pass the layer's name, e.g. '{_any(layers)}', or the layer itself")
    path, _, side = at.partition(":")
    name, _, call = path.partition("#")
    if side not in ("", "in", "out") or (call and not call.isdecimal()):
        raise LayerError(f"at={at!r} is not a place; write 'layer', 'layer:in', 'layer#1' or 'layer#1:in'")
    if name not in layers:
        close = get_close_matches(name, layers, n=3, cutoff=0.4) or list(layers)[:5]
        raise LayerError(f"the network has no layer '{name}'; did you mean {', '.join(map(repr, close)) or 'another'}?")
    return Cut(name, layers[name], "in" if side == "in" else "out", int(call) if call else None)


def _any(layers: dict[str, nn.Module]) -> str:
    return next(iter(layers), "0")


def first_tensor(nest: Any) -> Tensor | None:
    """The first tensor of a nest of tuples, lists and dicts."""
    if isinstance(nest, Tensor):
        return nest
    if isinstance(nest, dict):
        nest = list(nest.values())
    if isinstance(nest, (tuple, list)):
        return next((found for part in nest if (found := first_tensor(part)) is not None), None)
    return None


def _with_first(nest: Any, tensor: Tensor) -> Any:
    """The same nest with another first tensor."""
    if isinstance(nest, Tensor):
        return tensor
    keys = list(nest) if isinstance(nest, dict) else list(range(len(nest)))
    key = next(key for key in keys if first_tensor(nest[key]) is not None)
    parts = {k: _with_first(nest[k], tensor) if k == key else nest[k] for k in keys}
    if isinstance(nest, dict):
        return parts
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        return type(nest)(*parts.values())
    return type(nest)(parts.values())
