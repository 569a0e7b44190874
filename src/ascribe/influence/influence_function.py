"""Influence functions: what leaving out a training example would do to the loss of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, final

import torch
from torch import nn

from ascribe.influence.batches import Batch, Batches
from ascribe.influence.checkpoints import Load, restoring, visited
from ascribe.influence.curvature import Curvature, ExactRoot, Root
from ascribe.influence.gradients import ExampleGradients, LossFunction
from ascribe.influence.influence import Features, Influence


@final
class InfluenceFunction(Influence):
    r"""$I(z', z) = \nabla L(z')^\top (H + \lambda)^{-1} \nabla L(z)$ with H the whole loss's second derivative.

    `root` says how the inverse is found: `ExactRoot` for small networks, `KrylovRoot` for any. It is computed once,
    here, over `curved` (the training data unless told otherwise). The weights are the network's own, or those that
    `load(model, checkpoint)` puts in place.

    Source: Koh & Liang (2017), "Understanding black-box predictions via influence functions".
    """

    def __init__(
        self,
        model: nn.Module,
        train: Any,
        loss: LossFunction | None = None,
        *,
        checkpoint: Any = None,
        load: Load | None = None,
        root: Root | None = None,
        curved: Any = None,
        test_loss: LossFunction | None = None,
        layers: Sequence[str | nn.Module] | None = None,
        batch_size: int | None = 64,
        **knobs: Any,
    ) -> None:
        super().__init__(model, train, batch_size=batch_size, **knobs)
        self.checkpoint, self.load = checkpoint, load
        self.loss, self.test_loss = loss, loss if test_loss is None else test_loss
        self.gradients = ExampleGradients(model, layers)
        data = self.train if curved is None else Batches(curved, batch_size)
        with restoring(model), torch.no_grad():
            next(self.stages())
            self.root = (ExactRoot() if root is None else root)(Curvature(model, data, loss, layers))

    @property
    def row_bytes(self) -> int:
        return 4 * self.gradients.size

    def stages(self) -> Iterator[float]:
        if self.load is not None:
            next(visited(self.model, [self.checkpoint], self.load))
        yield 1.0

    def features(self, batch: Batch, test: bool) -> Features:
        return (self.gradients(batch, self.test_loss if test else self.loss) @ self.root,)
