"""Every public name of `captum.attr` is behind the door, with its signatures, its bases and its small methods."""

from __future__ import annotations

import inspect

import captum.attr as captum
import pytest
from torch import nn

import ascribe.compat.captum as ours
from ascribe.compat.captum import attr

THEIRS = {name: value for name, value in vars(captum).items() if name[0] != "_" and not inspect.ismodule(value)}
CLASSES = [name for name, value in THEIRS.items() if inspect.isclass(value) and name in vars(attr)]


def form(function: object) -> list[tuple[str, object]]:
    """Names and defaults; a default that is a function says by its being one all that is promised of it."""
    parameters = inspect.signature(function).parameters.values()  # pyright: ignore[reportArgumentType]
    said = [(p.name, p.default, p.kind) for p in parameters if p.name != "self" and p.name[0] != "_"]
    return [
        (n, "function" if inspect.isroutine(d) else d)
        for n, d, kind in said
        if kind is not inspect.Parameter.VAR_KEYWORD
    ]


def test_no_name_is_missing() -> None:
    assert set(THEIRS) <= set(vars(attr))


@pytest.mark.parametrize("name", CLASSES)
def test_signatures_are_captums(name: str) -> None:
    mine, theirs = getattr(attr, name), THEIRS[name]
    # What draws by chance takes a seed here.
    assert [p for p in form(mine) if p[0] != "seed"] == form(theirs)
    for method in ("attribute", "update", "interpolate", "perturb"):
        if hasattr(theirs, method):
            assert form(getattr(mine, method)) == form(getattr(theirs, method))


@pytest.mark.parametrize("name", CLASSES)
def test_bases_are_captums(name: str) -> None:
    bases = {base.__name__ for base in THEIRS[name].__mro__} & set(THEIRS)
    assert bases <= {base.__name__ for base in getattr(attr, name).__mro__}


def test_the_names_stand_at_the_top_too() -> None:
    assert all(getattr(ours, name) is getattr(attr, name) for name in THEIRS if name in vars(attr))


ATTRIBUTIONS = [name for name in CLASSES if issubclass(THEIRS[name], captum.Attribution) and "LLM" not in name]


def built(room: object, name: str) -> object:
    """An object of the class, from a network and its layer."""
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))
    kind = getattr(room, name)
    if name == "LimeBase":
        return kind(net, None, None, None, True, lambda *_: None, None)
    if name == "NoiseTunnel":
        return kind(room.IntegratedGradients(net))  # pyright: ignore[reportAttributeAccessIssue]
    if name == "DataLoaderAttribution":
        return kind(room.FeatureAblation(net))  # pyright: ignore[reportAttributeAccessIssue]
    return kind(net, *([net[0]] if "layer" in inspect.signature(kind).parameters else []))


@pytest.mark.parametrize("name", ATTRIBUTIONS)
def test_what_objects_say_of_themselves(name: str) -> None:
    mine, theirs = built(attr, name), built(captum, name)
    assert mine.get_name() == theirs.get_name()
    assert mine.has_convergence_delta() == theirs.has_convergence_delta()
    assert mine.multiplies_by_inputs == theirs.multiplies_by_inputs
    assert callable(mine.forward_func)
    assert getattr(mine, "layer", None) is None or isinstance(mine.layer, nn.Linear)
    if hasattr(theirs, "attribute"):
        assert callable(mine.attribute.__wrapped__)
