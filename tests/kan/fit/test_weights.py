"""Weights of rows and classes, and the losses they weigh: a row of weight 2 is a row that comes twice."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from ascribe.errors import InputError, TrainingError
from ascribe.kan import KAN
from ascribe.kan.fit.curvature import Curvature
from ascribe.kan.fit.dataset import read_dataset
from ascribe.kan.fit.loss import AnyLoss, BinaryCrossEntropy, CrossEntropy, Loss, SquaredError, loss_named
from ascribe.kan.fit.objective import Objective
from ascribe.kan.fit.penalty import Penalty

LOSSES: list[Loss] = [SquaredError(), CrossEntropy(), CrossEntropy(0.1), BinaryCrossEntropy()]


def data(loss: Loss, rows: int, seed: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(rows, 2, dtype=torch.float64, generator=draw) - 1
    if loss.kind == "classes":
        return x, torch.randint(3, (rows,), generator=draw)
    y = torch.randn(rows, 3, dtype=torch.float64, generator=draw)
    return x, y if loss.kind == "numbers" else (y > 0).double()


def objective(loss: Loss, x: Tensor, y: Tensor, **weights: Any) -> Objective:
    kan = KAN([2, 2, 3], dtype=torch.float64)
    return Objective(kan, read_dataset((x, y), kan, loss, **weights).train, loss, Penalty())


@settings(max_examples=10)
@given(loss=st.sampled_from(LOSSES), seed=st.integers(0, 99))
def test_a_row_of_weight_two_is_a_row_that_comes_twice(loss: Loss, seed: int):
    x, y = data(loss, 20, seed)
    times = torch.randint(3, (20,), generator=torch.Generator().manual_seed(seed))
    weighted = objective(loss, x, y, sample_weight=5 * times)
    repeated = objective(loss, x.repeat_interleave(times, 0), y.repeat_interleave(times, 0))
    vector = weighted.parameters.read()
    a, b = weighted(vector), repeated(vector)
    assert a.value == pytest.approx(b.value, rel=1e-12)
    torch.testing.assert_close(a.gradient, b.gradient, atol=1e-12, rtol=1e-9)
    torch.testing.assert_close(Curvature(weighted)(vector, a).tril(), Curvature(repeated)(vector, b).tril())


@settings(max_examples=10)
@given(loss=st.sampled_from(LOSSES), seed=st.integers(0, 99))
def test_losses_are_those_of_torch_and_factors_give_their_hessian(loss: Loss, seed: int):
    _, y = data(loss, 7, seed)
    label = y if loss.kind == "classes" else y.T.contiguous()
    output = torch.randn(3, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))

    def torch_says(o: Tensor) -> Tensor:
        if isinstance(loss, CrossEntropy):
            return functional.cross_entropy(o.T, y, label_smoothing=loss.smoothing)
        return (
            functional.mse_loss(o.T, y)
            if loss.kind == "numbers"
            else functional.binary_cross_entropy_with_logits(o.T, y)
        )

    value, gradient = loss(output, label)
    torch.testing.assert_close(value, torch_says(output))
    torch.testing.assert_close(gradient, torch.autograd.functional.jacobian(torch_says, output))
    hessian = torch.autograd.functional.hessian(torch_says, output)
    factors = torch.stack([loss.factor(output, z[:, None]) for z in torch.eye(3, dtype=torch.float64)])
    for row in range(7):
        factor = factors[:, :, row].T
        torch.testing.assert_close(factor @ factor.T / 7, hessian[:, row, :, row])


def test_torchs_losses_are_known_for_what_they_are():
    assert loss_named(nn.CrossEntropyLoss(label_smoothing=0.2)) == CrossEntropy(0.2)
    assert loss_named(nn.BCEWithLogitsLoss()) == BinaryCrossEntropy()
    assert loss_named(nn.MSELoss()) == SquaredError()
    others = [
        nn.CrossEntropyLoss(weight=torch.ones(2)),
        nn.CrossEntropyLoss(reduction="sum"),
        nn.CrossEntropyLoss(ignore_index=0),
        nn.BCEWithLogitsLoss(pos_weight=torch.ones(1)),
        nn.MSELoss(reduction="sum"),
    ]
    assert all(isinstance(loss_named(other), AnyLoss) for other in others)


@pytest.mark.parametrize("loss", [nn.BCELoss(), functional.binary_cross_entropy, nn.NLLLoss(), functional.nll_loss])
def test_losses_of_probabilities_are_refused_with_the_one_that_makes_them(loss):
    wanted = "bce" if loss is functional.binary_cross_entropy or isinstance(loss, nn.BCELoss) else "cross_entropy"
    with pytest.raises(TrainingError, match=f"pass loss_fn='{wanted}'"):
        loss_named(loss)


@settings(max_examples=3)
@given(seed=st.integers(0, 20))
def test_class_weights_are_torchs(seed: int):
    x, y = data(CrossEntropy(), 30, seed)
    weights = torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)
    wanted = functional.cross_entropy(KAN([2, 2, 3], dtype=torch.float64)(x), y, weight=weights)
    for given_weights in (weights, weights.tolist(), {0: 0.5, 1: 2.0}):
        found = objective(CrossEntropy(), x, y, class_weight=given_weights)
        assert found(found.parameters.read()).value == pytest.approx(wanted.item())


def test_balanced_classes_count_the_same():
    x, y = torch.randn(10, 1), torch.tensor([0.0] * 8 + [1.0] * 2)
    rows = read_dataset((x, y), KAN([1, 1]), BinaryCrossEntropy(), class_weight="balanced").train
    assert rows.weight is not None
    assert float(rows.weight[:8].sum()) == pytest.approx(float(rows.weight[8:].sum()))
    both = read_dataset((x, y), KAN([1, 1]), BinaryCrossEntropy(), None, torch.arange(10) + 1, [1, 3]).train
    assert both.weight is not None
    torch.testing.assert_close(
        both.weight / both.weight[0], (torch.arange(10) + 1) * torch.tensor([1.0] * 8 + [3.0] * 2)
    )


def test_weights_move_the_fit():
    x = torch.linspace(-1, 1, 100)[:, None]
    y = torch.where(x > 0, 1.0, 0.0)
    left = {"train_input": x, "train_label": y, "train_weight": (x[:, 0] < -0.2).double() + 1e-6}
    kan, even = KAN([1, 1], base_fun="zero", grid=1, k=1), KAN([1, 1], base_fun="zero", grid=1, k=1)
    kan.fit(left, opt="LM", steps=3, update_grid=False, progress=False)
    even.fit((x, y), opt="LM", steps=3, update_grid=False, progress=False)
    assert float(kan(x[:40]).detach().abs().max()) < 1e-3 < float(even(x[:40]).detach().abs().max())


@pytest.mark.parametrize(
    ("chosen", "kind", "text"),
    [
        ({"sample_weight": torch.ones(3)}, InputError, "for 5 rows"),
        ({"sample_weight": torch.tensor([1.0, -1, 1, 1, 1])}, InputError, "below 0"),
        ({"sample_weight": torch.zeros(5)}, InputError, "only 0"),
        ({"class_weight": "balanced"}, TrainingError, "needs one class a row"),
        ({"sample_weight": torch.ones(5), "loss_fn": nn.L1Loss()}, TrainingError, "weigh the rows inside it"),
    ],
)
def test_weights_that_do_not_fit_are_one_clear_sentence(chosen: dict[str, Any], kind: type[Exception], text: str):
    with pytest.raises(kind, match=text):
        KAN([2, 1]).fit((torch.zeros(5, 2), torch.zeros(5)), steps=1, progress=False, **chosen)


@pytest.mark.parametrize("weights", ["even", [1.0], {2: 1.0}, {0: -1.0}, [0.0, 0.0], [1.0, math.inf], torch.ones(2, 2)])
def test_class_weights_that_do_not_fit_are_one_clear_sentence(weights: Any):
    with pytest.raises(TrainingError, match=r"(?s)class_weight=.*(not known|does not fit 2 classes)"):
        KAN([2, 1]).fit((torch.zeros(5, 2), torch.ones(5)), loss_fn="bce", class_weight=weights, progress=False)


def test_a_class_of_weight_0_cannot_be_all_there_is():
    with pytest.raises(InputError, match="every row of train_input weighs 0"):
        KAN([2, 1]).fit((torch.zeros(5, 2), torch.ones(5)), loss_fn="bce", class_weight=[1.0, 0.0], progress=False)


def test_labels_of_bce_are_0_and_1():
    with pytest.raises(InputError, match=r"runs from 0 to 2; 'bce' takes 0 and 1"):
        KAN([2, 1]).fit((torch.zeros(3, 2), torch.arange(3)), loss_fn="bce", progress=False)
    with pytest.raises(InputError, match="or pass loss_fn='bce'"):
        KAN([2, 1]).fit((torch.zeros(3, 2), torch.tensor([0, 1, 1])), loss_fn="cross_entropy", progress=False)
