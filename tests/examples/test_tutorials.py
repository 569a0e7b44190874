"""The examples of what KANs are good for run, and show what their docstrings say."""

from __future__ import annotations

import runpy
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str) -> dict[str, object]:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def test_continual_learning_keeps_what_it_has_learnt(capsys):
    shown = run("continual_learning")
    final = shown["shallow"][-1]
    assert max(final) < 1e-4
    # Later phases have not touched the first peak at all.
    assert final[0] <= 1.001 * shown["shallow"][0][0]
    assert max(shown["mlp"][-1][:-1]) > 0.3
    assert max(shown["deep"][-1][:-1]) > 0.3
    assert "worst of all peaks" in capsys.readouterr().out


def test_poissons_equation_is_solved(capsys):
    shown = run("pde")
    assert shown["error"](shown["kan"]) < 6e-3
    assert shown["error"](shown["kan"]) < shown["coarse"] / 3
    inside, outside = shown["residuals"](shown["kan"])
    assert float(inside.detach()) < 0.2
    assert float(outside.detach()) < 1e-5
    assert "error of u" in capsys.readouterr().out


def test_relations_are_found_without_labels(capsys):
    shown = run("unsupervised")
    assert {frozenset(related) for related in shown["relations"]} == {frozenset({0, 1, 2}), frozenset({3, 4})}
    assert shown["left"] == [5]
    assert "on its own: [5]" in capsys.readouterr().out
