"""Which form of the spline operation works on a tensor."""

from __future__ import annotations

from torch import Tensor

from ascribe.maths.kernels import cpu, cuda, plain
from ascribe.maths.kernels.basis import Basis
from ascribe.maths.kernels.form import Form


def form_for(x: Tensor, basis: Basis) -> Form:
    """The fastest form for the device and dtype of x that is installed here."""
    if cpu.takes(x, basis):
        return cpu
    return cuda if cuda.takes(x, basis) else plain
