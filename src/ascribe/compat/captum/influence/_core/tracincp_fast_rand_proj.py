"""`captum.influence.TracInCPFast` and `TracInCPFastRandProj` over `ascribe.influence`.

As in Captum the influence is that of the last layer's weight; `ascribe.influence.TracInLastLayer` adds its bias.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from ascribe.compat.captum.influence._core.tracincp import TracInCPBase, require
from ascribe.compat.captum.influence._utils.common import KMostInfluentialResults, load_checkpoint
from ascribe.errors import MethodError
from ascribe.influence.last_layer import TracInLastLayer
from ascribe.influence.neighbours import Neighbours
from ascribe.influence.projected import TracInProjected


class _Last(TracInCPBase):
    def __init__(
        self,
        model: nn.Module,
        final_fc_layer: nn.Module | str,
        train_dataset: Any,
        checkpoints: Any,
        checkpoints_load_func: Callable[..., float],
        loss_fn: Callable[..., Tensor] | None,
        batch_size: int | None,
        test_loss_fn: Callable[..., Tensor] | None,
    ) -> None:
        super().__init__(model, train_dataset, checkpoints, checkpoints_load_func, loss_fn, batch_size, test_loss_fn)
        if loss_fn is None:
            raise MethodError("loss_fn was not given; the gradient of the last layer needs one")
        self.final_fc_layer = final_fc_layer


class TracInCPFast(_Last):
    """TracIn of the last linear layer's weight."""

    def __init__(
        self,
        model: nn.Module,
        final_fc_layer: nn.Module | str,
        train_dataset: Any,
        checkpoints: Any,
        checkpoints_load_func: Callable[..., float] = load_checkpoint,
        loss_fn: Callable[..., Tensor] | None = None,
        batch_size: int | None = 1,
        test_loss_fn: Callable[..., Tensor] | None = None,
        vectorize: bool = False,
    ) -> None:
        data = (train_dataset, checkpoints, checkpoints_load_func)
        super().__init__(model, final_fc_layer, *data, loss_fn, batch_size, test_loss_fn)
        self.tracin = TracInLastLayer(model, final_fc_layer, bias=False, **self.knobs)

    def influence(
        self, inputs: Any = None, k: int | None = None, proponents: bool = True, show_progress: bool = False
    ) -> Tensor | KMostInfluentialResults:
        """Scores of all training examples, or with `k` the numbers and scores of the first."""
        require(inputs)
        if k is None:
            return self.tracin.scores(inputs, progress=show_progress)
        return self.tracin.top(inputs, k, proponents=proponents, progress=show_progress)

    def self_influence(
        self, inputs: Any = None, show_progress: bool = False, outer_loop_by_checkpoints: bool = False
    ) -> Tensor:
        """The influence of every example on itself."""
        return self.tracin.self_influence(inputs, progress=show_progress)


class TracInCPFastRandProj(_Last):
    """The same through vectors that are kept; neighbours are searched exactly unless an index is given."""

    def __init__(
        self,
        model: nn.Module,
        final_fc_layer: nn.Module | str,
        train_dataset: Any,
        checkpoints: Any,
        checkpoints_load_func: Callable[..., float] = load_checkpoint,
        loss_fn: Callable[..., Tensor] | None = None,
        batch_size: int | None = 1,
        test_loss_fn: Callable[..., Tensor] | None = None,
        vectorize: bool = False,
        nearest_neighbors: Neighbours | None = None,
        projection_dim: int | None = None,
        seed: int = 0,
    ) -> None:
        data = (train_dataset, checkpoints, checkpoints_load_func)
        super().__init__(model, final_fc_layer, *data, loss_fn, batch_size, test_loss_fn)
        own: dict[str, Any] = {"dimensions": projection_dim, "seed": seed, "neighbours": nearest_neighbors}
        self.tracin = TracInProjected(model, final_fc_layer, **self.knobs, **own)

    def influence(
        self, inputs: Any = None, k: int | None = 5, proponents: bool = True
    ) -> Tensor | KMostInfluentialResults:
        """Scores of all training examples, or with `k` the numbers and scores of the first."""
        require(inputs)
        return self.tracin.scores(inputs) if k is None else self.tracin.top(inputs, k, proponents=proponents)

    def self_influence(
        self, inputs: Any = None, show_progress: bool = False, outer_loop_by_checkpoints: bool = False
    ) -> Tensor:
        """Raises MethodError: nothing is saved by vectors here."""
        raise MethodError("TracInCPFastRandProj has no self_influence; ask TracInCPFast, which needs no projection")

    def compute_intermediate_quantities(self, inputs: Any) -> Tensor:
        """The vectors of examples."""
        return self.tracin.embed(inputs)
