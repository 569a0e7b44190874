"""What pykan 0.2.8 has under which names, with which arguments and defaults: `pykan_names.json` holds it, and
`snapshot_pykan.py` has written it, so that no pykan is needed."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import sympy
import torch

import ascribe.compat.pykan as door
from ascribe.compat.pykan import KAN, create_dataset
from ascribe.compat.pykan.KANLayer import KANLayer
from ascribe.compat.pykan.MLP import MLP
from ascribe.compat.pykan.Symbolic_KANLayer import Symbolic_KANLayer
from ascribe.errors import MissingExtra

PYKAN = json.loads((Path(__file__).parent / "pykan_names.json").read_text())
# Checkpoints are no YAML here, and the seed of pykan's module seeds torch.
ABSENT = {"yaml", "seed"}
BY_NAME = {"AgglomerativeClustering", "LinearRegression", "pd"}
# Defaults that docs/pykan.md tells of, and `to`, which is torch's.
OTHER_DEFAULTS = {"ckpt_path", "lr", "weight_simple", "r2_loss_fun", "c_loss_fun", "base_fun", "width"}
SIGNATURES = {where: wanted for where, wanted in PYKAN["signatures"].items() if not where.endswith(".to")}
# Scores by output, which `attribute(l)` gives, and the single names of what stands in lists; pykan's list stays empty.
KEPT_INSIDE = {
    "KAN": "edge_scores_all node_scores_all subnode_scores_all node_bias_0 node_bias_1 node_scale_0 node_scale_1"
    " subnode_bias_0 subnode_bias_1 subnode_scale_0 subnode_scale_1",
    "KANLayer": "",
    "MLP": "a_forward",
    "Symbolic_KANLayer": "",
}


def module(name: str) -> Any:
    return importlib.import_module(f"ascribe.compat.pykan.{name}".rstrip("."))


def parameters(where: str) -> list[inspect.Parameter]:
    name, *path = where.split(".")
    thing = module(name)
    for part in path:
        thing = getattr(thing, part)
    if where.endswith(".plot") and path[0] != "MLP":
        thing = type(KAN([1, 1]).plot).__call__
    if where.endswith(".history"):
        thing = type(KAN([1, 1]).history).__call__
    return [p for p in inspect.signature(thing).parameters.values() if p.name not in ("self", "kan")]


def same(ours: object, theirs: str) -> bool:
    wanted = eval(theirs)
    return (tuple(ours) if isinstance(ours, list | tuple) else ours) == (
        tuple(wanted) if isinstance(wanted, list) else wanted
    )


@pytest.mark.parametrize("where", SIGNATURES)
def test_arguments_stand_where_they_stood(where: str):
    found = parameters(where)
    for parameter, wanted in zip(found, SIGNATURES[where], strict=False):
        name, has_default, default = wanted.partition("=")
        assert parameter.name == name
        if has_default and name not in OTHER_DEFAULTS:
            assert same(parameter.default, default), wanted
    assert len(found) >= len(SIGNATURES[where])
    more = found[len(SIGNATURES[where]) :]
    assert all(p.default is not p.empty or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in more)


@pytest.mark.parametrize("name", PYKAN["star"])
def test_a_star_gives_what_pykans_gives(name: str):
    names: dict[str, object] = {}
    exec(f"from {module(name).__name__} import *", names)
    names.pop("__builtins__")
    wanted = set(PYKAN["star"][name].split()) - ABSENT
    own = wanted - BY_NAME | ({"re"} if name == "" else set())
    of_sympy = {each for each in sympy.__all__ if each[0] != "_"} if "symbols" in names else set()
    assert set(names) == own | of_sympy
    assert (name in ("", "MultKAN", "compiler", "experiment", "feynman")) == bool(of_sympy)
    assert all(names[each] is getattr(sympy, each) for each in of_sympy - own)
    for each in wanted & BY_NAME:
        assert getattr(module(name), each).__name__.removeprefix("pandas") in (each, "")


def test_stars_give_the_doors_own():
    """Whatever is brought along, KAN is the door's, whichever star comes last."""
    for name in PYKAN["star"]:
        names: dict[str, Any] = {}
        exec(f"from ascribe.compat.pykan import *; from {module(name).__name__} import *", names)
        assert names["KAN"] is names["MultKAN"] is KAN
        assert names["KANLayer"] is KANLayer
        assert names["create_dataset"] is create_dataset


def test_used_objects_have_pykans_attributes():
    kan, mlp = KAN(width=[2, [2, 1], 1]), MLP([2, 3, 1])
    x = torch.rand(20, 2)
    for model in (kan, mlp):
        model.get_act(x)
    objects = {"KAN": kan, "KANLayer": KANLayer(), "Symbolic_KANLayer": kan.symbolic_fun[0], "MLP": mlp}
    for name, thing in objects.items():
        for attribute in set(PYKAN["attributes"][name].split()) - set(KEPT_INSIDE[name].split()):
            assert hasattr(thing, attribute), (name, attribute)
    assert isinstance(objects["Symbolic_KANLayer"], Symbolic_KANLayer)


def test_names_of_sympy_are_there_one_by_one():
    assert door.symbols is sympy.symbols
    assert door.exp is sympy.exp
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = door.nothing
    with pytest.raises(AttributeError, match="no attribute 'symbols'"):
        _ = door.utils.symbols


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"ascribe\[table\]"):
        _ = door.pd


def test_questions_are_not_collected_as_tests():
    asked = [thing for name, thing in vars(door.hypothesis).items() if name.startswith("test")]
    assert len(asked) == 4
    assert all(thing.__test__ is False for thing in asked)
