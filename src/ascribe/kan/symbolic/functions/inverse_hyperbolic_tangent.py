"""The inverse of the hyperbolic tangent."""

import torch

from ascribe.kan.symbolic.domain import inside
from ascribe.kan.symbolic.function import Function, sympy_function

INVERSE_HYPERBOLIC_TANGENT = Function(
    "arctanh", torch.atanh, sympy_function("atanh"), complexity=4, domain=inside(-1.0, 1.0)
)
