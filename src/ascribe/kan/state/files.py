"""A network in one safetensors file: its tensors, and its structure as a JSON header. Nothing in it can run code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeVar

import torch

from ascribe.errors import FileError
from ascribe.kan.state.safe_file import one_sentence, read_header, read_tensors, write_file
from ascribe.kan.structure import Network

Net = TypeVar("Net", bound=Network)
_FORMAT = "ascribe.KAN/1"


def save(net: Network, path: str | os.PathLike[str], version: Mapping[str, Any] | None = None) -> None:
    """Write the network, whole or not at all: a file of that name is replaced in one step.

    The data it was trained on and its history are not written.  Raises FileError where nothing can be written.
    """
    story = {} if version is None else {"version": version}
    write_file(path, net.state_dict(), "network", {"format": _FORMAT, **_describe(net), **story})


def load(kind: type[Net], path: str | os.PathLike[str], device: torch.device | str = "cpu") -> Net:
    """Read a network that `save` wrote.

    Raises FileError, in one sentence, for a file that is missing, broken, or not a KAN's.
    """
    with one_sentence(path, "KAN", "kan.save(...)"):
        about = read_header(path, "network")
        if about.pop("format", None) != _FORMAT:
            raise FileError(f"{path} holds tensors, but no KAN; pass a file that kan.save(...) wrote.")
        about.pop("version", None)
        tensors = read_tensors(path, device)
        if _sizes(about) != [tuple(tensors[f"act_fun.{l}.coef"].shape) for l in range(len(about["width"]) - 1)]:
            raise FileError(f"{path} is broken: its header and its tensors differ in size; write it again.")
        net = _build(kind, about, device)
        net.load_state_dict(tensors)
        named = net.columns if net.names is None else len(net.names)
        if named != net.columns or not 0 <= int(net.input_id.min()) <= int(net.input_id.max()) < net.columns:
            raise FileError(f"{path} is broken: its columns are not those that its network reads; write it again.")
        return net


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


def _sizes(about: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    """Of the coefficients of every layer, before a network of whatever size a header names is made."""
    nodes = [sum(width) for width in about["width"]]
    subnodes = [width[0] + sum(arity) for width, arity in zip(about["width"], about["mult_arity"], strict=True)]
    terms = [grid + k for grid, k in zip(about["grid"], about["k"], strict=True)]
    return list(zip(nodes[:-1], subnodes[1:], terms, strict=True))


def _build(kind: type[Net], about: dict[str, Any], device: torch.device | str) -> Net:
    columns = int(about.pop("columns"))
    dtype = getattr(torch, about.pop("dtype"))
    net = kind(**about, dtype=dtype, device=device)
    net.columns = columns
    return net
