"""pykan as its users run it, made quiet: no files, no progress bar, no global generator moved."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import distributions
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

INSTALLED = any(found.name == "pykan" for found in distributions())


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """In a folder that goes away, with what is printed and the generators that pykan seeds put aside."""
    here, numpy_state = os.getcwd(), np.random.get_state()  # noqa: NPY002 - the state pykan moves
    with (
        tempfile.TemporaryDirectory() as folder,
        torch.random.fork_rng(devices=[]),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)
            np.random.set_state(numpy_state)  # noqa: NPY002


def network(width: Sequence[int], cells: int = 3, seed: int = 1, statistics: bool = True) -> Any:
    """Without symbolic edges, as its `fit` leaves them out; without `statistics` it is what `.speed()` gives."""
    with quiet():
        from kan import KAN

        return KAN(width=list(width), grid=cells, k=3, seed=seed, auto_save=False,
                   symbolic_enabled=False, save_act=statistics)  # fmt: skip


def penalty(net: Any) -> Tensor:
    """The regulariser of `fit` with its default weights, on the last forward."""
    return net.reg("edge_forward_spline_n", 1.0, 2.0, 0.0, 0.0)


def closure(net: nn.Module, x: Tensor, y: Tensor, lamb: float) -> Callable[[], Tensor]:
    """Objective and gradient as the optimiser in `fit` asks for them."""
    parameters = [p for p in net.parameters() if p.requires_grad]

    def evaluate() -> Tensor:
        for p in parameters:
            p.grad = None
        objective = torch.mean((net(x) - y) ** 2) + lamb * penalty(net)
        objective.backward()
        return objective

    return evaluate
