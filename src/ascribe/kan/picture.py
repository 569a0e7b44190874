"""The data that a drawing of a KAN needs: its curves, their scores and its names; no drawing here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from ascribe.core.arrays import as_array
from ascribe.errors import InputError
from ascribe.kan import regularization
from ascribe.kan.activations import Activations
from ascribe.kan.curves import curves_of, places
from ascribe.kan.layer import KANLayer
from ascribe.kan.scores import observe, scores_of
from ascribe.kan.structure import Network

# Share of the largest layer's score below which a layer does not count in full.
_HAZE = 1e-3
_SAMPLES = 64  # of a drawn curve: more hide it
ENOUGH = 0.99
"""Share of the score at which a choice of the strongest edges ends: the rest would only be haze."""

Metric = Literal[
    "backward",
    "forward_n",
    "forward_u",
    "edge_forward_spline_n",
    "edge_forward_spline_u",
    "edge_forward_sum",
    "edge_backward",
    "node_backward",
]
Kind = Literal["numeric", "symbolic", "both"]

# The short names are those of pictures, the long ones those of the regulariser.
_SHORT = {"backward": "edge_backward", "forward_n": "edge_forward_sum", "forward_u": "edge_forward_spline_u"}


@dataclass(frozen=True)
class Edge:
    """One curve: from node `source` of `layer` to `subnode` of the next; NaN where it breaks off.

    Where it is symbolic, `function` is the name of f in c f(a x + b) + d, and `affine` holds a, b, c, d.
    """

    layer: int
    source: int
    subnode: int
    x: np.ndarray
    y: np.ndarray
    score: float
    kind: Kind = "numeric"
    function: str = ""
    affine: tuple[float, float, float, float] = (1.0, 0.0, 1.0, 0.0)


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
    left_out: tuple[int, float] = (0, 0.0)  # edges of the network that are not among `edges`, and their score
    # the scores of all edges by the metrics of pictures: for every layer (nodes, subnodes)
    measures: Mapping[str, tuple[np.ndarray, ...]] = field(default_factory=dict)
    # scale and bias of the subnodes and of the nodes above every layer of edges: (subnodes, 2), (nodes, 2)
    affines: tuple[tuple[np.ndarray, np.ndarray], ...] = ()


def picture(
    net: Network, x: Tensor | None = None, metric: Metric | str = "backward", points: int = 60, most: int | None = None
) -> Picture:
    """Every edge as a curve over the range of its input in the data, scored by `metric`.

    `metric` is one of pictures or of the regulariser; by "node_backward" an edge is as strong as the node it leads to.
    Of more than `most` edges only those with the largest shares of their layer's score are kept, see `strongest`, so
    that no layer is left without.  Without data, now or remembered, the curves run over their grids and are scored on
    points spread evenly over them.

    Raises InputError for an unknown metric, and for data on which the network gives no numbers.
    """
    if metric not in get_args(Metric):
        raise InputError(f"metric={metric!r} is not known; pass one of {', '.join(map(repr, get_args(Metric)))}.")
    with torch.no_grad():
        seen = observe(net, x if x is not None or net.has_data else _even(net))
        scored = [score.nan_to_num() for score in _scored(metric, net, seen)]
        present = [layer.present.nonzero() for layer in net.layers]
        flat = torch.cat([score[tuple(at.T)] for score, at in zip(scored, present, strict=True)]).double().cpu().numpy()
        layer_of = np.repeat(np.arange(net.depth), [len(at) for at in present])
        chosen = np.zeros(len(flat), dtype=bool)
        chosen[strongest(flat, len(flat) if most is None else most, layer_of)] = True
        parts = [chosen[layer_of == l] for l in range(net.depth)]
        edges = tuple(
            edge
            for l, (layer, values, score) in enumerate(zip(net.layers, seen.nodes, scored, strict=True))
            for edge in _edges(l, layer, values, score, present[l][torch.from_numpy(parts[l])], points)
        )
        nodes = [as_array(node) for node in scores_of(net, seen).nodes]
        measures = {short: tuple(map(as_array, _scored(short, net, seen))) for short in _SHORT}
    columns = net.input_id.tolist()
    names = [f"$x_{{{c + 1}}}$" for c in range(net.columns)] if net.names is None else net.names
    return Picture(
        width=[list(w) for w in net.width],
        arity=[list(a) for a in net.arity],
        edges=edges,
        node_scores=nodes,
        in_names=tuple(names[c] for c in columns),
        out_names=tuple(f"$y_{{{j + 1}}}$" for j in range(net.nodes(net.depth)))
        if net.nodes(net.depth) > 1
        else ("$y$",),
        input_id=tuple(columns) if len(columns) < net.columns else (),
        samples=tuple(as_array(node[:: max(1, len(node) // _SAMPLES)]) for node in seen.nodes),
        left_out=(int((~chosen).sum()), float(flat[~chosen].sum())),
        measures=measures,
        affines=tuple(_affines(net, l) for l in range(net.depth)),
    )


def strongest(scores: np.ndarray, most: int, layers: np.ndarray) -> np.ndarray:
    """The places of all scores, or of more than `most` as few as hold 99% of the sum of their shares, at most `most`.

    A share is that of the sum of its layer.

    >>> scores, layers = np.array([1.0, 5.0, 0.1]), np.array([0, 0, 1])
    >>> strongest(scores, 3, layers).tolist(), strongest(scores, 2, layers).tolist()
    ([2, 1, 0], [2, 1])
    """
    whole = np.bincount(layers, scores)
    # A layer that is nothing but haze has no strongest edges.
    shares = scores / np.maximum(whole, max(_HAZE * whole.max(initial=0.0), np.finfo(float).tiny))[layers]
    order = np.argsort(-shares, kind="stable")
    if len(order) <= most:
        return order
    reach = np.cumsum(shares[order])
    return order[: min(most, int(np.searchsorted(reach, ENOUGH * reach[-1])) + 1)]


def _scored(metric: str, net: Network, seen: Activations) -> list[Tensor]:
    """A score for every edge, a matrix (nodes, subnodes) a layer."""
    name = _SHORT.get(metric, metric)
    if name == "node_backward":
        nodes = scores_of(net, seen).nodes[1:]
        return [
            node[net.owners(l + 1)].expand(layer.in_dim, -1)
            for l, (layer, node) in enumerate(zip(net.layers, nodes, strict=True))
        ]
    return regularization.METRICS[name](net, seen)


def _even(net: Network, rows: int = 512) -> Tensor:
    """Points that fill the grids of the inputs, where the network gives numbers.

    A Weyl sequence an input, so that no two move together.
    """
    low, high = net.layers[0].range
    inputs = torch.arange(1, net.nodes(0) + 1, dtype=torch.float64, device=low.device)
    share = (torch.arange(rows, dtype=torch.float64, device=low.device)[:, None] * (inputs * 0.7548776662466927)) % 1
    x = low.new_zeros(rows, net.columns)
    x[:, net.input_id] = low + share.to(low.dtype) * (high - low)
    whole = net.activations(x).output.isfinite().all(1)
    if int(whole.sum()) < 2:
        raise InputError("the network gives no numbers on its grids; pass data that it is made for: kan.plot(x=...).")
    return x[whole]


def _edges(l: int, layer: KANLayer, values: Tensor, score: Tensor, at: Tensor, points: int) -> list[Edge]:
    functions, symbolic = places(layer), layer.symbolic
    numeric, scores = (layer.mask != 0).tolist(), score.tolist()
    affine = [] if symbolic.affine is None else symbolic.affine.tolist()
    edges: list[Edge] = []
    for (i, j), (x, y) in zip(at.tolist(), curves_of(layer, values, at[:, 0], at[:, 1], points), strict=True):
        m = functions.get((i, j))
        if m is None:
            edges.append(Edge(l, i, j, x, y, scores[i][j]))
        else:
            kind: Kind = "both" if numeric[i][j] else "symbolic"
            edges.append(Edge(l, i, j, x, y, scores[i][j], kind, symbolic.names[m], tuple(affine[m])))
    return edges


def _affines(net: Network, l: int) -> tuple[np.ndarray, np.ndarray]:
    def both(scale: Tensor, bias: Tensor) -> np.ndarray:
        return as_array(torch.stack([scale, bias], 1))

    return both(net.subnode_scale[l], net.subnode_bias[l]), both(net.node_scale[l], net.node_bias[l])
