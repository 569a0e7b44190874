"""What the main job found out about one table: plain data, which the page shows and the files keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from torch import Tensor

from ascribe.kan.network import KAN
from ascribe.metrics.comparison import Comparison

Task = Literal["regression", "classification"]


@dataclass(frozen=True)
class ColumnFacts:
    """One column of the table and what was done with it."""

    name: str
    kind: str  # "numeric", "binary", "category", "date", "constant" or "dropped"
    treatment: str  # one sentence
    missing: int  # cells without a value, infinities included, in the whole table
    summary: str  # "0.2 to 31.5, median 4.1", or the most frequent levels


@dataclass(frozen=True)
class Yardstick:
    """A model and its figures on two parts of the data: {"RMSE", "R2"}, or {"accuracy", "log-loss"}."""

    name: str
    train: dict[str, float]
    test: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class Round:
    """One step in the making of the KAN; the errors are RMSE in the target's units, or log-loss."""

    step: str
    grid: int
    edges: int
    inputs: int
    train_error: float
    validation_error: float
    kept: bool  # False: the step did not help, and the network before it went on


@dataclass(frozen=True)
class FeatureScore:
    """How much of the KAN's output a column accounts for, with the bootstrap's standard error."""

    name: str
    score: float
    error: float


@dataclass(frozen=True)
class Written:
    """A formula near to the network: a line an output, as text and as HTML; LaTeX, Python, and how good it is."""

    lines: tuple[str, ...]
    mathematics: tuple[str, ...]  # MathML, its names escaped
    latex: str
    python: str
    yardstick: Yardstick


@dataclass(frozen=True)
class Study:
    """Everything the report shows. Numbers are in the units of the table; for classes, log-odds and probabilities.

    `predicted` and `true` belong to the whole test part, in the order of `test_rows` (0-based rows of the table); for
    classes both are indices into `classes`. `comparison` explains `explained_rows`, a sample of them; its players are
    the columns, and `cells` holds what those rows contain, as text, in the order of `comparison`'s names.
    """

    title: str
    task: Task
    target: str
    unit_note: str
    classes: tuple[str, ...]  # () for regression
    columns: tuple[ColumnFacts, ...]
    rows: int
    train: int
    validation: int
    test: int
    yardsticks: tuple[Yardstick, ...]  # the explained model comes first
    rounds: tuple[Round, ...]  # () with a network of the user's own
    scores: tuple[FeatureScore, ...]  # sorted, highest first; () with a network of the user's own
    kan: KAN | None
    names: tuple[str, ...]  # of the KAN's inputs
    comparison: Comparison
    explained_rows: np.ndarray
    cells: tuple[tuple[str, ...], ...]
    singles: tuple[int, ...]  # positions in explained_rows that are shown one by one
    test_rows: np.ndarray
    predicted: np.ndarray
    true: np.ndarray
    notes: tuple[str, ...]
    seed: int
    seconds: float
    recipe: dict[str, Any]
    weights: dict[str, Tensor] | None = None  # of a network of the user's own
    formula: Written | None = None

    @property
    def models(self) -> tuple[Yardstick, ...]:
        """The explained model, its formula where there is one, and the yardsticks."""
        own, *others = self.yardsticks
        return (own, *others) if self.formula is None else (own, self.formula.yardstick, *others)
