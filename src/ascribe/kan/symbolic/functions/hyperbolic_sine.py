"""The hyperbolic sine."""

import torch

from ascribe.kan.symbolic.function import Function, sympy_function

HYPERBOLIC_SINE = Function("sinh", torch.sinh, sympy_function("sinh"), complexity=3)
