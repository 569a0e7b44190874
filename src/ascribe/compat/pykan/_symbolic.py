"""pykan's symbolic edges: setting, fitting and reading them."""

from __future__ import annotations

from typing import TypeVar

from ascribe.compat.pykan._reading import Reading

Net = TypeVar("Net", bound="SymbolicReading")


class SymbolicReading(Reading):
    """What it changes, it changes in place."""

    def set_mode(self, l: int, i: int, j: int, mode: str, mask_n: float | None = None) -> None:
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
