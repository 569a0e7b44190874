"""-1, 0 or 1."""

import torch

from ascribe.kan.symbolic.function import Function, sympy_function

SIGN = Function("sgn", torch.sign, sympy_function("sign"), complexity=3)
