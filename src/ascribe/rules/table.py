"""The rule of every function that differences can pass through, by the one name that its forms share."""

from __future__ import annotations

from ascribe.rules import attention, elementwise, linear, normalization, product, recurrent, selection, softmax, spline
from ascribe.rules.rule import Rule

RULES: dict[str, Rule] = {
    **linear.RULES,
    **elementwise.RULES,
    **product.RULES,
    **selection.RULES,
    **softmax.RULES,
    **normalization.RULES,
    **attention.RULES,
    **recurrent.RULES,
    **spline.RULES,
}
