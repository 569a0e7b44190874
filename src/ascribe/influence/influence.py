"""What every influence of training examples does: inner products of features, streamed over the training data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import reduce
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.core.budget import Budget
from ascribe.errors import InputError, MethodError
from ascribe.influence.batches import Batch, Batches, progressing
from ascribe.influence.checkpoints import network, restoring
from ascribe.influence.ranked import Ranked, top

# An example's features: a row of a matrix, or of several whose inner products are multiplied.
Features = tuple[Tensor, ...]


class Influence(ABC):
    r"""$I(z', z) = \sum_s w_s \langle \phi_s(z'), \phi_s(z) \rangle$ of a training example z on a test example z'.

    A subclass says what the stages s are (checkpoints, with $w_s$ the learning rate) and what the features are.
    Training data may be a tuple `(*inputs, targets)` or a Dataset, which are cut into `batch_size`, or a DataLoader
    that does not shuffle; test data too. Positive scores are proponents: training on z makes the loss of z' smaller.

    Examples are handled so many at once that their features take about `memory`. The network works in evaluation mode;
    weights, modes and random streams are as before when a call returns or raises. With `keep` the features of the
    training data stay in memory after the first call.
    """

    def __init__(
        self,
        model: nn.Module,
        train: Any,
        *,
        batch_size: int | None = 64,
        memory: int | str = "256 MiB",
        keep: bool = False,
    ) -> None:
        self.model = network(model)
        self.train = Batches(train, batch_size)
        self.memory = Budget(memory).memory
        self.keep = keep
        self._kept: dict[int, list[Features]] = {}

    @abstractmethod
    def stages(self) -> Iterator[float]:
        """Put the network into one state after the other, and give the weight of each."""

    @abstractmethod
    def features(self, batch: Batch, test: bool) -> Features:
        """The features of a batch in the present state; of test examples, of the loss for testing."""

    @property
    def row_bytes(self) -> int:
        """What the work on one example takes; 0 where it hardly matters."""
        return 0

    def scores(self, test: Any, *, aggregate: bool = False, progress: bool = False) -> Float[Tensor, "tests train"]:
        """The influence of every training example on every test example; with `aggregate` on all of them together."""
        tests = Batches(test)
        with restoring(self.model), torch.no_grad():
            total: Tensor | None = None
            for stage, weight in enumerate(self.stages()):
                found = weight * torch.cat([self._against(stage, a, aggregate, progress) for a in self._blocks(tests)])
                found = found.sum(dim=0, keepdim=True) if aggregate else found
                total = found if total is None else total + found
        assert total is not None
        return _finite(total)

    def top(
        self, test: Any, k: int, *, proponents: bool = True, aggregate: bool = False, progress: bool = False
    ) -> Ranked:
        """The `k` training examples with the largest scores, or with `proponents=False` the smallest; exactly."""
        if aggregate:
            return top(self.scores(test, aggregate=True, progress=progress), k, proponents)
        # Not all scores of all test examples at once: so many numbers as the memory holds.
        examples = self.train.examples
        rows = None if examples is None else max(1, self.memory // (8 * max(1, examples)))
        pieces = Batches(test).pieces(rows)
        found = [top(self.scores([piece], progress=progress), k, proponents) for piece in pieces]
        if not found:
            raise InputError("there are no test examples; pass at least one")
        return Ranked(torch.cat([one.indices for one in found]), torch.cat([one.influence_scores for one in found]))

    def self_influence(self, data: Any = None, *, progress: bool = False) -> Float[Tensor, " examples"]:
        r"""$I(z, z)$ of every training example, or of others: large for odd or mislabelled ones."""
        batches = self.train if data is None else Batches(data)
        with restoring(self.model), torch.no_grad():
            total: Tensor | None = None
            for stage, weight in enumerate(self.stages()):
                features = self._kept.get(stage) if data is None else None
                if features is None:
                    features = (self.features(b, test=False) for b in self._pieces(batches, progress))
                found = weight * torch.cat([_norms(feature) for feature in features])
                total = found if total is None else total + found
        assert total is not None
        return _finite(total)

    def embeddings(
        self, data: Any, *, test: bool = False, aggregate: bool = False
    ) -> Float[Tensor, "examples numbers"]:
        r"""$(w_s\phi_s(z))_s$ of every example as one row; with `aggregate` their sum.

        Raises MethodError where features are not one matrix.
        """
        columns: list[Tensor] = []
        with restoring(self.model), torch.no_grad():
            for weight in self.stages():
                rows: list[Tensor] = []
                for batch in self._pieces(Batches(data), progress=False):
                    features = self.features(batch, test)
                    if len(features) != 1:
                        raise MethodError(f"{type(self).__name__} never forms its features; ask for scores instead")
                    rows.append(features[0].sum(dim=0, keepdim=True) if aggregate else features[0])
                found = torch.cat(rows)
                columns.append(weight * (found.sum(dim=0, keepdim=True) if aggregate else found))
        return torch.cat(columns, dim=1)

    def _pieces(self, batches: Batches, progress: bool) -> Iterator[Batch]:
        rows = max(1, self.memory // self.row_bytes) if self.row_bytes else None
        yield from progressing(batches.pieces(rows), type(self).__name__, None, progress)

    def _blocks(self, tests: Batches) -> Iterator[Features]:
        """Features of test examples, so many together as the memory holds: the training data is read once for each."""
        waiting: list[Features] = []
        for batch in self._pieces(tests, progress=False):
            waiting.append(self.features(batch, test=True))
            if sum(matrix.nbytes for features in waiting for matrix in features) > self.memory:
                yield _joined(waiting)
                waiting = []
        if waiting:
            yield _joined(waiting)

    def _against(self, stage: int, tests: Features, aggregate: bool, progress: bool) -> Float[Tensor, "tests train"]:
        columns = [_product(tests, features) for features in self._trained(stage, progress)]
        if not columns:
            raise InputError("there are no training examples; pass data with at least one batch")
        found = torch.cat(columns, dim=1)
        return found.sum(dim=0, keepdim=True) if aggregate else found

    def _trained(self, stage: int, progress: bool) -> Iterator[Features]:
        if stage in self._kept:
            yield from self._kept[stage]
            return
        kept: list[Features] = []
        for batch in self._pieces(self.train, progress):
            features = self.features(batch, test=False)
            if self.keep:
                kept.append(features)
            yield features
        if self.keep:
            self._kept[stage] = kept


def _finite(scores: Float[Tensor, "*tests train"]) -> Float[Tensor, "*tests train"]:
    if bool(scores.isfinite().all()):
        return scores
    place = [int(i) for i in (~scores.isfinite()).nonzero()[0]]
    pair = f"test example {place[0]} and training example {place[1]}" if len(place) > 1 else f"example {place[0]}"
    raise InputError(f"the influence is NaN or infinite for {pair}; leave such examples out, or check the checkpoints")


def _product(a: Features, b: Features) -> Float[Tensor, "tests train"]:
    return reduce(torch.mul, (one @ other.T for one, other in zip(a, b, strict=True)))


def _norms(a: Features) -> Float[Tensor, " rows"]:
    return reduce(torch.mul, (one.square().sum(dim=1) for one in a))


def _joined(features: list[Features]) -> Features:
    return tuple(torch.cat(matrices) for matrices in zip(*features, strict=True))
