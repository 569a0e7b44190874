"""A small study, made by hand, for the tests of the page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy
import torch

from ascribe.kan.network import KAN
from ascribe.methods.ablation import Ablation
from ascribe.methods.shapley import Shapley
from ascribe.metrics.comparison import compare
from ascribe.report.mathematics import mathematics
from ascribe.report.study import ColumnFacts, FeatureScore, Round, Study, Written, Yardstick

NAMES = (
    "age",
    "<script>alert(1)</script>",
    "家庭收入",
    "a column whose name goes on for eighty characters, so that it has to be cut",
    "$ and $",
)


def yardstick(name, error):
    figures = {"RMSE": error, "R2": 1 - error**2}
    return Yardstick(name, figures, figures, 0.1)


@pytest.fixture(scope="session")
def regression() -> Study:
    """A KAN of five inputs, of which the names are hard on a page."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 5, generator=generator)
    kan = KAN([5, 2, 1], seed=1)
    kan(x)
    with torch.no_grad():
        predicted = kan(x).double().numpy()[:, 0]
    columns = tuple(sympy.Symbol(name) for name in NAMES)
    formula = sympy.exp(sum((k + 1) * column for k, column in enumerate(columns))) - 2 * columns[1] ** 2
    cells = tuple((*tuple(f"{value:.6g}" for value in row[:-1]), "\"&'<b>") for row in x[:20].tolist())
    return Study(
        title="houses & <b>homes</b>.csv",
        task="regression",
        target="price",
        unit_note="in the units of price",
        classes=(),
        columns=tuple(ColumnFacts(name, "numeric", "Kept as it is.", 0, "−1 to 1, median 0") for name in NAMES),
        rows=100,
        train=30,
        validation=10,
        test=60,
        yardsticks=(yardstick("KAN", 0.5), yardstick("mean", 1.0), yardstick("linear model", 0.6)),
        rounds=(Round("fit", 3, 12, 5, 0.5, 0.6, True), Round("prune", 3, 9, 4, 0.5, 0.7, False)),
        scores=tuple(FeatureScore(name, 1 / (1 + k), 0.05) for k, name in enumerate(NAMES)),
        kan=kan,
        names=NAMES,
        comparison=compare(kan, x[:20], [Ablation(), Shapley()], names=NAMES),
        explained_rows=np.arange(20) + 40,
        cells=cells,
        singles=(0, 7, 19),
        test_rows=np.arange(60) + 40,
        predicted=predicted,
        true=predicted + 0.1,
        notes=("A note with <i>marks</i>.",),
        seed=3,
        seconds=1.5,
        recipe={
            "table": {"file": "my houses.csv"},
            "model": None,
            "drop": ["id"],
            "task_asked": None,
            "methods": ["Ablation()", "Shapley(budget=100)"],
            "versions": {"ascribe": "0.1.0", "torch": "2.13.0", "pyarrow": None},
            "note": "</pre><script>alert(2)</script>",
        },
        formula=Written(
            ("price = 1",), (mathematics("price", formula, columns),), "1", "", yardstick("its formula", 0.6)
        ),
    )


@pytest.fixture(scope="session")
def classification(regression: Study) -> Study:
    """The same network read as log-odds of the second of two classes, brought along without rounds or scores."""
    figures = {"accuracy": 0.9, "log-loss": 0.3}
    return replace(
        regression,
        task="classification",
        unit_note="in log-odds of yes",
        classes=("no", "yes"),
        yardsticks=(Yardstick("network", figures, figures, 0.1),),
        rounds=(),
        scores=(),
        kan=None,
        formula=None,
        predicted=(regression.predicted > 0).astype(int),
        true=(regression.true > 0).astype(int),
        notes=(),
    )
