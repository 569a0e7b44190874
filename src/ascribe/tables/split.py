"""Dividing rows into a part to learn from, a part to decide on, and a part to be judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from ascribe.errors import InputError

VALIDATION, TEST = 0.15, 0.20
FEWEST_ROWS = 20


@dataclass(frozen=True)
class Split:
    """Places of the rows of each part, rising."""

    training: Int[np.ndarray, " training"]
    validation: Int[np.ndarray, " validation"]
    test: Int[np.ndarray, " test"]


def split(rows: int, seed: int, classes: Int[np.ndarray, " rows"] | None = None) -> Split:
    """65 % of the rows to train, 15 % to decide how far to refine, 20 % to test, drawn by `seed`.

    With classes each of them is divided so; a class with few rows goes to the training part first.
    Raises InputError for fewer than 20 rows.

    >>> parts = split(100, seed=0)
    >>> len(parts.training), len(parts.validation), len(parts.test)
    (65, 15, 20)
    """
    if rows < FEWEST_ROWS:
        raise InputError(
            f"the table has {rows} rows with a target; at least {FEWEST_ROWS} are needed to train, decide and test."
        )
    draw = np.random.default_rng(seed)
    strata = [np.arange(rows)] if classes is None else [np.flatnonzero(classes == c) for c in np.unique(classes)]
    parts: list[list[np.ndarray]] = [[], [], []]
    for stratum in strata:
        order = draw.permutation(stratum)
        test, validation = round(TEST * len(order)), round(VALIDATION * len(order))
        for part, piece in zip(
            parts, np.split(order, [len(order) - test - validation, len(order) - test]), strict=True
        ):
            part.append(piece)
    whole = Split(*(np.sort(np.concatenate(part)) for part in parts))
    if not len(whole.validation) or not len(whole.test):
        raise InputError(f"{len(strata)} classes in {rows} rows are too few rows a class to test; about 5 are needed.")
    return whole
