"""A layer of edges: splines, or sums over another family, and a base function from every input to every output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from ascribe.core.arguments import checked
from ascribe.errors import InputError
from ascribe.kan.activations import deviation
from ascribe.kan.confined import confined
from ascribe.kan.edges.edge import Edge
from ascribe.kan.edges.table import edge_named
from ascribe.kan.knots import Moved, moved
from ascribe.kan.span import span
from ascribe.kan.symbolic.edges import SymbolicEdges
from ascribe.kan.symbolic.function import Function
from ascribe.maths.kernels.base import base_function
from ascribe.maths.kernels.basis import Basis, Extrapolate
from ascribe.maths.kernels.design import design
from ascribe.maths.kernels.edge_sum import edge_sum
from ascribe.maths.kernels.weights import Weights

Beyond = Literal["linear", "zero", "error"]

_REAL = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
# Coefficients that are fitted together when a layer is made.
_FITTED = 1_000_000


def nearest_links(inputs: int, outputs: int) -> Bool[Tensor, "inputs outputs"]:
    """Both spread evenly over the same length: each of either to the nearest of the other, the first of two as near.

    >>> nearest_links(4, 2).long()
    tensor([[1, 0],
            [1, 0],
            [0, 1],
            [0, 1]])
    """
    # In whole numbers, so that what is equally near is so: at (2 i + 1) / (2 inputs) of the length.
    at_inputs = (2 * torch.arange(inputs) + 1) * outputs
    at_outputs = (2 * torch.arange(outputs) + 1) * inputs
    distance = (at_inputs[:, None] - at_outputs).abs()
    links = torch.zeros(inputs, outputs, dtype=torch.bool)
    links[torch.arange(inputs), distance.argmin(1)] = True
    links[distance.argmin(0), torch.arange(outputs)] = True
    return links


def require_real(x: Any) -> None:
    """Raises InputError unless x is a tensor of real numbers."""
    if not isinstance(x, Tensor):
        raise InputError(f"x is a {type(x).__name__}, but edges take tensors; pass torch.as_tensor(x) of its values.")
    if not x.is_floating_point():
        raise InputError(f"x has dtype {x.dtype}, but edges are functions of real numbers; pass x.float().")


class KANLayer(nn.Module):
    r"""$y_j = \sum_i \varphi_{ij}(x_i)$ with $\varphi_{ij} = m_{ij}\,(s^b_{ij}\,b + s^p_{ij} \sum_m c_{ijm} B_{im})$.

    An edge may also be, or have added to it, a named function $c f(a x + b) + d$: see `fix` and `symbolic`.
    It goes where nn.Linear goes: (*, in_dim) -> (*, out_dim). `num` cells of splines of order `k` lie between the ends
    of `grid_range`; outside, an edge continues linearly (`extrapolate="linear"`), fades out ("zero"), or the layer
    raises InputError ("error"). `edge` names another family of num + k functions: "chebyshev", "fourier", "rbf",
    "wavelet" or "rational". With `sparse_init` there are at the start only the edges from an input to the nearest
    output and from an output to the nearest input, both layers spread evenly over the same length. The values at the
    start come from `generator`, or from `seed`, never from the global generator.

    >>> KANLayer(3, 2)(torch.zeros(7, 5, 3)).shape
    torch.Size([7, 5, 2])
    """

    grid: Tensor
    mask: Tensor

    @checked
    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        num: int = 5,
        k: int = 3,
        noise_scale: float = 0.5,
        scale_base_mu: float = 0.0,
        scale_base_sigma: float = 1.0,
        base_fun: str = "silu",
        grid_eps: float = 0.02,
        grid_range: tuple[float, float] = (-1.0, 1.0),
        sp_trainable: bool = True,
        sb_trainable: bool = True,
        extrapolate: Beyond | str = "linear",
        edge: str = "bspline",
        sparse_init: bool = False,
        seed: int = 1,
        generator: torch.Generator | None = None,
        device: torch.types.Device = "cpu",
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        base_function(base_fun)
        if in_dim < 1 or out_dim < 1 or num < 1 or k < 0:
            raise InputError(
                f"a layer of {in_dim} inputs, {out_dim} outputs, {num} cells and order {k} cannot be;"
                " pass in_dim, out_dim, num >= 1 and k >= 0."
            )
        if extrapolate not in ("linear", "zero", "error"):
            raise InputError(f"extrapolate={extrapolate!r} is not known; pass 'linear', 'zero' or 'error'.")
        low, high = span(grid_range, "grid_range")
        if not low < high:
            raise InputError(f"grid_range=({low}, {high}) is empty; pass (low, high) with low < high.")
        self.in_dim, self.out_dim, self.num, self.k = in_dim, out_dim, num, k
        self.base_fun, self.grid_eps, self.extrapolate, self.family = base_fun, grid_eps, extrapolate, edge
        draw = generator if generator is not None else torch.Generator().manual_seed(seed)
        real = dtype or torch.get_default_dtype()
        if real not in _REAL:
            raise InputError(f"dtype={real} holds no curves; pass torch.float32 or torch.float64.")
        knots = self.edge.knots(
            torch.full((in_dim,), low, dtype=real), torch.full((in_dim,), high, dtype=real), self.num
        )
        points = knots[:, self.k : self.k + self.num + 1]
        coef = torch.empty(in_dim, out_dim, self.num + self.k, dtype=real)
        # A few inputs at a time: the fit is in float64 and would hold several times what is kept.
        step = max(1, _FITTED // (out_dim * (self.num + self.k)))
        for some in (slice(first, first + step) for first in range(0, in_dim, step)):
            noise = torch.rand(len(points[some]), out_dim, self.num + 1, generator=draw, dtype=real)
            noise.sub_(0.5).mul_(noise_scale).div_(self.num)
            coef[some] = self.edge.fit(points[some], noise, knots[some])
        spread = scale_base_sigma * (2 * torch.rand(in_dim, out_dim, generator=draw, dtype=real) - 1)
        self.register_buffer("grid", knots.to(device))
        mask = nearest_links(in_dim, out_dim).to(real) if sparse_init else torch.ones(in_dim, out_dim, dtype=real)
        self.register_buffer("mask", mask.to(device))
        self.coef = nn.Parameter(coef.to(device))
        self.scale_base = nn.Parameter(((scale_base_mu + spread) / in_dim**0.5).to(device), requires_grad=sb_trainable)
        scale_sp = torch.full((in_dim, out_dim), in_dim**-0.5, dtype=real, device=device)
        self.scale_sp = nn.Parameter(scale_sp, requires_grad=sp_trainable)
        self.symbolic = SymbolicEdges(in_dim, out_dim, real, device)

    def extra_repr(self) -> str:
        edge = "" if self.family == "bspline" else f", edge={self.family!r}"
        return f"{self.in_dim}, {self.out_dim}, num={self.num}, k={self.k}, base_fun={self.base_fun!r}{edge}"

    @property
    def beyond(self) -> Extrapolate:
        """How the spline operation continues an edge outside its grid."""
        return "zero" if self.extrapolate == "zero" else "linear"

    @property
    def edge(self) -> Edge:
        """The part of the edges that has a grid."""
        return edge_named(self.family, self.k, self.beyond)

    @property
    def range(self) -> tuple[Float[Tensor, " inputs"], Float[Tensor, " inputs"]]:
        """The ends of every input's grid."""
        return self.grid[:, self.k], self.grid[:, self.k + self.num]

    @property
    def basis(self) -> Basis:
        """What the edges are sums of."""
        return Basis(self.grid, self.k, self.base_fun, self.beyond, self.family)

    def weights(self) -> Weights:
        """The numbers of the edges, as they are held."""
        return Weights(self.scale_base, self.coef, self.scale_sp, self.mask)

    def weight(self) -> Float[Tensor, "inputs outputs terms"]:
        """Mask, scales and coefficients folded into one weight a term; term 0 is the base function's."""
        return self.weights().folded()

    def forward(self, x: Shaped[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        rows = self.rows(x)
        return self.edges(rows)[0].reshape(*x.shape[:-1], self.out_dim)

    def rows(self, x: Tensor) -> Float[Tensor, "n inputs"]:
        """x as (n, in_dim) of the layer's dtype.  Raises InputError for a wrong number of columns or integers."""
        require_real(x)
        if x.ndim == 0 or x.shape[-1] != self.in_dim:
            raise InputError(
                f"x has shape {tuple(x.shape)}, but the layer takes (*, {self.in_dim}); select its columns."
            )
        return x.reshape(-1, self.in_dim).to(self.coef.dtype)

    def edges(
        self, x: Float[Tensor, "n inputs"], spread: bool = False
    ) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, "inputs outputs"] | None]:
        """The sums over edges and, on request, the standard deviation of every edge over the rows."""
        return self.with_symbolic(x, *self.splines(x, spread))

    def splines(
        self, x: Float[Tensor, "n inputs"], spread: bool = False
    ) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, "inputs outputs"] | None]:
        """As `edges`, without what is symbolic."""
        rows = self.inside(x) if self.extrapolate == "error" else x
        return edge_sum(rows, self.basis, self.weights(), spread)

    def with_symbolic(
        self, x: Float[Tensor, "n inputs"], sums: Float[Tensor, "n outputs"], spread: Float[Tensor, "_ _"] | None
    ) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, "inputs outputs"] | None]:
        """What `splines` gave at x, with the symbolic edges added to it."""
        if not self.symbolic:
            return sums, spread
        values = self.symbolic.values(x)
        if spread is not None:
            source, subnode = self.symbolic.source, self.symbolic.subnode
            whole = values
            if bool((self.mask[source, subnode] != 0).any()):
                whole = values + torch.einsum(
                    "nmt,mt->nm", design(x, self.basis)[:, source], self.weight()[source, subnode]
                )
            spread = spread.index_put((source, subnode), deviation(whole))
        return sums + self.symbolic.gather(values), spread

    def update_grid(self, x: Float[Tensor, "*batch inputs"], tolerance: float = 0.05) -> Float[Tensor, " inputs"]:
        """Move the grids to what the layer is given, and fit the coefficients anew: how far each grid has gone, 0 to 1.

        An input whose edges would change by more than `tolerance` of their spread goes only part of the way, or stays;
        so does one that is constant, and a layer whose coefficients are frozen. `float("inf")` lets all go.  Raises
        InputError as `rows` does, for fewer than two rows, and for values that are not finite.
        """
        with torch.no_grad():
            return self.move_grid(self.rows(x), tolerance, hidden=False).share

    def move_grid(self, x: Float[Tensor, "n inputs"], tolerance: float, hidden: bool) -> Moved:
        """As `update_grid`, with all that `knots.moved` has to say; for data that may still be outside the grids."""
        if not self.coef.requires_grad:
            still = self.grid.new_zeros(self.in_dim)
            return Moved(self.grid, self.coef, still, still)
        found = moved(x, self.basis, self.weights(), self.grid_eps, tolerance, hidden)
        self.grid.copy_(found.knots)
        with torch.no_grad():
            self.coef.copy_(found.coef)
        return found

    def curves(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n inputs outputs"]:
        """Every whole edge at x.  Memory for all of them."""
        found = torch.einsum("nit,ijt->nij", design(x, self.basis), self.weight())
        if not self.symbolic:
            return found
        every = torch.arange(len(x), device=x.device)[:, None]
        places = every, self.symbolic.source, self.symbolic.subnode
        return found.index_put(places, self.symbolic.values(x), accumulate=True)

    @property
    def present(self) -> Bool[Tensor, "inputs outputs"]:
        """The edges that there are: with a spline that is not masked, or symbolic."""
        there = self.mask != 0
        if self.symbolic:
            there[self.symbolic.source, self.symbolic.subnode] = True
        return there

    def fix(self, i: int, j: int, function: str | Function, affine: Sequence[float | int] | Float[Tensor, "4"]) -> None:
        """Make the edge from input i to subnode j the function c f(a x + b) + d alone; `affine` is a, b, c, d."""
        self.symbolic.put(i, j, function, torch.as_tensor(affine, dtype=self.mask.dtype, device=self.mask.device))
        self.mask[i, j] = 0

    def unfix(self, i: int, j: int) -> None:
        """Make the edge from input i to subnode j its spline again."""
        self.symbolic.drop(i, j)
        self.mask[i, j] = 1

    def remove(self, i: int, j: int) -> None:
        """Take the edge from input i to subnode j away, whatever it is."""
        self.symbolic.drop(i, j)
        self.mask[i, j] = 0

    def inside(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n inputs"]:
        """x itself; InputError where it leaves the grid of a spline. A program that cannot raise gives NaN there."""
        splined = (self.mask != 0).any(1)
        return confined(
            x, self.range, splined, range(self.in_dim), 'call update_grid(x), or pass extrapolate="linear".'
        )
