"""A convolution whose every tap is an edge function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn.functional import pad, unfold
from torch.utils.checkpoint import checkpoint

from ascribe.core.arguments import checked
from ascribe.errors import InputError
from ascribe.kan.layer import Beyond, KANLayer, require_real
from ascribe.maths.kernels.watch import transformed, watched

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
Pair = int | Sequence[int]

# Numbers of patches that are laid out at a time.
_PATCHES = 8_000_000


@final
class KANConv2d(nn.Module):
    r"""$y_o(p) = \sum_{c,q} \varphi_{cqo}(x_c(s\,p + d\,q))$ over the places q of a kernel; as nn.Conv2d is used.

    Stride, padding, dilation and groups mean what they mean there, and the input is (N, C, H, W) or (C, H, W). A group
    is a KANLayer over patches (its input channels times the kernel's places, in the order of nn.Unfold), so all that is
    said of its edges, grids and families holds here; `num`, `k` and what follows are its arguments. What is padded is a
    number like any other: a 0 goes through the edge.

    Patches are laid out a piece at a time, and again on the way back: memory beside input and output is that of 8
    million numbers, or of one row of outputs.
    Raises InputError for channels that do not divide, wrong shapes, and kernels larger than what they slide over.

    >>> KANConv2d(3, 8, 3, padding=1)(torch.zeros(2, 3, 10, 12)).shape
    torch.Size([2, 8, 10, 12])
    """

    @checked
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair | str = 0,
        dilation: Pair = 1,
        groups: int = 1,
        padding_mode: PaddingMode | str = "zeros",
        *,
        num: int = 5,
        k: int = 3,
        noise_scale: float = 0.5,
        scale_base_mu: float = 0.0,
        scale_base_sigma: float = 1.0,
        base_fun: str = "silu",
        grid_eps: float = 0.02,
        grid_range: tuple[float, float] = (-1.0, 1.0),
        extrapolate: Beyond | str = "linear",
        edge: str = "bspline",
        seed: int = 1,
        device: torch.types.Device = "cpu",
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if groups < 1 or in_channels % groups or out_channels % groups or min(in_channels, out_channels) < 1:
            raise InputError(
                f"{in_channels} channels in and {out_channels} out do not divide into groups={groups};"
                " pass numbers that are multiples of the groups."
            )
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise InputError(
                f"padding_mode={padding_mode!r} is not known; pass 'zeros', 'reflect', 'replicate' or 'circular'."
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.dilation = _pair("kernel_size", kernel_size), _pair("dilation", dilation)
        self.stride, self.padding_mode = _pair("stride", stride), padding_mode
        self.padding = self._margins(padding)
        generator = torch.Generator().manual_seed(seed)
        self.layers = nn.ModuleList(
            KANLayer(
                in_channels // groups * self.kernel_size[0] * self.kernel_size[1],
                out_channels // groups,
                num=num,
                k=k,
                noise_scale=noise_scale,
                scale_base_mu=scale_base_mu,
                scale_base_sigma=scale_base_sigma,
                base_fun=base_fun,
                grid_eps=grid_eps,
                grid_range=grid_range,
                extrapolate=extrapolate,
                edge=edge,
                generator=generator,
                device=device,
                dtype=dtype,
            )
            for _ in range(groups)
        )

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride},"
            f" padding={self.padding}, dilation={self.dilation}, groups={self.groups}"
        )

    def forward(self, x: Shaped[Tensor, "*shape"]) -> Float[Tensor, "*n out high wide"]:
        require_real(x)
        if x.ndim not in (3, 4) or x.shape[-3] != self.in_channels:
            raise InputError(
                f"x has shape {tuple(x.shape)}, but the layer takes (N, {self.in_channels}, height, width);"
                " bring its channels second."
            )
        images = self._padded(x if x.ndim == 4 else x[None])
        size = self._size(images)
        y = self._convolve(images) if watched(x) or transformed() else self._by_pieces(images, *size)
        return y if x.ndim == 4 else y[0]

    def patches(self, x: Float[Tensor, "n channels height width"]) -> list[Float[Tensor, "n places inputs"]]:
        """What the layer of every group is given, for the whole of x: for its grids, its scores, or a look."""
        return self._laid_out(self._padded(x))

    def _padded(self, images: Tensor) -> Tensor:
        if not any(self.padding):
            return images
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        # A mirror shows all but the edge itself; a circle is gone round once at most.
        most = {"reflect": 1, "circular": 0}.get(mode)
        sides = images.shape[3], images.shape[2]
        if most is not None and any(max(self.padding[2 * n : 2 * n + 2]) > side - most for n, side in enumerate(sides)):
            raise InputError(
                f"padding={self.padding} (left, right, top, bottom) is wider than what padding_mode={mode!r} finds in"
                f" {sides[1]} x {sides[0]}; pass a larger image, a smaller padding, or padding_mode='zeros'."
            )
        return pad(images, self.padding, mode=mode)

    def _size(self, images: Tensor) -> tuple[int, int]:
        """The height and width of the outputs.  Raises InputError where there are none."""
        reach = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel_size, strict=True)]
        high, wide = ((n - r) // s + 1 for n, r, s in zip(images.shape[2:], reach, self.stride, strict=True))
        if high < 1 or wide < 1:
            raise InputError(
                f"a kernel that reaches over {reach[0]} x {reach[1]} does not fit into {images.shape[2]} x"
                f" {images.shape[3]} with its padding; pass a larger image, or a larger padding."
            )
        return high, wide

    def _laid_out(self, images: Tensor) -> list[Tensor]:
        patches = unfold(images, self.kernel_size, self.dilation, stride=self.stride).transpose(1, 2)
        return list(patches.split(patches.shape[2] // self.groups, 2))

    def _convolve(self, images: Tensor) -> Tensor:
        """All of them at once."""
        laid = self._laid_out(images)
        y = torch.cat([layer(rows) for layer, rows in zip(self.layers, laid, strict=True)], 2)
        return y.transpose(1, 2).reshape(images.shape[0], self.out_channels, *self._size(images))

    def _by_pieces(self, images: Tensor, high: int, wide: int) -> Tensor:
        """Some images at a time, or some rows of the outputs of one."""
        a_row = self.in_channels * self.kernel_size[0] * self.kernel_size[1] * wide
        if a_row * high * len(images) <= _PATCHES:
            return self._convolve(images)
        some, rows = max(1, _PATCHES // (a_row * high)), max(1, min(high, _PATCHES // a_row))
        learning = torch.is_grad_enabled() and (images.requires_grad or any(p.requires_grad for p in self.parameters()))
        done: list[Tensor] = []
        for piece in images.split(some):
            strips = self._strips(piece, high, rows)
            if learning:
                # Only views of the input are kept; the patches are laid out again on the way back.
                found = [checkpoint(self._convolve, s, use_reentrant=False, preserve_rng_state=False) for s in strips]
            else:
                found = [self._convolve(s) for s in strips]
            done.append(torch.cat(found, 2))
        return torch.cat(done)

    def _strips(self, images: Tensor, high: int, rows: int) -> Iterator[Tensor]:
        """What so many rows of the outputs look at, one after another."""
        stride, reach = self.stride[0], self.dilation[0] * (self.kernel_size[0] - 1) + 1
        for first in range(0, high, rows):
            last = min(high, first + rows) - 1
            yield images[:, :, first * stride : last * stride + reach]

    def _margins(self, padding: Pair | str) -> tuple[int, int, int, int]:
        """Left, right, top and bottom."""
        if padding == "valid":
            return 0, 0, 0, 0
        if padding == "same":
            if self.stride != (1, 1):
                raise InputError(f'padding="same" needs a stride of 1, not {self.stride}; pass the padding in numbers.')
            high, wide = (d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True))
            return wide // 2, wide - wide // 2, high // 2, high - high // 2
        if isinstance(padding, str):
            raise InputError(f"padding={padding!r} is not known; pass numbers, 'valid' or 'same'.")
        high, wide = _pair("padding", padding, least=0)
        return wide, wide, high, high


def _pair(name: str, value: Pair, least: int = 1) -> tuple[int, int]:
    """Of height and width."""
    found = (value, value) if isinstance(value, int) else tuple(int(v) for v in value)
    if len(found) != 2 or min(found) < least:
        raise InputError(f"{name}={value!r} is no size; pass one whole number or two, {least} or more.")
    return found[0], found[1]
