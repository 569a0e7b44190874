"""Which methods explain the test rows, which rows, and what to say when a method cannot."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

import ascribe.methods
from ascribe.core.method import Method
from ascribe.errors import MethodError
from ascribe.metrics.comparison import Comparison, compare
from ascribe.report.explained import tensor
from ascribe.report.prepare import Data

DEFAULT_METHODS = ("IntegratedGradients", "ExpectedGradients", "DeepLift", "Ablation", "Shapley")


def choose_methods(names: Sequence[str], seed: int) -> list[Method]:
    """The methods of these names, upper or lower case, joined by commas or not, each once; the usual five for no name.

    Raises MethodError for a name that is none, or one that needs more than a name, or a layer, or pairs columns.
    """
    exported = inspect.getmembers(ascribe.methods, inspect.isclass)
    known = {name.casefold(): kind for name, kind in exported if issubclass(kind, Method)}
    wanted = [name for joined in names for name in joined.split(",") if name] or list(DEFAULT_METHODS)
    return list(dict.fromkeys(build(name, known, seed) for name in wanted))


def build(name: str, known: dict[str, type[Method]], seed: int) -> Method:
    kind = known.get(name.casefold())
    if kind is None:
        close = difflib.get_close_matches(name.casefold(), list(known), n=1)
        hint = f"; did you mean {known[close[0]].__name__}?" if close else "."
        listed = ", ".join(sorted(method.__name__ for method in known.values()))
        raise MethodError(f"no method is called {name!r}{hint} The methods are: {listed}.")
    if kind.space == "input":
        raise MethodError(f"{kind.__name__} explains a layer; use it from Python with ascribe.explain(..., at=...).")
    if kind.yields == "pairs":
        raise MethodError(f"{kind.__name__} explains pairs of columns; use it from Python with ascribe.explain.")
    fields = getattr(kind, "__dataclass_fields__", {})
    try:
        return kind(**({"seed": seed} if "seed" in fields else {}))
    except TypeError as error:
        raise MethodError(
            f"{kind.__name__} needs more than a name; use it from Python with ascribe.explain."
        ) from error


def attribute(
    network: nn.Module, data: Data, methods: Sequence[Method], rows: np.ndarray, background: np.ndarray
) -> tuple[Comparison, list[str]]:
    """Every method's attribution of some rows to the table's columns, and notes about those that could not.

    Point methods compare with the mean of the training rows, the others with the `background` rows.
    Raises MethodError when no method can.
    """
    x = tensor(data.features[rows])
    places = [np.flatnonzero(data.encoder.groups == player).tolist() for player in range(len(data.encoder.players))]
    settings: dict[str, Any] = {
        "target": "predicted" if len(data.target.classes) > 2 else None,
        "baseline": tensor(data.features[data.parts.training].mean(axis=0, keepdims=True)),
        "background": tensor(data.features[background]),
        "groups": dict(zip(data.encoder.players, places, strict=True)),
    }
    comparison = compare(network, x, methods, **settings)
    return comparison, [f"{name} could not explain this network: {why}" for name, why in comparison.failed.items()]


def sample(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most `most` of some rows, rising, drawn by `seed`."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def singles(output: Tensor) -> tuple[int, ...]:
    """The rows to show one by one: the lowest, the middle and the highest output.

    >>> import torch
    >>> singles(torch.tensor([3.0, 9.0, 1.0, 5.0, 7.0]))
    (2, 3, 1)
    """
    order = output.argsort(stable=True).tolist()
    return tuple(dict.fromkeys((order[0], order[len(order) // 2], order[-1])))
