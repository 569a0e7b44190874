"""The value of a function at points, with its derivatives up to the second: all that questions of structure need.

Everything here takes functions of rows: (n, d) to (n,) or (n, outputs), each row of the result a function of that row
alone. Dropout and batch statistics would break that, so a module works in eval mode meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from ascribe.errors import InputError
from ascribe.kan.structure import Network

Function = Callable[[Tensor], Tensor]

_NOT_DERIVED = (
    "f gives values that torch cannot derive; write it with torch's functions, without numpy, detach() or no_grad(), or"
    " ask a network that was fitted to it."
)


@dataclass(frozen=True)
class Jet:
    """Heights, slopes and curvatures of one output at n points."""

    value: Float[Tensor, " n"]
    gradient: Float[Tensor, "n d"]
    hessian: Float[Tensor, "n d d"]

    def scaled(self, unit: Float[Tensor, " d"]) -> Jet:
        """The jet with respect to x / unit."""
        return Jet(self.value, self.gradient * unit, self.hessian * unit * unit[:, None])


def jacobian(f: Function, x: Shaped[Tensor, "n d"], create_graph: bool = False) -> Float[Tensor, "n outputs d"]:
    """The gradient of every output of f at every row of x.

    Price: one forward pass, and one backward pass an output.  Raises InputError as `jet` does.

    >>> jacobian(lambda x: x[:, :1] * x[:, 1:], torch.tensor([[2.0, 3.0]])).tolist()
    [[[3.0, 2.0]]]
    """
    with _still(f), torch.enable_grad():
        points = _points(x, create_graph)
        outputs = _outputs(f, points)
        slopes = [_slope(column, points, create_graph) for column in outputs.unbind(1)]
    return torch.stack(slopes, 1) if create_graph else torch.stack(slopes, 1).detach()


def hessian(f: Function, x: Shaped[Tensor, "n d"], create_graph: bool = False) -> Float[Tensor, "n d d"]:
    """The second derivatives of f, which has one output, at every row of x; price and errors as `jet`.

    >>> hessian(lambda x: x[:, 0] ** 2 * x[:, 1], torch.tensor([[1.0, 3.0]])).tolist()
    [[[6.0, 2.0], [2.0, 0.0]]]
    """
    with _still(f), torch.enable_grad():
        points = _points(x, create_graph)
        curvature = _curvature(_slope(_only(_outputs(f, points)), points, True), points, create_graph)
    return curvature if create_graph else curvature.detach()


def jet(f: Function, x: Shaped[Tensor, "n d"]) -> Jet:
    """Value, gradient and Hessian of f at every row of x.

    Price: one forward pass, and 1 + d backward passes.
    Raises InputError for x that is no (rows, columns) of real numbers, or an f that gives more than a number a row,
    no numbers at more than half of the rows, values that torch cannot derive, or slopes that jump (ReLU, a KAN of
    splines of order 1).
    """
    _require_smooth_splines(f)
    with _still(f), torch.enable_grad():
        points = _points(x, False)
        value = _only(_outputs(f, points))
        gradient = _slope(value, points, True)
        curvature = _curvature(gradient, points, False)
    found = Jet(value.detach(), gradient.detach(), curvature.detach())
    _require_curvature(found, value.requires_grad)
    return found


def third_derivatives(f: Function, x: Shaped[Tensor, "n d"]) -> Float[Tensor, "n d d d"]:
    """All third derivatives of f at every row of x.

    Price: one forward pass, and 1 + d + d(d+1)/2 backward passes; memory n*d^3.  Raises InputError as `jet` does.
    """
    with _still(f), torch.enable_grad():
        points = _points(x, False)
        curvature = _curvature(_slope(_only(_outputs(f, points)), points, True), points, True)
        d = x.shape[1]
        third = points.new_zeros(*x.shape, d, d)
        for i in range(d):
            for j in range(i, d):
                third[:, i, j] = third[:, j, i] = _slope(curvature[:, i, j], points, False)
    return third.detach()


def spreads(x: Shaped[Tensor, "n d"]) -> Float[Tensor, " d"]:
    """The standard deviation of every column: the units in which derivatives are compared.

    Raises InputError for fewer than two rows.
    """
    if x.ndim != 2 or len(x) < 2:
        raise InputError(
            f"x has shape {tuple(x.shape)}, but spreads need rows; pass (rows, columns), two rows or more."
        )
    return x.detach().std(0)


def _require_smooth_splines(f: Function) -> None:
    """Raises InputError for a network with splines of order 0 or 1: only its base functions would be seen to bend."""
    if isinstance(f, Network) and any(k < 2 and edge == "bspline" for k, edge in zip(f.k, f.edge, strict=True)):
        raise InputError(
            f"the network has splines of order k={f.k}: their slopes jump, and second derivatives say nothing of them;"
            " ask one that was fitted with k=2 or more."
        )


def _require_curvature(at: Jet, derived: bool) -> None:
    """Raises InputError where zeros would be taken for the derivatives of a function that has others."""
    numbers = at.value.isfinite() & at.gradient.isfinite().all(1)
    if 2 * int(numbers.sum()) < len(numbers):
        raise InputError(
            f"f gives NaN or infinity, or slopes that are, at {int((~numbers).sum())} of {len(numbers)} rows; pass"
            " points where it gives numbers."
        )
    if not derived and bool((at.value != at.value[0]).any()):
        raise InputError(_NOT_DERIVED)
    if not bool(at.hessian.any()) and _jumps(at.gradient[numbers]):
        raise InputError(
            "f is made of flat pieces (ReLU, abs, splines of order 1): its slopes jump, and second derivatives say"
            " nothing of it; ask a smooth function that was fitted to it, such as a KAN."
        )


def _jumps(slopes: Float[Tensor, "n d"]) -> bool:
    """Whether the slopes differ from row to row, beyond rounding."""
    rounding = torch.finfo(slopes.dtype).eps ** 0.5
    return bool(((slopes - slopes[0]).abs() > rounding * slopes.abs().max()).any())


def _points(x: Any, create_graph: bool) -> Tensor:
    if not isinstance(x, Tensor) or x.ndim != 2 or not x.is_floating_point():
        what = f"shape {tuple(x.shape)} and dtype {x.dtype}" if isinstance(x, Tensor) else f"type {type(x).__name__}"
        raise InputError(
            f"x has {what}, but derivatives need a tensor (rows, columns) of real numbers; pass"
            " torch.as_tensor(x).float() with one row a point."
        )
    if not len(x):
        raise InputError("x has no rows; pass some, one a point.")
    if not bool(x.isfinite().all()):
        raise InputError("x holds NaN or infinity; drop those rows: x[x.isfinite().all(1)].")
    return x if create_graph and x.requires_grad else x.detach().clone().requires_grad_()


def _outputs(f: Function, points: Tensor) -> Float[Tensor, "n outputs"]:
    try:
        made: Any = f(points)
    except RuntimeError as error:
        # torch's words for numpy in the way: "Can't call numpy() on Tensor that requires grad".
        if "requires grad" not in str(error):
            raise
        raise InputError(_NOT_DERIVED) from error
    if not isinstance(made, Tensor) or made.ndim not in (1, 2) or len(made) != len(points):
        shape = tuple(made.shape) if isinstance(made, Tensor) else type(made).__name__
        raise InputError(f"f gives {shape} for {len(points)} rows; it has to give (rows,) or (rows, outputs).")
    if made.is_complex():
        raise InputError("f gives complex numbers; pass a function of real ones, such as the real part of this one.")
    made = made if made.is_floating_point() else made.to(points.dtype)
    return made if made.ndim == 2 else made[:, None]


def _only(outputs: Tensor) -> Float[Tensor, " n"]:
    if outputs.shape[1] != 1:
        raise InputError(
            f"f gives {outputs.shape[1]} numbers a row; choose one: lambda x: f(x)[:, 0] (or another column)."
        )
    return outputs[:, 0]


def _slope(values: Float[Tensor, " n"], points: Tensor, create_graph: bool) -> Tensor:
    """The gradient of each value in its own row; zeros where nothing varies with x, as second slopes of a line."""
    if not values.requires_grad:
        return torch.zeros_like(points)
    # The graph stays: others of these values are derived after this one.
    return torch.autograd.grad(
        values.sum(), points, create_graph=create_graph, retain_graph=True, materialize_grads=True
    )[0]


def _curvature(gradient: Tensor, points: Tensor, create_graph: bool) -> Tensor:
    return torch.stack([_slope(column, points, create_graph) for column in gradient.unbind(1)], 1)


@contextmanager
def _still(f: Function) -> Iterator[None]:
    modes = {module: module.training for module in f.modules()} if isinstance(f, nn.Module) else {}
    for module in modes:
        module.training = False
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
