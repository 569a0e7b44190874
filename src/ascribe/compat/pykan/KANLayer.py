"""kan.KANLayer: the native layer of splines behind pykan's arguments, which gives its parts with its sums."""  # noqa: N999

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.compat.pykan._choice import chosen, exchanged
from ascribe.compat.pykan._names import names_of
from ascribe.core.arguments import checked
from ascribe.errors import InputError
from ascribe.kan import layer as native
from ascribe.kan.knots import data_grid, is_constant
from ascribe.kan.span import span
from ascribe.maths.kernels.design import design
from ascribe.maths.splines import extend_knots

Parts = tuple[Tensor, Tensor, Tensor, Tensor]
_BASES: dict[type, str] = {nn.SiLU: "silu", nn.Identity: "identity"}


@checked
class KANLayer(native.KANLayer):
    """`forward` gives (y, preacts, postacts, postspline), the last three (n, outputs, inputs).

    >>> y, preacts, postacts, postspline = KANLayer(3, 5)(torch.rand(7, 3))
    >>> y.shape, postacts.shape
    (torch.Size([7, 5]), torch.Size([7, 5, 3]))
    """

    def __init__(
        self,
        in_dim: int = 3,
        out_dim: int = 2,
        num: int = 5,
        k: int = 3,
        noise_scale: float | int = 0.5,
        scale_base_mu: float | int = 0.0,
        scale_base_sigma: float | int = 1.0,
        scale_sp: float | int = 1.0,
        base_fun: str | Callable[[Tensor], Tensor] = "silu",
        grid_eps: float | int = 0.02,
        grid_range: Sequence[float | int] = (-1, 1),
        sp_trainable: bool = True,
        sb_trainable: bool = True,
        save_plot_data: bool = True,
        device: torch.device | str = "cpu",
        sparse_init: bool = False,
    ) -> None:
        base = base_fun if isinstance(base_fun, str) else _BASES.get(type(base_fun))
        if base is None:
            raise InputError(f"base_fun={base_fun!r} is not known; pass 'silu', 'identity' or 'zero'.")
        super().__init__(
            in_dim,
            out_dim,
            num,
            k,
            noise_scale,
            scale_base_mu,
            scale_base_sigma,
            base,
            grid_eps,
            span(grid_range, "grid_range"),
            sp_trainable,
            sb_trainable,
            sparse_init=sparse_init,
            device=device,
        )
        self.scale_sp.data.mul_(scale_sp)

    @property
    def device(self) -> torch.device:
        """Where the layer is."""
        return self.coef.device

    def forward(self, x: Float[Tensor, "n inputs"]) -> Parts:  # pyright: ignore[reportIncompatibleMethodOverride]
        rows = self.rows(x)
        curves = self.curves(rows).transpose(1, 2)
        preacts = rows[:, None].expand(-1, self.out_dim, -1)
        return self.edges(rows)[0], preacts, curves, postsplines(self, rows)

    def update_grid_from_samples(self, x: Float[Tensor, "n inputs"], mode: str = "sample") -> None:
        """Move the grid to the quantiles of x; the splines are fitted anew, as near as they can be.

        A constant column keeps its grid.  `mode` has no effect: the fit looks at the samples.
        """
        knots = extend_knots(data_grid(x, self.num, self.grid_eps), self.k)
        refit(self, torch.where(is_constant(x)[:, None], self.grid, knots), self, x)

    def initialize_grid_from_parent(
        self, parent: native.KANLayer, x: Float[Tensor, "n inputs"], mode: str = "sample"
    ) -> None:
        """The grid over the parent's range in cells of this layer's number, and the parent's splines on it."""
        refit(self, resampled(parent, self.num, self.k), parent, x)

    def get_subset(self, in_id: Sequence[int], out_id: Sequence[int]) -> KANLayer:
        """The layer between some of the inputs and outputs."""
        new = copy.deepcopy(self)
        inputs, outputs = (
            torch.tensor(chosen(ids, count, name), device=self.device)
            for ids, count, name in ((in_id, self.in_dim, "in_id"), (out_id, self.out_dim, "out_id"))
        )
        new.in_dim, new.out_dim = len(inputs), len(outputs)
        new.grid, new.mask = self.grid[inputs], self.mask[inputs][:, outputs]
        for name in ("coef", "scale_base", "scale_sp"):
            old = getattr(self, name)
            setattr(new, name, nn.Parameter(old.detach()[inputs][:, outputs], requires_grad=old.requires_grad))
        new.symbolic = self.symbolic.select(inputs.tolist(), outputs.tolist())
        return new

    def swap(self, i1: int, i2: int, mode: str = "in") -> None:
        """Inputs i1 and i2 in each other's place, or outputs with `mode="out"`; in place."""
        inputs, outputs = exchanged(self.in_dim, self.out_dim, i1, i2, mode)
        self.load_state_dict(self.get_subset(inputs, outputs).state_dict())


def postsplines(layer: native.KANLayer, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n outputs inputs"]:
    """The splines alone, without base function, scales and masks."""
    return torch.einsum("nim,iom->noi", design(x, layer.basis)[:, :, 1:], layer.coef)


def refit(layer: native.KANLayer, knots: Tensor, like: native.KANLayer, x: Float[Tensor, "n inputs"]) -> None:
    """Give a layer these knots, and on them the splines of another, fitted at x."""
    with torch.no_grad():
        layer.coef.copy_(layer.edge.fit(x.T, postsplines(like, x).permute(2, 1, 0), knots))
        layer.grid.copy_(knots)


def resampled(parent: native.KANLayer, cells: int, order: int) -> Float[Tensor, "inputs knots"]:
    """The parent's cells cut into another number of them, each a share of the old ones."""
    points = parent.grid[:, parent.k : parent.k + parent.num + 1]
    at = torch.linspace(0, parent.num, cells + 1, dtype=points.dtype, device=points.device)
    left = at.floor().long().clamp(max=parent.num - 1)
    return extend_knots(torch.lerp(points[:, left], points[:, left + 1], at - left), order)


__getattr__ = names_of(__name__)
