"""What a mean, a line and boosted trees reach on the same rows, and the figures that models are judged by."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ascribe.errors import need
from ascribe.report.explained import Explained
from ascribe.report.prepare import Data
from ascribe.report.study import Task, Yardstick

# A class that a model holds impossible must not make the mean of all rows infinite.
LEAST_PROBABILITY = 1e-7


def figures(task: Task, true: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """How well `predicted` meets `true`: {"RMSE", "R2"}; for probabilities of classes {"accuracy", "log-loss"}.

    >>> figures("regression", np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    {'RMSE': 0.5773502691896257, 'R2': 0.5}
    """
    if task == "regression":
        squares, spread = float(((true - predicted) ** 2).mean()), float(np.var(true))
        return {"RMSE": squares**0.5, "R2": 1 - squares / spread if spread else 0.0}
    chosen = predicted[np.arange(len(true)), true].clip(LEAST_PROBABILITY)
    accuracy = float((predicted.argmax(axis=1) == true).mean())
    return {"accuracy": accuracy, "log-loss": float(-np.log(chosen).mean())}


def yardstick(found: Explained, data: Data) -> Yardstick:
    """The explained model's own figures."""

    def measured(rows: np.ndarray) -> dict[str, float]:
        predicted = found.predict(data.features[rows], len(data.target.classes))
        return figures(data.target.task, data.values[rows], predicted)

    return Yardstick(found.name, measured(data.parts.training), measured(data.parts.test), found.seconds)


def yardsticks(data: Data, seed: int) -> list[Yardstick]:
    """The yardsticks: each learns from the training rows alone.

    Standard settings of scikit-learn: nothing is tuned, and nothing is held back either.
    """
    # so that no model's seconds hold those of an import
    need("sklearn.linear_model", extra="sklearn")
    need("sklearn.ensemble", extra="sklearn")
    task, classes, parts = data.target.task, len(data.target.classes), data.parts
    found = []
    for name, fit in (("mean", mean), ("linear model", linear), ("boosted trees", trees)):
        start = time.perf_counter()
        predict = fit(task, data.features[parts.training], data.values[parts.training], classes, seed)
        learned, unseen = (
            figures(task, data.values[rows], predict(data.features[rows])) for rows in (parts.training, parts.test)
        )
        shown = "most frequent class" if name == "mean" and classes else name
        found.append(Yardstick(shown, learned, unseen, time.perf_counter() - start))
    return found


Predict = Callable[[np.ndarray], np.ndarray]


def mean(task: Task, x: np.ndarray, y: np.ndarray, classes: int, seed: int) -> Predict:
    """The mean, or every class as often as it occurred."""
    constant = y.mean() if task == "regression" else np.bincount(y, minlength=classes) / len(y)
    return lambda rows: np.broadcast_to(constant, (len(rows), *np.shape(constant)))


def linear(task: Task, x: np.ndarray, y: np.ndarray, classes: int, seed: int) -> Predict:
    models = need("sklearn.linear_model", extra="sklearn")
    pipeline = need("sklearn.pipeline", extra="sklearn")
    scaler = need("sklearn.preprocessing", extra="sklearn").StandardScaler()
    model = models.Ridge() if task == "regression" else models.LogisticRegression(max_iter=1000)
    return prediction(task, pipeline.make_pipeline(scaler, model).fit(x, y), classes)


def trees(task: Task, x: np.ndarray, y: np.ndarray, classes: int, seed: int) -> Predict:
    ensemble = need("sklearn.ensemble", extra="sklearn")
    kind = "Regressor" if task == "regression" else "Classifier"
    return prediction(task, getattr(ensemble, f"HistGradientBoosting{kind}")(random_state=seed).fit(x, y), classes)


def prediction(task: Task, model: Any, classes: int) -> Predict:
    """A fitted model's numbers, or its probabilities with a place for every class."""
    if task == "regression":
        return model.predict

    def probabilities(rows: np.ndarray) -> np.ndarray:
        whole = np.zeros((len(rows), classes))
        whole[:, model.classes_] = model.predict_proba(rows)
        return whole

    return probabilities
