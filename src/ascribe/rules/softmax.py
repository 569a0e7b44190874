r"""Softmax and its kin, each row by itself: $\mathrm{softmax}(x) = e^{x - L}$ with $L = \log\sum e^{x}$."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor

from ascribe.rules.calls import Call, Pullback
from ascribe.rules.elementwise import secant
from ascribe.rules.rule import Compared, Rule, Written
from ascribe.rules.selection import stacked


@final
class LogSumExp(Compared):
    r"""$m_i = \frac{\Delta L}{\Delta S}\,\frac{\Delta e^{x_i}}{\Delta x_i}$ for $L = \log S$ and $S = \sum e^{x_i}$.

    Rescale twice. Both exponentials are scaled by the larger maximum of input and reference, which leaves the
    multipliers as they are and cannot overflow.
    """

    def pullback(self, call: Call, inputs: list[Tensor], output: Tensor) -> Pullback:
        (x,), (x0,) = call.inputs, inputs
        dim, kept = call.argument(1, "dim"), call.argument(2, "keepdim", False)

        def lift(values: Tensor) -> Tensor:
            if kept:
                return values
            dims = [dim] if isinstance(dim, int) else list(dim)
            for position in sorted(d % x.ndim for d in dims):
                values = values.unsqueeze(position)
            return values

        top = torch.maximum(x, x0).amax(dim, keepdim=True)
        power, power0 = (x - top).exp(), (x0 - top).exp()
        inner = secant(x, x0, power, power0, lambda middle: (middle - top).exp())
        total, total0 = power.sum(dim, keepdim=True), power0.sum(dim, keepdim=True)
        outer = secant(total, total0, lift(call.output), lift(output), torch.reciprocal, "singular")
        multiplier = inner * outer
        return lambda gradient: (lift(gradient) * multiplier,)


def _dimension(input: Tensor, dim: int | None) -> int:
    """The dimension that `F.softmax` takes where none is named."""
    return (0 if input.ndim in (0, 1, 3) else 1) if dim is None else dim


def _dtype(*arguments: Any) -> torch.dtype | None:
    return next((argument for argument in arguments if isinstance(argument, torch.dtype)), None)


def _log_softmax(
    input: Tensor, dim: int | None = None, *rest: Any, dtype: torch.dtype | None = None, **_: Any
) -> Tensor:
    dtype = _dtype(dtype, *rest)
    values = input if dtype is None else input.to(dtype)
    return values - torch.logsumexp(values, _dimension(input, dim), keepdim=True)


def _softmax(input: Tensor, dim: int | None = None, *rest: Any, dtype: torch.dtype | None = None, **_: Any) -> Tensor:
    return _log_softmax(input, dim, *rest, dtype=dtype).exp()


def _softmin(input: Tensor, dim: int | None = None, *rest: Any, dtype: torch.dtype | None = None, **_: Any) -> Tensor:
    return torch.softmax(-input, _dimension(input, dim), dtype=_dtype(dtype, *rest))


def _logaddexp(input: Tensor, other: Tensor) -> Tensor:
    return torch.logsumexp(stacked(input, other), -1)


def _glu(input: Tensor, dim: int = -1) -> Tensor:
    values, gates = input.chunk(2, dim)
    return values * gates.sigmoid()


RULES: dict[str, Rule] = {
    "logsumexp": LogSumExp(),
    "softmax": Written(_softmax),
    "log_softmax": Written(_log_softmax),
    "softmin": Written(_softmin),
    "logaddexp": Written(_logaddexp),
    "glu": Written(_glu),
}
