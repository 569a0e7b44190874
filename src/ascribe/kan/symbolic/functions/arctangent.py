"""The inverse of the tangent."""

import torch

from ascribe.kan.symbolic.function import Function, sympy_function

ARCTANGENT = Function("arctan", torch.atan, sympy_function("atan"), complexity=4)
