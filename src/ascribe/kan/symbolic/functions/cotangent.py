"""The cotangent, between its poles."""

import torch

from ascribe.kan.symbolic.domain import between_poles
from ascribe.kan.symbolic.function import Function, sympy_function

COTANGENT = Function(
    "cot",
    lambda u: torch.cos(u) / torch.sin(u),
    sympy_function("cot"),
    complexity=4,
    domain=between_poles(0.0, torch.pi),
)
