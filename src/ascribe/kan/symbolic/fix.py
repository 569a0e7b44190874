"""Edges become functions, and splines again, in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.state.history import Versioned
from ascribe.kan.symbolic.candidates import Range, candidates
from ascribe.kan.symbolic.function import Function
from ascribe.kan.symbolic.library import LIBRARY, add_symbolic, function_named

Net = TypeVar("Net", bound=Versioned)


def fix_symbolic(
    kan: Versioned,
    l: int,
    i: int,
    j: int,
    name: str | Function | Callable[[Tensor], Tensor],
    fit_params: bool = True,
    a_range: Range = (-10, 10),
    b_range: Range = (-10, 10),
    x: Tensor | None = None,
    log_history: bool = True,
) -> float | None:
    """Make edge (l, i, j) the function c f(a x + b) + d, in place; the r2 of the fit, None where nothing is fitted.

    The numbers are fitted to the edge on the training data, or on x, with a and b in their ranges; without
    `fit_params` they are 1, 0, 1, 0. A function of your own, from tensor to tensor, joins the library under its
    `__name__`; files that name it need it there again (see `add_symbolic`).
    Raises InputError for an edge that does not exist, a function that is not known, no data, or data that no a and b
    in range keep inside the function's domain.

    >>> import torch
    >>> from ascribe.kan.network import KAN
    >>> kan = KAN([2, 1])
    >>> kan.fix_symbolic(0, 1, 0, "x^2", fit_params=False), kan.mode(0, 1, 0)
    (None, 's')
    """
    function = _known(name)
    kan.layer_of(l, i, j)
    if not fit_params:
        kan.fix(l, i, j, function, (1.0, 0.0, 1.0, 0.0))
        r2 = None
    else:
        found = candidates(kan, [(l, i, j)], [function], a_range, b_range, x)
        if bool(found.affine.isnan().any()):
            raise InputError(
                f"{function.name} cannot be edge {(l, i, j)}: no a in {tuple(a_range)} and b in {tuple(b_range)} keep"
                " a x + b inside its domain; pass wider ranges, or another function."
            )
        kan.fix(l, i, j, function, found.affine[0, 0])
        r2 = 1 - float(found.error)
    if log_history:
        kan.log_history("fix_symbolic")
    return r2


def _known(name: str | Function | Callable[[Tensor], Tensor]) -> Function:
    """The function of the library; one's own joins it."""
    if isinstance(name, str | Function):
        return function_named(name)
    for function in LIBRARY.values():
        if function.torch is name:
            return function
    called = getattr(name, "__name__", "function")
    wanted = called if called.isidentifier() else "function"
    taken = 1
    while (wanted if taken == 1 else f"{wanted}_{taken}") in LIBRARY:
        taken += 1
    return add_symbolic(wanted if taken == 1 else f"{wanted}_{taken}", name)


def unfix_symbolic(kan: Net, l: int, i: int, j: int, log_history: bool = True) -> Net:
    """Make edge (l, i, j) its spline again, in place.  Raises InputError for an edge that is not symbolic."""
    if "s" not in kan.mode(l, i, j):
        raise InputError(f"edge {(l, i, j)} is not symbolic; fix_symbolic({l}, {i}, {j}, name) makes it so.")
    kan.unfix(l, i, j)
    if log_history:
        kan.log_history("unfix_symbolic")
    return kan


def unfix_symbolic_all(kan: Net, log_history: bool = True) -> Net:
    """Make every symbolic edge its spline again, in place: one version in the history."""
    for layer in kan.layers:
        if layer.symbolic:
            for i, j in zip(layer.symbolic.source.tolist(), layer.symbolic.subnode.tolist(), strict=True):
                layer.unfix(i, j)
    if log_history:
        kan.log_history("unfix_symbolic_all")
    return kan


def set_mode(kan: Net, l: int, i: int, j: int, mode: str) -> Net:
    """Make edge (l, i, j) its spline ("n"), its function ("s"), the sum of both ("ns" or "sn"), or nothing (""), in
    place.

    Raises InputError for another mode, or one with a function where the edge has none.
    """
    layer = kan.layer_of(l, i, j)
    if mode not in ("n", "s", "ns", "sn", ""):
        raise InputError(f"mode={mode!r} is not known; pass 'n', 's', 'ns' or ''.")
    if "s" in mode and layer.symbolic.at(i, j) is None:
        raise InputError(f"edge {(l, i, j)} has no function; call fix_symbolic({l}, {i}, {j}, name) first.")
    if "s" not in mode:
        layer.remove(i, j)
    layer.mask[i, j] = float("n" in mode)
    kan.log_history("set_mode")
    return kan
