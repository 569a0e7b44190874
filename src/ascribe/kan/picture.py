"""The data that a drawing of a KAN needs: its curves, their scores and its names; no drawing here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.activations import Activations
from ascribe.kan.layer import KANLayer
from ascribe.kan.scores import normalised_spreads, observe, scores_of
from ascribe.kan.structure import Network

_SAMPLES = 64  # of a drawn curve: more hide it

Metric = Literal["backward", "forward_n", "forward_u"]
Kind = Literal["numeric", "symbolic", "both"]


@dataclass(frozen=True)
class Edge:
    """One curve: from node `source` of `layer` to `subnode` of the next."""

    layer: int
    source: int
    subnode: int
    x: np.ndarray
    y: np.ndarray
    score: float
    kind: Kind = "numeric"


@dataclass(frozen=True)
class Picture:
    """A network as plain numbers; masked edges are absent."""

    width: list[list[int]]
    arity: list[list[int]]
    edges: tuple[Edge, ...]
    node_scores: list[np.ndarray]
    in_names: tuple[str, ...]
    out_names: tuple[str, ...]
    input_id: tuple[int, ...] = ()  # the column of the data that every input takes, when not all are taken
    samples: tuple[np.ndarray, ...] = ()  # what the nodes of every layer get from some of the rows, (rows, nodes)


def _backward(seen: Activations, net: Network) -> list[Tensor]:
    return scores_of(net, seen).edges


def _forward_n(seen: Activations, net: Network) -> list[Tensor]:
    return normalised_spreads(seen)


def _forward_u(seen: Activations, net: Network) -> list[Tensor]:
    return list(seen.spreads)


_METRICS: dict[str, Callable[[Activations, Network], list[Tensor]]] = {
    "backward": _backward,
    "forward_n": _forward_n,
    "forward_u": _forward_u,
}


def picture(net: Network, x: Tensor | None = None, metric: Metric = "backward", points: int = 60) -> Picture:
    """Every edge as a curve over the range of its input in the data.

    Without data, now or remembered, the curves run over their grids and are scored on points spread evenly over them.
    """
    if metric not in _METRICS:
        raise InputError(f"metric={metric!r} is not known; pass one of {', '.join(map(repr, _METRICS))}.")
    with torch.no_grad():
        seen = observe(net, x if x is not None or net.has_data else _even(net))
        scored = _METRICS[metric](seen, net)
        edges = tuple(
            edge
            for l, (layer, values, score) in enumerate(zip(net.layers, seen.nodes, scored, strict=True))
            for edge in _curves(l, layer, values, score, points)
        )
        nodes = [node.cpu().numpy() for node in scores_of(net, seen).nodes]
    columns = net.input_id.tolist()
    return Picture(
        width=[list(w) for w in net.width],
        arity=[list(a) for a in net.arity],
        edges=edges,
        node_scores=nodes,
        in_names=tuple(f"$x_{{{c + 1}}}$" for c in columns),
        out_names=tuple(f"$y_{{{j + 1}}}$" for j in range(net.nodes(net.depth)))
        if net.nodes(net.depth) > 1
        else ("$y$",),
        input_id=tuple(columns) if len(columns) < net.columns else (),
        samples=tuple(node[:: max(1, len(node) // _SAMPLES)].cpu().numpy() for node in seen.nodes),
    )


def _even(net: Network, rows: int = 512) -> Tensor:
    """Points that fill the grids of the inputs: a Weyl sequence an input, so that no two move together."""
    low, high = net.layers[0].range
    inputs = torch.arange(1, net.nodes(0) + 1, dtype=torch.float64, device=low.device)
    share = (torch.arange(rows, dtype=torch.float64, device=low.device)[:, None] * (inputs * 0.7548776662466927)) % 1
    x = low.new_zeros(rows, net.columns)
    x[:, net.input_id] = low + share.to(low.dtype) * (high - low)
    return x


def _curves(l: int, layer: KANLayer, values: Tensor, score: Tensor, points: int) -> list[Edge]:
    at = torch.linspace(0, 1, points, dtype=values.dtype, device=values.device)[:, None]
    low, high = values.amin(0), values.amax(0)
    x = low + at * (high - low)
    numeric, present, scores = (layer.mask != 0).tolist(), layer.present, score.tolist()
    curves, grids = layer.curves(x).cpu().numpy(), x.cpu().numpy()

    def kind(i: int, j: int) -> Kind:
        if layer.symbolic.at(i, j) is None:
            return "numeric"
        return "both" if numeric[i][j] else "symbolic"

    return [
        Edge(l, i, j, grids[:, i], curves[:, i, j], scores[i][j], kind(i, j)) for i, j in present.nonzero().tolist()
    ]
