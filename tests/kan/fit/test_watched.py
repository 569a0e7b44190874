"""Training that is watched: validation, patience, schedules, named metrics, callbacks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from ascribe.errors import InputError, TrainingError
from ascribe.kan import KAN, StopTraining
from ascribe.kan.fit.rows import Rows

QUICK: dict[str, Any] = {"steps": 4, "progress": False}


def waves(rows: int = 200, seed: int = 0, noise: float = 0.0) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(rows, 2, generator=draw) - 1
    y = torch.sin(2 * x[:, :1]) + x[:, 1:] ** 2
    return x, y + noise * torch.randn(y.shape, generator=draw)


def state(kan: KAN) -> list[Tensor]:
    return list(kan.state_dict().values())


def same(a: KAN, b: KAN) -> bool:
    return all(torch.equal(s, t) for s, t in zip(state(a), state(b), strict=True))


def test_validation_rows_are_measured_and_choose_the_best():
    x, y = waves(40, noise=0.5)
    far, truth = waves(500, seed=1)
    kan, greedy = KAN([2, 5, 1], grid=8), KAN([2, 5, 1], grid=8)
    history = kan.fit((x, y), steps=15, validation=(far, truth), progress=False)
    last = greedy.fit((x, y), steps=15, progress=False)
    assert list(history) == ["train_loss", "val_loss", "reg"]
    assert history["val_loss"][history.best] == min(history["val_loss"])
    assert history.best < last.best
    found = (kan(far) - truth).square().mean().sqrt().item()
    assert found == pytest.approx(min(history["val_loss"]), rel=1e-4)
    assert history["train_loss"] == last["train_loss"]


def test_forms_of_validation_and_test_rows():
    import pandas as pd

    x, y = waves(60)
    a, b = waves(30, seed=1)
    loader = DataLoader(TensorDataset(a, b), batch_size=7)
    plain = KAN([2, 2, 1])
    wanted = plain.fit((x, y), validation=(a, b), **QUICK)
    frame = pd.DataFrame({"u": a[:, 0], "v": a[:, 1], "y": b[:, 0]})
    named = {"train_input": x, "train_label": y}
    for data, validation in (
        ((x, y), loader),
        ((x, y), frame),
        ({**named, "val_input": a, "val_label": b}, None),
        ({**named, "val": loader}, None),
        ({"train": (x, y), "val": (a, b)}, None),
    ):
        kan = KAN([2, 2, 1])
        found = kan.fit(data, validation=validation, **QUICK)
        assert found.results == wanted.results
        assert same(kan, plain)
    tested = KAN([2, 2, 1]).fit({"train": (x, y), "test": loader}, **QUICK)
    assert tested["test_loss"] == pytest.approx(wanted["val_loss"])


def test_a_share_is_held_out_by_the_seed():
    x, y = waves(50)
    rows = Rows(x, y.T)
    kept, held = rows.split(0.2, 3, by_class=False)
    assert (len(kept), len(held)) == (40, 10)
    both = torch.cat([kept.inputs, held.inputs])
    assert torch.equal(both.sort(0).values, x.sort(0).values)
    assert torch.equal(rows.split(0.2, 3, by_class=False)[1].inputs, held.inputs)
    assert not torch.equal(rows.split(0.2, 4, by_class=False)[1].inputs, held.inputs)
    for pair in zip(held.inputs, held.label.T, strict=True):
        assert any(torch.equal(pair[0], u) and torch.equal(pair[1], v) for u, v in zip(x, y, strict=True))
    classes = torch.tensor([0] * 40 + [1] * 10)
    assert Rows(x, classes).split(0.2, 0, by_class=True)[1].label.tolist() == [0] * 8 + [1] * 2
    assert Rows(x, classes[None].float()).split(0.2, 0, by_class=True)[1].label.tolist() == [[0.0] * 8 + [1.0] * 2]
    history = KAN([2, 1]).fit((x, y), validation=0.2, **QUICK)
    assert math.isfinite(history["val_loss"][-1])


@pytest.mark.parametrize("opt", ["LBFGS", "Adam"])
def test_patience_ends_a_training_that_no_longer_gains(opt: str):
    x, y = waves(40, noise=0.5)
    kan = KAN([2, 5, 1], grid=8)
    batch = 20 if opt == "Adam" else -1
    history = kan.fit(
        (x, y),
        opt=opt,
        lr=0.1 if batch > 0 else None,
        batch=batch,
        steps=400,
        validation=waves(200, 1),
        patience=3,
        progress=False,
    )
    assert history.stopped == "patience"
    assert len(history["train_loss"]) - 1 == history.best + 3 * (2 if opt == "Adam" else 1)
    assert KAN([2, 1]).fit((x, y), patience=4, **QUICK).stopped == ""


def test_named_metrics_are_measured_on_every_part():
    x, y = waves()
    label = (x[:, 0] > 0).long()
    kan = KAN([2, 2, 2])
    history = kan.fit(
        {"train": (x, label), "test": (x[:50], label[:50])},
        loss_fn="cross_entropy",
        validation=0.25,
        metrics=["accuracy", "auc"],
        **QUICK,
    )
    names = [f"{part}_{figure}" for part in ("train", "val", "test") for figure in ("accuracy", "auc")]
    assert list(history) == ["train_loss", "val_loss", "test_loss", "reg", *names]
    found = float((kan(x[:50]).argmax(1) == label[:50]).double().mean())
    assert history["test_accuracy"][history.best] == pytest.approx(found)
    assert len(history["val_auc"]) == 4
    numbers = KAN([2, 2, 1]).fit((x, y), metrics=["r2", "mae"], opt="LM", **QUICK)
    assert numbers["train_r2"][-1] == pytest.approx(
        1 - numbers["train_loss"][-1] ** 2 / float(y.var(correction=0)), rel=1e-4
    )


def test_two_classes_need_one_output():
    x, _ = waves()
    label = (x[:, 0] * x[:, 1] > 0).float()
    for opt, steps in (("LBFGS", 4), ("LM", 4)):
        kan = KAN([2, 3, 1])
        history = kan.fit((x, label), opt=opt, steps=steps, loss_fn="bce", metrics=["accuracy"], progress=False)
        assert history["train_accuracy"][history.best] > 0.95
        assert float(((kan(x)[:, 0] > 0) == label).double().mean()) == history["train_accuracy"][history.best]


def test_a_schedule_sets_the_length_of_adams_steps():
    x, y = waves()
    start = KAN([2, 1])
    still, half, plain, shorter = (KAN([2, 1]) for _ in range(4))
    settings: dict[str, Any] = {"opt": "Adam", "update_grid": False, "progress": False, "steps": 1}
    still.fit((x, y), scheduler=lambda step: 0.0, **settings)
    half.fit((x, y), lr=0.02, scheduler=lambda step: 0.5, **settings)
    plain.fit((x, y), lr=0.01, **settings)
    assert same(half, plain)
    torch.testing.assert_close(still.layers[0].coef, start.layers[0].coef)
    assert not torch.allclose(plain.layers[0].coef, start.layers[0].coef, atol=1e-4)
    heard: list[int] = []

    def rate(step: int) -> float:
        heard.append(step)
        return 1.0

    shorter.fit((x, y), scheduler=rate, **{**settings, "steps": 5})
    assert heard == [0, 1, 2, 3, 4]
    for name in ("cosine", "step"):
        KAN([2, 1]).fit((x, y), scheduler=name, **settings)
    KAN([2, 1]).fit((x, y), scheduler="cosine", opt="auto", **QUICK)
    with pytest.raises(TrainingError, match="pass opt='Adam'"):
        KAN([2, 1]).fit((x, y), scheduler="cosine", **QUICK)
    with pytest.raises(TrainingError, match="scheduler='linear' is not known"):
        KAN([2, 1]).fit((x, y), scheduler="linear", opt="Adam", **QUICK)
    with pytest.raises(TrainingError, match="gives nan at step 0"):
        KAN([2, 1]).fit((x, y), scheduler=lambda step: math.nan, opt="Adam", **QUICK)


def test_a_callback_sees_the_network_as_it_is_then_and_the_data():
    x, y = waves()
    kan, seen = KAN([2, 2, 1]), []

    def look(step: int) -> None:
        seen.append((kan(x) - y).square().mean().sqrt().item())
        assert torch.equal(kan.data(), x)
        assert kan.plot is not None

    history = kan.fit((x, y), callback=look, **QUICK)
    assert seen == pytest.approx(history["train_loss"], rel=1e-3)


@pytest.mark.parametrize("raises", [True, False])
def test_a_callback_may_end_the_training(raises: bool):
    x, y = waves()
    kan, alone = KAN([2, 2, 1]), KAN([2, 2, 1])

    def enough(step: int) -> bool:
        if raises and step == 2:
            raise StopTraining
        return step == 2

    history = kan.fit((x, y), steps=50, callback=enough, progress=False)
    alone.fit((x, y), steps=3, progress=False)
    assert (len(history["reg"]), history.stopped) == (3, "callback")
    assert same(kan, alone)
    assert kan.history == ["0.0 KAN", "0.1 fit"]


def test_a_frame_names_the_columns():
    import pandas as pd

    x, y = waves(50)
    frame = pd.DataFrame({"height": x[:, 0], "width": x[:, 1], "price": y[:, 0]})
    for data in (frame, (frame[["height", "width"]], y), {"train_input": frame[["height", "width"]], "train_label": y}):
        kan = KAN([2, 1])
        kan.fit(data, **QUICK)
        assert kan.names == ["height", "width"]
    kan = KAN([2, 1])
    kan.names = ["a", "b"]
    kan.fit(frame, **QUICK)
    assert kan.names == ["a", "b"]


@pytest.mark.parametrize(
    ("settings", "kind", "text"),
    [
        ({"validation": 1.5}, TrainingError, "no share of the rows"),
        ({"validation": (torch.zeros(3, 1), torch.zeros(3))}, InputError, "val_input has shape"),
        ({"validation": 7}, TrainingError, "no share"),
        ({"patience": 0}, TrainingError, "patience=0"),
        ({"metrics": ["loss"]}, TrainingError, "metric 'loss' is not known"),
        ({"metrics": "loss"}, TrainingError, "metric 'loss' is not known"),
        ({"metrics": print}, TrainingError, "metric 'print' gives None"),
        ({"opt": "Adam", "scheduler": lambda step: None}, TrainingError, "gives None at step 0"),
        ({"every": 0}, TrainingError, "every=0"),
        ({"checkpoint": "/nowhere/at/all.safetensors"}, TrainingError, "in no folder that exists"),
    ],
)
def test_bad_settings_are_one_clear_sentence(settings: dict[str, Any], kind: type[Exception], text: str):
    with pytest.raises(kind, match=text):
        KAN([2, 1]).fit((torch.zeros(5, 2), torch.zeros(5)), progress=False, **settings)


def test_a_network_is_evaluated_as_fit_measures_it():
    x, y = waves(60)
    label = (y > 0.5).float()
    kan = KAN([2, 2, 1])
    history = kan.fit((x, label), opt="LM", loss_fn="bce", metrics=["accuracy", "auc"], **QUICK)
    found = kan.evaluate((x, label), "bce", ["accuracy", "auc"])
    assert found["test_loss"] == pytest.approx(history["train_loss"][history.best], rel=1e-3, abs=1e-6)
    assert found["test_accuracy"] == history["train_accuracy"][history.best]
    assert found["n_edge"] == 6
    with pytest.raises(TrainingError, match="compares numbers"):
        kan.evaluate((x, label), "bce", ["r2"])


@pytest.mark.parametrize("loss", ["cross_entropy", lambda a, b: torch.nn.functional.cross_entropy(a, b)])
def test_a_network_is_evaluated_the_same_in_inference_mode(loss: Any):
    x, y = waves(60)
    label = (y[:, 0] > 0.5).long()
    kan = KAN([2, 2])
    wanted = kan.evaluate((x, label), loss, ["accuracy"])
    with torch.inference_mode():
        assert kan.evaluate((x + 0, label + 0), loss, ["accuracy"]) == wanted


def test_a_share_may_be_a_number_of_any_library():
    shares = [KAN([2, 1]).fit(waves(60), validation=share, **QUICK).results for share in (0.25, np.float32(0.25))]
    assert shares[0] == shares[1]


def test_frames_of_one_training_have_their_columns_in_one_order():
    import pandas as pd

    x, y = waves(50)
    frame = pd.DataFrame({"height": x[:, 0], "width": x[:, 1], "price": y[:, 0]})
    other = frame[["width", "height", "price"]]
    kan = KAN([2, 1])
    for data, settings in (({"train": frame, "test": other}, {}), (frame, {"validation": other})):
        with pytest.raises(InputError, match="pass them in that order"):
            kan.fit(data, **QUICK, **settings)
    kan.fit(frame, validation=frame, **QUICK)
    for wrong in (
        other,
        (other[["width", "height"]], y),
        {"train_input": other[["width", "height"]], "train_label": y},
    ):
        with pytest.raises(InputError, match=r"the columns of train are \['width', 'height'\], and were \['height'"):
            kan.evaluate(wrong)
    assert kan.evaluate(frame) == kan.evaluate((frame[["height", "width"]].to_numpy(), y))


def test_a_share_that_takes_every_row_that_counts_is_refused():
    weight = torch.zeros(60)
    weight[3] = 1
    with pytest.raises(TrainingError, match="rows of weight 0 alone"):
        KAN([2, 1]).fit(waves(60), sample_weight=weight, validation=0.5, **QUICK)
