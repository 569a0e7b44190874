"""What a prediction is measured by, beside the loss it was trained with: figures by name, on any part of the data.

Rows count the same in all of them, whatever they weigh in the loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.errors import TrainingError
from ascribe.kan.fit.loss import Kind, Loss

Numbers = Float[Tensor, "outputs n"]
Figure = Callable[[Tensor, Tensor], float]


def mse(output: Numbers, label: Numbers) -> float:
    """The mean squared error."""
    return float((output - label).square().mean())


def rmse(output: Numbers, label: Numbers) -> float:
    """Its root, over all outputs together."""
    return math.sqrt(mse(output, label))


def mae(output: Numbers, label: Numbers) -> float:
    """The mean absolute error."""
    return float((output - label).abs().mean())


def max_error(output: Numbers, label: Numbers) -> float:
    """The largest absolute error."""
    return float((output - label).abs().max())


def r2(output: Numbers, label: Numbers) -> float:
    """1 - squared error over that of the mean, averaged over outputs; NaN where an output's labels are all equal."""
    residual = (output - label).square().sum(1)
    total = (label - label.mean(1, keepdim=True)).square().sum(1)
    return float(torch.where(total > 0, 1 - residual / total, math.nan).mean())


def accuracy(predicted: Int[Tensor, "*of n"], label: Int[Tensor, "*of n"]) -> float:
    """The share of right classes."""
    return float((predicted == label).double().mean())


def balanced_accuracy(predicted: Int[Tensor, "*of n"], label: Int[Tensor, "*of n"]) -> float:
    """The mean over the classes that there are of the share that was found."""
    return _mean(_share(predicted[label == c] == c) for c in label.unique())


def f1(predicted: Int[Tensor, "*of n"], label: Int[Tensor, "*of n"]) -> float:
    """The mean over the classes of 2 hits / (2 hits + misses + false alarms)."""
    classes = torch.cat([predicted.flatten(), label.flatten()]).unique()
    hits = [((predicted == c) & (label == c)).sum().double() for c in classes]
    either = [(predicted == c).sum() + (label == c).sum() for c in classes]
    return _mean(2 * h / e for h, e in zip(hits, either, strict=True))


def auc(score: Float[Tensor, " n"], label: Int[Tensor, " n"]) -> float:
    """How often a row of class 1 scores above one of class 0, ties counting half; NaN where a class is missing."""
    _, place, count = score.unique(return_inverse=True, return_counts=True)
    rank = (count.cumsum(0) - (count - 1) / 2)[place].double()
    ones = int((label == 1).sum())
    zeros = len(label) - ones
    if not ones or not zeros:
        return math.nan
    return float((rank[label == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


_OF_NUMBERS: dict[str, Figure] = {"mse": mse, "rmse": rmse, "mae": mae, "max_error": max_error, "r2": r2}
_OF_CLASSES: dict[str, Figure] = {"accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "f1": f1}


def figures_named(names: Sequence[str], loss: Loss, outputs: int, label: Tensor) -> dict[str, Figure]:
    """The figures of (output (outputs, n), label as the loss has it).

    Integers, one a row, are classes to several outputs also where the loss is the user's own.
    Raises TrainingError for a name that is not known, or means nothing for these labels.
    """
    kind = loss.kind
    if kind == "any":
        kind = "classes" if outputs > 1 and label.ndim == 1 and not label.is_floating_point() else "numbers"
    return {name: _named(name, kind, outputs) for name in ((names,) if isinstance(names, str) else names)}


def _named(name: str, kind: Kind, outputs: int) -> Figure:
    known = [*_OF_NUMBERS, *_OF_CLASSES, "auc"]
    if name not in known:
        raise TrainingError(f"metric {name!r} is not known; pass {', '.join(map(repr, known))}, or a function of none.")
    if name in _OF_NUMBERS:
        if kind != "numbers":
            raise TrainingError(f"metric {name!r} compares numbers, and the labels are classes; pass 'accuracy'.")
        return _OF_NUMBERS[name]
    if kind == "numbers":
        raise TrainingError(
            f"metric {name!r} compares classes, and the labels are numbers; pass loss_fn='cross_entropy' or 'bce'."
        )
    if name != "auc":
        figure = _OF_CLASSES[name]
        return lambda output, label: figure(_classes(output, kind), label.long())
    if outputs != (1 if kind == "binary" else 2):
        raise TrainingError(f"metric 'auc' is of two classes, and the network gives {outputs} outputs.")
    return lambda output, label: auc(output[0] if kind == "binary" else output[1] - output[0], label.flatten().long())


def _classes(output: Numbers, kind: Kind) -> Tensor:
    return output.argmax(0) if kind == "classes" else (output > 0).long()


def _share(right: Tensor) -> Tensor:
    return right.double().mean()


def _mean(values: Iterable[Tensor]) -> float:
    return float(torch.stack(list(values)).mean())
