"""What users rely on when they train: it converges, it is repeatable, it leaves everything else alone."""

from __future__ import annotations

import math
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.utils import parametrize, prune
from torch.utils.data import DataLoader, Dataset, TensorDataset

from ascribe.errors import InputError, TrainingError
from ascribe.kan import KAN
from ascribe.kan.fit.history import History

OPTIMISERS = ["LBFGS", "LM", "Adam"]


def waves(rows: int = 200, seed: int = 0) -> tuple[Tensor, Tensor]:
    x = 2 * torch.rand(rows, 2, generator=torch.Generator().manual_seed(seed)) - 1
    return x, torch.sin(2 * x[:, :1]) + x[:, 1:] ** 2


def small(opt: str, **settings: Any) -> tuple[KAN, History]:
    kan = KAN([2, 3, 1], seed=3)
    steps = {"LBFGS": 3, "LM": 3, "Adam": 60}[opt]
    return kan, kan.fit(waves(), opt=opt, **{"steps": steps, "progress": False, **settings})


@pytest.mark.parametrize(("opt", "error"), [("LBFGS", 2e-2), ("LM", 1e-2), ("Adam", 0.2), ("auto", 1e-2)])
def test_optimisers_learn(opt: str, error: float):
    kan = KAN([2, 3, 1])
    steps, lr = (150, 0.05) if opt == "Adam" else (5, None)
    history = kan.fit(waves(), opt=opt, steps=steps, lr=lr, progress=False)
    assert history["train_loss"][history.best] < error
    assert history.optimiser == ("LM" if opt == "auto" else opt)
    x, y = waves()
    found = (kan(x) - y).square().mean().sqrt().item()
    assert found == pytest.approx(min(history["train_loss"]), rel=1e-2, abs=1e-6)


def test_auto_goes_by_the_regulariser_and_by_what_one_look_at_all_rows_costs():
    taken = [KAN([2, 3, 1]).fit(waves(), opt="auto", steps=1, lamb=lamb, progress=False) for lamb in (0.0, 1e-3)]
    assert [history.optimiser for history in taken] == ["LM", "LBFGS"]
    with patch("ascribe.kan.fit.optimisers._WHOLE", 100), patch("ascribe.kan.fit.training.BATCH", 40):
        batches = KAN([2, 3, 1]).fit(waves(), opt="auto", steps=10, lamb=1e-3, progress=False)
        whole = KAN([2, 3, 1]).fit(waves(), opt="Adam", steps=10, lamb=1e-3, progress=False)
    assert batches.optimiser == whole.optimiser == "Adam"
    assert batches["train_loss"] != whole["train_loss"]


def test_a_training_that_has_arrived_stays_and_its_grids_with_it():
    x, y = waves()
    kan = KAN([2, 3, 1])
    history = kan.fit((x, y), opt="LBFGS", steps=60, lamb=1e-2, progress=False)
    assert len(set(history["train_loss"][-20:])) == 1
    again = KAN([2, 3, 1])
    again.fit((x, y), opt="LBFGS", steps=40, lamb=1e-2, progress=False)
    assert all(torch.equal(a, b) for a, b in zip(kan.state_dict().values(), again.state_dict().values(), strict=True))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("opt", OPTIMISERS)
def test_on_a_gpu(opt: str):
    x, y = waves()
    here, there = KAN([2, 3, 1]), KAN([2, 3, 1], device="cuda")
    for kan in (here, there):
        kan.fit((x, y), opt=opt, steps=2, lamb=1e-3, progress=False)
    torch.testing.assert_close(there(x.cuda()).cpu(), here(x), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("opt", OPTIMISERS)
def test_the_same_seed_gives_the_same_bits_and_no_generator_moves(opt: str):
    states = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    settings = {"lamb": 1e-3, "batch": 50 if opt == "Adam" else -1, "seed": 5}
    first, one = small(opt, **settings)
    second, two = small(opt, **settings)
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert one.results == two.results
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1] == np.random.get_state()[1].tolist()  # noqa: NPY002


def test_shuffling_follows_the_seed():
    one, _ = small("Adam", batch=20, seed=1, steps=30)
    two, _ = small("Adam", batch=20, seed=2, steps=30)
    assert not torch.equal(one.layers[0].coef, two.layers[0].coef)


def test_results_are_one_number_a_step():
    x, y = waves()
    seen: list[float] = []
    kan = KAN([2, 3, 1])

    def largest_coefficient() -> float:
        seen.append(kan.layers[0].coef.abs().max().item())
        return seen[-1]

    data = {"train_input": x, "train_label": y, "test_input": x[:50], "test_label": y[:50]}
    history = kan.fit(data, steps=4, lamb=1e-3, metrics=[largest_coefficient], progress=False)
    assert set(history) == {"train_loss", "test_loss", "reg", "largest_coefficient"}
    assert {len(values) for values in history.values()} == {4}
    assert history["largest_coefficient"] == seen
    assert len(set(seen)) > 1
    assert history.seconds > 0


def test_a_callback_hears_of_every_step_and_changes_nothing():
    x, y = waves()
    heard: list[int] = []
    told, alone = KAN([2, 3, 1]), KAN([2, 3, 1])
    told.fit((x, y), steps=4, lamb=1e-3, callback=heard.append, progress=False)
    alone.fit((x, y), steps=4, lamb=1e-3, progress=False)
    assert heard == [0, 1, 2, 3]
    assert all(torch.equal(a, b) for a, b in zip(told.parameters(), alone.parameters(), strict=True))


def test_a_converged_fit_repeats_its_last_figures():
    x = torch.linspace(-1, 1, 50)[:, None]
    history = KAN([1, 1]).fit((x, x**2), steps=200, progress=False)
    assert len(history["train_loss"]) == 200
    assert history["train_loss"][-1] == history["train_loss"][-2]


def test_losses_are_what_they_are_called():
    x, y = waves()
    squared = KAN([2, 1]).fit((x, y), steps=1, progress=False)
    absolute = KAN([2, 1])
    reported = absolute.fit((x, y), steps=2, loss_fn=torch.nn.L1Loss(), progress=False)
    assert reported["train_loss"][reported.best] == pytest.approx((absolute(x) - y).abs().mean().item(), rel=1e-4)
    plain = KAN([2, 1]).fit((x, y), steps=1, loss_fn=torch.nn.MSELoss(), progress=False)
    assert plain.results == squared.results


def test_the_test_set_is_measured_and_never_learnt_from():
    x, y = waves()
    kan, other = KAN([2, 3, 1]), KAN([2, 3, 1])
    kan.fit({"train_input": x, "train_label": y}, steps=3, progress=False)
    far = {"test_input": 5 + x[:20], "test_label": torch.full((20, 1), 1e3)}
    history = other.fit({"train_input": x, "train_label": y, **far}, steps=3, progress=False)
    assert history["test_loss"][-1] > 100
    for a, b in zip(kan.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    torch.testing.assert_close(other.feature_score, other.scores(x).nodes[0])


@pytest.mark.parametrize("opt", OPTIMISERS)
def test_the_best_step_is_kept(opt: str):
    kan, history = small(opt, lamb=1e-2)
    objective = [a * a + 1e-2 * r for a, r in zip(history["train_loss"], history["reg"], strict=True)]
    assert objective[history.best] == pytest.approx(min(objective))
    x, y = waves()
    kan(x)
    now = (kan(x) - y).square().mean() + 1e-2 * kan.regularization()
    assert now.item() == pytest.approx(min(objective), rel=1e-3)


def test_what_follows_a_fit():
    kan, _ = small("LBFGS")
    assert kan.history == ["0.0 KAN", "0.1 fit"]
    first, x = kan.checkout("0.0"), waves()[0]
    torch.testing.assert_close(first(x), KAN([2, 3, 1], seed=3)(x))
    torch.testing.assert_close(kan.rewind("0.1")(x), kan(x))
    torch.testing.assert_close(kan.data(), x)
    assert kan.training
    assert all(p.requires_grad for p in kan.layers[0].parameters())
    assert all(p.dtype == torch.float32 for p in kan.parameters())


def test_masks_and_frozen_parameters_stay():
    kan = KAN([2, 3, 1], sb_trainable=False)
    with torch.no_grad():
        kan.layers[0].mask[0, 1] = 0
    before = {name: value.clone() for name, value in kan.state_dict().items()}
    kan.fit(waves(), steps=3, lamb=1e-3, lamb_coef=0.1, lamb_coefdiff=0.1, update_grid=False, progress=False)
    after = kan.state_dict()
    for name in ("act_fun.0.scale_base", "act_fun.0.scale_sp", "act_fun.0.mask", "act_fun.0.grid", "node_scale.0"):
        assert torch.equal(before[name], after[name])
    assert torch.equal(before["act_fun.0.coef"][0, 1], after["act_fun.0.coef"][0, 1])
    assert not torch.equal(before["act_fun.0.coef"][0, 0], after["act_fun.0.coef"][0, 0])


@pytest.mark.parametrize("opt", OPTIMISERS)
def test_frozen_edges_stay_to_the_bit_and_their_grids_with_them(opt: str):
    kan = KAN([2, 3, 1])
    kan.layers[0].requires_grad_(False)
    before = {name: value.clone() for name, value in kan.state_dict().items()}
    kan.fit(waves(), opt=opt, steps=6, progress=False)
    moved = {name for name, value in kan.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {f"act_fun.1.{name}" for name in ("coef", "grid", "scale_base")}


def test_multiplication_and_trainable_affines():
    x, _ = waves()
    kan = KAN([2, [1, 1], 1], affine_trainable=True)
    history = kan.fit((x, x[:, 0] * x[:, 1]), opt="LM", steps=8, progress=False)
    assert history["train_loss"][history.best] < 1e-3
    assert not torch.equal(kan.node_scale[0], torch.ones(2))


def test_the_regulariser_drives_an_unused_input_out():
    x = 2 * torch.rand(300, 3, generator=torch.Generator().manual_seed(0)) - 1
    kan = KAN([3, 2, 1])
    kan.fit((x, x[:, 0] ** 2 + x[:, 1]), steps=8, lamb=1e-3, opt="LM", progress=False)
    score = kan.feature_score
    assert score[2] < 1e-3
    assert score[:2].min() > 0.2


def test_grids_follow_the_data_only_when_asked():
    x = 3 + 4 * waves()[0]
    y = x[:, :1].sin()
    still, moved = KAN([2, 1]), KAN([2, 1])
    still.fit((x, y), steps=2, update_grid=False, progress=False)
    moved.fit((x, y), steps=2, progress=False)
    assert torch.equal(still.layers[0].grid, KAN([2, 1]).layers[0].grid)
    low, high = moved.layers[0].range
    torch.testing.assert_close(torch.stack([low, high]), torch.stack([x.amin(0), x.amax(0)]), atol=0.05, rtol=0)
    few = KAN([2, 1]).fit((x, y), steps=3, stop_grid_update_step=2, grid_update_num=5, progress=False)
    assert len(few["train_loss"]) == 3


@pytest.mark.parametrize("opt", OPTIMISERS)
def test_classes(opt: str):
    x, _ = waves()
    label = (x[:, 0] * x[:, 1] > 0).long()
    for loss in ("cross_entropy", torch.nn.CrossEntropyLoss()):
        kan = KAN([2, 3, 2])
        steps, lr = (150, 0.1) if opt == "Adam" else (4, None)
        history = kan.fit((x, label), opt=opt, steps=steps, lr=lr, loss_fn=loss, progress=False)
        assert (kan(x).argmax(1) == label).float().mean() > 0.95
        found = torch.nn.functional.cross_entropy(kan(x), label).item()
        assert found == pytest.approx(history["train_loss"][history.best], rel=0.02, abs=1e-5)


def test_labels_may_be_true_and_false():
    x, _ = waves()
    label = x[:, 0] > 0
    histories = [
        KAN([2, 2]).fit((x, y), steps=2, loss_fn="cross_entropy", progress=False)["train_loss"]
        for y in (label, label.long())
    ]
    assert histories[0] == histories[1]


def test_one_row_is_learnt_and_its_grids_stay():
    x, y = waves(1)
    for opt in OPTIMISERS:
        kan = KAN([2, 2, 1])
        before = [layer.grid.clone() for layer in kan.layers]
        history = kan.fit((x, y), opt=opt, steps=20, lr=0.1 if opt == "Adam" else None, progress=False)
        assert min(history["train_loss"]) < 0.05
        assert all(torch.equal(a, layer.grid) for a, layer in zip(before, kan.layers, strict=True))


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("opt", OPTIMISERS)
def test_half_precision_is_kept_and_trained_in_a_finer_one(opt: str, half: torch.dtype):
    x, y = waves()
    kan = KAN([2, 3, 1], dtype=half)
    kan.fit((x, y), opt=opt, steps=100 if opt == "Adam" else 5, lr=0.05 if opt == "Adam" else None, progress=False)
    assert {value.dtype for value in kan.parameters()} == {half}
    error = (kan(x).float() - y).square().mean().sqrt().item()
    assert error < 0.2 + 8 * torch.finfo(half).eps


def test_half_precision_takes_columns_whose_squares_it_could_not_hold():
    x, y = waves()
    history = KAN([2, 3, 1], dtype=torch.float16).fit((300 * x, y), steps=5, progress=False)
    assert history["train_loss"][-1] < 0.2


def test_what_is_computed_cannot_be_trained():
    parametrized, pruned = KAN([2, 1]), KAN([2, 1])
    parametrize.register_parametrization(parametrized.layers[0], "coef", torch.nn.Hardtanh())
    prune.l1_unstructured(pruned.layers[0], "scale_base", amount=0.5)
    for kan, name in ((parametrized, "coef"), (pruned, "scale_base")):
        with pytest.raises(TrainingError, match=rf"act_fun\.0\.{name} is no parameter, but computed"):
            kan.fit(waves(), progress=False)


def test_batches_of_every_optimiser():
    for opt in OPTIMISERS:
        _, history = small(opt, batch=60, lamb=1e-3)
        assert all(math.isfinite(v) for v in history["train_loss"])


def test_dtypes_and_forms_of_data():
    import pandas as pd

    x, y = waves()
    plain = KAN([2, 2, 1])
    plain.fit((x, y), steps=2, progress=False)
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y[:, 0]})
    forms: list[Any] = [
        (x.double().numpy(), y[:, 0].double().numpy()),
        (x, y[:, 0]),
        {"train_input": x.double(), "train_label": y},
        frame,
        (frame[["a", "b"]], frame["y"]),
        DataLoader(TensorDataset(x, y), batch_size=64),
    ]
    for form in forms:
        kan = KAN([2, 2, 1])
        kan.fit(form, steps=2, progress=False)
        for a, b in zip(plain.parameters(), kan.parameters(), strict=True):
            assert torch.equal(a, b)
    double = KAN([2, 2, 1], dtype=torch.float64)
    double.fit((x, y), steps=2, progress=False)
    assert double(x.double()).dtype == torch.float64


def test_a_pruned_network_takes_the_columns_it_was_made_for():
    x, y = waves()
    wide = torch.cat([torch.rand(200, 1, generator=torch.Generator().manual_seed(1)), x], 1)
    kan = KAN([3, 3, 1])
    kan.fit((wide, y), steps=3, lamb=1e-3, progress=False)
    kept = kan.prune_input(active_inputs=[1, 2])
    kept.fit((wide, y), steps=3, progress=False)
    assert (kept(wide) - y).square().mean().sqrt() < 0.05


class Records(Dataset[dict[str, Tensor]]):
    """Rows by name, from which nobody can tell what is to be learnt."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"x": torch.zeros(2), "y": torch.zeros(1)}


BAD: list[tuple[Any, type[Exception], str]] = [
    ((torch.zeros(5, 3), torch.zeros(5)), InputError, "takes 2 columns"),
    ((torch.full((5, 2), math.nan), torch.zeros(5)), InputError, "10 values that are NaN or infinite"),
    ((torch.zeros(5, 2), torch.tensor([0.0, 1.0, math.inf, 0.0, 0.0])), InputError, "row 2"),
    ((torch.zeros(0, 2), torch.zeros(0)), TrainingError, "no rows"),
    ((torch.zeros(5, 2), torch.zeros(4)), InputError, "must match"),
    ((torch.zeros(5, 2), torch.zeros(5, 3)), InputError, "gives 1 outputs"),
    (({"train_input": torch.zeros(5, 2)}), TrainingError, "train_label"),
    ((np.array([["a", "b"]], dtype=object), [0.0]), InputError, "no numbers"),
    ((np.array([["a", "b"]]), [0.0]), InputError, "pass numbers"),
    (7, TrainingError, "cannot learn from int"),
    (DataLoader(torch.zeros(5, 3)), TrainingError, "batches of type Tensor; fit needs pairs"),
    (
        DataLoader(TensorDataset(torch.zeros(5, 2), torch.zeros(5), torch.ones(5))),
        TrainingError,
        "batches of type list of 3; fit needs pairs",
    ),
    (torch.zeros(5, 3), TrainingError, "cannot learn from Tensor; pass .X, y., a frame"),
    ((torch.eye(2).to_sparse(), torch.zeros(2)), InputError, "torch.sparse_coo"),
    ((torch.eye(2, device="meta"), torch.zeros(2)), InputError, "pass numbers in a dense one"),
    ((np.ma.masked_equal(np.eye(2), 1), torch.zeros(2)), InputError, "train_input has masked entries"),
    ((torch.full((5, 2), 3e38), torch.zeros(5)), InputError, "holds 3e.38, too large for sums in torch.float32"),
    (
        {"train": (torch.zeros(5, 2), torch.zeros(5)), "test_input": torch.zeros(5, 2)},
        TrainingError,
        "one of 'test_input' and 'test_label'",
    ),
    ((torch.zeros(5, 2), torch.tensor(1.0)), InputError, "train_label has shape .. for 5 rows"),
    ((torch.zeros(5, 2), torch.zeros(5, dtype=torch.complex64)), InputError, "train_label has dtype complex64"),
    (DataLoader(Records()), TrainingError, "batches of type dict; fit needs pairs"),
    (DataLoader(TensorDataset(torch.zeros(5, 2))), TrainingError, "fit needs pairs"),
]


@pytest.mark.parametrize(("data", "kind", "text"), BAD, ids=[text for *_, text in BAD])
def test_bad_data_is_one_clear_sentence(data: Any, kind: type[Exception], text: str):
    with pytest.raises(kind, match=text):
        KAN([2, 1]).fit(data, steps=1, progress=False)


def test_bad_settings_are_one_clear_sentence():
    x, y = waves()
    with pytest.raises(TrainingError, match="opt='adamw' is not known; pass one of 'LBFGS', 'LM', 'Adam' or 'auto'"):
        KAN([2, 1]).fit((x, y), opt="adamw")
    with pytest.raises(TrainingError, match="loss_fn='huber' is not known"):
        KAN([2, 1]).fit((x, y), loss_fn="huber")
    with pytest.raises(TrainingError, match="reg_metric='no' is not known"):
        KAN([2, 1]).fit((x, y), reg_metric="no")
    with pytest.raises(TrainingError, match="steps=0"):
        KAN([2, 1]).fit((x, y), steps=0)
    with pytest.raises(InputError, match="classes 0 to 4"):
        KAN([2, 2]).fit((x, torch.arange(200) % 5), loss_fn="cross_entropy")
    with pytest.raises(InputError, match="no classes"):
        KAN([2, 2]).fit((x, y), loss_fn="cross_entropy")
    with pytest.raises(TrainingError, match="pass 'LBFGS'"):
        KAN([100, 20, 1]).fit((torch.rand(5, 100), torch.rand(5)), opt="LM", progress=False)
    with pytest.raises(TrainingError, match="curvature"):
        KAN([2, 1]).fit((x, y), opt="LM", loss_fn=torch.nn.L1Loss(), progress=False)
    with pytest.raises(TrainingError, match="must return one number"):
        KAN([2, 1]).fit((x, y), loss_fn=lambda a, b: a - b, progress=False)
    with pytest.raises(TrainingError, match="does not depend on the output through torch"):
        KAN([2, 1]).fit((x, y), loss_fn=lambda a, b: (a - b).detach().square().mean(), progress=False)
    with pytest.raises(TrainingError, match=r"loss_fn=MSELoss is a class; pass one of it: loss_fn=MSELoss\(\)"):
        KAN([2, 1]).fit((x, y), loss_fn=torch.nn.MSELoss)
    with pytest.raises(InputError, match=r"no classes.*label\.argmax\(1\)"):
        KAN([2, 2]).fit((x, torch.eye(2)[torch.arange(200) % 2]), loss_fn="cross_entropy")
    for lr in (-1.0, 0.0):
        with pytest.raises(TrainingError, match=f"lr={lr} is no length"):
            KAN([2, 1]).fit((x, y), opt="Adam", lr=lr)
    for batch in (0, -2):
        with pytest.raises(TrainingError, match=f"batch={batch} is no number of rows"):
            KAN([2, 1]).fit((x, y), batch=batch)
    with pytest.raises(TrainingError, match=r"scheduler=.* is not known"):
        KAN([2, 1]).fit((x, y), opt="Adam", scheduler=torch.optim.lr_scheduler.StepLR)
    for strength in (-1e-3, math.nan):
        with pytest.raises(TrainingError, match="must be finite and >= 0"):
            KAN([2, 1]).fit((x, y), lamb=strength)


class Stops:
    """A loss that is fine until it is not."""

    def __init__(self, calls: int, end: Exception | KeyboardInterrupt | None) -> None:
        self.left, self.end = calls, end

    def __call__(self, output: Tensor, label: Tensor) -> Tensor:
        self.left -= 1
        if self.left < 0:
            if self.end is not None:
                raise self.end
            return (output * math.nan).sum()
        return (output - label).square().mean()


def test_gradients_that_are_forbidden():
    with torch.no_grad():
        small("LBFGS")
    with torch.inference_mode(), pytest.raises(TrainingError, match="call it outside"):
        KAN([2, 1]).fit(waves())


def test_a_loss_that_is_no_number_names_its_step_and_leaves_the_best():
    x, y = waves()
    kan = KAN([2, 3, 1])
    start = (kan(x) - y).square().mean()
    with pytest.raises(TrainingError, match=r"nan at step \d+ of 100"):
        kan.fit((x, y), opt="Adam", steps=100, loss_fn=Stops(60, None), progress=False)
    assert (kan(x) - y).square().mean() < start


@pytest.mark.parametrize("opt", ["LBFGS", "Adam"])
def test_an_interruption_leaves_the_best(opt: str):
    x, y = waves()
    kan = KAN([2, 3, 1])
    start = (kan(x) - y).square().mean()
    with pytest.raises(KeyboardInterrupt):
        kan.fit((x, y), opt=opt, steps=150, loss_fn=Stops(100, KeyboardInterrupt()), progress=False)
    assert (kan(x) - y).square().mean() < start
    assert kan.history == ["0.0 KAN"]


def test_the_bar_is_shown_on_request(capsys: pytest.CaptureFixture[str]):
    KAN([2, 1]).fit(waves(), steps=2)
    assert "train_loss" in capsys.readouterr().err
    KAN([2, 1]).fit(waves(), steps=2, progress=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("seed", "opt"), [(0, "LBFGS"), (1, "LBFGS"), (0, "LM")])
def test_a_regulariser_of_coefficients_leaves_the_one_product(seed: int, opt: str) -> None:
    x = 2 * torch.rand(300, 2, generator=torch.Generator().manual_seed(seed)) - 1
    kan = KAN([2, [5, 2], 1], base_fun="identity", seed=seed)
    history = kan.fit((x, x[:, :1] * x[:, 1:]), opt=opt, steps=20, lamb=1e-2, lamb_coef=1.0, progress=False)
    assert history["train_loss"][-1] < 0.1
    assert kan.prune().width == [[2, 0], [0, 1], [1, 0]]
