"""The sine."""

import torch

from ascribe.kan.symbolic.function import Function, sympy_function

SINE = Function("sin", torch.sin, sympy_function("sin"), complexity=2)
