"""What the parts of a prompt do to the tokens of its continuation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ascribe.core.arrays import as_array
from ascribe.core.drawing import draws
from ascribe.plots.token_map import token_map

if TYPE_CHECKING:
    import matplotlib.axes

    import ascribe.prompts.attribution


@draws("ascribe.prompts.attribution.PromptAttribution", default=True)
def prompt(
    attribution: ascribe.prompts.attribution.PromptAttribution, *, ax: matplotlib.axes.Axes | None = None
) -> matplotlib.axes.Axes:
    """A row a token of the continuation, a column a part of the prompt.

    For a picture of the continuation as a whole, or of one token: `.sequence.plot.waterfall()`, `.token(0).plot.bar()`.
    """
    return token_map(as_array(attribution.token_values), attribution.tokens, attribution.names, ax=ax)
