"""Every name that Captum's rooms beside `captum.attr` export is behind the door, and takes the same arguments."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

ROOMS = ["concept", "influence", "metrics", "module", "robust"]
ALSO = {"influence._core.arnoldi_influence_function": ["ArnoldiInfluenceFunction"]}
MODULES = [
    "concept._core.cav",
    "concept._core.concept",
    "concept._core.tcav",
    "concept._utils.classifier",
    "concept._utils.common",
    "concept._utils.data_iterator",
    "influence._core.influence_function",
    "influence._core.similarity_influence",
    "influence._core.tracincp",
    "influence._core.tracincp_fast_rand_proj",
    "influence._utils.nearest_neighbors",
    "metrics._core.infidelity",
    "metrics._core.sensitivity",
    "module.binary_concrete_stochastic_gates",
    "module.gaussian_stochastic_gates",
    "module.stochastic_gates_base",
    "robust._core.fgsm",
    "robust._core.metrics.attack_comparator",
    "robust._core.metrics.min_param_perturbation",
    "robust._core.perturbation",
    "robust._core.pgd",
]
# Only what a checker says, not what is taken: a base declares (*args, **kwargs).
ABSTRACT = {"DataInfluence", "TracInCPBase", "ConceptInterpreter", "Classifier", "Perturbation", "StochasticGatesBase"}


def both(path: str) -> tuple[Any, Any]:
    return importlib.import_module(f"captum.{path}"), importlib.import_module(f"ascribe.compat.captum.{path}")


def exported() -> Iterator[tuple[str, str]]:
    for room in ROOMS:
        yield from ((room, name) for name in importlib.import_module(f"captum.{room}").__all__)
    yield from ((module, name) for module, names in ALSO.items() for name in names)


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    kinds = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    found = inspect.signature(function).parameters.values()
    return [(p.name, p.default) for p in found if p.kind not in kinds]


@pytest.mark.parametrize(("module", "name"), list(exported()))
def test_every_name_takes_what_captums_does(module: str, name: str) -> None:
    theirs, ours = (getattr(room, name) for room in both(module))
    if name in ABSTRACT:
        return
    methods = [(theirs, ours)]
    if inspect.isclass(theirs):
        public = [m for m in vars(theirs) if m[0] != "_" and inspect.isfunction(vars(theirs)[m])]
        methods += [(getattr(theirs, m), getattr(ours, m)) for m in public]
    for their, our in methods:
        wanted, taken = parameters(their), dict(parameters(our))
        for parameter, default in wanted:
            assert parameter in taken, f"{name}: {their.__name__} does not take {parameter}"
            if not callable(default):
                given = taken[parameter]
                same = given == default or (default is inspect.Parameter.empty and given is None)
                assert same, f"{name}: {their.__name__}({parameter}={given}), not {default}"
        order = [parameter for parameter, _ in parameters(our)]
        assert order[: len(wanted)] == [parameter for parameter, _ in wanted], f"{name}: another order"


@pytest.mark.parametrize("module", MODULES)
def test_the_modules_have_captums_names(module: str) -> None:
    theirs, ours = both(module)
    own = {n for n, v in vars(theirs).items() if n[0] != "_" and getattr(v, "__module__", "") == theirs.__name__}
    users = {n for n in own if inspect.isclass(vars(theirs)[n]) or n in PUBLIC_FUNCTIONS}
    missing = users - set(dir(ours)) - INSIDE
    assert not missing, f"{module} lacks {sorted(missing)}"


PUBLIC_FUNCTIONS = {
    "concepts_to_str", "cosine_similarity", "dataset_to_dataloader", "default_correct_fn", "default_perturb_func",
    "euclidean_distance", "infidelity", "infidelity_perturb_func_decorator", "sensitivity_max",
}  # fmt: skip
# Parts of Captum's own machinery, and what needs a library that is not wanted here.
INSIDE = {
    "AnnoyNearestNeighbors", "AttackInfo", "InfluenceFunctionBase", "LabelledDataset", "MinParamPerturbationMode",
}  # fmt: skip
