r"""The spline operation on a GPU: `plain`, with the terms and their slopes made in Triton.

The design of a piece of rows is made, used by torch's matrix products and dropped, as in `plain`; a thread of the
kernels knows the k + 1 bases that are not 0 at its sample, writes a term once, and reads k + 1 numbers on the way back
to x. No number is added to by two threads: the same bits each time, as far as torch's products keep that promise; they
also follow its switch for TF32, which is off unless a user turns it on.

Triton comes with torch's wheels for CUDA. The kernels were compiled for such GPUs, with registers to spare, and their
numbers compared with those of `plain` in Triton's interpreter; how fast they are has not been measured.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.kernels import plain
from ascribe.maths.kernels.base import base_function
from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.form import Moments
from ascribe.maths.kernels.native import forced_to_torch
from ascribe.maths.kernels.weights import Weights

spreads = plain.spreads
deviations = plain.deviations

# Samples of one program, one for each thread of its four warps.
_ROWS = 128


@cache
def available() -> bool:
    """Whether there is a Triton, of version 3.3 or later: the kernels hold their bases in tuples, which it brought."""
    from ascribe.maths.kernels.triton_kernels import tl

    return hasattr(tl, "tuple")


def takes(x: Tensor) -> bool:
    """Whether this form works on this tensor."""
    return x.is_cuda and x.dtype in (torch.float32, torch.float64) and not forced_to_torch() and available()


def design(x: Float[Tensor, "n inputs"], basis: Basis, derivative: int = 0) -> Float[Tensor, "inputs terms n"]:
    """Every term of every input, or a derivative of it."""
    from ascribe.maths.kernels.triton_kernels import design_kernel

    columns = x.T.contiguous()
    values = x.new_empty(x.shape[1], basis.terms, len(x))
    values[:, 0] = base_function(basis.base)(columns, derivative)
    _launch(design_kernel, columns, basis, values, DERIVATIVE=derivative)
    return values


def forward(
    x: Float[Tensor, "n inputs"],
    basis: Basis,
    weights: Weights,
    moments: bool = False,
    *,
    y: Float[Tensor, "n outputs"] | None = None,
    into: Moments | None = None,
) -> tuple[Float[Tensor, "n outputs"], Moments | None]:
    """The sums over edges and, on request, the moments of the terms; written to `y` and `into` where they are given."""
    inputs, outputs = weights.base.shape
    stacked = weights.folded().mT.reshape(inputs * basis.terms, outputs)
    y = x.new_empty(len(x), outputs) if y is None else y
    gathered = plain._Gathered(x, basis) if moments else None
    for rows in plain._pieces(x, basis):
        values = design(x[rows], basis)
        y[rows] = values.flatten(0, 1).T @ stacked
        if gathered is not None:
            gathered.add(values)
    if gathered is None:
        return y, None
    found = gathered.moments()
    return y, found if into is None else Moments(into.mean.copy_(found.mean), into.covariance.copy_(found.covariance))


def backward(
    gy: Float[Tensor, "n outputs"],
    x: Float[Tensor, "n inputs"],
    basis: Basis,
    weights: Weights,
    pull: Float[Tensor, "inputs outputs"] | None = None,
    moments: Moments | None = None,
    *,
    drift: Float[Tensor, " inputs"] | None = None,
    centre: Float[Tensor, " inputs"] | None = None,
    to_x: bool = True,
    to_weights: bool = True,
    into: tuple[Tensor | None, Weights | None] = (None, None),
) -> tuple[Float[Tensor, "n inputs"] | None, Weights | None]:
    """The gradients in x and in the weights, written to `into` where these are given; `plain` has the formulas."""
    folded = weights.folded()
    inputs, outputs, terms = folded.shape
    stacked = folded.mT.reshape(inputs * terms, outputs)
    spread = None if pull is None or moments is None else (pull, moments)
    gx, to = into
    gx = torch.empty_like(x) if to_x and gx is None else gx
    gw = x.new_zeros(inputs * terms, outputs) if to_weights else None
    mixing = middle = None
    if spread is not None and gx is not None:
        mixing = (folded.mT * spread[0][:, None]) @ folded / max(1, len(x) - 1)
        middle = mixing @ spread[1].mean.to(x.dtype)[..., None]
    for rows in plain._pieces(x, basis):
        values = design(x[rows], basis) if gw is not None or mixing is not None else None
        if gw is not None and values is not None:
            gw.addmm_(values.flatten(0, 1), gy[rows])
        if gx is None:
            continue
        towards = torch.mm(stacked, gy[rows].T).view(inputs, terms, -1)
        if mixing is not None and middle is not None and values is not None:
            towards.baddbmm_(mixing, values).sub_(middle)
        gx[rows] = _pulled(towards, x[rows], basis)
    if gx is not None and drift is not None and centre is not None:
        gx += (drift * (x - centre)).to(x.dtype)
    if gw is None:
        return gx, None
    gradient = gw.view(inputs, terms, outputs).mT
    if spread is not None:
        gradient = gradient + (folded.double() @ spread[1].covariance).to(x.dtype).mul_(spread[0][..., None])
    found = weights.unfolded(gradient)
    if to is None:
        return gx, found
    for memory, numbers in zip(to, found, strict=True):
        if memory is not None and numbers is not None:
            memory.copy_(numbers)
    return gx, to


def _pulled(gradient: Float[Tensor, "inputs terms n"], x: Tensor, basis: Basis) -> Float[Tensor, "n inputs"]:
    """A gradient in the design as one in x."""
    from ascribe.maths.kernels.triton_kernels import slope_kernel

    columns = x.T.contiguous()
    gx = torch.empty_like(columns)
    _launch(slope_kernel, columns, basis, gradient, gx)
    return gx.addcmul_(base_function(basis.base)(columns, 1), gradient[:, 0]).T


def _launch(kernel: Any, columns: Float[Tensor, "inputs n"], basis: Basis, *tensors: Tensor, **recipe: int) -> None:
    """One program for each input and each _ROWS samples of it."""
    inputs, n = columns.shape
    linear = basis.extrapolate == "linear"
    cells = basis.bases - 1 - basis.order if linear else basis.bases + basis.order + 1
    with torch.cuda.device_of(columns):
        kernel[(inputs * -(-n // _ROWS),)](
            columns, basis.knots.contiguous(), *tensors, n, inputs, basis.bases,
            ORDER=basis.order, LINEAR=linear, HALVINGS=cells.bit_length(), TINY=torch.finfo(columns.dtype).tiny,
            ROWS=_ROWS, enable_fp_fusion=True, **recipe,
        )  # fmt: skip
