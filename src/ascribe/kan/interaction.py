"""Which inputs come together in the nodes of a layer."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor

from ascribe.kan.scores import attribute
from ascribe.kan.structure import Network


def feature_interaction(
    kan: Network,
    l: int,
    neuron_th: float | int = 1e-2,
    feature_th: float | int = 1e-2,
    x: Tensor | None = None,
) -> dict[tuple[int, ...], int]:
    """How many nodes of layer l combine each set of inputs, as far as the scores on x (or the remembered data) say.

    A node counts when the largest of its inputs' scores is above `neuron_th`, and an input of it when its score is
    above `feature_th` of that largest one.  Raises InputError for a layer that does not exist.
    """
    found = attribute(kan, l, None, x)
    strongest = found.amax(1)
    combined = found > feature_th * strongest[:, None]
    sets = (tuple(torch.nonzero(row)[:, 0].tolist()) for row in combined[strongest > neuron_th])
    return dict(Counter(sets))
