"""Phase by phase: what runs in which order, that it goes on where it stood, and which phases no other beats."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.runner import Run, pareto_frontier


def data():
    x = torch.rand(60, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    y = (x[:, :1] ** 2 + x[:, 1:]).exp()
    return {"train_input": x[:40], "train_label": y[:40], "test_input": x[40:], "test_label": y[40:]}


def largest(kan, dataset):
    return (kan(dataset["test_input"]) - dataset["test_label"]).abs().max()


def settings():
    return {"grids": (4, 6), "steps": 2, "prune_round": 2, "metrics": (largest,), "progress": False}


def test_phases_and_their_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start = KAN([2, 3, 1], grid=3, seed=1)
    before = {n: t.clone() for n, t in start.state_dict().items()}
    run = Run(start, data(), **settings()).resume()
    assert [(p.round, p.refinement) for p in run.phases] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [p.grid[0] for p in run.phases] == [3, 4, 6, 3, 4, 6]
    assert len({p.id for p in run.phases}) == 6
    assert all(torch.equal(t, start.state_dict()[n]) for n, t in before.items())
    table = run.table()
    assert set(table) == {"test_loss", "n_edge", "grid", "id", "largest"}
    for phase, loss, edges in zip(run.phases, table["test_loss"], table["n_edge"], strict=True):
        again = phase.network.evaluate(run.dataset)
        assert (again["test_loss"], again["n_edge"]) == (loss, edges)
        assert phase.network.versions.name == phase.id
    assert list(run.to_frame().columns) == list(table)
    assert str(run).count("\n") == 6
    assert "*" in str(run)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_ends_as_one_that_was_not():
    whole = Run(KAN([2, 3, 1], seed=1), data(), **settings()).resume()
    run = Run(KAN([2, 3, 1], seed=1), data(), **settings())
    for _, phase in zip(range(2), run, strict=False):
        assert phase is run.phases[-1]
    assert len(run.phases) == 2
    run.resume()
    assert run.table()["id"].tolist() == whole.table()["id"].tolist()
    assert run.table()["test_loss"].tolist() == whole.table()["test_loss"].tolist()
    assert run.resume() is run
    assert len(run.phases) == 6


def test_more_refinements_than_grids():
    with pytest.raises(InputError, match="a grid a refinement"):
        Run(KAN([2, 1]), data(), grids=(5,), refine_round=2).resume()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_what_no_other_beats(points):
    x, y = np.array(points).T
    at_x, at_y, chosen = pareto_frontier(x, y)

    def beaten(n):
        return any((a <= x[n] and b <= y[n]) and (a, b) != (x[n], y[n]) for a, b in points)

    assert {points[n] for n in chosen} == {p for n, p in enumerate(points) if not beaten(n)}
    assert len({points[n] for n in chosen}) == len(chosen)
    assert (at_x == x[chosen]).all()
    assert (at_y == y[chosen]).all()
