"""What `from kan import *` gives, over the KANs of ascribe: change the import, keep the program."""

from __future__ import annotations

import copy as copy
import glob as glob
import os as os
import random as random
import re as re
from typing import Any

import numpy as np  # pyright: ignore[reportUnusedImport]
import torch  # pyright: ignore[reportUnusedImport]
from torch import nn as nn
from tqdm import tqdm as tqdm

from ascribe.compat.pykan import hypothesis as hypothesis
from ascribe.compat.pykan import spline as spline
from ascribe.compat.pykan import utils as utils
from ascribe.compat.pykan._names import OPTIONAL, star
from ascribe.compat.pykan.hypothesis import plot_tree as plot_tree
from ascribe.compat.pykan.KANLayer import KANLayer as KANLayer
from ascribe.compat.pykan.LBFGS import LBFGS as LBFGS
from ascribe.compat.pykan.MultKAN import KAN as KAN
from ascribe.compat.pykan.MultKAN import MultKAN as MultKAN
from ascribe.compat.pykan.spline import curve2coef as curve2coef
from ascribe.compat.pykan.Symbolic_KANLayer import Symbolic_KANLayer as Symbolic_KANLayer
from ascribe.compat.pykan.utils import SYMBOLIC_LIB as SYMBOLIC_LIB
from ascribe.compat.pykan.utils import add_symbolic as add_symbolic
from ascribe.compat.pykan.utils import augment_input as augment_input
from ascribe.compat.pykan.utils import batch_hessian as batch_hessian
from ascribe.compat.pykan.utils import batch_jacobian as batch_jacobian
from ascribe.compat.pykan.utils import create_dataset as create_dataset
from ascribe.compat.pykan.utils import create_dataset_from_data as create_dataset_from_data
from ascribe.compat.pykan.utils import ex_round as ex_round
from ascribe.compat.pykan.utils import fit_params as fit_params
from ascribe.compat.pykan.utils import get_derivative as get_derivative
from ascribe.compat.pykan.utils import model2param as model2param
from ascribe.compat.pykan.utils import sparse_mask as sparse_mask
from ascribe.errors import need

_OWN = [
    "KAN", "KANLayer", "LBFGS", "MultKAN", "SYMBOLIC_LIB", "Symbolic_KANLayer", "add_symbolic", "augment_input",
    "batch_hessian", "batch_jacobian", "copy", "create_dataset", "create_dataset_from_data", "curve2coef",
    "ex_round", "fit_params", "get_derivative", "glob", "hypothesis", "model2param", "nn", "np", "os",
    "plot_tree", "random", "re", "sparse_mask", "spline", "torch", "tqdm", "utils",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # sympy and pyplot are imported by those who ask for their names: `import *` does.
    if name == "__all__":
        return star(_OWN)
    if name in OPTIONAL:
        return need(OPTIONAL[name], extra="plot" if name == "plt" else "pykan")
    if name[0] != "_":
        sympy = need("sympy", extra="pykan")
        if name in sympy.__all__:
            return getattr(sympy, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
