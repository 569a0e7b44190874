"""The hyperbolic tangent."""

import torch

from ascribe.kan.symbolic.function import Function, sympy_function

HYPERBOLIC_TANGENT = Function("tanh", torch.tanh, sympy_function("tanh"), complexity=3)
