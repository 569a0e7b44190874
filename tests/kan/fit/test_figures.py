"""Named figures against scikit-learn's, and what is asked of the wrong labels."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from ascribe.errors import TrainingError
from ascribe.kan.fit.figures import figures_named
from ascribe.kan.fit.loss import AnyLoss, BinaryCrossEntropy, CrossEntropy, SquaredError

NUMBERS = {
    "mse": reference.mean_squared_error,
    "rmse": lambda label, output: math.sqrt(reference.mean_squared_error(label, output)),
    "mae": reference.mean_absolute_error,
    "r2": reference.r2_score,
}


@given(outputs=st.integers(1, 3), rows=st.integers(2, 20), seed=st.integers(0, 99))
def test_figures_of_numbers(outputs: int, rows: int, seed: int):
    draw = torch.Generator().manual_seed(seed)
    output, label = torch.randn(2, outputs, rows, dtype=torch.float64, generator=draw)
    found = {
        n: f(output, label) for n, f in figures_named([*NUMBERS, "max_error"], SquaredError(), outputs, label).items()
    }
    for name, figure in NUMBERS.items():
        assert found[name] == pytest.approx(figure(label.T.numpy(), output.T.numpy()), rel=1e-9, abs=1e-12)
    assert found["max_error"] == float((output - label).abs().max())


@given(classes=st.integers(2, 4), rows=st.integers(2, 30), seed=st.integers(0, 99))
def test_figures_of_classes(classes: int, rows: int, seed: int):
    draw = torch.Generator().manual_seed(seed)
    # Rounded, so that scores tie; random, so that classes are missing now and then.
    output = torch.randn(classes, rows, generator=draw).mul(2).round()
    label = torch.randint(classes, (rows,), generator=draw)
    predicted = output.argmax(0).numpy()
    figures = figures_named(["accuracy", "balanced_accuracy", "f1"], CrossEntropy(), classes, label)
    found = {name: figure(output, label) for name, figure in figures.items()}
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(label, predicted))
    assert found["f1"] == pytest.approx(reference.f1_score(label, predicted, average="macro", zero_division=0))
    recalls = [reference.recall_score(label == c, predicted == c) for c in label.unique().tolist()]
    assert found["balanced_accuracy"] == pytest.approx(sum(recalls) / len(recalls))
    if classes == 2 and len(label.unique()) == 2:
        wanted = reference.roc_auc_score(label, (output[1] - output[0]).numpy())
        assert figures_named(["auc"], CrossEntropy(), 2, label)["auc"](output, label) == pytest.approx(wanted)
        odds, binary = (output[1] - output[0])[None], label[None].float()
        ours = figures_named(["auc", "accuracy"], BinaryCrossEntropy(), 1, label)
        assert ours["auc"](odds, binary) == pytest.approx(wanted)
        assert ours["accuracy"](odds, binary) == pytest.approx(float(((odds > 0) == label).double().mean()))


def test_what_cannot_be_said_is_no_number():
    same = torch.ones(1, 4)
    assert math.isnan(figures_named(["r2"], SquaredError(), 1, same)["r2"](same, same))
    assert math.isnan(figures_named(["auc"], BinaryCrossEntropy(), 1, same)["auc"](same, same))


def test_integers_are_classes_also_to_a_loss_of_ones_own():
    output, label = torch.randn(3, 20, generator=torch.Generator().manual_seed(0)), torch.arange(20) % 3
    mine = AnyLoss(torch.nn.functional.cross_entropy)
    known, found = (figures_named(["accuracy", "f1"], loss, 3, label) for loss in (CrossEntropy(), mine))
    assert [of(output, label) for of in found.values()] == [of(output, label) for of in known.values()]
    with pytest.raises(TrainingError, match="the labels are classes"):
        figures_named(["mse"], mine, 3, label)
    for numbers in (label.float(), label[None]):
        with pytest.raises(TrainingError, match="the labels are numbers"):
            figures_named(["accuracy"], mine, 3, numbers)


@pytest.mark.parametrize(
    ("name", "loss", "outputs", "text"),
    [
        ("acc", SquaredError(), 1, "'acc' is not known; pass 'mse', 'rmse'"),
        ("accuracy", SquaredError(), 1, "the labels are numbers; pass loss_fn='cross_entropy' or 'bce'"),
        ("f1", AnyLoss(lambda a, b: a.sum()), 1, "the labels are numbers"),
        ("r2", CrossEntropy(), 3, "the labels are classes; pass 'accuracy'"),
        ("auc", CrossEntropy(), 3, "of two classes, and the network gives 3"),
    ],
)
def test_a_figure_of_other_labels_is_one_clear_sentence(name, loss, outputs, text):
    with pytest.raises(TrainingError, match=text):
        figures_named([name], loss, outputs, torch.zeros(3))
