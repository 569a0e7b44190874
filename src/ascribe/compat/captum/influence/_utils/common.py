"""What Captum's influence classes share: checkpoints as files, and the form of ranked results."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ascribe.errors import FileError
from ascribe.influence.ranked import Ranked as KMostInfluentialResults

__all__ = ["KMostInfluentialResults", "checkpoints_of", "load_checkpoint"]


def load_checkpoint(model: nn.Module, path: str) -> float:
    """Load a state_dict; the learning rate is its entry "learning_rate", or 1.

    A `.safetensors` file, or one that `torch.save` wrote, read with `weights_only`: a file can run no code.

    Raises FileError for one that is missing or holds no such state.
    """
    try:
        if str(path).endswith(".safetensors"):
            from safetensors.torch import load_file

            state: dict[str, Any] = dict(load_file(path))
        else:
            state = dict(torch.load(path, map_location="cpu", weights_only=True))
        rate = float(state.pop("learning_rate", 1.0))
        prefix = "module."
        if state and all(name.startswith(prefix) for name in state) and not isinstance(model, nn.DataParallel):
            state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
        (model.module if isinstance(model, nn.DataParallel) else model).load_state_dict(state)
    except FileNotFoundError as error:
        raise FileError(f"{path} does not exist; pass the paths of checkpoints, or a checkpoints_load_func") from error
    except Exception as error:
        raise FileError(
            f"{path} is no state_dict of this network ({type(error).__name__}: {str(error).splitlines()[0]:.200}); "
            "save one with torch.save(model.state_dict(), path), or pass a checkpoints_load_func"
        ) from error
    return rate


def checkpoints_of(checkpoints: Any) -> list[Any]:
    """The checkpoints of a folder or a list in the order of the numbers in their names; others as they come."""
    if isinstance(checkpoints, str):
        return _in_order(str(path) for path in Path(checkpoints).glob("*"))
    found = list(checkpoints)
    return _in_order(found) if found and all(isinstance(one, str) for one in found) else found


def _in_order(paths: Iterable[str]) -> list[str]:
    def key(path: str) -> list[tuple[bool, int, str]]:
        return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", path)]

    return sorted(paths, key=key)
