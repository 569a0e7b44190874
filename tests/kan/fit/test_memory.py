"""An evaluation holds activations and the numbers of the layers, nothing of rows times edges or rows times bases."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ascribe.kan import KAN
from ascribe.kan.fit.dataset import Rows
from ascribe.kan.fit.lbfgs import LBFGS
from ascribe.kan.fit.loss import CrossEntropy, SquaredError
from ascribe.kan.fit.objective import Objective
from ascribe.kan.fit.penalty import Penalty
from ascribe.maths.kernels.native import native

ROWS, INPUTS, HIDDEN, CELLS, ORDER = 400, 20, 30, 10, 3
TERMS = CELLS + ORDER + 1

pytestmark = pytest.mark.skipif(native() is None, reason="plain torch makes the terms of pieces of rows")


class Largest(TorchDispatchMode):
    """The most elements of any tensor that an operation gives."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for part in found if isinstance(found, tuple | list) else [found]:
            if isinstance(part, torch.Tensor):
                self.elements = max(self.elements, part.untyped_storage().nbytes() // part.element_size())
        return found


def objective(usual: bool, metric: str) -> Objective:
    draw = torch.Generator().manual_seed(0)
    kan = KAN([INPUTS, HIDDEN, 3], grid=CELLS, k=ORDER, seed=0)
    x = 2 * torch.rand(ROWS, INPUTS, generator=draw) - 1
    if usual:
        label = torch.rand(3, ROWS, generator=draw)
        return Objective(kan, Rows(x, label), SquaredError(), Penalty(1e-3, metric=metric))
    return Objective(kan, Rows(x, torch.arange(ROWS) % 3), CrossEntropy(), Penalty(1e-3, metric=metric))


@pytest.mark.parametrize("usual", [True, False], ids=["one call", "step by step"])
@pytest.mark.parametrize("metric", ["edge_forward_spline_n", "edge_backward"])
def test_a_step_makes_nothing_of_the_size_of_rows_times_edges_or_bases(usual: bool, metric: str):
    allowed = max(ROWS * HIDDEN, INPUTS * HIDDEN * TERMS + HIDDEN * 3 * TERMS + 2 * (HIDDEN + 3 + HIDDEN + 3))
    assert allowed < min(ROWS * INPUTS * TERMS, ROWS * INPUTS * HIDDEN) / 4
    with Largest() as seen:
        made = objective(usual, metric)
        vector = made.parameters.read()
        for _ in range(2):
            made(vector)
    assert 0 < seen.elements <= allowed


def test_nor_does_l_bfgs_but_for_its_memory():
    optimiser = LBFGS(objective(True, "edge_forward_spline_n"))
    pairs = 2 * 2 * 15 * len(optimiser.vector)
    with Largest() as seen:
        optimiser.step()
    assert 0 < seen.elements <= max(pairs, 3 * ROWS * HIDDEN)
