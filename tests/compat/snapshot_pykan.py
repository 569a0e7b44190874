"""Writes pykan_names.json: what pykan has, for tests that run without it.  Run it where pykan 0.2.8 is installed."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import torch

MODULES = ["", "KANLayer", "LBFGS", "MLP", "MultKAN", "Symbolic_KANLayer", "compiler", "experiment"]
MODULES += ["feynman", "hypothesis", "spline", "utils"]


def module(name: str) -> Any:
    return importlib.import_module(f"kan.{name}" if name else "kan")


def signature(thing: Any) -> list[str]:
    return [
        name if p.default is p.empty else f"{name}={'...' if callable(p.default) else repr(p.default)}"
        for name, p in inspect.signature(thing).parameters.items()
        if name != "self"
    ]


def signatures(name: str) -> dict[str, list[str]]:
    found = {}
    for own, thing in vars(module(name)).items():
        if getattr(thing, "__module__", None) != f"kan.{name}" or own.startswith("_"):
            continue
        if not inspect.isclass(thing):
            found[f"{name}.{own}"] = signature(thing)
            continue
        for member, method in vars(thing).items():
            method = getattr(method, "__func__", method)
            if callable(method) and (member == "__init__" or not member.startswith("_")):
                found[f"{name}.{own}.{member}"] = signature(method)
    return found


def star(name: str) -> str:
    """Without what is sympy's."""
    import sympy

    names = {own for own in vars(module(name)) if not own.startswith("_")}
    return " ".join(sorted(names - (set(sympy.__all__) if "symbols" in names else set())))


def attributes() -> dict[str, str]:
    """What objects that have been used have."""
    kan = module("")
    data = kan.create_dataset(lambda x: x[:, [0]] * x[:, [1]], train_num=50, test_num=30)
    network, mlp = kan.KAN(width=[2, [2, 1], 1]), module("MLP").MLP([2, 3, 1])
    for model in (network, mlp):
        model.fit(data, steps=2)
        model.attribute()
    network.node_attribute()
    objects = {"KAN": network, "KANLayer": network.act_fun[0], "Symbolic_KANLayer": network.symbolic_fun[0], "MLP": mlp}
    common = set(dir(torch.nn.Module()))
    return {
        name: " ".join(sorted(own for own in {*dir(thing)} - common if not own.startswith("_")))
        for name, thing in objects.items()
    }


def main() -> None:
    target = Path(__file__).with_name("pykan_names.json").resolve()
    os.chdir(tempfile.mkdtemp())
    found = {
        "star": {name: star(name) for name in MODULES},
        "signatures": {k: v for name in MODULES if name for k, v in sorted(signatures(name).items())},
        "attributes": attributes(),
    }
    # One line an entry, so that a change of pykan's is one line here.
    blocks = (
        f" {json.dumps(block)}: {{\n"
        + ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items())
        + "\n }"
        for block, entries in found.items()
    )
    target.write_text("{\n" + ",\n".join(blocks) + "\n}\n")


if __name__ == "__main__":
    main()
