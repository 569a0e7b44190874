"""Losses of one's own: they reach the training as they are written, whatever they hold and in what precision."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ascribe.kan import KAN
from ascribe.kan.fit.loss import loss_named


def waves(rows: int = 200) -> tuple[Tensor, Tensor]:
    x = 2 * torch.rand(rows, 2, generator=torch.Generator().manual_seed(0)) - 1
    return x, torch.sin(2 * x[:, :1]) + x[:, 1:] ** 2


def test_what_a_loss_of_torchs_holds_takes_on_the_precision_of_the_training():
    x, _ = waves()
    label, weight = (x[:, 0] * x[:, 1] > 0).long(), torch.tensor([1.0, 3.0])
    loss = torch.nn.CrossEntropyLoss(weight=weight)
    output = torch.randn(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    value, _ = loss_named(loss)(output.T, label)
    assert value.item() == torch.nn.functional.cross_entropy(output, label, weight.double()).item()
    history = KAN([2, 3, 2]).fit((x, label), steps=3, loss_fn=loss, progress=False)
    assert history["train_loss"][-1] < 0.1 * history["train_loss"][0]
    assert loss.weight.dtype == torch.float32


WEIGHT, SQUARE, NET = torch.tensor([1.0, 3.0]), torch.eye(1), torch.nn.Linear(1, 1).requires_grad_(False)


def rooms(output: Tensor, label: Tensor) -> Tensor:
    each = torch.zeros(len(output), 1)
    each[torch.arange(len(output))] = (output - label).square()
    return each.mean()


@pytest.mark.parametrize(
    ("holding", "free"),
    [
        (lambda a, b: ((a - b) @ SQUARE).square().mean(), lambda a, b: (a - b).square().mean()),
        (lambda a, b: (NET(a) - NET(b)).square().mean(), lambda a, b: (NET.weight * (a - b)).square().mean()),
        (rooms, lambda a, b: (a - b).square().mean()),
    ],
    ids=["product", "module", "places"],
)
@pytest.mark.parametrize("own", [torch.float32, torch.float64])
def test_a_loss_that_holds_single_precision_trains_as_one_that_takes_any(holding: Any, free: Any, own: torch.dtype):
    x, y = waves()
    x, y = x.to(own), y.to(own)
    held, other = KAN([2, 3, 1], dtype=own), KAN([2, 3, 1], dtype=own)
    other.fit((x, y), steps=8, loss_fn=free, progress=False)
    if own is torch.float64:
        # Nothing that its owner wrote it for: what torch says of it stands.
        with pytest.raises(RuntimeError, match="dtype"):
            held.fit((x, y), steps=8, loss_fn=holding, progress=False)
        return
    held.fit((x, y), steps=8, loss_fn=holding, progress=False)
    errors = [(kan(x) - y).square().mean().sqrt().item() for kan in (held, other)]
    assert errors[0] < 2 * errors[1] + 1e-5


def test_weights_of_classes_that_a_function_holds_are_those_of_torchs_module():
    x, y = waves()
    label = (y[:, 0] > 0.5).long()
    noisy = torch.where(torch.rand(200, generator=torch.Generator().manual_seed(1)) < 0.2, 1 - label, label)

    def held(output: Tensor, label: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(output, label, weight=WEIGHT)

    losses: list[float] = []
    for loss in (held, torch.nn.CrossEntropyLoss(weight=WEIGHT)):
        kan = KAN([2, 2, 2])
        kan.fit((x, noisy), steps=10, loss_fn=loss, validation=(x, noisy), progress=False)
        losses.append(held(kan(x), noisy).item())
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_a_loss_that_fails_by_itself_says_what_it_says():
    def broken(output: Tensor, label: Tensor) -> Tensor:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        KAN([2, 1]).fit(waves(), loss_fn=broken, progress=False)


@pytest.mark.parametrize("columns", [1, 2])
def test_integers_reach_a_loss_of_ones_own_as_they_came(columns: int):
    x, y = waves(60)
    label = (y > 0.5).long().expand(-1, columns)
    seen: list[tuple[torch.Size, bool]] = []

    def loss(output: Tensor, given: Tensor) -> Tensor:
        first = label[: len(given)]
        seen.append((given.shape, given.dtype is torch.int64 and (len(given) < 60 or torch.equal(given, first))))
        return (output - given).square().mean()

    kan = KAN([2, columns])
    kan.fit((x, label), steps=2, loss_fn=loss, validation=0.2, batch=20, progress=False)
    assert {shape for shape, _ in seen} == {torch.Size([20, columns]), torch.Size([12, columns])}
    kan.fit((x, label), steps=2, loss_fn=loss, progress=False)
    assert all(same for _, same in seen)


@pytest.mark.parametrize("loss", ["cross_entropy", torch.nn.functional.cross_entropy])
def test_labels_of_a_training_are_a_copy(loss: Any):
    x, y = waves(60)
    label = (y[:, 0] > 0.5).long()
    wanted = KAN([2, 2]).fit((x, label), steps=3, loss_fn=loss, progress=False)
    found = KAN([2, 2]).fit((x, label), steps=3, loss_fn=loss, progress=False, callback=lambda *_: label.fill_(0))
    assert found.results == wanted.results
