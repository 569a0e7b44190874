"""The positive part."""

import torch

from ascribe.errors import need
from ascribe.kan.symbolic.function import Function

RELU = Function("relu", torch.relu, lambda u: need("sympy", extra="pykan").Max(0, u), complexity=3)
