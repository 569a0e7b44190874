"""pykan's symbolic edges: setting, fitting and choosing them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ascribe.compat.pykan._library import Entry, entry
from ascribe.compat.pykan._reading import Reading
from ascribe.core.arguments import checked
from ascribe.kan.symbolic.fix import fix_symbolic
from ascribe.kan.symbolic.suggest import suggest_symbolic
from ascribe.kan.symbolic.suggestion import Ranked, Suggestion

Range = Sequence[float | int]
Weigh = Callable[[float], float]


@checked
class SymbolicReading(Reading):
    """What it changes, it changes in place. Fits are to the training data, where pykan's are to the test set.

    `auto_symbolic`, with pykan's arguments, is the native one: the rest of the network is refitted after each choice.

    `weight_simple` is 0.2, as in the native network; pykan's 0.8 takes "0" for an edge that a function of complexity 2
    explains to 99 percent.
    """

    def set_mode(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, l: int, i: int, j: int, mode: str, mask_n: float | int | None = None
    ) -> None:
        """Make edge (l, i, j) its function "s", its spline "n", the sum of both "ns", or nothing (any other mode).

        `mask_n` is the spline's factor in a sum. An edge that has no function yet gets "0".
        """
        layer = self.layer_of(l, i, j)
        if mode == "n":
            layer.unfix(i, j)
            return
        if mode not in ("s", "sn", "ns"):
            layer.remove(i, j)
            return
        if layer.symbolic.at(i, j) is None:
            layer.fix(i, j, "0", [1.0, 0.0, 1.0, 0.0])
        layer.mask[i, j] = 0.0 if mode == "s" else 1.0 if mask_n is None else mask_n

    def unfix_symbolic(self, l: int, i: int, j: int, log_history: bool = True) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - pykan's arguments
        """Make edge (l, i, j) its spline, whatever it was."""
        self.set_mode(l, i, j, "n")
        if log_history:
            self.log_history("unfix_symbolic")

    def fix_symbolic(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        l: int,
        i: int,
        j: int,
        fun_name: str | Callable[[Tensor], Tensor],
        fit_params_bool: bool = True,
        a_range: Range = (-10, 10),
        b_range: Range = (-10, 10),
        verbose: bool = True,
        random: bool = False,
        log_history: bool = True,
    ) -> float | None:
        """Make edge (l, i, j) a function, fitted to the edge or with 1, 0, 1, 0 (or at `random`); the r2 of the fit.

        A function without a name joins the library under one.
        """
        r2 = fix_symbolic(self, l, i, j, fun_name, fit_params_bool, a_range, b_range, log_history=False)
        if random and not fit_params_bool:
            affine = self.layers[l].symbolic.affine
            assert affine is not None
            draw = torch.Generator().manual_seed(self.seed + 10_007 * l + 101 * i + j)
            affine.data[self.layers[l].symbolic.at(i, j)] = 2 * torch.rand(4, generator=draw).to(affine) - 1
        if log_history:
            self.log_history("fix_symbolic")
        if verbose and r2 is not None:
            print(f"r2 is {r2}")
        return r2

    def suggest_symbolic(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        l: int,
        i: int,
        j: int,
        a_range: Range = (-10, 10),
        b_range: Range = (-10, 10),
        lib: Sequence[str] | None = None,
        topk: int = 5,
        verbose: bool = True,
        r2_loss_fun: Weigh | None = None,
        c_loss_fun: Weigh | None = None,
        weight_simple: float | int = 0.2,
    ) -> tuple[str, Entry, float, float | int]:
        """The name of the best function, its entry in the library, its r2 and its complexity; `verbose` prints `topk`.

        With a loss of r2 or of the complexity of your own the best has the least weighted sum of both.
        """
        found = suggest_symbolic(self, l, i, j, a_range, b_range, lib, topk=10**6, weight_simple=weight_simple)
        if r2_loss_fun is not None or c_loss_fun is not None:

            def loss(each: Ranked) -> float:
                fit = r2_loss_fun(each.r2) if r2_loss_fun else math.log2(1 + 1e-5 - each.r2)
                size = c_loss_fun(each.complexity) if c_loss_fun else each.complexity
                return weight_simple * size + (1 - weight_simple) * fit

            found = Suggestion(found.edge, tuple(sorted(found.ranked, key=loss)))
        if verbose:
            print(found.top(topk))
        return found.best.name, entry(found.best.function), found.best.r2, found.best.complexity
