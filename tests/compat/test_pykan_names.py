"""What pykan 0.2.8 has under which names, and with which arguments: written down, so that no pykan is needed."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest
import sympy

import ascribe.compat.pykan as door

# Every function and method of pykan's modules, but for what programs do not call: the fourteen functions of one number
# and a bound (f_inv, f_log, ...), batch_grad_normgrad, disable_symbolic_in_fit and next_nontrivial_operation.
SIGNATURES = (Path(__file__).parent / "pykan_signatures.txt").read_text().splitlines()
PROPERTIES = ["width_in", "width_out", "n_sum", "n_mult", "feature_score", "n_edge", "connection_cost"]
# What `from kan import *` gives beside the names of sympy. Left out are the modules pandas and yaml, sklearn's
# LinearRegression, and the functions of one number and a bound.
NAMES = {
    "KAN", "KANLayer", "LBFGS", "MultKAN", "SYMBOLIC_LIB", "Symbolic_KANLayer", "add_symbolic", "augment_input",
    "batch_hessian", "batch_jacobian", "copy", "create_dataset", "create_dataset_from_data", "curve2coef",
    "ex_round", "fit_params", "get_derivative", "glob", "hypothesis", "model2param", "nn", "np", "os",
    "plot_tree", "plt", "random", "re", "sparse_mask", "spline", "sympy", "torch", "tqdm", "utils",
}  # fmt: skip


@pytest.mark.parametrize("line", SIGNATURES, ids=lambda line: line.partition("(")[0])
def test_arguments_stand_where_they_stood(line: str):
    where, wanted = re.fullmatch(r"(\S+)\((.*)\)", line).groups()
    module, *path = where.split(".")
    thing = importlib.import_module(f"ascribe.compat.pykan.{module}")
    for name in path:
        thing = inspect.getattr_static(thing, name) if name == "loadckpt" else getattr(thing, name)
    thing = getattr(thing, "__func__", thing)
    wanted = wanted.split(", ") if wanted else []
    ours = [name for name in inspect.signature(thing).parameters if name not in ("self", "kan")]
    assert ours[: len(wanted)] == wanted


def test_what_comes_after_pykans_arguments_may_be_left_out():
    for line in SIGNATURES:
        where, wanted = re.fullmatch(r"(\S+)\((.*)\)", line).groups()
        module, *path = where.split(".")
        thing = importlib.import_module(f"ascribe.compat.pykan.{module}")
        for name in path:
            thing = getattr(thing, name)
        own = [p for p in inspect.signature(thing).parameters.values() if p.name not in ("self", "kan")]
        more = own[len(wanted.split(", ")) if wanted else 0 :]
        assert all(p.default is not p.empty or p.kind == p.VAR_KEYWORD for p in more), line


def test_properties_are_properties():
    kan = door.KAN([2, 1])
    for name in PROPERTIES:
        assert not callable(inspect.getattr_static(type(kan), name, None)), name
        assert hasattr(type(kan), name), name


def test_the_star_gives_what_pykans_gives():
    names: dict[str, object] = {}
    exec("from ascribe.compat.pykan import *", names)
    names.pop("__builtins__")
    own = NAMES
    assert set(names) == own | {name for name in sympy.__all__ if name[0] != "_"}
    assert all(names[name] is getattr(sympy, name) for name in names.keys() - own)
    assert names["KANLayer"] is door.KANLayer
    assert isinstance(names["KANLayer"], type)
    assert names["KAN"] is names["MultKAN"]


def test_names_of_sympy_are_there_one_by_one():
    assert door.symbols is sympy.symbols
    assert door.exp is sympy.exp
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = door.nothing


def test_questions_are_not_collected_as_tests():
    from ascribe.compat.pykan import hypothesis

    asked = [thing for name, thing in vars(hypothesis).items() if name.startswith("test")]
    assert len(asked) == 4
    assert all(thing.__test__ is False for thing in asked)
