"""`captum.influence.TracInCP` over `ascribe.influence.TracIn`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from ascribe.compat.captum.influence._core.influence import DataInfluence
from ascribe.compat.captum.influence._utils.common import KMostInfluentialResults, checkpoints_of, load_checkpoint
from ascribe.errors import InputError
from ascribe.influence.batches import Batches
from ascribe.influence.tracin import TracIn


class TracInCPBase(DataInfluence):
    """What the TracIn classes are constructed from."""

    def __init__(
        self,
        model: nn.Module,
        train_dataset: Any,
        checkpoints: Any,
        checkpoints_load_func: Callable[[nn.Module, Any], float] = load_checkpoint,
        loss_fn: Callable[..., Tensor] | None = None,
        batch_size: int | None = 1,
        test_loss_fn: Callable[..., Tensor] | None = None,
    ) -> None:
        self.model = model
        self.train_dataset = train_dataset
        self.checkpoints = checkpoints_of(checkpoints)
        self.checkpoints_load_func = checkpoints_load_func
        self.loss_fn, self.test_loss_fn = loss_fn, loss_fn if test_loss_fn is None else test_loss_fn
        self.batch_size = batch_size
        self.train_dataloader = Batches(train_dataset, batch_size)

    @property
    def knobs(self) -> dict[str, Any]:
        """The same for ascribe's classes."""
        return {
            "train": self.train_dataset,
            "checkpoints": self.checkpoints,
            "load": self.checkpoints_load_func,
            "loss": self.loss_fn,
            "test_loss": self.test_loss_fn,
            "batch_size": self.batch_size,
        }

    @abstractmethod
    def influence(self, *args: Any, **kwargs: Any) -> Tensor | KMostInfluentialResults:
        """Scores of all training examples, or with `k` the numbers and scores of the first."""

    @abstractmethod
    def self_influence(self, *args: Any, **kwargs: Any) -> Tensor:
        """The influence of every example on itself."""


class TracInCP(TracInCPBase):
    """TracIn of all parameters, or of those of `layers`."""

    def __init__(
        self,
        model: nn.Module,
        train_dataset: Any,
        checkpoints: Any,
        checkpoints_load_func: Callable[[nn.Module, Any], float] = load_checkpoint,
        layers: list[str] | None = None,
        loss_fn: Callable[..., Tensor] | None = None,
        batch_size: int | None = 1,
        test_loss_fn: Callable[..., Tensor] | None = None,
        sample_wise_grads_per_batch: bool = False,
    ) -> None:
        super().__init__(model, train_dataset, checkpoints, checkpoints_load_func, loss_fn, batch_size, test_loss_fn)
        self.tracin = TracIn(model, layers=layers, **self.knobs)

    def influence(
        self,
        inputs: Any = None,
        k: int | None = None,
        proponents: bool = True,
        show_progress: bool = False,
        aggregate: bool = False,
    ) -> Tensor | KMostInfluentialResults:
        """Scores of all training examples, or with `k` the numbers and scores of the first."""
        require(inputs)
        if k is None:
            return self.tracin.scores(inputs, aggregate=aggregate, progress=show_progress)
        return self.tracin.top(inputs, k, proponents=proponents, aggregate=aggregate, progress=show_progress)

    def self_influence(
        self, inputs: Any = None, show_progress: bool = False, outer_loop_by_checkpoints: bool = False
    ) -> Tensor:
        """The influence of every example on itself."""
        return self.tracin.self_influence(inputs, progress=show_progress)

    def compute_intermediate_quantities(self, inputs: Any, aggregate: bool = False) -> Tensor:
        """Every checkpoint's gradients times its learning rate, side by side."""
        return self.tracin.embeddings(inputs, aggregate=aggregate)


def require(inputs: Any) -> None:
    """Raises InputError where there are no test examples."""
    if inputs is None:
        raise InputError("inputs was not given; pass test examples, or ask for self_influence()")
