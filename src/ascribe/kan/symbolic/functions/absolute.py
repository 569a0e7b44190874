"""The absolute value."""

import torch

from ascribe.kan.symbolic.function import Function, sympy_function

ABSOLUTE = Function("abs", torch.abs, sympy_function("Abs"), complexity=3)
