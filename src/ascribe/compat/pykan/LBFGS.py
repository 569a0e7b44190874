"""kan.LBFGS: torch's own, behind pykan's arguments."""  # noqa: N999

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from ascribe.compat.pykan._names import names_of


class LBFGS(torch.optim.LBFGS):
    """`tolerance_ys` has no effect: torch skips pairs of no curvature by a bound of its own."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | int = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float | int = 1e-7,
        tolerance_change: float | int = 1e-9,
        tolerance_ys: float | int = 1e-32,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        super().__init__(params, lr, max_iter, max_eval, tolerance_grad, tolerance_change, history_size, line_search_fn)


__getattr__ = names_of(__name__)
