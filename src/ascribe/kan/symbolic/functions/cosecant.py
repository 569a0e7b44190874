"""The cosecant, between its poles."""

import torch

from ascribe.kan.symbolic.domain import between_poles
from ascribe.kan.symbolic.function import Function, sympy_function

COSECANT = Function(
    "csc", lambda u: 1 / torch.sin(u), sympy_function("csc"), complexity=4, domain=between_poles(0.0, torch.pi)
)
