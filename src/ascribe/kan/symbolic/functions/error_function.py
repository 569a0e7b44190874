"""The error function."""

import torch

from ascribe.kan.symbolic.function import Function, sympy_function

ERROR_FUNCTION = Function("erf", torch.erf, sympy_function("erf"), complexity=4)
