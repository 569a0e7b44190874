"""The inverse of the hyperbolic sine."""

import torch

from ascribe.kan.symbolic.function import Function, sympy_function

INVERSE_HYPERBOLIC_SINE = Function("arcsinh", torch.asinh, sympy_function("asinh"), complexity=4)
