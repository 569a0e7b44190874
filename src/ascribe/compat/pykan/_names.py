"""Which names each module's star gives: those that pykan's has, its imports among them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from ascribe.errors import need

_HERE = __name__.rpartition(".")[0]

# What the modules define, each in its file.
DEFINED = {
    "KANLayer": "KANLayer",
    "LBFGS": "LBFGS",
    "MLP": "MLP",
    "MultKAN": "KAN MultKAN",
    "Symbolic_KANLayer": "Symbolic_KANLayer",
    "compiler": "expr2kan kanpiler next_nontrivial_operation sf2kan",
    "experiment": "pareto_frontier runner1",
    "feynman": "get_feynman_dataset",
    "hypothesis": "batch_grad_normgrad detect_separability get_dependence get_molecule get_tree_node plot_tree"
    " test_general_separability test_separability test_symmetry test_symmetry_var",
    "spline": "B_batch coef2curve curve2coef extend_grid",
    "utils": "SYMBOLIC_LIB add_symbolic augment_input batch_hessian batch_jacobian create_dataset"
    " create_dataset_from_data ex_round f_arccos f_arcsin f_arctanh f_exp f_inv f_inv2 f_inv3 f_inv4 f_inv5 f_invsqrt"
    " f_log f_power1d5 f_sqrt f_tan fit_params get_derivative model2param sparse_mask",
}
_NETWORK = (
    "KAN KANLayer LBFGS MultKAN SYMBOLIC_LIB Symbolic_KANLayer curve2coef plot_tree"
    " copy glob nn np os plt random sympy torch tqdm"
)
# What is found in them beside, as programs have come to use it.
IMPORTED = {
    "": f"{_NETWORK} {DEFINED['utils']} hypothesis re spline utils",
    "KANLayer": f"{DEFINED['spline']} nn np sparse_mask torch",
    "LBFGS": "Optimizer reduce torch",
    "MLP": "LBFGS nn np plt torch tqdm",
    "MultKAN": _NETWORK,
    "Symbolic_KANLayer": f"{DEFINED['utils']} lambdify nn np re sympy torch",
    "compiler": "MultKAN np sympy torch",
    "experiment": _NETWORK,
    "feynman": "torch",
    "hypothesis": "batch_hessian batch_jacobian copy lambdify latex np plt reduce sympy torch",
    "spline": "torch",
    "utils": "lambdify np re sympy torch",
}
# Those that give every name of sympy, too.
WITH_SYMPY = {"", "MultKAN", "compiler", "experiment", "feynman"}

_ELSEWHERE = {
    "Optimizer": "torch.optim:Optimizer",
    "copy": "copy",
    "glob": "glob",
    "lambdify": "sympy:lambdify",
    "latex": "sympy:latex",
    "nn": "torch.nn",
    "np": "numpy",
    "os": "os",
    "plt": "matplotlib.pyplot",
    "random": "random",
    "re": "re",
    "reduce": "functools:reduce",
    "sympy": "sympy",
    "torch": "torch",
    "tqdm": "tqdm:tqdm",
    **{module: f"{_HERE}.{module}" for module in ("hypothesis", "spline", "utils")},
    **{name: f"{_HERE}.{module}:{name}" for module, names in DEFINED.items() for name in names.split()},
    # By name only: no star imports libraries that take seconds and that no KAN needs.
    "AgglomerativeClustering": "sklearn.cluster:AgglomerativeClustering",
    "LinearRegression": "sklearn.linear_model:LinearRegression",
    "pd": "pandas",
}
_BY_NAME = {
    "": "LinearRegression pd",
    "MultKAN": "pd",
    "Symbolic_KANLayer": "LinearRegression",
    "experiment": "pd",
    "hypothesis": "AgglomerativeClustering LinearRegression",
    "utils": "LinearRegression",
}
_EXTRAS = {"matplotlib": "plot", "pandas": "table", "sklearn": "sklearn"}


def names_of(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module of this package: its `__all__`, and what it has from elsewhere, imported on demand.

    Raises AttributeError for another name, MissingExtra where the library that holds it is not installed.
    """
    name = module.removeprefix(_HERE).removeprefix(".")

    def get(wanted: str) -> Any:
        if wanted == "__all__":
            return star(name)
        if wanted in f"{IMPORTED[name]} {_BY_NAME.get(name, '')}".split():
            return _imported(_ELSEWHERE[wanted])
        if name in WITH_SYMPY and not wanted.startswith("_"):
            sympy = need("sympy", extra="pykan")
            if wanted in sympy.__all__:
                return getattr(sympy, wanted)
        raise AttributeError(f"module {module!r} has no attribute {wanted!r}")

    return get


def star(module: str) -> list[str]:
    """The names of `import *`, without those of libraries that are not installed; what is not sympy's wins over it."""
    own = sorted({*DEFINED.get(module, "").split(), *IMPORTED[module].split()})
    there = [name for name in own if _installed(_ELSEWHERE[name])]
    if module not in WITH_SYMPY or not _installed("sympy"):
        return there
    import sympy

    return there + [name for name in sympy.__all__ if name[0] != "_" and name not in own]


def _library(place: str) -> str:
    return place.partition(":")[0].partition(".")[0]


def _installed(place: str) -> bool:
    return importlib.util.find_spec(_library(place)) is not None


def _imported(place: str) -> Any:
    module, _, name = place.partition(":")
    found = need(module, extra=_EXTRAS.get(_library(place), "pykan"))
    return getattr(found, name) if name else found
