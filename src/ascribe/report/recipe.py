"""Everything that is needed to do a study again, as plain data."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from ascribe.core.method import Method
from ascribe.report.explained import Explained
from ascribe.report.prepare import Data
from ascribe.report.standardized import Standardized
from ascribe.report.study import Task
from ascribe.tables.split import TEST, VALIDATION

LIBRARIES = ("ascribe", "torch", "numpy", "pyarrow", "scikit-learn", "sympy")


def recipe(
    source: Any,
    data: Data,
    found: Explained,
    model: Path | None,
    drop: Sequence[str],
    task: Task | None,
    methods: Sequence[Method],
    seed: int,
) -> dict[str, Any]:
    """What went in, with which versions, and how every column was treated.

    `task` is what was asked for. "units" says what lies between the table and the network that is kept: column by
    column of what it reads, (clip(x, low, high) - mean) / scale goes in; what comes out, times scale, plus mean, is the
    target.
    """
    return {
        "table": described(source),
        "target": data.target.name,
        "task": data.target.task,
        "task_asked": task,
        "classes": list(data.target.classes),
        "drop": list(drop),
        "model": described(model) if model else None,
        "seed": seed,
        "split": {
            "training": len(data.parts.training),
            "validation": len(data.parts.validation),
            "test": len(data.parts.test),
            "validation_share": VALIDATION,
            "test_share": TEST,
            "stratified": bool(data.target.classes),
        },
        "columns": data.encoder.recipe(),
        "units": found.network.units() if isinstance(found.network, Standardized) else None,
        "rounds": [asdict(step) for step in found.rounds],
        "methods": [repr(method) for method in methods],
        "versions": {"python": platform.python_version(), **{name: installed(name) for name in LIBRARIES}},
        "threads": torch.get_num_threads(),
    }


def described(source: Any) -> dict[str, str]:
    """A file by its name and content; a frame by its type."""
    if not isinstance(source, str | Path):
        return {"frame": type(source).__name__}
    return {"file": Path(source).name, "sha256": hashlib.sha256(Path(source).read_bytes()).hexdigest()}


def installed(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
