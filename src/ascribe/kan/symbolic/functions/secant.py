"""The secant, between its poles."""

import torch

from ascribe.kan.symbolic.domain import between_poles
from ascribe.kan.symbolic.function import Function, sympy_function

SECANT = Function(
    "sec", lambda u: 1 / torch.cos(u), sympy_function("sec"), complexity=4, domain=between_poles(torch.pi / 2, torch.pi)
)
