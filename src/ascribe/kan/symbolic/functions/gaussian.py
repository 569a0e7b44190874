"""Gauss's bell."""

import torch

from ascribe.errors import need
from ascribe.kan.symbolic.function import Function

GAUSSIAN = Function(
    "gaussian", lambda u: torch.exp(-u * u), lambda u: need("sympy", extra="pykan").exp(-(u**2)), complexity=3
)
