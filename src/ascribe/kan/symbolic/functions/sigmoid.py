"""The logistic function."""

import torch

from ascribe.errors import need
from ascribe.kan.symbolic.function import Function

SIGMOID = Function("sigmoid", torch.sigmoid, lambda u: 1 / (1 + need("sympy", extra="pykan").exp(-u)), complexity=4)
