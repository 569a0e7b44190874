"""How much runs through every node of every layer, and from which to which: the data of a Sankey picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from jaxtyping import Float

from ascribe.core.arrays import as_array
from ascribe.core.attribution import Attribution
from ascribe.core.nest import leaves
from ascribe.errors import InputError
from ascribe.kan.scores import scores
from ascribe.kan.structure import Network
from ascribe.plots.ranking import strongest
from ascribe.plots.values import one_output


@final
@dataclass(frozen=True)
class Flow:
    """A strength a node, layer by layer, and a strength a link from each node (rows) to each of the next layer.

    Only proportions within a layer count. Where the links are not `measured` they are drawn in proportion to the nodes
    that they join. Raises InputError for shapes that do not meet, and for negative or no strengths.
    """

    nodes: tuple[Float[np.ndarray, " _"], ...]
    links: tuple[Float[np.ndarray, "_ _"], ...]
    names: tuple[tuple[str, ...], ...]
    layers: tuple[str, ...]
    measured: bool = True

    def __post_init__(self) -> None:
        sizes = [len(layer) for layer in self.nodes]
        if len(sizes) < 2 or [len(names) for names in self.names] != sizes or len(self.layers) != len(sizes):
            raise InputError(
                f"a flow has {len(sizes)} layers of nodes, {len(self.names)} of names and {len(self.layers)} names of "
                "layers; pass two layers or more with a name for each node and layer."
            )
        shapes = [link.shape for link in self.links]
        if shapes != list(pairwise(sizes)):
            raise InputError(
                f"links of shapes {shapes} do not join layers of {sizes} nodes; pass one table between two."
            )
        for part in (*self.nodes, *self.links):
            if not (np.isfinite(part).all() and (part >= 0).all()):
                raise InputError("a flow has strengths below 0 or without a number; pass sizes: their absolute values.")

    def strongest(self, top: int) -> Flow:
        """The `top` strongest nodes of each layer in their own order, the rest of it as one node."""
        keep = [strongest(layer, top) for layer in self.nodes]
        keep = [ranking._replace(shown=np.sort(ranking.shown)) for ranking in keep]
        links = tuple(
            right.gather(left.gather(link.T).T) for left, right, link in zip(keep, keep[1:], self.links, strict=False)
        )
        return Flow(
            tuple(ranking.gather(layer) for ranking, layer in zip(keep, self.nodes, strict=True)),
            links,
            tuple(tuple(ranking.names(names)) for ranking, names in zip(keep, self.names, strict=True)),
            self.layers,
            self.measured,
        )


def flow_of(thing: Flow | Network | Attribution | Sequence[Attribution]) -> Flow:
    """The flow through a KAN by its scores, or through the layers of which attributions are at hand, to the output.

    A KAN knows what each edge hands on. Attributions at layers, one of them or an attribution with several, say only
    how strong the nodes are: mean $|a_i|$ over the rows, of a layer of channels after summing over places.

    Raises InputError for anything else.
    """
    if isinstance(thing, Flow):
        return thing
    if isinstance(thing, Network):
        return _of_network(thing)
    attributions = [thing] if isinstance(thing, Attribution) else list(thing)
    if not attributions or not all(isinstance(a, Attribution) for a in attributions):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"a {type(thing).__name__} has no flow; pass a KAN, attributions at layers, or a Flow(...).")
    return _of_attributions(attributions)


def _of_network(net: Network) -> Flow:
    found = scores(net)
    nodes = tuple(as_array(layer) for layer in found.nodes)
    links: list[np.ndarray] = []
    for layer, edges in enumerate(found.edges, 1):
        # the factors of a product are one node
        owners = np.asarray(net.owners(layer))
        links.append(as_array(edges) @ (owners[:, None] == np.arange(len(nodes[layer]))))
    names = [tuple(f"{layer},{i}" for i in range(len(values))) for layer, values in enumerate(nodes)]
    own = net.names or [f"x{column + 1}" for column in range(net.columns)]
    names[0] = tuple(own[column] for column in net.input_id.tolist())
    names[-1] = tuple(f"output {i}" for i in range(len(nodes[-1]))) if len(nodes[-1]) > 1 else ("output",)
    return Flow(nodes, tuple(links), tuple(names), ("inputs", *(f"layer {i}" for i in range(1, len(nodes)))))


def _of_attributions(attributions: Sequence[Attribution]) -> Flow:
    nodes: list[np.ndarray] = []
    names: list[tuple[str, ...]] = []
    layers: list[str] = []
    for attribution in attributions:
        one_output(attribution)
        parts: list[Any] = leaves(attribution.values)
        places = attribution.at if isinstance(attribution.at, tuple) else (attribution.at,) * len(parts)
        for part, place in zip(parts, places, strict=True):
            values = as_array(part)
            values = (
                values.reshape(*values.shape[:2], -1).sum(2) if place is not None else values.reshape(len(values), -1)
            )
            stem = place or "input"
            known = len(parts) == 1 and values.shape[1] == len(attribution.names)
            nodes.append(np.abs(values).mean(0))
            names.append(tuple(attribution.names) if known else tuple(f"{stem}[{i}]" for i in range(values.shape[1])))
            layers.append(stem)
    nodes, names, layers = [*nodes, np.ones(1)], [*names, ("output",)], [*layers, "output"]
    links = tuple(left[:, None] * right for left, right in pairwise(nodes))
    return Flow(tuple(nodes), links, tuple(names), tuple(layers), measured=False)
