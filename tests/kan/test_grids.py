"""Grids that follow data: the rule, what is kept, and data that no grid fits."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.knots import data_grid

float64 = torch.float64


def test_the_rule():
    x = torch.rand(101, 2, dtype=float64) ** 3
    eps, cells = 0.3, 4
    found = data_grid(x, cells, eps)
    for i in range(2):
        ordered = sorted(x[:, i].tolist())
        quantiles = [ordered[int(101 / cells * c)] for c in range(cells)] + [ordered[-1]]
        even = [ordered[0] + c / cells * (ordered[-1] - ordered[0]) for c in range(cells + 1)]
        expected = [eps * e + (1 - eps) * q for e, q in zip(even, quantiles, strict=True)]
        torch.testing.assert_close(found[i], torch.tensor(expected, dtype=float64))


@given(
    st.lists(st.sampled_from([-3.0, 0.0, 0.25, 0.5, 7.0]), min_size=2, max_size=40).filter(lambda v: len(set(v)) > 1),
    st.integers(1, 12),
    st.sampled_from([0.0, 0.02, 1.0]),
)
def test_no_cell_is_empty(values, cells, eps):
    grid = data_grid(torch.tensor(values)[:, None], cells, eps)
    assert float(grid.diff(dim=1).min()) > 0
    assert float(grid[0, 0]) == min(values)
    assert float(grid[0, -1]) == pytest.approx(max(values))


def test_knots_go_all_the_way_when_nothing_forbids_it():
    kan = KAN([2, 3, 1], grid=4, dtype=float64)
    x = torch.rand(500, 2, dtype=float64) * 6 - 2
    update = kan.update_grid(x, tolerance=float("inf"))
    assert all(bool((m == 1).all()) for m in update.moved)
    torch.testing.assert_close(kan.layers[0].grid[:, 3:8], data_grid(x, 4, 0.02))
    hidden = kan.activations(x).nodes[1].detach()
    torch.testing.assert_close(kan.layers[1].grid[:, 3:8], data_grid(hidden, 4, 0.02))
    assert [bool((share == 0).all()) for share in kan.out_of_range(x)] == [True, True]


@pytest.mark.parametrize("tolerance", [0.3, 0.05, 1e-3])
def test_the_function_is_kept_to_the_tolerance(tolerance):
    kan = KAN([3, 4, 1], grid=5, dtype=float64, noise_scale=3.0)
    x = torch.randn(800, 3, dtype=float64)
    before = [layer.edges(h)[0].detach() for layer, h in zip(kan.layers, kan.activations(x).nodes, strict=True)]
    nodes = kan.activations(x).nodes
    spreads = [s.detach() for s in kan.activations(x).spreads]
    update = kan.update_grid(x, tolerance)
    for change in update.change:
        assert float(change.max()) <= tolerance
    # The first layer's sums change by no more than its edges may, one input beside the other.
    allowed = tolerance * float(spreads[0].square().sum(1).sqrt().sum())
    change = (kan.layers[0].edges(nodes[0])[0] - before[0]).detach()
    assert float(change.square().sum(1).mean().sqrt()) <= allowed


def test_updating_again_goes_on_from_where_it_stands():
    kan = KAN([1, 1], grid=5, dtype=float64, noise_scale=1.0)
    x = torch.rand(500, 1, dtype=float64) * 3
    for _ in range(40):
        update = kan.update_grid(x, 0.1)
    assert float(update.moved[0].min()) == 1
    assert float(kan.out_of_range(x)[0].max()) == 0


def test_constant_and_binary_columns():
    kan = KAN([3, 2, 1], grid=6)
    x = torch.stack([torch.full((50,), 0.3), (torch.arange(50) % 2).float(), torch.rand(50)], 1)
    before = kan.layers[0].grid.clone()
    update = kan.update_grid(x, float("inf"))
    assert update.degenerate == ((0, 0),)
    assert "input 0 of layer 0" in repr(update)
    assert torch.equal(kan.layers[0].grid[0], before[0])
    assert float(kan.layers[0].grid.diff(dim=1).min()) > 0
    torch.testing.assert_close(kan.layers[0].grid[1, 3:10], torch.linspace(0, 1, 7))
    assert bool(kan(x).isfinite().all())


@pytest.mark.parametrize("x", [torch.zeros(1, 2), torch.zeros(0, 2), torch.tensor([[0.0, torch.nan], [1.0, 1.0]])])
def test_data_that_gives_no_grid(x):
    with pytest.raises(InputError, match="two rows or more of finite numbers"):
        KAN([2, 1]).update_grid(x)


def test_rows_more_than_are_looked_at_still_count():
    kan = KAN([1, 1], dtype=float64)
    x = torch.rand(30_000, 1, dtype=float64)
    kan.update_grid(x)
    low, high = kan.layers[0].range
    assert float(low) == pytest.approx(float(x.min()))
    assert float(high) == pytest.approx(float(x.max()))


def test_out_of_range_counts_rows_and_nan():
    kan = KAN([2, 1])
    x = torch.tensor([[0.0, 0.0], [2.0, 0.5], [-1.0, 1.0], [torch.nan, -3.0]])
    assert kan.out_of_range(x)[0].tolist() == [0.5, 0.25]
    assert kan.out_of_range(x[:0])[0].tolist() == [0.0, 0.0]


def test_same_data_same_bits():
    x = torch.randn(300, 3)
    grids = []
    for _ in range(2):
        kan = KAN([3, 4, 1], grid=5)
        kan.update_grid(x.clone())
        grids.append((kan.layers[1].grid, kan.layers[1].coef))
    assert torch.equal(grids[0][0], grids[1][0])
    assert torch.equal(grids[0][1], grids[1][1])


def test_a_hidden_node_that_hardly_moves_keeps_a_grid_that_float32_can_follow():
    kan = KAN([1, 2, 1], grid=5, noise_scale=3.0)
    with torch.no_grad():
        kan.layers[0].coef[:, 1] *= 1e-5
        kan.layers[0].scale_base[:, 1] *= 1e-5
    x = torch.linspace(-1, 1, 300)[:, None]
    before = kan(x).detach()
    kan.update_grid(x, float("inf"))
    low, high = kan.layers[1].range
    widths = high - low
    assert float(widths[1] / widths[0]) == pytest.approx(0.01, rel=1e-3)
    torch.testing.assert_close(kan(x), before, atol=0.05, rtol=0)
