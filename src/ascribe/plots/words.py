"""The tokens of a text as a reader sees them, with one attribution each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ascribe.core.arrays import as_array
from ascribe.core.attribution import Attribution
from ascribe.core.names import numbered
from ascribe.core.nest import leaves
from ascribe.errors import InputError
from ascribe.plots.labels import short
from ascribe.plots.values import of_row

LONGEST = 30
"""Letters of a token that are shown."""


def token_values(attribution: Attribution, row: int) -> Float[np.ndarray, " tokens"]:
    """One attribution a token: of an embedding, the sum over its dimensions."""
    values = of_row(attribution, row)
    return values.reshape(len(values), -1).sum(1)


def token_texts(attribution: Attribution, row: int, tokens: Sequence[str] | None, count: int) -> list[str]:
    """The given texts, the names of the features, or the ids.  Raises InputError where not one came for each."""
    if tokens is not None:
        if len(tokens) != count:
            raise InputError(f"{len(tokens)} tokens came, but row {row} has {count} values; pass one for each.")
        return [visible(str(token)) for token in tokens]
    own = leaves(attribution.inputs)[0][row].flatten()
    if len(own) == count and attribution.names == numbered("x", (count,), plain=True):
        return [f"{number:g}" for number in as_array(own)]
    names = attribution.names if len(attribution.names) == count else numbered("token", (count,), plain=True)
    return [visible(name) for name in names]


def visible(token: str) -> str:
    """A token as something to see: what is only a space or the end of a line has a sign.

    >>> visible("word"), visible(" "), visible("\\n")
    ('word', '␣', '⏎')
    """
    return short(token, LONGEST) or ("⏎" if "\n" in token else "␣")
