"""Linear models that scikit-learn fits, and that predict in torch."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ascribe.compat.captum._utils.models.model import Model
from ascribe.errors import MethodError, need


class LinearModel(nn.Module, Model):
    """A linear layer that `fit` makes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        self.construct_kwargs = kwargs
        self.linear: nn.Linear | None = None
        self.labels: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """The prediction of every row."""
        return self._fitted()(x)

    def representation(self) -> Tensor:
        """The coefficients, (outputs, features)."""
        return self._fitted().weight.detach()

    def bias(self) -> Tensor | None:
        """The intercept."""
        return None if self.linear is None else self.linear.bias.detach()

    def classes(self) -> Tensor | None:
        """The labels of a classifier."""
        return self.labels

    def _fitted(self) -> nn.Linear:
        if self.linear is None:
            raise MethodError(f"{type(self).__name__} has learned nothing yet; call fit(loader) first.")
        return self.linear


class SkLearnLinearModel(LinearModel):
    """A linear model of scikit-learn by its name there, such as "linear_model.Lasso", with its arguments.

    The coefficients are in the dtype of the data.
    """

    def __init__(self, sklearn_module: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sklearn_module = sklearn_module

    def fit(self, train_data: Any, **kwargs: Any) -> dict[str, Any]:
        """Learn from batches of (features, output) or (features, output, weight); keywords go to scikit-learn's `fit`.

        Raises MethodError for a model that takes no weights where some came, and for one that is not linear.
        """
        need("sklearn", extra="sklearn")
        name = f"sklearn.{self.sklearn_module}"
        module, _, kind = name.rpartition(".")
        estimator = getattr(need(module, extra="sklearn"), kind)(**self.construct_kwargs)
        columns = [torch.cat(list(parts)) for parts in zip(*train_data, strict=True)]
        x, y, *weights = (np.asarray(column.cpu()) for column in columns)
        start = perf_counter()
        try:
            estimator.fit(x, y, **({"sample_weight": weights[0]} if weights else {}), **kwargs)
        except TypeError as error:
            raise MethodError(f"{name} cannot learn from these samples ({error}); pass SkLearnRidge(), say.") from error
        if not hasattr(estimator, "coef_"):
            raise MethodError(f"{name} has no coefficients; pass a linear model, such as SkLearnLasso(alpha=0.01).")
        self._take(estimator, columns[0])
        return {"train_time": perf_counter() - start}

    def _take(self, estimator: Any, like: Tensor) -> None:
        weight = torch.as_tensor(estimator.coef_, dtype=like.dtype, device=like.device)
        weight = weight.reshape(1, -1) if weight.ndim < 2 else weight
        intercept = torch.as_tensor(estimator.intercept_, dtype=like.dtype, device=like.device)
        linear = nn.Linear(1, 1)
        linear.in_features, linear.out_features = weight.shape[1], weight.shape[0]
        linear.weight, linear.bias = nn.Parameter(weight), nn.Parameter(intercept.reshape(-1))
        self.linear = linear
        self.labels = torch.as_tensor(estimator.classes_) if hasattr(estimator, "classes_") else None


class SkLearnLasso(SkLearnLinearModel):
    """`sklearn.linear_model.Lasso`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("linear_model.Lasso", **kwargs)


class SkLearnRidge(SkLearnLinearModel):
    """`sklearn.linear_model.Ridge`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("linear_model.Ridge", **kwargs)


class SkLearnLinearRegression(SkLearnLinearModel):
    """`sklearn.linear_model.LinearRegression`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("linear_model.LinearRegression", **kwargs)


class SkLearnLogisticRegression(SkLearnLinearModel):
    """`sklearn.linear_model.LogisticRegression`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("linear_model.LogisticRegression", **kwargs)


class SkLearnSGDClassifier(SkLearnLinearModel):
    """`sklearn.linear_model.SGDClassifier`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("linear_model.SGDClassifier", **kwargs)
