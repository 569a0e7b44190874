"""How good a network is on data, and how large it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ascribe.kan.fit.dataset import read_dataset
from ascribe.kan.fit.loss import loss_named
from ascribe.kan.structure import Network


def evaluate(
    net: Network, dataset: Any, loss_fn: str | Callable[[Tensor, Tensor], Tensor] | None = None
) -> dict[str, float | int | list[int]]:
    """The loss on the test set (or on all rows, where there is none) as `fit` reports it, the edges and the cells.

    Raises what `fit` raises for data that does not fit the network.
    """
    loss = loss_named(loss_fn)
    data = read_dataset(dataset, net, loss)
    rows = data.test if data.test is not None else data.train
    with torch.no_grad():
        value, _ = loss(net(rows.inputs).T, rows.label)
    return {"test_loss": loss.report(float(value)), "n_edge": net.n_edge, "n_grid": net.grid}
