"""exp(x) - 1, with all its digits near 0."""

import torch

from ascribe.errors import need
from ascribe.kan.symbolic.function import Function

EXPONENTIAL_MINUS_ONE = Function(
    "exp(x)-1", torch.expm1, lambda u: need("sympy", extra="pykan").exp(u) - 1, complexity=3
)
