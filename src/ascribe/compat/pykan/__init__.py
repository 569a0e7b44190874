"""What `from kan import *` gives, over the KANs of ascribe: change the import, keep the program."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ascribe.compat.pykan.network import KAN as KAN
from ascribe.compat.pykan.utils import create_dataset as create_dataset
from ascribe.compat.pykan.utils import create_dataset_from_data as create_dataset_from_data
from ascribe.errors import need
from ascribe.kan.layer import KANLayer as KANLayer

MultKAN = KAN
plt: Any  # matplotlib.pyplot; see __getattr__

__all__ = ["KAN", "KANLayer", "MultKAN", "create_dataset", "create_dataset_from_data", "np", "plt", "torch"]


def __getattr__(name: str) -> Any:
    # pykan's programs find pyplot among its names; here it is imported when it is asked for.
    if name == "plt":
        return need("matplotlib.pyplot", extra="plot")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
