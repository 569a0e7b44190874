"""How good a network is on data, and how large it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ascribe.kan.fit.dataset import read_dataset
from ascribe.kan.fit.figures import figures_named
from ascribe.kan.fit.loss import loss_named
from ascribe.kan.structure import Network


def evaluate(
    net: Network,
    dataset: Any,
    loss_fn: str | Callable[[Tensor, Tensor], Tensor] | None = None,
    metrics: Sequence[str] = (),
) -> dict[str, float | int | list[int]]:
    """The loss on the test set (or on all rows, where there is none) as `fit` reports it, the edges and the cells.

    And the figures that `metrics` names, as "test_accuracy". Raises what `fit` raises for data that does not fit the
    network, or an unknown metric.
    """
    loss = loss_named(loss_fn)
    # A loss of one's own is called with gradients, for which there is no place in inference mode.
    with torch.inference_mode(False), torch.no_grad():
        data = read_dataset(dataset, net, loss)
        rows = data.test if data.test is not None else data.train
        figures = figures_named(metrics, loss, net.nodes(net.depth), rows.label)
        output = net(rows.inputs).T
        value, _ = loss(output, rows.label, rows.weight)
        found = {f"test_{name}": figure(output, rows.label) for name, figure in figures.items()}
    return {"test_loss": loss.report(float(value)), "n_edge": net.n_edge, "n_grid": net.grid, **found}
