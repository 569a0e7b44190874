"""The programs of the source documents run as they are, and show what the documents promise."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
PROGRAMS = sorted((ROOT / "examples").glob("s[0-9]_*.py"))


def run(name: str) -> dict[str, object]:
    return runpy.run_path(str(ROOT / "examples" / f"{name}.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_programs_are_kept_to_the_letter(program: Path):
    source = SHARED / "seeds" / "programs" / program.name
    if not source.exists():
        pytest.skip("the source documents are not beside this checkout")
    assert program.read_text() == source.read_text()


def test_integrated_gradients_against_a_known_truth():
    shown = run("s3_integrated_gradients")
    a, expected = shown["a"], shown["expected"]
    assert torch.corrcoef(torch.stack([a.values.flatten(), expected.flatten()]))[0, 1] > 0.995
    assert a.gap.abs().max() < 1e-4


def test_an_lstm_with_a_kan_head():
    shown = run("s4_lstm_kan")
    assert set(shown["share"].argsort(descending=True)[:2].tolist()) == {0, 1}
    assert shown["net"].kan.width[0] == [16, 0]


def test_attribution_methods_on_house_prices(monkeypatch: pytest.MonkeyPatch):
    cache, weights = SHARED / "data" / "scikit_learn_data", SHARED / "data" / "california_mlp.safetensors"
    if not weights.exists():
        pytest.skip("the house prices are not beside this checkout")
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(cache))
    monkeypatch.setenv("WEIGHTS", str(weights))
    shown = run("s1_house_prices")
    assert float(shown["err"]) == pytest.approx(0.65797454, rel=1e-6)
    shares = {name: np.asarray(v) / np.abs(v).sum() for name, v in shown["bars"].items()}
    assert shares["Int Grads"] == pytest.approx(shares["DeepLift"], abs=0.05)
    assert shown["lc_attr_test"].shape == (180, 10)


def test_feature_attribution_in_kans():
    shown = run("s0_feature_attribution")
    assert shown["model"].input_id.tolist() == [0, 1, 2, 3, 4]


def test_a_formula_becomes_a_network(capsys: pytest.CaptureFixture[str]):
    shown = run("s2_kan_compiler")
    model, data = shown["model"], shown["dataset"]
    # Layers as the source shows them: a layer more, two sums in layer 1, two products of 2 and 3 factors in layer 2.
    assert (model.width[1], model.width[2], model.width[3]) == ([3, 2], [0, 3], [1, 0])
    assert model.arity[2] == [3, 2, 3]
    assert {model.mode(0, i, j) for i in range(3) for j in range(7)} == {"n", "ns"}
    # The source prints 1.5e-15, before the network is perturbed.
    (error,) = re.findall(r"tensor\((.*?),", capsys.readouterr().out)
    assert float(error) < 1e-12
    assert data["train_input"].dtype == torch.float32
