"""Classifiers of activations: a user's own, and the built-in one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ascribe.concepts.logistic import Separation, separate
from ascribe.errors import InputError, MethodError


class Classifier(ABC):
    """What tells the concepts of a set apart by a weight for every activation."""

    @abstractmethod
    def train_and_eval(self, dataloader: Iterable[Any], **kwargs: Any) -> dict[str, Any] | None:
        """Fit to batches `(activations, labels)`; figures of it, such as its accuracy, by name."""

    @abstractmethod
    def weights(self) -> Tensor:
        """A row of weights for every class."""

    @abstractmethod
    def classes(self) -> Any:
        """The labels, in the order of the rows."""


class DefaultClassifier(Classifier):
    """Logistic regression of ascribe, with `penalty` and `seed`: the same every time, and needs no scikit-learn."""

    def __init__(self, penalty: float = 1e-2, seed: int = 0) -> None:
        self.penalty, self.seed = penalty, seed
        self._found: Separation | None = None
        self._classes: list[int] = []

    def train_and_eval(
        self, dataloader: Iterable[Any], test_split_ratio: float = 0.33, **kwargs: Any
    ) -> dict[str, Any] | None:
        """Fit to a random part of the examples, and judge by the others: `{"accs": accuracy}`."""
        batches = list(dataloader)
        if not batches:
            raise InputError("there are no activations; pass concepts with examples")
        x, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(self.seed)).to(x.device)
        tried = order[: int(test_split_ratio * len(x))]
        kept = order[len(tried) :]
        classes, numbers = torch.unique(labels, return_inverse=True)
        self._found = separate(x[kept], numbers[kept], len(classes), self.penalty)
        self._classes = classes.tolist()
        judged = tried if len(tried) else kept
        return {"accs": (self._found.classify(x[judged]) == numbers[judged]).float().mean()}

    def weights(self) -> Tensor:
        """A row of weights for every class.  Raises MethodError before there are any."""
        if self._found is None:
            raise MethodError("nothing was fitted yet; call train_and_eval first")
        return self._found.weights.float()

    def classes(self) -> list[int]:
        """The labels, in the order of the rows."""
        return self._classes
