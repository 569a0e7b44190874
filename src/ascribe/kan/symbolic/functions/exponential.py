"""The exponential function."""

import torch

from ascribe.kan.symbolic.function import Function, sympy_function

EXPONENTIAL = Function("exp", torch.exp, sympy_function("exp"), complexity=2)
