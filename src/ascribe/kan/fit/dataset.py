"""What `fit` learns from: a dict as pykan's, a pair, a frame or a DataLoader, checked and turned into tensors once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import DataLoader

from ascribe.errors import InputError, TrainingError
from ascribe.kan.fit.loss import Loss
from ascribe.kan.structure import Network


@dataclass(frozen=True)
class Rows:
    """Inputs as the user has them (rows first), and labels laid out (outputs, n), or (n) where they are classes."""

    inputs: Float[Tensor, "n columns"]
    label: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Tensor) -> Rows:
        return Rows(self.inputs[rows], self.label[..., rows])

    def to(self, dtype: torch.dtype) -> Rows:
        return Rows(self.inputs.to(dtype), self.label.to(dtype) if self.label.is_floating_point() else self.label)


@dataclass(frozen=True)
class Data:
    train: Rows
    test: Rows | None
    batch: int | None  # that a DataLoader brings


def read_dataset(dataset: Any, network: Network, loss: Loss) -> Data:
    """Tensors of the network's dtype on its device, copies of their own.

    A frame's last column is the label. A DataLoader is read once, whole.
    Raises TrainingError for something else or no rows; InputError for a wrong shape, text, NaN or infinity.
    """
    batch = None
    test = None
    if isinstance(dataset, Mapping):
        train = _named(dataset, "train")
        if train is None:
            raise TrainingError(
                f"the dataset has the keys {sorted(map(str, dataset))}; it needs 'train_input' and 'train_label'"
                " (and may have 'test_input' and 'test_label')."
            )
        test = _named(dataset, "test")
    elif isinstance(dataset, DataLoader):
        train, batch = _gather(dataset), dataset.batch_size
    elif hasattr(dataset, "columns") and hasattr(dataset, "to_numpy"):
        values = dataset.to_numpy()
        train = values[:, :-1], values[:, -1]
    elif isinstance(dataset, Sequence) and len(dataset) == 2:
        train = dataset[0], dataset[1]
    else:
        raise TrainingError(
            f"cannot learn from {type(dataset).__name__}; pass {{'train_input': X, 'train_label': y}}, (X, y),"
            " a frame whose last column is the label, or a DataLoader."
        )
    return Data(
        _rows(*train, network, loss, "train"), None if test is None else _rows(*test, network, loss, "test"), batch
    )


def _named(dataset: Mapping[str, Any], part: str) -> tuple[Any, Any] | None:
    inputs, label = dataset.get(f"{part}_input"), dataset.get(f"{part}_label")
    return None if inputs is None or label is None else (inputs, label)


def _gather(loader: DataLoader[Any]) -> tuple[Tensor, Tensor]:
    # Starting a DataLoader draws from the global generator.
    with torch.random.fork_rng(devices=[]):
        batches = [(torch.as_tensor(b[0]), torch.as_tensor(b[1])) for b in loader]
    if not batches:
        raise TrainingError("the DataLoader gives no batch; fit needs at least one row.")
    return torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches])


def _rows(inputs: Any, label: Any, network: Network, loss: Loss, part: str) -> Rows:
    real = network.layers[0].coef
    x = _numbers(inputs, f"{part}_input").to(device=real.device, dtype=real.dtype, copy=True)
    y = _numbers(label, f"{part}_label").to(device=real.device)
    if x.ndim == 1 and network.columns == 1:
        x = x[:, None]
    if x.ndim != 2 or x.shape[1] != network.columns:
        raise InputError(
            f"{part}_input has shape {tuple(x.shape)}, but the network takes {network.columns} columns;"
            f" pass (rows, {network.columns})."
        )
    if len(x) == 0:
        raise TrainingError(f"{part}_input has no rows; fit needs at least one.")
    if len(y) != len(x) or y.ndim == 0:
        raise InputError(f"{part}_label has shape {tuple(y.shape)} for {len(x)} rows of {part}_input; they must match.")
    _require_finite(x, f"{part}_input")
    _require_finite(y, f"{part}_label")
    return Rows(x, _label(y, network.nodes(network.depth), loss, real.dtype, part))


def _label(y: Tensor, outputs: int, loss: Loss, dtype: torch.dtype, part: str) -> Tensor:
    if loss.classifies:
        classes = y.reshape(len(y), -1)
        if classes.shape[1] != 1 or bool((classes != classes.round()).any()):
            raise InputError(
                f"{part}_label of shape {tuple(y.shape)} and dtype {y.dtype} are no classes; cross-entropy takes one"
                f" integer a row (0 to {outputs - 1})."
            )
        low, high = int(classes.min()), int(classes.max())
        if low < 0 or high >= outputs:
            raise InputError(
                f"{part}_label has classes {low} to {high}, but the network gives {outputs} outputs;"
                f" number the classes 0 to {outputs - 1}."
            )
        return classes[:, 0].long()
    if not loss.exact_curvature and not y.is_floating_point():
        return y  # a function of the user's own knows what integers mean
    columns = y.reshape(len(y), -1)
    if columns.shape[1] != outputs:
        raise InputError(
            f"{part}_label has shape {tuple(y.shape)}, but the network gives {outputs} outputs; pass (rows, {outputs})."
        )
    return columns.T.to(dtype, copy=True).contiguous()


def _numbers(values: Any, name: str) -> Tensor:
    if isinstance(values, Tensor):
        return values.detach()
    array = np.asarray(values)
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"{name} holds values that are no numbers ({error}); encode them first.") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} has dtype {array.dtype}; pass numbers.")
    return torch.from_numpy(np.ascontiguousarray(array).copy())


def _require_finite(values: Tensor, name: str) -> None:
    bad = ~torch.isfinite(values)
    if bad.any():
        first = bad.nonzero()[0].tolist()
        where = f"row {first[0]}" + (f", column {first[1]}" if len(first) > 1 else "")
        raise InputError(
            f"{name} has {int(bad.sum())} values that are NaN or infinite, the first in {where}; drop or fill them."
        )
