r"""The spline operation on a GPU: `plain`, with the terms and their slopes made in Triton.

The design of a piece of rows is made, used by torch's matrix products and dropped, as in `plain`; a thread of the
kernels knows the k + 1 bases that are not 0 at its sample, writes a term once, and reads k + 1 numbers on the way back
to x. No number is added to by two threads: the same bits each time, as far as torch's products keep that promise; they
also follow its switch for TF32, which is off unless a user turns it on.

Triton comes with torch's wheels for CUDA. The kernels were compiled for such GPUs, with registers to spare, and their
numbers compared with those of `plain` in Triton's interpreter; how fast they are has not been measured.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.maths.kernels.base import base_function
from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.native import forced_to_torch
from ascribe.maths.kernels.pieces import ByPieces

# Samples of one program, one for each thread of its four warps.
_ROWS = 128


@cache
def available() -> bool:
    """Whether there is a Triton, of version 3.3 or later: the kernels hold their bases in tuples, which it brought."""
    from ascribe.maths.kernels.triton_kernels import tl

    return hasattr(tl, "tuple")


def takes(x: Tensor, basis: Basis) -> bool:
    """Whether this form works on this tensor."""
    return (
        basis.family == "bspline"
        and x.is_cuda
        and x.dtype in (torch.float32, torch.float64)
        and not forced_to_torch()
        and available()
    )


def design(x: Float[Tensor, "n inputs"], basis: Basis, derivative: int = 0) -> Float[Tensor, "inputs terms n"]:
    """Every term of every input, or a derivative of it."""
    from ascribe.maths.kernels.triton_kernels import design_kernel

    columns = x.T.contiguous()
    values = x.new_empty(x.shape[1], basis.terms, len(x))
    values[:, 0] = base_function(basis.base)(columns, derivative)
    _launch(design_kernel, columns, basis, values, DERIVATIVE=derivative)
    return values


def _evaluate(x: Tensor, basis: Basis, slopes: bool) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The terms; their slopes are never written: the kernel that pulls a gradient back to x makes them in registers."""
    return design(x, basis), lambda gradient: _pulled(gradient, x, basis)


_form = ByPieces(_evaluate)
forward, backward, spreads, deviations = _form.forward, _form.backward, _form.spreads, _form.deviations


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
