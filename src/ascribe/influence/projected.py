"""TracIn of the last layer as a search for neighbours: every example is a short vector, kept once and for all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.errors import InputError, MethodError
from ascribe.influence.batches import Batches
from ascribe.influence.checkpoints import Load, checked, network, restoring, visited
from ascribe.influence.gradients import LossFunction
from ascribe.influence.last_layer import LastLayer
from ascribe.influence.neighbours import ExactNeighbours, Neighbours
from ascribe.influence.ranked import Ranked


@final
class TracInProjected:
    r"""$\langle\phi(z'), \phi(z)\rangle$, $\phi = (\sqrt{\eta_t}\, P^\top \partial L/\partial h \otimes Q^\top a)_t$.

    An unbiased estimate of `TracInLastLayer(bias=False)` by random projections P and Q, normal with mean 0, from
    `seed`, onto at most `dimensions` numbers a checkpoint; without `dimensions`, and where there are no more, exact.
    The training data's vectors are computed at once and kept. `neighbours` is the index that is searched; the built-in
    one is exact.

    Raises MethodError for a learning rate below 0, which has no root.

    Source: Pruthi, Liu, Kale & Sundararajan (2020), "Estimating training data influence by tracing gradient descent".
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str | nn.Module,
        train: Any,
        checkpoints: Sequence[Any],
        load: Load,
        loss: LossFunction | None = None,
        *,
        test_loss: LossFunction | None = None,
        dimensions: int | None = None,
        seed: int = 0,
        neighbours: Neighbours | None = None,
        batch_size: int | None = 64,
    ) -> None:
        if dimensions is not None and dimensions < 1:
            raise MethodError(f"dimensions={dimensions}; pass at least 1, or None for no projection")
        self.model, self.checkpoints, self.load = network(model), checked(checkpoints), load
        self.loss, self.test_loss = loss, loss if test_loss is None else test_loss
        self.last = LastLayer(model, layer, bias=False)
        self.projections = self._projections(dimensions, seed)
        self.vectors = self.embed(Batches(train, batch_size), test=False)
        self.neighbours: Neighbours = ExactNeighbours() if neighbours is None else neighbours
        self.neighbours.setup(self.vectors)

    def embed(self, data: Any, test: bool = True) -> Float[Tensor, "examples numbers"]:
        """The vectors of examples: of test examples, by the loss for testing."""
        batches = data if isinstance(data, Batches) else Batches(data)
        columns: list[Tensor] = []
        with restoring(self.model), torch.no_grad():
            for rate in visited(self.model, self.checkpoints, self.load):
                if rate < 0:
                    raise MethodError(f"a learning rate is {rate}, which has no root; use TracInLastLayer")
                rows: list[Tensor] = []
                for batch in batches:
                    parts = self.last(batch, self.test_loss if test else self.loss)
                    if self.projections is not None:
                        parts = [part @ p.to(part) for part, p in zip(parts, self.projections, strict=True)]
                    jacobian, entering = parts
                    rows.append((jacobian[:, :, None] * entering[:, None, :]).flatten(1) * math.sqrt(rate))
                if not rows:
                    raise InputError("there are no examples; pass data with at least one batch")
                columns.append(torch.cat(rows))
        return torch.cat(columns, dim=1)

    def scores(self, test: Any) -> Float[Tensor, "tests train"]:
        """The influence of every training example on every test example."""
        return self.embed(test) @ self.vectors.T

    def top(self, test: Any, k: int, *, proponents: bool = True) -> Ranked:
        """The `k` training examples with the largest scores, or the smallest, as the index finds them."""
        sign = 1 if proponents else -1
        indices, scores = self.neighbours.get_nearest_neighbors(self.embed(test) * sign, k)
        return Ranked(indices, scores * sign)

    def _projections(self, dimensions: int | None, seed: int) -> tuple[Tensor, Tensor] | None:
        linear = self.last.out.module
        assert isinstance(linear, nn.Linear)
        if dimensions is None or linear.in_features * linear.out_features <= dimensions:
            return None
        generator = torch.Generator().manual_seed(seed)
        side = math.isqrt(dimensions)

        def normal(size: int) -> Tensor:
            short = min(side, size)
            return torch.randn(size, short, generator=generator, dtype=torch.float64) / math.sqrt(short)

        return normal(linear.out_features), normal(linear.in_features)
