"""What `fit` learns from: a dict as pykan's, a pair, a frame or a DataLoader, checked and turned into tensors once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ascribe.errors import InputError, TrainingError
from ascribe.kan.fit.labels import read_label
from ascribe.kan.fit.loss import Loss
from ascribe.kan.fit.rows import Rows
from ascribe.kan.fit.weighing import ClassWeight, class_weights, row_weights
from ascribe.kan.structure import Network


@dataclass(frozen=True)
class Data:
    train: Rows
    test: Rows | None
    val: Rows | None = None
    batch: int | None = None  # that a DataLoader brings
    names: list[str] | None = None  # of the columns of a frame


class _Part(NamedTuple):
    """One part as it came."""

    inputs: Any
    label: Any
    weight: Any = None
    batch: int | None = None
    names: list[str] | None = None  # of the columns of a frame


def read_dataset(
    dataset: Any,
    network: Network,
    loss: Loss,
    validation: Any = None,
    sample_weight: Any = None,
    class_weight: ClassWeight | None = None,
    seed: int = 0,
) -> Data:
    """Tensors of the network's dtype on its device, copies of their own.

    A frame's last column is the label. A DataLoader is read once, whole. A dict has `train_input` and `train_label`, or
    `train` in any of these forms, and perhaps the same for `test` and `val`. `validation` is data, or the share of the
    training rows that is held out. Class weights are part of the loss and hold in every part.
    Raises TrainingError for something else or no rows; InputError for a wrong shape, text, NaN or infinity.
    """
    parts = _parts(dataset)
    share: float | None = None
    if isinstance(validation, Real):
        share = float(validation)
        if not 0 < share < 1:
            raise TrainingError(f"validation={validation} is no share of the rows; pass 0 < validation < 1, or data.")
    elif validation is not None:
        parts["val"] = _part(validation)
    _require_one_order(parts, network.names)
    if share is not None and "val" in parts:
        raise TrainingError("validation rows came twice, as a share and in the dataset; pass one of them.")
    if sample_weight is not None:
        parts["train"] = parts["train"]._replace(weight=sample_weight)
    outputs = network.nodes(network.depth)
    read = {name: _rows(part, network, loss, name) for name, part in parts.items()}
    classes = class_weights(class_weight, loss, read["train"].label, outputs)
    weighed = {name: _weighed(rows, parts[name].weight, classes, name) for name, rows in read.items()}
    train, val = weighed["train"], weighed.get("val")
    if any(rows.weight is not None for rows in weighed.values()) and loss.kind == "any":
        raise TrainingError("a loss_fn of your own cannot be weighted row by row; weigh the rows inside it.")
    if share is not None:
        if len(train) < 2:
            raise TrainingError(f"validation={validation} leaves nothing of {len(train)} rows; pass more rows.")
        train, val = train.split(share, seed, loss.kind in ("classes", "binary") and train.label.numel() == len(train))
        if any(rows.weight is not None and not bool(rows.weight.any()) for rows in (train, val)):
            raise TrainingError(
                f"validation={validation} leaves rows of weight 0 alone in one of the parts; pass other rows for it."
            )
    return Data(train, weighed.get("test"), val, parts["train"].batch, parts["train"].names)


def _parts(dataset: Any) -> dict[str, _Part]:
    if not isinstance(dataset, Mapping):
        return {"train": _part(dataset)}
    found: dict[str, _Part] = {}
    for name in ("train", "val", "test"):
        inputs, label = dataset.get(f"{name}_input"), dataset.get(f"{name}_label")
        if name != "train" and (inputs is None) is not (label is None):
            raise TrainingError(f"the dataset has one of '{name}_input' and '{name}_label'; pass both, or neither.")
        if inputs is not None and label is not None:
            found[name] = _Part(inputs, label, names=_columns(inputs))
        elif dataset.get(name) is not None:
            found[name] = _part(dataset[name])
        if name in found and dataset.get(f"{name}_weight") is not None:
            found[name] = found[name]._replace(weight=dataset[f"{name}_weight"])
    if "train" not in found:
        raise TrainingError(
            f"the dataset has the keys {sorted(map(str, dataset))}; it needs 'train_input' and 'train_label'"
            " (and may have 'test_input' and 'test_label', 'val_input' and 'val_label')."
        )
    return found


def _part(data: Any) -> _Part:
    if isinstance(data, DataLoader):
        return _Part(*_gather(data), None, data.batch_size)
    if hasattr(data, "columns") and hasattr(data, "to_numpy"):
        values = data.to_numpy()
        return _Part(values[:, :-1], values[:, -1], names=(_columns(data) or [])[:-1])
    if isinstance(data, Sequence) and len(data) == 2:
        return _Part(data[0], data[1], names=_columns(data[0]))
    raise TrainingError(
        f"cannot learn from {type(data).__name__}; pass (X, y), a frame whose last column is the label, a DataLoader,"
        " or, for all parts at once, {'train_input': X, 'train_label': y}."
    )


def _columns(inputs: Any) -> list[str] | None:
    columns = getattr(inputs, "columns", None)
    return None if columns is None else [str(name) for name in columns]


def _require_one_order(parts: Mapping[str, _Part], known: list[str] | None) -> None:
    """Columns are found by their place: frames with the same ones in another order would be read wrongly."""
    for name, part in parts.items():
        for other in (parts["train"].names, known):
            if part.names and other and part.names != other and sorted(part.names) == sorted(other):
                raise InputError(
                    f"the columns of {name} are {part.names}, and were {other}; pass them in that order: frame[[...]]."
                )


def _gather(loader: DataLoader[Any]) -> tuple[Tensor, Tensor]:
    # Starting a DataLoader draws from the global generator.
    with torch.random.fork_rng(devices=[]):
        given = list(loader)
    if not given:
        raise TrainingError("the DataLoader gives no batch; fit needs at least one row.")
    first: Any = given[0]
    if not isinstance(first, Sequence) or len(first) != 2:
        several = f" of {len(first)}" if isinstance(first, Sequence) else ""
        raise TrainingError(
            f"the DataLoader gives batches of type {type(first).__name__}{several}; fit needs pairs (inputs, labels):"
            " let the dataset return x, y."
        )
    batches = [(torch.as_tensor(b[0]), torch.as_tensor(b[1])) for b in given]
    return torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches])


def _rows(part: _Part, network: Network, loss: Loss, name: str) -> Rows:
    real = network.layers[0].coef
    x = _numbers(part.inputs, f"{name}_input").to(device=real.device, dtype=real.dtype, copy=True)
    y = _numbers(part.label, f"{name}_label").to(device=real.device)
    if x.ndim == 1 and network.columns == 1:
        x = x[:, None]
    if x.ndim != 2 or x.shape[1] != network.columns:
        raise InputError(
            f"{name}_input has shape {tuple(x.shape)}, but the network takes {network.columns} columns;"
            f" pass (rows, {network.columns})."
        )
    if len(x) == 0:
        raise TrainingError(f"{name}_input has no rows; fit needs at least one.")
    if y.ndim == 0 or len(y) != len(x):
        raise InputError(f"{name}_label has shape {tuple(y.shape)} for {len(x)} rows of {name}_input; they must match.")
    _require_finite(x, f"{name}_input")
    _require_finite(y, f"{name}_label")
    largest = float(x.abs().max())
    # Half precision trains in single.
    if largest > math.sqrt(torch.finfo(torch.promote_types(x.dtype, torch.float32)).max):
        raise InputError(f"{name}_input holds {largest:.3g}, too large for sums in {x.dtype}; scale it.")
    return Rows(x, read_label(y, network.nodes(network.depth), loss, real.dtype, name))


def _weighed(rows: Rows, given: Any, classes: Tensor | None, name: str) -> Rows:
    weight = None if given is None else _numbers(given, f"{name}_weight").to(rows.inputs.device)
    found = row_weights(weight, len(rows), classes, rows.label, name)
    return rows if found is None else Rows(rows.inputs, rows.label, found.to(rows.inputs))


def _numbers(values: Any, name: str) -> Tensor:
    if isinstance(values, Tensor) and not values.is_complex():
        if values.layout != torch.strided or values.is_meta or values.is_quantized:
            raise InputError(f"{name} is a tensor of {values.layout} and {values.dtype}; pass numbers in a dense one.")
        return values.detach()
    if np.ma.is_masked(values):
        raise InputError(f"{name} has masked entries; fill them, as in x.filled(0.0), or drop their rows.")
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
