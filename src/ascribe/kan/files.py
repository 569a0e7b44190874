"""A network in one safetensors file: its tensors, and its structure as a JSON header. Nothing in it can run code."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, TypeVar

import torch

from ascribe.errors import FileError
from ascribe.kan.structure import Network

Net = TypeVar("Net", bound=Network)
_FORMAT = "ascribe.KAN/1"


def save(net: Network, path: str | os.PathLike[str]) -> None:
    """Write the network, whole or not at all: a file of that name is replaced in one step.

    The data it was trained on and its history are not written.  Raises FileError where nothing can be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    to = Path(path)
    tensors = {name: tensor.detach().contiguous().cpu() for name, tensor in net.state_dict().items()}
    # One entry: safetensors writes several in an order that changes from run to run.
    header = {"network": json.dumps({"format": _FORMAT, **_describe(net)})}
    try:
        with tempfile.TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent) as folder:
            part = Path(folder) / to.name
            save_file(tensors, part, metadata=header)
            os.replace(part, to)
    except (OSError, SafetensorError) as error:
        raise FileError(
            f"{to} cannot be written ({error}); pass a path in a folder that exists and is yours."
        ) from error


def load(kind: type[Net], path: str | os.PathLike[str], device: torch.device | str = "cpu") -> Net:
    """Read a network that `save` wrote.

    Raises FileError, in one sentence, for a file that is missing, broken, or not a KAN's.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt", device=str(device)) as file:
            about = json.loads((file.metadata() or {}).get("network", "{}"))
            if about.pop("format", None) != _FORMAT:
                raise FileError(f"{path} holds tensors, but no KAN; pass a file that kan.save(...) wrote.")
            net = _build(kind, about, device)
            net.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
            return net
    except FileNotFoundError as error:
        raise FileError(f"{path} does not exist; pass the path of a file that kan.save(...) wrote.") from error
    except FileError:
        raise
    except (OSError, SafetensorError, RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileError(f"{path} is broken or is no KAN ({reason}); save the network again.") from error


def _describe(net: Network) -> dict[str, Any]:
    first = net.layers[0]
    return {
        "width": net.width,
        "mult_arity": net.arity,
        "grid": net.grid,
        "k": net.k,
        "base_fun": first.base_fun,
        "grid_eps": first.grid_eps,
        "extrapolate": first.extrapolate,
        "edge": net.edge,
        "sp_trainable": first.scale_sp.requires_grad,
        "sb_trainable": first.scale_base.requires_grad,
        "affine_trainable": net.affine_trainable,
        "seed": net.seed,
        "dtype": str(first.coef.dtype).removeprefix("torch."),
        "columns": net.columns,
    }


def _build(kind: type[Net], about: dict[str, Any], device: torch.device | str) -> Net:
    columns = int(about.pop("columns"))
    dtype = getattr(torch, about.pop("dtype"))
    net = kind(**about, dtype=dtype, device=device)
    net.columns = columns
    return net
