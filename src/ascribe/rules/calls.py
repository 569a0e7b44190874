"""One call of a torch function as a propagation rule sees it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch._ops import OpOverload, OpOverloadPacket

from ascribe.errors import MethodError

Function = Callable[..., Any]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Pullback = Callable[[Tensor], tuple[Tensor, ...]]


def leaves(args: Iterable[Any], kwargs: Mapping[str, Any] | None = None) -> list[Any]:
    """The arguments of a call one by one, lists and keyword arguments opened (`cat([a, b])` holds two tensors).

    >>> leaves((1, [2, 3]), {"dim": 0})
    [1, 2, 3, 0]
    """
    found: list[Any] = []
    _gather(args, found)
    if kwargs:
        _gather(kwargs.values(), found)
    return found


def _gather(branches: Iterable[Any], found: list[Any]) -> None:
    for branch in branches:
        if isinstance(branch, (tuple, list)):
            _gather(cast("tuple[Any, ...]", branch), found)
        elif isinstance(branch, dict):
            _gather(cast("dict[str, Any]", branch).values(), found)
        else:
            found.append(branch)


def tensors(args: Any, kwargs: Mapping[str, Any] | None = None) -> list[Tensor]:
    """The tensors among the leaves, in order; of a lone tensor itself."""
    if isinstance(args, Tensor):
        return [args]
    return [leaf for leaf in leaves((args,), kwargs) if isinstance(leaf, Tensor)]


def graft(tree: Any, replaced: Iterator[Tensor]) -> Any:
    """The same arguments with each tensor taken from `replaced`, in the order of `tensors`."""
    if isinstance(tree, Tensor):
        return next(replaced)
    if isinstance(tree, (tuple, list)):
        branches = [graft(branch, replaced) for branch in cast("tuple[Any, ...]", tree)]
        if isinstance(tree, list):
            return branches
        return getattr(type(tree), "_make", tuple)(branches)  # a named tuple stays one
    if isinstance(tree, dict):
        return {name: graft(branch, replaced) for name, branch in cast("dict[str, Any]", tree).items()}
    return tree


def argument(args: tuple[Any, ...], kwargs: Mapping[str, Any], position: int, name: str, default: Any = None) -> Any:
    """An argument given by position or by name."""
    return args[position] if len(args) > position else kwargs.get(name, default)


@dataclass(frozen=True)
class Operation:
    """A torch function under the one name that its forms share: `torch.relu`, `F.relu`, `Tensor.relu_`, `aten.relu`.

    `plain` is the form that writes nothing; `writes` says that this form writes into its first argument, `inplace`
    where it takes a flag for that.
    """

    name: str
    plain: Function
    writes: bool
    inplace: int | None

    def in_place(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        """Whether this call writes into its first argument."""
        return self.writes or (self.inplace is not None and bool(argument(args, kwargs, self.inplace, "inplace")))

    def out_of_place(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        """The arguments for `plain`."""
        if self.inplace is None:
            return args, kwargs
        if len(args) > self.inplace:
            args = (*args[: self.inplace], False, *args[self.inplace + 1 :])
        return args, {name: value for name, value in kwargs.items() if name != "inplace"}


@lru_cache(maxsize=4096)
def operation(function: Any) -> Operation:
    """The one name of a torch function; one from elsewhere keeps its module in the name, so that no torch rule fits it.

    >>> operation(torch.Tensor.relu_).name, operation(torch.ops.aten.relu.default).name
    ('relu', 'relu')
    """
    if type(function) in (OpOverload, OpOverloadPacket):
        namespace, name = str(function).split(".")[:2]
        home, prefix = getattr(torch.ops, namespace), "" if namespace == "aten" else f"{namespace}."
    elif type(function).__name__ == "method-wrapper":  # the getter of a property: x.T, x.shape
        name, home, prefix = function.__self__.__name__, torch.Tensor, ""
    else:
        name, home = function.__name__, torch.Tensor
        module = str(getattr(function, "__module__", None) or "torch")
        prefix = "" if module.split(".")[0] == "torch" else f"{module}."
    bare = name.strip("_")
    writes = (name.endswith("_") and not name.endswith("__")) or name == "__setitem__"
    if name in {"__ipow__", "__imod__", "__ifloordiv__"}:
        bare, writes = bare[1:], True
    plain = getattr(home, bare, getattr(torch, bare, function)) if writes else function
    return Operation(prefix + bare.removeprefix("special_"), plain, writes, _inplace_flag(function))


def _inplace_flag(function: Any) -> int | None:
    """Where `F.relu` and its like take `inplace`; builtins write only under a name that ends in an underscore."""
    if not inspect.isfunction(function):
        return None
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return names.index("inplace") if "inplace" in names else None


@dataclass
class Call:
    """A call on tensors that depend on the input; its values there, without graph, are held until the reference is met.

    `depends` says which of the call's tensors are `inputs`; the others are constants, the same at the reference.
    The pullback, set once the reference has been seen, takes the place of the function's backward.
    """

    operation: Operation
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    depends: tuple[bool, ...]
    values: list[Tensor] = field(default_factory=list[Tensor])
    pullback: Pullback | None = None
    method: str = "DeepLift"

    @property
    def inputs(self) -> list[Tensor]:
        """The arguments that depend on the input."""
        return self.values[: sum(self.depends)]

    @property
    def output(self) -> Tensor:
        """What the function gave for them."""
        return self.values[-1]

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """A plain argument (a dimension, a flag) given by position or by name."""
        return argument(self.args, self.kwargs, position, name, default)

    def forget_inputs(self) -> None:
        """Let go of the inputs among the arguments, so that they live no longer than `values`."""
        none = torch.empty(0)
        every = zip(tensors(self.args, self.kwargs), self.depends, strict=True)
        self.args, self.kwargs = graft((self.args, self.kwargs), iter([none if one else old for old, one in every]))

    def rerun(self, *inputs: Tensor) -> Any:
        """The function at other values of its inputs, its constants as they are."""
        fresh = iter(inputs)
        every = zip(tensors(self.args, self.kwargs), self.depends, strict=True)
        args, kwargs = graft((self.args, self.kwargs), iter([next(fresh) if one else old for old, one in every]))
        return self.operation.plain(*args, **kwargs)

    def require_one_input(self) -> None:
        """Raises MethodError for a function of one number of which more than one argument depends on the input."""
        if len(self.inputs) > 1:
            raise self.refuse(
                f"{len(self.inputs)} of its arguments depend on the input",
                "write it with products, sums and functions of one argument",
            )

    def refuse(self, why: str, instead: str) -> MethodError:
        """The error that says what stands in the way, where it is, and what to do."""
        return MethodError(f"{self.method} cannot pass through {self.operation.name} ({place()}): {why}; {instead}.")


def place() -> str:
    """Where the network is now: the module and the line of code that called torch."""
    frame = inspect.currentframe()
    line, inner, outer = "", None, None
    while frame is not None:
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if not line and package not in _BETWEEN:
            line = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        module = frame.f_locals.get("self")
        if isinstance(module, nn.Module):
            inner, outer = inner or module, module
        frame = frame.f_back
    if inner is None or outer is None:
        return line
    path = next(name for name, module in cast("Any", outer).named_modules() if module is inner)
    return f"{type(inner).__name__} at '{path}', {line}" if path else f"{type(inner).__name__}, {line}"


# Frames between a line of the network's code and us: torch, this package, and the wrappers of a type-checked run.
_BETWEEN = frozenset({"torch", "ascribe", "jaxtyping", "beartype"})
