"""`fit`: what a user types, turned into a `Training` that is run to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from torch import Tensor

from ascribe.core.threads import one_thread
from ascribe.errors import TrainingError
from ascribe.kan.fit.dataset import read_dataset
from ascribe.kan.fit.history import History
from ascribe.kan.fit.loss import loss_named
from ascribe.kan.fit.penalty import Penalty
from ascribe.kan.fit.schedule import GridSchedule
from ascribe.kan.fit.training import ALONE, Training, terms_of
from ascribe.kan.history import Versioned


def fit(
    kan: Versioned,
    dataset: Any,
    opt: str = "LBFGS",
    steps: int = 100,
    lamb: float = 0.0,
    lamb_l1: float = 1.0,
    lamb_entropy: float = 2.0,
    lamb_coef: float = 0.0,
    lamb_coefdiff: float = 0.0,
    update_grid: bool = True,
    grid_update_num: int = 10,
    loss_fn: str | Callable[[Tensor, Tensor], Tensor] | None = None,
    lr: float | None = None,
    start_grid_update_step: int = -1,
    stop_grid_update_step: int = 50,
    batch: int = -1,
    metrics: Sequence[Callable[[], Any]] | None = None,
    callback: Callable[[int], Any] | None = None,
    reg_metric: str = "edge_forward_spline_n",
    progress: bool = True,
    seed: int = 0,
) -> History:
    r"""Minimise $\mathrm{loss} + \mathrm{lamb} \cdot \mathrm{regularization}$, and leave the best network of all steps.

    `opt` is "LBFGS" (up to 20 iterations a step), "LM" (Levenberg-Marquardt, 5), "Adam" (one update) or "auto": LM for
    few parameters and next to no regulariser, Adam in batches where one look at all rows takes too long, else LBFGS.
    `batch` rows a step go through the shuffled data, epoch after epoch; -1 takes all at once. Grids follow the data
    `grid_update_num` times before `stop_grid_update_step`. A test set is measured and never learnt from. The same seed
    gives the same bits, and no global generator is touched. An interrupted fit, too, leaves the best network.
    `callback` gets the number of every step that is done.

    Raises TrainingError for an unknown optimiser, loss or regulariser, for no rows, and when the loss is no longer a
    number (it names the step); InputError for data that does not fit the network.

    >>> import torch
    >>> from ascribe.kan import KAN
    >>> x = torch.linspace(-1, 1, 50)[:, None]
    >>> history = KAN([1, 1]).fit((x, x**3), steps=5, progress=False)
    >>> history["train_loss"][-1] < 1e-5
    True
    """
    if steps < 1:
        raise TrainingError(f"steps={steps} trains nothing; pass steps >= 1.")
    loss = loss_named(loss_fn)
    penalty = Penalty(lamb, lamb_l1, lamb_entropy, lamb_coef, lamb_coefdiff, reg_metric)
    data = read_dataset(dataset, kan, loss)
    schedule = GridSchedule(grid_update_num if update_grid else 0, start_grid_update_step, stop_grid_update_step)
    with one_thread() if terms_of(kan, len(data.train)) <= ALONE else nullcontext():
        training = Training(kan, data, loss, penalty, opt, lr, batch, schedule, tuple(metrics or ()), seed)
        kan.keep_version()
        history = training.run(steps, progress, callback)
    kan.remember(data.train.inputs)
    kan.log_history("fit")
    return history
