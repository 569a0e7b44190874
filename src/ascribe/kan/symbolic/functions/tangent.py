"""The tangent, between its poles."""

import torch

from ascribe.kan.symbolic.domain import between_poles
from ascribe.kan.symbolic.function import Function, sympy_function

TANGENT = Function("tan", torch.tan, sympy_function("tan"), complexity=3, domain=between_poles(torch.pi / 2, torch.pi))
