"""The data sets of pykan's tutorials: the same numbers for the same seed, and the global generators left alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import SupportsFloat

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError

Dataset = dict[str, Tensor]
Ranges = Sequence[SupportsFloat] | Sequence[Sequence[SupportsFloat]]


def create_dataset(
    f: Callable[[Tensor], Tensor],
    n_var: int = 2,
    f_mode: str = "col",
    ranges: Ranges = (-1, 1),
    train_num: int = 1000,
    test_num: int = 1000,
    normalize_input: bool = False,
    normalize_label: bool = False,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> Dataset:
    """Uniform points in a box, labelled by f: train_input, train_label, test_input, test_label.

    f gets (rows, n_var), or with `f_mode="row"` (n_var, rows). `ranges` is one (low, high), or one a variable. The
    constants of a normalisation, taken from the training part, come as input_mean, input_std, label_mean, label_std.
    Raises InputError for another `f_mode` or ranges that do not fit.

    >>> create_dataset(lambda x: x[:, 0] ** 2, n_var=1, train_num=3)["train_label"].shape
    torch.Size([3, 1])
    """
    if f_mode not in ("col", "row"):
        raise InputError(f"f_mode={f_mode!r} is not known; pass 'col' or 'row'.")
    box = np.broadcast_to(np.asarray(ranges, dtype=np.float64), (n_var, 2)) if _fits(ranges, n_var) else None
    if box is None:
        raise InputError(f"ranges={ranges!r} does not fit {n_var} variables; pass (low, high), or one pair a variable.")
    # The order of the draws is pykan's: for each variable the training column, then the test column.
    generator = torch.Generator().manual_seed(seed)
    train, test = torch.zeros(train_num, n_var), torch.zeros(test_num, n_var)
    for i, (low, high) in enumerate(box.tolist()):
        train[:, i] = torch.rand(train_num, generator=generator) * (high - low) + low
        test[:, i] = torch.rand(test_num, generator=generator) * (high - low) + low
    label, test_label = (_column(f(x if f_mode == "col" else x.T)) for x in (train, test))
    made = {"train_input": train, "test_input": test, "train_label": label, "test_label": test_label}
    if normalize_input:
        made |= _normalized(made, "input")
    if normalize_label:
        made |= _normalized(made, "label")
    return {name: t.to(device) for name, t in made.items()}


def create_dataset_from_data(
    inputs: Float[Tensor, "rows columns"],
    labels: Tensor,
    train_ratio: float = 0.8,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> Dataset:
    """Rows split at random into a training and a test part, each in its old order.

    Raises InputError when a part would be empty.
    """
    rows, train = len(inputs), int(len(inputs) * train_ratio)
    if not 0 < train < rows:
        raise InputError(f"train_ratio={train_ratio} leaves {train} of {rows} rows for training; pass a share between.")
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed)).to(inputs.device)
    parts = {"train": order[:train].sort().values, "test": order[train:].sort().values}
    label = _column(labels)
    return {
        f"{part}_{name}": values[index.to(values.device)].detach().to(device)
        for part, index in parts.items()
        for name, values in (("input", inputs), ("label", label))
    }


def _fits(ranges: Ranges, n_var: int) -> bool:
    return np.asarray(ranges).shape in ((2,), (n_var, 2))


def _column(label: Tensor) -> Tensor:
    return label[:, None] if label.ndim == 1 else label


def _normalized(made: Dataset, name: str) -> Dataset:
    train, test = made[f"train_{name}"], made[f"test_{name}"]
    mean, std = train.mean(0, keepdim=True), train.std(0, keepdim=True)
    return {
        f"train_{name}": (train - mean) / std,
        f"test_{name}": (test - mean) / std,
        f"{name}_mean": mean,
        f"{name}_std": std,
    }
