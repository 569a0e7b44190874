"""The main job: a table in, everything worth knowing about its explanation out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ascribe.errors import InputError
from ascribe.report.attribute import attribute, choose_methods, sample, singles
from ascribe.report.explained import Explained
from ascribe.report.formula import MOST_EDGES, as_formula
from ascribe.report.own import own_network
from ascribe.report.prepare import Data, prepare
from ascribe.report.recipe import recipe
from ascribe.report.study import Study
from ascribe.report.threads import fitting_threads
from ascribe.report.training import train
from ascribe.report.trials import Training
from ascribe.report.yardsticks import yardstick, yardsticks
from ascribe.tables.read import read
from ascribe.tables.target import Task

MOST_SEED = 2**32  # what scikit-learn takes
Stages = Callable[[str, float], None]


@dataclass(frozen=True)
class Settings:
    """How much work the main job does: the defaults are what the command uses."""

    most_rows: int = 100_000  # of the table; more are sampled
    explained: int = 1000  # rows of the test part at most
    effort: int = 20_000  # rows times columns that are explained at most: what most methods' cost grows with
    background: int = 64  # training rows that explanations average over
    training: Training = field(default_factory=Training)

    def rows(self, columns: int) -> int:
        """How many rows are explained at most where there are so many columns; never fewer than 200 for their sake."""
        return min(self.explained, max(200, self.effort // columns))


def conduct(
    source: Any,
    target: str,
    *,
    model: Path | None = None,
    methods: Sequence[str] = (),
    drop: Sequence[str] = (),
    task: Task | None = None,
    seed: int = 0,
    settings: Settings | None = None,
    progress: Stages | None = None,
) -> Study:
    """Train a KAN on a table, or take the network in `model`, and attribute its predictions on unseen rows.

    `source` is a path or a data frame. `progress` is told each stage and the share of the work done before it.
    The same seed and thread count give the same numbers. Raises AscribeError for anything that cannot be used.
    """
    start, settings, progress = time.perf_counter(), settings or Settings(), progress or silent
    if not 0 <= seed < MOST_SEED:
        raise InputError(f"--seed {seed} is out of range; pass a whole number from 0 to {MOST_SEED - 1}.")
    chosen = choose_methods(methods, seed)
    progress("reading the table", 0.0)
    table = read(source)
    data = prepare(
        table, target, drop=drop, task=task, seed=seed, most_rows=settings.most_rows, plain=model is not None
    )
    with fitting_threads(data.features.size):
        found = explained(data, model, seed, settings, progress)
        progress("comparing with yardsticks", 0.85)
        own = yardstick(found, data)
        others = yardsticks(data, seed)
        progress("reading the formula", 0.87)
        formula = as_formula(found, data)
        progress("explaining the test rows", 0.88)
        rows = sample(data.parts.test, settings.rows(len(data.encoder.players)), seed)
        background = sample(data.parts.training, settings.background, seed)
        comparison, notes = attribute(found.network, data, chosen, rows, background)
        predicted = found.predict(data.features[data.parts.test], len(data.target.classes))
    if formula is None and found.kan is not None:
        notes.append(
            f"The network is not written as a formula: {found.kan.n_edge} edges are more than the {MOST_EDGES} that "
            "can be read, or two of its inputs have one name."
        )
    if len(rows) < len(data.parts.test):
        notes.append(
            f"{len(rows):,} of the {len(data.parts.test):,} test rows, drawn by the seed, are explained; "
            "the figures of the models are those of all."
        )
    first = next(iter(comparison.attributions.values()))
    return Study(
        title=Path(source).name if isinstance(source, str | Path) else f"the {type(source).__name__}",
        task=data.target.task,
        target=data.target.name,
        unit_note=found.unit_note,
        classes=data.target.classes,
        columns=data.facts(),
        rows=len(data.rows),
        train=len(data.parts.training),
        validation=len(data.parts.validation),
        test=len(data.parts.test),
        yardsticks=(own, *others),
        rounds=found.rounds,
        scores=found.scores,
        kan=found.kan,
        names=found.inputs,
        comparison=comparison,
        explained_rows=data.rows[rows],
        cells=data.cells(rows),
        singles=singles(first.output),
        test_rows=data.rows[data.parts.test],
        predicted=predicted.argmax(axis=1) if data.target.classes else predicted,
        true=data.values[data.parts.test],
        notes=(*data.notes, *found.notes, *notes),
        seed=seed,
        seconds=time.perf_counter() - start,
        recipe=recipe(source, data, found, model, drop, task, chosen, seed),
        weights=found.weights,
        formula=formula,
    )


def silent(stage: str, done: float) -> None:
    """No progress is shown."""


def explained(data: Data, model: Path | None, seed: int, settings: Settings, progress: Stages) -> Explained:
    if model is not None:
        progress("reading the network", 0.1)
        return own_network(model, data)
    return train(data, settings.training, seed, lambda stage, done: progress(stage, 0.02 + 0.83 * done))
