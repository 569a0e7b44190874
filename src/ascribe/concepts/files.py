"""Tensors and what is known of them in one safetensors file; nothing in it can run code."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from torch import Tensor

from ascribe.errors import FileError

_FORMAT = "ascribe.concepts/1"


def save(path: str | os.PathLike[str], tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write both, whole or not at all; `about` is what JSON knows.  Raises FileError where nothing can be written."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    to = Path(path)
    try:
        header = {"about": json.dumps({"format": _FORMAT, **about})}
        with tempfile.TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent) as folder:
            part = Path(folder) / to.name
            save_file({name: t.detach().contiguous().cpu() for name, t in tensors.items()}, part, metadata=header)
            os.replace(part, to)
    except (OSError, SafetensorError, TypeError) as error:
        raise FileError(
            f"{to} cannot be written ({error}); pass a path in a folder that exists and is yours"
        ) from error


def load(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save` wrote.  Raises FileError for a file that is missing, broken or another one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {}).get("about", "{}"))
            if about.pop("format", None) != _FORMAT:
                raise FileError(f"{path} holds tensors, but no concept vectors; pass a file that save wrote")
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
    except FileNotFoundError as error:
        raise FileError(f"{path} does not exist; pass the path of a file that save wrote") from error
    except FileError:
        raise
    except (OSError, SafetensorError, ValueError) as error:
        raise FileError(f"{path} is broken ({str(error).splitlines()[0]:.200}); save the vectors again") from error
