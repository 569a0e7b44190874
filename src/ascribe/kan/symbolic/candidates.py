"""Every function of the library fitted to every edge of a network, at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float64
from torch import Tensor

from ascribe.errors import InputError
from ascribe.kan.span import span
from ascribe.kan.structure import Network
from ascribe.kan.symbolic.function import Function
from ascribe.kan.symbolic.library import LIBRARY, function_named
from ascribe.kan.symbolic.suggestion import Suggestion, rank
from ascribe.kan.whole import whole
from ascribe.maths.affine import fit_affine

Place = tuple[int, int, int]
Range = Sequence[float | int]

# Affine images of others in the library: they would only fill the table.
_TWINS = frozenset({"1", "step", "exp(x)-1", "csc", "cot"})
_ROWS = 4096  # of the data, that a fit sees


@final
@dataclass(frozen=True)
class Candidates:
    """The fits of all functions on all edges, and the error of each as a share of the edge's variance.

    `affine` holds a, b, c, d; where no a and b in range keep the data inside a function's domain it is NaN, and the
    error is 1. `spread` is the standard deviation of each edge.
    """

    edges: tuple[Place, ...]
    functions: tuple[Function, ...]
    affine: Float64[Tensor, "edges functions 4"]
    error: Float64[Tensor, "edges functions"]
    spread: Float64[Tensor, " edges"]

    def of(self, l: int, i: int, j: int, weight_simple: float = 0.2) -> Suggestion:
        """The functions for one edge, best first.  Raises InputError for an edge that is not among these."""
        if (l, i, j) not in self.edges:
            raise InputError(f"edge {(l, i, j)} is not among the {len(self.edges)} that were fitted; pass edges=[...].")
        place = self.edges.index((l, i, j))
        return rank(
            (l, i, j), self.functions, self.affine[place], self.error[place], float(self.spread[place]), weight_simple
        )


def candidates(
    kan: Network,
    edges: Iterable[Place] | None = None,
    lib: str | Function | Iterable[str | Function] | None = None,
    a_range: Range = (-10, 10),
    b_range: Range = (-10, 10),
    x: Tensor | None = None,
) -> Candidates:
    """Fit c f(a x + b) + d to every edge (l, i, j) that is there, or to these, for every function of `lib`.

    On the training data, or on x: at most 4,096 rows of it, evenly spread. Without `lib` on the whole library, less
    what is an affine image of another function in it (1, step, exp(x)-1, csc, cot).
    Raises InputError without data, for an edge that does not exist, or a function that is not known.

    >>> from ascribe.kan.network import KAN
    >>> found = candidates(KAN([2, 1]), x=torch.rand(50, 2))
    >>> found.edges, found.affine.shape[2]
    (((0, 0, 0), (0, 1, 0)), 4)
    """
    chosen = functions_of(lib)
    places = _present(kan) if edges is None else [(whole(l, "l"), whole(i, "i"), whole(j, "j")) for l, i, j in edges]
    for l, i, j in places:
        kan.layer_of(l, i, j)
    ranges = span(a_range, "a_range"), span(b_range, "b_range")
    data = kan.data(x)
    rows = data.reshape(-1, data.shape[-1])
    rows = rows[:: -(-len(rows) // _ROWS)] if len(rows) else rows
    affine = torch.full((len(places), len(chosen), 4), torch.nan, dtype=torch.float64)
    error, spread = torch.ones(affine.shape[:2], dtype=torch.float64), torch.zeros(len(places), dtype=torch.float64)
    with torch.no_grad():
        nodes = kan.activations(rows).nodes
        for l in sorted({place[0] for place in places}):
            here = [n for n, place in enumerate(places) if place[0] == l]
            inputs = torch.tensor([places[n][1] for n in here])
            outputs = torch.tensor([places[n][2] for n in here])
            curves = kan.layers[l].curves(nodes[l])[:, inputs, outputs].T
            used, source = inputs.unique(return_inverse=True)
            fits = fit_affine(nodes[l][:, used].T, curves, chosen, *ranges, source)
            affine[here], error[here] = fits.affine.cpu(), fits.error.cpu()
            spread[here] = curves.double().std(1, correction=0).cpu()
    return Candidates(tuple(places), tuple(chosen), affine, error, spread)


def functions_of(lib: str | Function | Iterable[str | Function] | None) -> list[Function]:
    """The functions of these names, each once; without names the library less its twins."""
    if lib is None:
        return [function for name, function in LIBRARY.items() if name not in _TWINS]
    named = [lib] if isinstance(lib, str | Function) else lib
    chosen = {function.name: function for function in map(function_named, named)}
    if not chosen:
        raise InputError("lib names no function; pass names of the library, as lib=['x', 'x^2', 'sin'].")
    return list(chosen.values())


def _present(kan: Network) -> list[Place]:
    return [(l, i, j) for l, layer in enumerate(kan.layers) for i, j in layer.present.nonzero().tolist()]
