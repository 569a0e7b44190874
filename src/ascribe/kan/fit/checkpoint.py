"""A training in one safetensors file, from which it goes on as if it had never stopped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ascribe.errors import FileError
from ascribe.kan.fit.rows import Rows
from ascribe.kan.state.safe_file import one_sentence, read_header, read_tensors, write_file

_FORMAT = "ascribe.fit/1"


@dataclass(frozen=True)
class Checkpoint:
    """Numbers and texts, and tensors under names with a dot: "best.act_fun.0.coef"."""

    about: dict[str, Any]
    tensors: dict[str, Tensor]

    def group(self, name: str) -> dict[str, Tensor]:
        """The tensors whose names begin with `name` and a dot, without these."""
        first = f"{name}."
        return {key.removeprefix(first): tensor for key, tensor in self.tensors.items() if key.startswith(first)}


def grouped(**groups: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of all groups, named for `Checkpoint.group`."""
    return {f"{group}.{name}": tensor for group, tensors in groups.items() for name, tensor in tensors.items()}


def write_checkpoint(path: str | os.PathLike[str], state: Checkpoint) -> None:
    """Write it, whole or not at all.  Raises FileError where nothing can be written."""
    write_file(path, state.tensors, "training", {"format": _FORMAT, **state.about})


def read_checkpoint(path: str | os.PathLike[str], fingerprint: str) -> Checkpoint:
    """What `write_checkpoint` wrote for the training of this fingerprint.

    Raises FileError, in one sentence, for a file that is missing, broken, or of another training.
    """
    with one_sentence(path, "training", "fit(..., checkpoint=path)"):
        about = read_header(path, "training")
        if about.pop("format", None) != _FORMAT:
            raise FileError(f"{path} holds no training; pass a file that fit(..., checkpoint=path) wrote.")
        if about["fingerprint"] != fingerprint:
            raise FileError(
                f"{path} is of another training; resume with the same data, network, loss, optimiser and settings."
            )
        return Checkpoint(about, read_tensors(path))


def fingerprint(rows: Rows, settings: list[str]) -> str:
    """The same for the same rows and settings, in every process."""
    digest = hashlib.sha256("\n".join(settings).encode())
    for tensor in (rows.inputs, rows.label, rows.weight):
        if tensor is not None:
            digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
