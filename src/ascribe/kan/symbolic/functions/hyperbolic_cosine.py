"""The hyperbolic cosine."""

import torch

from ascribe.kan.symbolic.function import Function, sympy_function

HYPERBOLIC_COSINE = Function("cosh", torch.cosh, sympy_function("cosh"), complexity=3)
