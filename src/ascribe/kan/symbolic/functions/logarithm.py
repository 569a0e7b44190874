"""The natural logarithm."""

import torch

from ascribe.kan.symbolic.domain import above
from ascribe.kan.symbolic.function import Function, sympy_function

LOGARITHM = Function("log", torch.log, sympy_function("log"), complexity=2, domain=above(0.0))
