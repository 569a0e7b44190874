"""The inverse of the hyperbolic cosine."""

import torch

from ascribe.kan.symbolic.domain import at_least
from ascribe.kan.symbolic.function import Function, sympy_function

INVERSE_HYPERBOLIC_COSINE = Function(
    "arccosh", torch.acosh, sympy_function("acosh"), complexity=4, domain=at_least(1.0)
)
