"""The inverse of the cosine."""

import torch

from ascribe.kan.symbolic.domain import between
from ascribe.kan.symbolic.function import Function, sympy_function

ARCCOSINE = Function("arccos", torch.acos, sympy_function("acos"), complexity=4, domain=between(-1.0, 1.0))
