"""Multipliers by function: the network runs at the input, then at the reference, and the calls are matched one by one.

The first run records every torch function that the input reaches and puts in the place of its backward a pullback that
is still open. The second run, at the reference, meets the same calls in the same order; each then knows both of its
values, and its rule closes the pullback. One backward pass through the first run's graph gives the multipliers.

Nothing is stacked: rows never meet, a transposed batch is no trouble, and the backward pass has n rows, not 2n.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.points import Points, slopes
from ascribe.errors import MethodError
from ascribe.rules.as_written import as_written
from ascribe.rules.recording import Recording
from ascribe.rules.replaying import Replaying


def multipliers(
    network: Callable[[Tensor], Tensor],
    x: Float[Tensor, "n *shape"],
    x0: Float[Tensor, "n *shape"],
    points: Points | None = None,
) -> Float[Tensor, "scores *shape"]:
    r"""$m$ with $\sum_i m_i (x_i - x_{0,i}) = f(x) - f(x_0)$ for every score, by the chain rule of DeepLIFT.

    `network` gives one number a row, or several where `points` says which row each belongs to. Costs two forward
    passes, and one backward pass or as many as a row has scores.

    Raises MethodError at a function without a rule, at a value that depends on the input though autograd does not see
    how (a comparison, rounding, noise), at code hidden from torch function overrides, and where the network takes
    another path on the reference.  Source: Shrikumar, Greenside & Kundaje (2017), https://arxiv.org/abs/1704.02685.

    >>> x = torch.tensor([[3.0, 2.0]])
    >>> multipliers(lambda z: torch.relu(z[:, 0] - z[:, 1] - 2.0) + z[:, 1] ** 2, x, torch.zeros(1, 2))
    tensor([[0., 2.]])
    """
    start = x.detach().requires_grad_()
    with as_written(), torch.enable_grad():
        # Copies, since a network may begin with a function that writes into its input.
        first, second = start.clone(), x0.detach().clone()
        with Recording(first) as recording:
            scores = network(first)
        recording.check([scores])
    with as_written(), torch.enable_grad(), Replaying(recording.tape) as replaying:
        reference = network(second)
    replaying.finish()
    if scores.requires_grad:
        return slopes(scores, start, points)
    if not torch.equal(scores, reference):
        raise MethodError(
            "DeepLift needs a function that torch can differentiate, but this one leaves autograd on the way (numpy, "
            "detach, a comparison, torch.func); write it with torch functions, or use Shapley()."
        )
    return x.new_zeros(len(scores), *x.shape[1:])
