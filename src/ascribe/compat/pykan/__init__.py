"""What `from kan import *` gives, over the KANs of ascribe: change the import, keep the program."""

from __future__ import annotations

from typing import Any

from ascribe.compat.pykan import hypothesis as hypothesis
from ascribe.compat.pykan import spline as spline
from ascribe.compat.pykan import utils as utils
from ascribe.compat.pykan._names import names_of
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

_find = names_of(__name__)


def __getattr__(name: str) -> Any:
    # torch, numpy, sympy, ...: what pykan's own star brings along is imported by those who ask for its names.
    return _find(name)
