"""Tensors as numpy's arrays."""

from __future__ import annotations

import numpy as np
from torch import Tensor


def as_array(values: Tensor) -> np.ndarray:
    """A float64 array of `values`, wherever they live and whatever their precision."""
    return values.detach().cpu().double().numpy()
