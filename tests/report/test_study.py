"""The main job on small tables whose truth is known."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from ascribe.errors import InputError, MethodError
from ascribe.report.attribute import choose_methods, singles
from ascribe.report.conduct import Settings, conduct
from ascribe.report.explained import probabilities
from ascribe.report.study import Study
from ascribe.report.threads import fitting_threads
from ascribe.report.trials import Training
from ascribe.report.yardsticks import figures

QUICK = Settings(
    explained=12,
    background=8,
    training=Training(
        hidden=(2,), strengths=(1e-2,), grids=(3, 5), stretches=(2, 2, 4), glance=1, again=(2,), bootstrap=5
    ),
)
ROWS = 240


def houses() -> pd.DataFrame:
    """A price that two columns make; a third says nothing, a fourth never changes."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"size": draw.uniform(50, 150, ROWS), "age": draw.uniform(0, 80, ROWS)})
    frame["noise"], frame["country"] = draw.normal(size=ROWS), "here"
    frame["price"] = 3 * frame["size"] - 2 * frame["age"] + draw.normal(size=ROWS)
    return frame


def flowers(classes: int) -> pd.DataFrame:
    """Classes that a number and a colour make; another number says nothing."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"noise": draw.normal(size=ROWS), "length": draw.uniform(0, 1, ROWS)})
    frame["colour"] = draw.choice(["red", "blue", "white"], ROWS, p=[0.5, 0.3, 0.2])
    score = frame["length"] + 0.8 * (frame["colour"] == "red")
    frame["kind"] = np.array(["iris", "rose", "tulip"])[np.digitize(score, np.linspace(0.4, 1.4, classes + 1)[1:-1])]
    return frame


@cache
def regression() -> Study:
    return conduct(houses(), "price", settings=QUICK)


@cache
def classification(classes: int) -> Study:
    return conduct(flowers(classes), "kind", settings=QUICK)


def test_the_scores_find_the_columns_that_matter():
    scores = {score.name: score for score in regression().scores}
    assert list(scores) == ["size", "age", "noise"]
    assert scores["age"].score > 5 * scores["noise"].score
    assert scores["size"].error > 0


def test_the_kan_reaches_the_noise():
    study = regression()
    own, mean, line, trees = study.yardsticks
    assert (own.name, mean.name, line.name, trees.name) == ("KAN", "mean", "linear model", "boosted trees")
    assert own.test["RMSE"] < 2 * line.test["RMSE"]
    assert own.test["RMSE"] < 0.1 * mean.test["RMSE"]
    assert (study.train, study.validation, study.test) == (156, 36, 48)
    assert study.rounds[0].kept
    assert [r.step for r in study.rounds][:3] == ["2 hidden nodes, regularised 0.01", "train on", "prune"]


def test_the_formula_is_near_the_network_and_runs_as_python():
    study, frame = regression(), houses()
    assert study.formula is not None
    assert [model.name for model in study.models][:2] == ["KAN", "its formula"]
    assert study.formula.yardstick.test["R2"] > 0.98
    (line,) = study.formula.lines
    assert line.startswith("price = ")
    assert "country" not in line
    names: dict[str, object] = {}
    exec(study.formula.python, names)
    function = names["formula"]
    assert callable(function)
    rows = frame.iloc[study.test_rows]
    features = [column for column in ("size", "age", "noise") if f"{column}" in study.formula.python.splitlines()[5]]
    predicted = function(*(rows[column].to_numpy() for column in features))
    assert np.corrcoef(predicted, study.true)[0, 1] > 0.99


def test_a_network_of_too_many_edges_is_no_formula_and_the_report_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ascribe.report.formula.MOST_EDGES", 0)
    study = conduct(houses(), "price", methods=["Ablation"], settings=QUICK)
    assert study.formula is None
    assert len(study.models) == len(study.yardsticks)
    assert any("not written as a formula" in note for note in study.notes)
    assert not any("not written as a formula" in note for note in regression().notes)


def test_everything_is_in_the_units_of_the_table():
    study, frame = regression(), houses()
    assert study.true == pytest.approx(frame["price"][study.test_rows].to_numpy())
    assert study.predicted == pytest.approx(study.true, abs=30)
    attribution = study.comparison.attributions["IntegratedGradients"]
    assert attribution.names == ("size", "age", "noise")
    assert attribution.output.numpy() == pytest.approx(frame["price"][study.explained_rows].to_numpy(), abs=30)
    expected = 3 * (frame["size"][study.explained_rows] - frame["size"].mean())
    assert np.corrcoef(attribution.per_feature()[:, 0].numpy(), expected)[0, 1] > 0.99
    assert study.cells[0][0] == f"{frame['size'][study.explained_rows[0]]:.6g}"
    assert study.unit_note == "in the units of price"


def test_the_recipe_holds_what_the_network_kept_needs_to_predict():
    study, frame = regression(), houses()
    units = study.recipe["units"]
    assert study.kan is not None
    raw = frame[["size", "age", "noise"]].to_numpy()[study.test_rows]
    low, high = (
        np.array([edge if v is None else v for v in units[end]]) for end, edge in (("low", -np.inf), ("high", np.inf))
    )
    inside = (raw.clip(low, high) - units["mean"]) / units["scale"]
    with torch.no_grad():
        found = study.kan(torch.from_numpy(inside).float())[:, 0].numpy() * units["out_scale"] + units["out_mean"]
    assert found == pytest.approx(study.predicted, rel=1e-3)


def test_complete_methods_add_up():
    for name in ("IntegratedGradients", "DeepLift", "Shapley"):
        attribution = regression().comparison.attributions[name]
        assert attribution.gap.abs().max() < 1e-2 * (attribution.output - attribution.reference).abs().max()


@pytest.mark.parametrize("classes", [2, 3])
def test_classes(classes: int):
    study = classification(classes)
    own, frequent, *_ = study.yardsticks
    assert study.classes == ("iris", "rose", "tulip")[:classes]
    assert own.test["accuracy"] > frequent.test["accuracy"] + 0.1
    assert study.scores[-1].name == "noise"
    assert {score.name for score in study.scores} == {"noise", "length", "colour"}
    assert set(study.comparison.attributions["Shapley"].names) == {"noise", "length", "colour"}
    assert set(study.predicted) <= set(range(classes))
    assert study.columns[2].kind == "category"


def test_the_same_seed_gives_the_same_numbers():
    again, other = conduct(houses(), "price", settings=QUICK), conduct(houses(), "price", seed=1, settings=QUICK)
    for name, attribution in regression().comparison.attributions.items():
        assert torch.equal(attribution.per_feature(), again.comparison.attributions[name].per_feature())
    assert again.recipe == regression().recipe
    assert not np.array_equal(other.test_rows, again.test_rows)


def test_the_recipe_is_plain_and_whole():
    recipe = json.loads(json.dumps(regression().recipe, allow_nan=False))
    assert recipe["seed"] == 0
    assert recipe["versions"]["torch"] == torch.__version__
    assert [column["column"]["kind"] for column in recipe["columns"]] == ["numeric", "numeric", "numeric", "constant"]


def test_rows_without_a_target_are_left_out_and_said():
    frame = houses()
    frame.loc[:9, "price"] = np.nan
    frame.loc[10, "size"] = np.inf
    study = conduct(frame, "price", methods=["Ablation"], drop=["noise"], settings=QUICK)
    assert study.rows == ROWS - 10
    assert min(study.test_rows) >= 10
    said = " ".join(study.notes)
    assert "10 rows have no value of price" in said
    assert "Infinite values count as missing: size." in said
    assert "Left out as asked: noise." in said


def test_large_tables_are_sampled():
    settings = Settings(most_rows=100, explained=5, background=4, training=QUICK.training)
    study = conduct(houses(), "price", methods=["Ablation"], settings=settings)
    assert study.rows == 100
    assert len(study.explained_rows) == 5
    assert any("sample of 100 of the 240 rows" in note for note in study.notes)


@pytest.mark.filterwarnings("ignore")  # exporting warns about torch's own internals
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("ends", ["logits", "probabilities"])
def test_a_network_of_the_users_own(tmp_path: Path, outputs: int, ends: str):
    frame = houses().drop(columns="country")
    frame["price"] = np.where(frame["price"] > frame["price"].median(), "dear", "cheap")
    line = nn.Linear(3, outputs)
    with torch.no_grad():
        line.weight.zero_()
        line.weight[0], line.bias[:] = torch.tensor([-0.03, 0.02, 0.0]), torch.tensor(2.2)
        if outputs == 1:
            line.weight.neg_(), line.bias.neg_()
    last = {"logits": nn.Identity(), "probabilities": nn.Sigmoid() if outputs == 1 else nn.Softmax(dim=1)}[ends]
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(nn.Sequential(line, last), (torch.ones(4, 3),)), path)
    study = conduct(frame, "price", model=path, settings=QUICK)
    assert study.yardsticks[0].name == "net"
    assert study.kan is None
    assert not study.rounds
    assert study.weights is not None
    assert ("log-odds" if ends == "logits" else "probability") in study.unit_note
    values = study.comparison.attributions["Shapley"].per_feature()
    size = torch.tensor(frame["size"][study.explained_rows].to_numpy())
    assert torch.corrcoef(torch.stack([values[:, 0].double(), size]))[0, 1] > 0.9
    assert any("flatter" in note for note in study.notes)


def test_methods_are_chosen_by_name():
    chosen = choose_methods(["shapley,Ablation", "deeplift"], seed=3)
    assert [method.name for method in chosen] == ["Shapley", "Ablation", "DeepLift"]
    assert "seed=3" in repr(chosen[0])
    with pytest.raises(MethodError, match="did you mean"):
        choose_methods(["Integrated"], seed=0)


def test_bad_seed():
    with pytest.raises(InputError, match="--seed -1"):
        conduct(houses(), "price", seed=-1, settings=QUICK)


def test_figures():
    probability = np.array([[0.8, 0.2], [0.4, 0.6], [0.9, 0.1]])
    found = figures("classification", np.array([0, 1, 1]), probability)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["log-loss"] == pytest.approx(-np.log([0.8, 0.6, 0.1]).mean())
    assert np.isfinite(figures("classification", np.array([1]), np.array([[1.0, 0.0]]))["log-loss"])
    assert probabilities(torch.tensor([[0.0], [3.0]])).sum(1).tolist() == [1.0, 1.0]
    assert probabilities(torch.tensor([[0.0], [3.0]]))[:, 1].tolist() == pytest.approx([0.5, 1 / (1 + np.exp(-3))])
    assert singles(torch.tensor([1.0, 1.0])) == (0, 1)


def test_a_method_is_asked_once():
    names = [method.name for method in choose_methods(["Saliency", "saliency,Ablation"], seed=0)]
    assert names == ["Saliency", "Ablation"]


def test_fewer_rows_are_explained_where_there_are_many_columns():
    assert [Settings().rows(columns) for columns in (1, 8, 60, 5000)] == [1000, 1000, 333, 200]


def test_threads_are_borrowed():
    before = torch.get_num_threads()
    with fitting_threads(1000):
        assert torch.get_num_threads() == 1
    with fitting_threads(10**9):
        assert torch.get_num_threads() == before
    assert torch.get_num_threads() == before


def test_numbers_too_large_for_a_network():
    frame = houses()
    for name in ("size", "price"):
        with pytest.raises(InputError, match=f"column '{name}' reaches .*: rescale it"):
            conduct(frame.assign(**{name: frame[name] * 1e30}), "price", settings=QUICK)
        with pytest.raises(InputError, match=f"column '{name}' varies by .*subtract a constant"):
            conduct(frame.assign(**{name: frame[name] + 1e12}), "price", settings=QUICK)
