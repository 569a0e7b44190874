"""Functions of one number: the Rescale rule of DeepLIFT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, final

import torch
import torch.nn.functional as F
from torch import Tensor

from ascribe.errors import MethodError
from ascribe.rules.calls import Call, Pullback
from ascribe.rules.rule import Compared, Rule, Written

Kind = Literal["smooth", "singular", "kinked"]


def secant(
    x: Tensor, x0: Tensor, y: Tensor, y0: Tensor, slope: Callable[[Tensor], Tensor], kind: Kind = "smooth"
) -> Tensor:
    r"""$(y - y_0) / (x - x_0)$, entry by entry; the slope halfway where the two are too close to subtract.

    Rounding spoils the quotient by about $\epsilon / \Delta$, the slope halfway errs by about $\Delta^2$: so they
    change places at $\Delta = \epsilon^{1/3}$, in units of $x$ where the function is singular at 0 (log, sqrt).
    A function with kinks changes at $\epsilon^{2/3} |x|$: too short an interval to hold a kink at 0.
    An infinite entry that stays (the mask of an attention) has the slope too; an infinite slope counts as 0.
    """
    step = x - x0
    close = torch.finfo(x.dtype).eps ** (2 / 3 if kind == "kinked" else 1 / 3)
    near = ~(step.abs() > (close if kind == "smooth" else close * torch.maximum(x.abs(), x0.abs())))
    quotient = (y - y0) / step
    if not near.any():
        return quotient
    return torch.where(near, slope((x + x0) / 2).nan_to_num(0.0, 0.0, 0.0), quotient)


@final
@dataclass(frozen=True)
class Rescale(Compared):
    r"""The multiplier $(f(x) - f(x_0)) / (x - x_0)$ of each entry.  Source: Shrikumar, Greenside & Kundaje (2017)."""

    kind: Kind

    def at(self, call: Call) -> Rule:
        call.require_one_input()
        return self

    def pullback(self, call: Call, inputs: list[Tensor], output: Tensor) -> Pullback:
        (x,), (x0,), shape = call.inputs, inputs, call.inputs[0].shape

        def slope(middle: Tensor) -> Tensor:
            with torch.enable_grad():
                middle = middle.detach().requires_grad_()
                return torch.autograd.grad(call.rerun(middle).sum(), middle)[0]

        x, x0 = x.expand(output.shape), x0.expand(output.shape)
        multiplier = secant(x, x0, call.output, output, slope, self.kind)
        return lambda gradient: ((gradient * multiplier).sum_to_size(shape),)


def _rrelu(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    if training:
        raise MethodError("there is no rule for rrelu in training mode, where it is random; call model.eval().")
    return F.leaky_relu(input, (lower + upper) / 2)


SMOOTH = """
    gelu silu mish softplus sigmoid expit log_sigmoid logsigmoid tanh tanhshrink softsign exp exp2 expm1 sin cos sinh
    cosh asin arcsin acos arccos atan arctan asinh arcsinh erf erfc sinc rpow log_ndtr ndtr
"""
SINGULAR = """
    log log2 log10 log1p sqrt rsqrt reciprocal pow float_power rdiv tan acosh arccosh atanh arctanh logit xlogy lgamma
    digamma erfinv i0 i0e
"""
KINKED = """
    relu relu6 leaky_relu prelu elu selu celu hardtanh hardsigmoid hardswish hardshrink softshrink threshold abs
    absolute clamp_min clamp_max sign sgn floor ceil round trunc fix frac remainder fmod floordiv floor_divide
"""

RULES: dict[str, Rule] = {
    **{name: Rescale("smooth") for name in SMOOTH.split()},
    **{name: Rescale("singular") for name in SINGULAR.split()},
    **{name: Rescale("kinked") for name in KINKED.split()},
    "rrelu": Written(_rrelu),
}
