"""Multipliers by function: the network runs at the input, then at the reference, and the calls are matched one by one.

The first run records every torch function that the input reaches and puts in the place of its backward a pullback that
is still open. The second run, at the reference, meets the same calls in the same order; each then knows both of its
values, and its rule closes the pullback. One backward pass through the first run's graph gives the multipliers.

Nothing is stacked: rows never meet, a transposed batch is no trouble, and the backward pass has n rows, not 2n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.points import Points, slopes
from ascribe.errors import MethodError
from ascribe.rules.as_written import as_written
from ascribe.rules.recording import Recording
from ascribe.rules.replaying import Replaying


@final
@dataclass(frozen=True)
class Contrast:
    """A network at x and at a reference: the multipliers between them, and the scores of both."""

    multipliers: Float[Tensor, "scores *shape"]
    scores: Float[Tensor, " scores"]
    reference: Float[Tensor, " scores"]


def contrast(
    network: Callable[[Tensor], Tensor],
    x: Float[Tensor, "n *shape"],
    x0: Float[Tensor, "n *shape"],
    points: Points | None = None,
) -> Contrast:
    r"""$m$ with $\sum_i m_i (x_i - x_{0,i}) = f(x) - f(x_0)$ for every score, by the chain rule of DeepLIFT.

    `network` gives one number a row, or several where `points` says which row each belongs to. Costs two forward
    passes, and one backward pass or as many as a row has scores.

    Raises MethodError at a function without a rule, at a value that depends on the input though autograd does not see
    how (a comparison, rounding, noise), at code hidden from torch function overrides, and where the network takes
    another path on the reference.  Source: Shrikumar, Greenside & Kundaje (2017), https://arxiv.org/abs/1704.02685.

    >>> x = torch.tensor([[3.0, 2.0]])
    >>> contrast(lambda z: torch.relu(z[:, 0] - z[:, 1] - 2.0) + z[:, 1] ** 2, x, torch.zeros(1, 2)).multipliers
    tensor([[0., 2.]])
    """
    start = x.detach().requires_grad_()
    with as_written(), torch.enable_grad():
        # Copies, since a network may begin with a function that writes into its input.
        first, second = start.clone(), x0.detach().clone()
        with Recording(first) as recording:
            scores = network(first)
        recording.check([scores])
        with Replaying(recording.tape) as replaying:
            reference = network(second)
        replaying.finish()
        found = slopes(scores, start, points) if scores.requires_grad else None
    if found is not None:
        return Contrast(found, scores.detach(), reference.detach())
    if torch.equal(scores, reference):
        return Contrast(x.new_zeros(len(scores), *x.shape[1:]), scores, reference)
    raise MethodError(
        "DeepLift needs a function that torch can differentiate, but this one leaves autograd on the way (numpy, "
        "detach, a comparison, torch.func); write it with torch functions, or use Shapley()."
    )
