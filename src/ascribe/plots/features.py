"""How much every input of a KAN matters, to its outputs or to one of its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from ascribe.core.arrays import as_array
from ascribe.core.drawing import draws
from ascribe.errors import InputError
from ascribe.kan.network import KAN
from ascribe.kan.scores import attribute
from ascribe.plots.scores import scores

if TYPE_CHECKING:
    import matplotlib.axes


@draws(KAN)
def features(
    kan: KAN,
    l: int | None = None,
    i: int | None = None,
    *,
    x: Tensor | None = None,
    names: Sequence[str] | None = None,
    bootstrap: int = 20,
    top: int = 20,
    ax: matplotlib.axes.Axes | None = None,
) -> matplotlib.axes.Axes:
    """The scores of the inputs, highest first: with respect to all outputs, or to node i of layer l.

    Those of the outputs have whiskers of two standard errors, from `bootstrap` resamplings of the rows; 0 for none.
    `names` are those of the inputs, or of all columns where the network takes some of them; by themselves the network's
    own. Raises InputError for a node that does not exist, for wrong names, and without data.
    """
    shown = _names(kan, names)
    if l is None:
        found = kan.scores(x, bootstrap)
        error = None if found.error is None else as_array(found.error.nodes[0])
        return scores(shown, as_array(found.nodes[0]), error, top=top, ax=ax)
    found = attribute(kan, l, i, x)
    if i is None:
        raise InputError(f"layer {l} has {len(found)} nodes; pass one of them: features({l}, 0).")
    ax = scores(shown, as_array(found), top=top, ax=ax)
    ax.set_xlabel(f"{ax.get_xlabel()}, with respect to node {i} of layer {l}")
    return ax


def _names(kan: KAN, names: Sequence[str] | None) -> list[str]:
    columns = kan.input_id.tolist()
    own = kan.names if names is None else list(names)
    if own is None:
        return [f"x{column + 1}" for column in columns]
    if len(own) == len(columns) != kan.columns:
        return own
    if len(own) != kan.columns:
        raise InputError(
            f"names has {len(own)} entries, but the network takes {kan.columns} columns; pass {kan.columns}."
        )
    return [own[column] for column in columns]
