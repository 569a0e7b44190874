"""`captum.influence.NaiveInfluenceFunction` over `ascribe.influence.InfluenceFunction`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from ascribe.compat.captum.influence._core.influence import DataInfluence
from ascribe.compat.captum.influence._core.tracincp import require
from ascribe.compat.captum.influence._utils.common import KMostInfluentialResults, load_checkpoint
from ascribe.influence.curvature import ExactRoot, Root
from ascribe.influence.influence_function import InfluenceFunction


class IntermediateQuantitiesInfluenceFunction(DataInfluence):
    """An influence function as inner products of vectors."""

    def __init__(
        self,
        root: Root,
        model: nn.Module,
        train_dataset: Any,
        checkpoint: Any,
        checkpoints_load_func: Callable[..., float],
        layers: list[str] | None,
        loss_fn: Callable[..., Tensor] | None,
        batch_size: int | None,
        hessian_dataset: Any,
        test_loss_fn: Callable[..., Tensor] | None,
    ) -> None:
        self.model = model
        self.function = InfluenceFunction(
            model,
            train_dataset,
            loss_fn,
            checkpoint=checkpoint,
            load=checkpoints_load_func,
            root=root,
            curved=hessian_dataset,
            test_loss=test_loss_fn,
            layers=layers,
            batch_size=batch_size,
        )

    def influence(
        self, inputs: Any = None, k: int | None = None, proponents: bool = True, show_progress: bool = False
    ) -> Tensor | KMostInfluentialResults:
        """Scores of all training examples, or with `k` the numbers and scores of the first."""
        require(inputs)
        if k is None:
            return self.function.scores(inputs, progress=show_progress)
        return self.function.top(inputs, k, proponents=proponents, progress=show_progress)

    def self_influence(self, inputs_dataset: Any = None, show_progress: bool = False) -> Tensor:
        """The influence of every example on itself."""
        return self.function.self_influence(inputs_dataset, progress=show_progress)

    def compute_intermediate_quantities(
        self,
        inputs_dataset: Any,
        aggregate: bool = False,
        show_progress: bool = False,
        return_on_cpu: bool = True,
        test: bool = False,
    ) -> Tensor:
        """The vectors whose inner products are the scores."""
        found = self.function.embeddings(inputs_dataset, test=test, aggregate=aggregate)
        return found.cpu() if return_on_cpu else found


class NaiveInfluenceFunction(IntermediateQuantitiesInfluenceFunction):
    """With all eigenvectors of the whole second derivative: `ascribe.influence.ExactRoot`."""

    def __init__(
        self,
        model: nn.Module,
        train_dataset: Any,
        checkpoint: Any,
        checkpoints_load_func: Callable[..., float] = load_checkpoint,
        layers: list[str] | None = None,
        loss_fn: Callable[..., Tensor] | None = None,
        batch_size: int | None = 1,
        hessian_dataset: Any = None,
        test_loss_fn: Callable[..., Tensor] | None = None,
        sample_wise_grads_per_batch: bool = False,
        projection_dim: int | None = 50,
        seed: int = 42,
        hessian_reg: float = 1e-6,
        hessian_inverse_tol: float = 1e-5,
        projection_on_cpu: bool = True,
        show_progress: bool = False,
    ) -> None:
        root = ExactRoot(projection_dim, hessian_reg, hessian_inverse_tol)
        data = (train_dataset, checkpoint, checkpoints_load_func, layers, loss_fn, batch_size, hessian_dataset)
        super().__init__(root, model, *data, test_loss_fn)
