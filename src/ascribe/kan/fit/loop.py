"""`fit`: what a user types, turned into a `Training` that is run to its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from ascribe.core.threads import one_thread
from ascribe.errors import TrainingError
from ascribe.kan.fit.cost import ALONE, terms_of
from ascribe.kan.fit.dataset import read_dataset
from ascribe.kan.fit.history import History
from ascribe.kan.fit.loss import SquaredError, loss_named
from ascribe.kan.fit.penalty import Penalty
from ascribe.kan.fit.plan import Plan
from ascribe.kan.fit.rates import rate_named
from ascribe.kan.fit.schedule import GridSchedule
from ascribe.kan.fit.training import Training
from ascribe.kan.fit.weighing import ClassWeight
from ascribe.kan.state.history import Versioned
from ascribe.kan.whole import whole


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
    metrics: str | Callable[[], Any] | Sequence[str | Callable[[], Any]] | None = None,
    callback: Callable[[int], Any] | None = None,
    reg_metric: str = "edge_forward_spline_n",
    progress: bool = True,
    seed: int = 0,
    validation: Any = None,
    patience: int | None = None,
    scheduler: str | Callable[[int], float] | None = None,
    sample_weight: Any = None,
    class_weight: ClassWeight | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 1,
    resume: str | os.PathLike[str] | None = None,
) -> History:
    r"""Minimise $\mathrm{loss} + \mathrm{lamb} \cdot \mathrm{regularization}$, and leave the best network of all steps.

    Splines, symbolic edges' affines and what else is trainable move together. `opt` is "LBFGS" (up to 20 iterations a
    step), "LM" (Levenberg-Marquardt, 5), "Adam" (one update) or "auto": LM for few parameters and next to no
    regulariser, Adam in batches where one look at all rows takes too long, else LBFGS. `batch` rows a step go through
    the shuffled data, epoch after epoch; -1 takes all at once. Grids follow the data `grid_update_num` times before
    `stop_grid_update_step`. The same seed gives the same bits, and no global generator is touched. An interrupted fit,
    too, leaves the best network.

    `loss_fn` is "mse", "cross_entropy", "bce" or a function of (output, label), called in float64 where the optimiser
    works in that and the function takes it, in the network's dtype elsewhere. With rows for `validation` (a share of
    the training rows, or data) the best is what does best on them; a test set is measured and never learnt from.
    `patience` looks without a better one end the training: a look is a step, or an epoch of batches. `metrics` are
    names ("accuracy", "r2", ...), measured on every part, or functions of nothing. `callback` gets the number of every
    step that is done, with `kan` as it is then, and may end the training (`StopTraining`). `scheduler` ("cosine",
    "step", or step -> factor) sets the length of Adam's steps. `checkpoint` is written after `every` so many steps;
    `resume` goes on from it with the same bits, up to `steps` in all.

    Raises TrainingError for an unknown optimiser, loss, metric or regulariser, for no rows, for symbolic edges that are
    no numbers on the data, and when the loss is no longer a number (it names the step); InputError for data that does
    not fit the network; FileError for a checkpoint that cannot be written or is of another training.

    >>> import torch
    >>> from ascribe.kan import KAN
    >>> x = torch.linspace(-1, 1, 50)[:, None]
    >>> history = KAN([1, 1]).fit((x, x**3), steps=5, progress=False)
    >>> history["train_loss"][-1] < 1e-5
    True
    """
    if torch.is_inference_mode_enabled():
        raise TrainingError("fit needs gradients, which torch.inference_mode() forbids; call it outside.")
    given = () if metrics is None else metrics
    measured = (given,) if isinstance(given, str) or callable(given) else tuple(given)
    plan = Plan(
        opt,
        steps,
        lr,
        batch,
        whole(seed, "seed"),
        GridSchedule(grid_update_num if update_grid else 0, start_grid_update_step, stop_grid_update_step),
        rate_named(scheduler, steps),
        patience,
        tuple(metric for metric in measured if isinstance(metric, str)),
        tuple(metric for metric in measured if not isinstance(metric, str)),
        callback,
        checkpoint,
        every,
        resume,
        progress,
    )
    loss = loss_named(loss_fn, kan.layers[0].coef.dtype)
    penalty = Penalty(lamb, lamb_l1, lamb_entropy, lamb_coef, lamb_coefdiff, reg_metric)
    data = read_dataset(dataset, kan, loss, validation, sample_weight, class_weight, plan.seed)
    if kan.names is None and data.names is not None:
        kan.names = data.names
    with one_thread() if terms_of(kan, len(data.train)) <= ALONE else nullcontext():
        training = Training(kan, data, loss, penalty, plan)
        kan.keep_version()
        # Pictures and scores in a callback look at what is learnt from; formulas are fitted to it.
        train = data.train
        kan.remember(train.inputs, train.label.T if isinstance(loss, SquaredError) else None)
        history = training.run()
    kan.log_history("fit")
    return history
