"""The cosine."""

import torch

from ascribe.kan.symbolic.function import Function, sympy_function

COSINE = Function("cos", torch.cos, sympy_function("cos"), complexity=2)
