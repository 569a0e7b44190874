"""The training loop of pykan's MLP: torch's optimisers, and a record of every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ascribe.compat.pykan._recorded import recorded
from ascribe.errors import InputError, TrainingError

Loss = Callable[[Tensor, Tensor], Tensor]


PARTS = ("train_input", "train_label", "test_input", "test_label")


def part(dataset: Mapping[str, Tensor], name: str) -> Tensor:
    """A part of a data set.  Raises InputError where it is not there."""
    if name not in dataset:
        raise InputError(f"the data has {', '.join(dataset) or 'nothing'}, but no {name}; pass {', '.join(PARTS)}.")
    return dataset[name]


def optimiser_named(name: str, model: nn.Module, lr: float | None) -> torch.optim.Optimizer:
    """ "LBFGS" (its lr is 1 where none is given) or "Adam" (1e-3).  Raises TrainingError for another name."""
    if lr is not None and not lr > 0:
        raise TrainingError(f"lr={lr} learns nothing; pass a number above 0.")
    if name == "LBFGS":
        return torch.optim.LBFGS(
            model.parameters(),
            lr or 1.0,
            history_size=10,
            line_search_fn="strong_wolfe",
            tolerance_grad=1e-32,
            tolerance_change=1e-32,
        )
    if name == "Adam":
        return torch.optim.Adam(model.parameters(), lr or 1e-3)
    raise TrainingError(f"opt={name!r} is not known; pass 'LBFGS' or 'Adam'.")


def descend(
    model: nn.Module,
    data: Mapping[str, Tensor],
    optimiser: torch.optim.Optimizer,
    steps: int,
    loss: Loss,
    lamb: float,
    penalty: Callable[[], Tensor] | None,
    batch: int,
    metrics: Sequence[Callable[[], Any]] | None,
    progress: bool,
) -> dict[str, list[float]]:
    """Minimise loss + lamb * penalty, on `batch` rows a step drawn anew, or all; the figures of every step.

    Losses are recorded as their roots; with `progress` a bar shows the figures of the last step.
    Raises TrainingError when the loss is no number.
    """
    from tqdm import tqdm

    rows, generator = len(data["train_input"]), torch.Generator().manual_seed(0)
    found: dict[str, list[float]] = {"train_loss": [], "test_loss": [], "reg": []}
    for _ in (bar := tqdm(range(steps), desc="fit", disable=not progress)):
        chosen = torch.randperm(rows, generator=generator)[:batch] if 0 < batch < rows else torch.arange(rows)
        step = _Objective(model, data["train_input"][chosen], data["train_label"][chosen], loss, lamb, penalty)
        optimiser.step(step)  # pyright: ignore[reportArgumentType, reportCallIssue]
        if not bool(step.loss.isfinite()):
            raise TrainingError("the loss is no longer a number; pass a smaller lr, or look for NaN in the data.")
        model.zero_grad()
        measured = {metric.__name__: metric() for metric in metrics or ()}
        with torch.no_grad():
            test = loss(model(data["test_input"]), data["test_label"])
        figures = {"train_loss": step.loss.sqrt(), "test_loss": test.sqrt(), "reg": step.penalty, **measured}
        for name, value in figures.items():
            found.setdefault(name, []).append(float(torch.as_tensor(value).detach()))
        bar.set_postfix({name: f"{values[-1]:.3g}" for name, values in found.items()})
    with torch.no_grad():
        model(data["train_input"])  # what everything is read on afterwards
    return recorded(found)


class _Objective:
    """The closure of one step; it remembers the loss and the penalty that it found last."""

    loss: Tensor
    penalty: Tensor

    def __init__(
        self, model: nn.Module, x: Tensor, y: Tensor, loss: Loss, lamb: float, penalty: Callable[[], Tensor] | None
    ) -> None:
        self._model, self._x, self._y = model, x, y
        self._loss, self._lamb, self._penalty = loss, lamb, penalty

    def __call__(self) -> Tensor:
        self._model.zero_grad()
        loss = self._loss(self._model(self._x), self._y)
        penalty = self._penalty() if self._penalty else torch.zeros_like(loss)
        self.loss, self.penalty = loss.detach(), penalty.detach()
        total = loss + self._lamb * penalty
        total.backward()
        return total
