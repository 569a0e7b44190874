"""Tensors and a JSON header in one safetensors file, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ascribe.errors import FileError, InputError

Where = str | os.PathLike[str]


def write_file(path: Where, tensors: Mapping[str, Tensor], entry: str, about: Mapping[str, Any]) -> None:
    """Write the tensors, and `about` as JSON under `entry`: a file of that name is replaced in one step.

    Raises FileError where nothing can be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    to = Path(path)
    if to.exists() and not to.is_file():
        raise FileError(f"{to} is a folder or a device; pass the path of a file.")
    # Tensors that share memory, such as views of one buffer, are copied: a file holds each by itself.
    held = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    try:
        with tempfile.TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent) as folder:
            part = Path(folder) / to.name
            # One entry: safetensors writes several in an order that changes from run to run.
            save_file(held, part, metadata={entry: json.dumps(about)})
            os.replace(part, to)
    except (OSError, SafetensorError) as error:
        raise FileError(
            f"{to} cannot be written ({error}); pass a path in a folder that exists and is yours."
        ) from error


def read_header(path: Where, entry: str) -> dict[str, Any]:
    """What `write_file` was given as `about`; empty where there is no such entry.  Raises what safetensors raises."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        about = json.loads((file.metadata() or {}).get(entry, "{}"))
    return about if isinstance(about, dict) else {}


def read_tensors(path: Where, device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """All tensors of the file.  Raises what safetensors raises."""
    from safetensors import safe_open

    with safe_open(path, "pt", device=str(device)) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@contextmanager
def one_sentence(path: Where, kind: str, made_by: str) -> Iterator[None]:
    """Whatever goes wrong with a file that is missing, broken or another's is a FileError in one sentence."""
    from safetensors import SafetensorError

    try:
        yield
    except FileNotFoundError as error:
        raise FileError(f"{path} does not exist; pass the path of a file that {made_by} wrote.") from error
    except FileError:
        raise
    except InputError as error:
        raise FileError(f"{path} cannot be read here: {error}") from error
    except (OSError, SafetensorError, RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileError(f"{path} is broken or is no {kind} ({reason}); write it again.") from error
