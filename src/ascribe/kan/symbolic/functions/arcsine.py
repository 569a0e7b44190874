"""The inverse of the sine."""

import torch

from ascribe.kan.symbolic.domain import between
from ascribe.kan.symbolic.function import Function, sympy_function

ARCSINE = Function("arcsin", torch.asin, sympy_function("asin"), complexity=4, domain=between(-1.0, 1.0))
