r"""Exact Shapley values of a KAN of two layers, in polynomial time and with a bound of their errors.

Such a network is $f(x) = \sum_j \Phi_j\big(\sum_i \varphi_{ij}(x_i)\big)$: a sum of functions of sums, whose games
`ascribe.maths.sum_games` solves. A network of one layer is a sum of functions of its inputs, and its values are their
differences.
"""

from __future__ import annotations

import copy
import time
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.attribution import Attribution
from ascribe.core.budget import Budget
from ascribe.core.method import Recorded
from ascribe.core.names import numbered
from ascribe.core.threads import side_by_side
from ascribe.errors import InputError, MethodError, TargetError
from ascribe.kan.layer import KANLayer
from ascribe.kan.memory import require_columns
from ascribe.kan.structure import Network
from ascribe.kan.whole import whole
from ascribe.maths.kernels.base import base_function
from ascribe.maths.kernels.design import design
from ascribe.maths.piecewise import Piecewise
from ascribe.maths.sum_games import SumGames

_USUAL = 100  # rows of the network's own data that make a background
# What a network of another kind can do.
_OTHERWISE = (
    "pass explain(kan, x, ExactShapley(), background=...), which asks all coalitions of up to 20 columns, or Shapley(),"
    " which samples them"
)
_ROWS = 16  # worked on together, so that several threads have some
_TOGETHER = 2**18  # numbers of an edge's terms worked on together
# The largest fourth derivative of a base function, which is more than a quarter of its total variation.
_FOURTH = {"silu": 0.5, "identity": 0.0, "zero": 0.0}


def shapley(
    kan: Network,
    x: Tensor,
    background: Tensor | None = None,
    target: int | Literal["all"] | None = None,
    tolerance: float = 1e-6,
    memory: int | str = "256 MiB",
) -> Attribution:
    r"""Shapley values of every column for every row of x, with a bound of the error of each entry.

    The game is that of `explain(kan, x, Shapley(), background=background)`: $v(S)$ is the mean of the output over the
    background with the columns in S taken from x. Here no coalition is drawn and none is left out. For up to 12 columns
    that matter the outer functions are asked about all coalitions: `error` is that of rounding, whatever the edges. For
    more it is at most `tolerance` of the row's largest value, unless edges have such sharp kinks that the limit of
    terms is met (order 1); it is proven for B-spline edges of order 1 or more, and for others (symbolic ones too)
    estimated from what samples of them show. Where outer functions jump (order 0, sgn, step) it stays large. It counts
    what the dtype of x rounds. `gap` is what is then left of f(x) - mean f(background) - sum of values.

    Without `background`: 100 rows spread evenly over the data that the network remembers (all, where there are fewer).
    `target`: nothing (one output only), an output's number, or "all" (outputs in front).
    Layers [inputs, sums, outputs] or [inputs, outputs], affines included; products only of one factor.
    Price: O(rows background subnodes terms inputs^2 / 4) time for inputs that are read, on all of torch's threads;
    memory as given.

    Raises MethodError for products and for deeper networks, TargetError, InputError.

    >>> from ascribe.kan.network import KAN
    >>> a = KAN([30, 4, 1], seed=0, dtype=torch.float64).shapley(torch.ones(2, 30), torch.zeros(1, 30))
    >>> bool(a.gap.abs().max() < 1e-6), a.values.shape
    (True, torch.Size([2, 30]))
    """
    begun = time.perf_counter()
    _require_sums(kan)
    if not 0 < tolerance < 1:
        raise InputError(f"tolerance={tolerance} is no part of the largest value; pass one such as 1e-6.")
    rows, absent = _data(kan, x), _data(kan, _usual(kan) if background is None else background)
    outputs, budget = _outputs(kan, target), Budget(memory)
    with torch.no_grad():
        # Rounding in float32 would hide what is promised.
        exact = copy.deepcopy(kan).double()
        output, reference = exact(rows)[:, outputs].T, exact(absent)[:, outputs].mean(0)
        found = _Solved(exact, outputs, tolerance, budget.memory // torch.get_num_threads())
        parts = side_by_side(lambda some: found.of(some, absent), rows.split(found.step(len(absent))))
        values, error = (torch.cat(part, 1) for part in zip(*parts, strict=True))
        references = reference[:, None].expand_as(output)
        gap = output - references - values.sum(-1)
    given = x.dtype
    error = error + torch.finfo(given).eps * (values.abs() + error)
    made = [t.to(given) if target == "all" else t[0].to(given) for t in (values, error, output, references, gap)]
    return Attribution(
        values=made[0],
        error=made[1],
        output=made[2],
        reference=made[3],
        gap=made[4],
        inputs=x.detach(),
        names=tuple(kan.names) if kan.names is not None else numbered("x", (kan.columns,), plain=True),
        target=target,
        at=None,
        method=Recorded("KAN.shapley", f"KAN.shapley(tolerance={tolerance:g})"),
        calls=2,
        evaluations=len(rows) + len(absent),
        seconds=time.perf_counter() - begun,
    )


def _require_sums(kan: Network) -> None:
    if kan.depth > 2:
        raise MethodError(
            f"exact values in polynomial time are for one or two layers of edges, and this network has {kan.depth};"
            f" {_OTHERWISE}"
        )
    for l in range(1, kan.depth + 1):
        if any(factors > 1 for factors in kan.arity[l]):
            raise MethodError(
                f"exact values in polynomial time are for sums, and layer {l} multiplies (width={kan.width});"
                f" {_OTHERWISE}"
            )


def _usual(kan: Network) -> Tensor:
    seen = kan.data()
    rows = seen.reshape(-1, seen.shape[-1])
    return rows[torch.linspace(0, len(rows) - 1, min(_USUAL, len(rows))).round().long().to(rows.device)]


def _data(kan: Network, x: Tensor) -> Float[Tensor, "rows columns"]:
    require_columns(x, kan.columns)
    if x.ndim != 2 or len(x) == 0 or not bool(x.isfinite().all()):
        raise InputError(f"x has shape {tuple(x.shape)}; pass rows of {kan.columns} finite numbers: (rows, columns).")
    return x.detach().to(kan.input_id.device, torch.float64)


def _outputs(kan: Network, target: int | Literal["all"] | None) -> list[int]:
    count = kan.nodes(kan.depth)
    if target == "all":
        return list(range(count))
    if target is None and count > 1:
        raise TargetError(f'the network gives {count} outputs; pass target=0 to {count - 1}, or target="all"')
    number = 0 if target is None else whole(target, "target")
    if not 0 <= number < count:
        raise TargetError(f"target={target}, but the network gives {count} outputs (0..{count - 1})")
    return [number]


class _Solved:
    """The values of a network in float64."""

    def __init__(self, kan: Network, outputs: list[int], tolerance: float, memory: int) -> None:
        self.kan, self.outputs, self.tolerance, self.memory = kan, outputs, tolerance, memory
        scales = [kan.node_scale[l] * kan.subnode_scale[l] for l in range(kan.depth)]
        self.inner, self.outer = scales[0], scales[-1][outputs]
        self.bias = kan.node_bias[0] + kan.node_scale[0] * kan.subnode_bias[0]
        # A sum that no output reads brings nothing, be it a number or not.
        self.read = kan.layers[-1].present[:, outputs].any(1) if kan.depth == 2 else None

    def step(self, background: int) -> int:
        """The rows that are worked on together."""
        layer = self.kan.layers[0]
        a_row = 8 * layer.in_dim * (4 * layer.out_dim + 4 * len(self.outputs)) + 16 * background
        return max(1, min(_ROWS, self.memory // (4 * a_row)))

    def of(self, rows: Tensor, absent: Tensor) -> tuple[Tensor, Tensor]:
        """(outputs, rows, columns): values and errors."""
        kan = self.kan
        present, baseline = (self._moves(z[:, kan.input_id]) for z in (rows, absent))
        if kan.depth == 1:
            values = (present - baseline.mean(0))[:, self.outputs].transpose(0, 1)
            size = present.abs().amax((0, 1)) + baseline.abs().amax((0, 1))
            error = (16 * torch.finfo(size.dtype).eps * size).expand_as(values)
        else:
            found = self._games(present, baseline).values(self.tolerance)
            values, error = (part.transpose(0, 1) for part in found)
        spread = values.new_zeros(2, *values.shape[:2], kan.columns)
        spread[..., kan.input_id] = torch.stack([values, error])
        return spread[0], spread[1]

    def _moves(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n subnodes inputs"]:
        """What every input brings to every sum, scales included."""
        moves = _curves(self.kan.layers[0], x) * self.inner
        return (moves if self.read is None else torch.where(self.read, moves, 0.0)).mT.contiguous()

    def _games(self, present: Tensor, absent: Tensor) -> SumGames:
        """B-splines by their kinks; other families, base functions and symbolic edges as what they are."""
        layer = self.kan.layers[1]
        if layer.basis.family != "bspline" or layer.k == 0:
            return SumGames(present, absent, self._outer, memory=self.memory // 2, bias=self.bias)
        fourth = None
        if not layer.symbolic and layer.base_fun in _FOURTH:
            fourth = _FOURTH[layer.base_fun] * (layer.weight()[:, self.outputs, 0] * self.outer).abs()
        kinks = layer.grid if layer.extrapolate == "zero" else layer.grid[:, layer.k : layer.k + layer.num + 1]
        pieces = Piecewise.of(kinks, self._splines)
        return SumGames(present, absent, self._rest, fourth, pieces, self.memory // 2, self.bias)

    def _outer(self, z: Float[Tensor, "n subnodes"]) -> Float[Tensor, "n subnodes outputs"]:
        return _curves(self.kan.layers[1], z)[..., self.outputs] * self.outer

    def _rest(self, z: Float[Tensor, "n subnodes"]) -> Float[Tensor, "n subnodes outputs"]:
        """The edges less their splines."""
        layer = self.kan.layers[1]
        _require_inside(layer, z)
        found = base_function(layer.base_fun)(z, 0)[..., None] * layer.weight()[..., 0]
        if layer.symbolic:
            places = torch.arange(len(z), device=z.device)[:, None], layer.symbolic.source, layer.symbolic.subnode
            found = found.index_put(places, layer.symbolic.values(z), accumulate=True)
        return found[..., self.outputs] * self.outer

    def _splines(self, z: Float[Tensor, "n subnodes"]) -> Float[Tensor, "n subnodes orders outputs"]:
        """The splines of the edges, and all their derivatives."""
        layer = self.kan.layers[1]
        weight = layer.weight()[:, self.outputs, 1:] * self.outer[:, None]
        every = [design(z, layer.basis, p)[..., 1:] for p in range(layer.k + 1)]
        return torch.stack([torch.einsum("njt,jot->njo", terms, weight) for terms in every], 2)


def _require_inside(layer: KANLayer, x: Float[Tensor, "n inputs"]) -> None:
    if layer.extrapolate == "error":
        layer.inside(x)


def _curves(layer: KANLayer, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n inputs outputs"]:
    """Every edge at x, in pieces that stay in a core's cache."""
    _require_inside(layer, x)
    step = max(1, _TOGETHER // (layer.in_dim * (layer.num + layer.k + 1 + layer.out_dim)))
    return torch.cat([layer.curves(some) for some in x.split(step)])
