"""The spline operation compiled for the CPU: the same functions as `plain`, on addresses and strides.

Nothing of the size of rows times inputs times terms is ever held: a block of samples of one input at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import InputError
from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.form import Moments
from ascribe.maths.kernels.native import native
from ascribe.maths.kernels.weights import Weights

if TYPE_CHECKING:
    from ascribe.maths.kernels import _native

_BASES = ("silu", "identity", "zero")
_MISSING = (0, 0, 0)
HIGHEST_ORDER, HIGHEST_DERIVATIVE = 15, 30
# Products of terms and edges below which a second thread would take longer to start than it helps.
_ALONE = 4_000_000


def takes(x: Tensor, basis: Basis) -> bool:
    """Whether the compiled form works on this tensor; it asks for the module, which warns where there is none."""
    if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.float64):
        return False
    known = basis.family == "bspline" and basis.order <= HIGHEST_ORDER and basis.base in _BASES
    return known and native() is not None


def design(x: Float[Tensor, "n inputs"], basis: Basis, derivative: int = 0) -> Float[Tensor, "inputs terms n"]:
    """Every term of every input, or a derivative of it."""
    n, inputs = x.shape
    out = x.new_empty(inputs, basis.terms, n)
    knots = basis.knots.contiguous()
    layer = _layer(x, basis, knots)
    _module().design(layer, derivative, out.data_ptr(), _threads(n * inputs * basis.terms * 8))
    return out


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
    n, inputs = x.shape
    outputs = weights.base.shape[1]
    if y is None:
        # As x lies in memory, so does y: rows first, or features first.
        y = x.new_empty(outputs, n).T if x.stride(0) == 1 and n > 1 else x.new_empty(n, outputs)
    knots = basis.knots.contiguous()
    layer = _layer(x, basis, knots, weights)
    found = (into or _moments(inputs, basis.terms)) if moments else None
    mean, covariance = (0, 0) if found is None else (found.mean.data_ptr(), found.covariance.data_ptr())
    _module().forward(layer, strided(y), mean, covariance, _threads(n * inputs * (outputs + 4) * basis.order))
    return y, found


def spreads(
    weights: Weights, moments: Moments, smoothing: float = 0.0, *, out: Float[Tensor, "inputs outputs"] | None = None
) -> Float[Tensor, "inputs outputs"]:
    r"""$\sqrt{w^\top C w + smoothing^2}$ of every edge."""
    inputs, outputs = weights.base.shape
    if out is None:
        out = weights.base.new_empty(inputs, outputs)
    covariance = moments.covariance.contiguous()
    sizes = (0, inputs, outputs, 0, weights.coef.shape[2], 0, 0)
    layer = _module().Layer(out.dtype is torch.float64, sizes, _MISSING, 0, *_addresses(weights))
    _module().spreads(layer, covariance.data_ptr(), smoothing, strided(out))
    return out


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
    """The gradients in x and in the weights, written to `into` where these are given."""
    n, inputs = x.shape
    outputs = weights.base.shape[1]
    knots = basis.knots.contiguous()
    layer = _layer(x, basis, knots, weights)
    gx, gw = into
    if to_x and gx is None:
        gx = torch.empty_like(x)
    if to_weights and gw is None:
        gw = _like(weights)
    mean = covariance = 0
    if pull is not None and moments is not None:
        mean, covariance = moments.mean.data_ptr(), moments.covariance.data_ptr()
    base, coef, scale, _ = ((0, 0, 0), (0, 0, 0, 0), _MISSING, _MISSING) if gw is None else _addresses(gw)
    _module().backward(
        layer,
        strided(gy),
        _MISSING if pull is None else strided(pull),
        mean,
        covariance,
        *((0, 0) if drift is None or centre is None else (drift.data_ptr(), centre.data_ptr())),
        _MISSING if gx is None else strided(gx),
        base,
        coef,
        scale,
        _threads(2 * n * inputs * (outputs + 4) * basis.order),
    )
    return gx, gw


def deviations(
    x: Float[Tensor, "n features"],
) -> tuple[Float[Tensor, " features"], Float[Tensor, " features"]]:
    """Mean and standard deviation (unbiased; 0 below two rows) of every column, in float64."""
    n, features = x.shape
    found = torch.empty(2, features, dtype=torch.float64)
    mean, deviation = found[0], found[1]
    _module().deviations(x.dtype is torch.float64, strided(x), n, features, mean.data_ptr(), deviation.data_ptr())
    return mean, deviation


def _module():
    module = native()
    assert module is not None
    return module


def _threads(work: int) -> int:
    return torch.get_num_threads() if work > _ALONE else 1


def _moments(inputs: int, terms: int) -> Moments:
    return Moments(
        torch.empty(inputs, terms, dtype=torch.float64), torch.empty(inputs, terms, terms, dtype=torch.float64)
    )


def _like(weights: Weights) -> Weights:
    base, coef, scale, _ = weights
    # As the weights lie: an optimiser's fused step asks for that.
    return Weights(torch.empty_like(base), torch.empty_like(coef), None if scale is None else torch.empty_like(scale))


def _require_alike(x: Tensor, basis: Basis, weights: Weights | None) -> None:
    """Memory of another size, type or device is not for the kernel to read."""
    inputs, outputs = x.shape[1], 0 if weights is None else weights.base.shape[1]
    edges = (inputs, outputs)
    shapes = (inputs, basis.knots.shape[1]), edges, (*edges, basis.bases), edges, edges
    for t, shape in zip((basis.knots, *(weights or ())), shapes, strict=False):
        if t is None:
            continue
        if t.dtype is not x.dtype or not t.is_cpu:
            raise InputError(
                f"x is {x.dtype} on {x.device}, but the layer's numbers are {t.dtype} on {t.device};"
                " move one to the other: x.to(t) for a tensor t of the layer, or layer.to(x)."
            )
        if tuple(t.shape) != shape:
            raise InputError(
                f"x has {inputs} columns and a tensor of the layer the shape {tuple(t.shape)}; {shape} is needed."
            )


def _layer(x: Tensor, basis: Basis, knots: Tensor, weights: Weights | None = None) -> _native.Layer:
    _require_alike(x, basis, weights)
    n, inputs = x.shape
    outputs, held = 0, (_MISSING, (0, 0, 0, 0), _MISSING, _MISSING)
    if weights is not None:
        outputs, held = weights.base.shape[1], _addresses(weights)
    sizes = (n, inputs, outputs, basis.order, basis.bases, _BASES.index(basis.base), int(basis.extrapolate == "linear"))
    return _module().Layer(x.dtype is torch.float64, sizes, strided(x), knots.data_ptr(), *held)


def strided(t: Tensor) -> tuple[int, int, int]:
    """A matrix as the kernel takes it: its address and its strides."""
    row, column = t.stride()
    return t.data_ptr(), row, column


def _addresses(
    weights: Weights,
) -> tuple[tuple[int, int, int], tuple[int, int, int, int], tuple[int, int, int], tuple[int, int, int]]:
    base, coef, scale, mask = weights
    row, column, step = coef.stride()
    return (
        strided(base),
        (coef.data_ptr(), row, column, step),
        _MISSING if scale is None else strided(scale),
        _MISSING if mask is None else strided(mask),
    )
