"""TracIn: what training on one example did to the loss of another, checkpoint by checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, final

from torch import nn

from ascribe.influence.batches import Batch
from ascribe.influence.checkpoints import Load, checked, visited
from ascribe.influence.gradients import ExampleGradients, LossFunction
from ascribe.influence.influence import Features, Influence


@final
class TracIn(Influence):
    r"""$I(z', z) = \sum_t \eta_t \nabla L(\theta_t, z')^\top \nabla L(\theta_t, z)$ over checkpoints $\theta_t$.

    `load(model, checkpoint)` puts the weights in place and returns the learning rate $\eta_t$; every checkpoint is
    loaded once a call. `layers` restricts the parameters. Costs one gradient for each example and checkpoint.

    Source: Pruthi, Liu, Kale & Sundararajan (2020), "Estimating training data influence by tracing gradient descent".

    >>> import torch
    >>> def load(model, weight):
    ...     with torch.no_grad(): model.weight.fill_(weight)
    ...     return 0.1
    >>> data = (torch.tensor([[1.0], [2.0]]), torch.tensor([[0.0], [0.0]]))
    >>> found = TracIn(nn.Linear(1, 1, bias=False), data, [1.0], load, nn.MSELoss())
    >>> [[round(s, 2) for s in row] for row in found.scores(data).tolist()]
    [[0.4, 1.6], [1.6, 6.4]]
    """

    def __init__(
        self,
        model: nn.Module,
        train: Any,
        checkpoints: Sequence[Any],
        load: Load,
        loss: LossFunction | None = None,
        *,
        test_loss: LossFunction | None = None,
        layers: Sequence[str | nn.Module] | None = None,
        **knobs: Any,
    ) -> None:
        super().__init__(model, train, **knobs)
        self.checkpoints, self.load = checked(checkpoints), load
        self.loss, self.test_loss = loss, loss if test_loss is None else test_loss
        self.gradients = ExampleGradients(model, layers)

    @property
    def row_bytes(self) -> int:
        return 4 * self.gradients.size

    def stages(self) -> Iterator[float]:
        return visited(self.model, self.checkpoints, self.load)

    def features(self, batch: Batch, test: bool) -> Features:
        return (self.gradients(batch, self.test_loss if test else self.loss),)
