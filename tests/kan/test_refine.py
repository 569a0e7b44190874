"""Refining keeps the function, whatever the grids and however many cells."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.kan import KAN


@given(
    grid=st.integers(1, 5),
    more=st.integers(0, 20),
    k=st.integers(0, 4),
    extrapolate=st.sampled_from(["linear", "zero"]),
)
def test_any_number_of_cells_keeps_the_function(grid, more, k, extrapolate):
    kan = KAN([2, [2, 1], 1], grid=grid, k=k, extrapolate=extrapolate, dtype=torch.float64, noise_scale=5.0)
    x = torch.rand(200, 2, dtype=torch.float64) * 4 - 2
    kan.update_grid(torch.randn(100, 2, dtype=torch.float64), float("inf"))
    fine = kan.refine(grid + more)
    assert fine.grid == [grid + more] * 2
    torch.testing.assert_close(fine(x), kan(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("cells", [10, 50, 100])
def test_float32_keeps_it_to_rounding(cells):
    kan = KAN([4, 5, 1], noise_scale=2.0)
    x = torch.rand(500, 4) * 2 - 1
    y = kan(x)
    assert ((kan.refine(cells)(x) - y).abs().max() / y.std()).item() < 1e-5


def test_the_old_network_is_whole_and_shares_nothing():
    kan = KAN([2, 3, 1])
    x = torch.rand(50, 2)
    y = kan(x)
    fine = kan.refine(8)
    fine.layers[0].mask.zero_()
    fine.layers[1].scale_sp.data.zero_()
    assert kan.grid == [3, 3]
    assert torch.equal(kan(x), y)


def test_a_number_a_layer():
    assert KAN([2, 3, 1]).refine([3, 9]).grid == [3, 9]


@pytest.mark.parametrize("grid", [2, [5, 5, 5], [2, 9]])
def test_fewer_cells_are_refused(grid):
    with pytest.raises(InputError, match="cannot refine grids of"):
        KAN([2, 3, 1]).refine(grid)


def test_settings_are_kept():
    kan = KAN([2, 3, 1], grid_eps=0.5, extrapolate="zero", base_fun="identity", sb_trainable=False)
    fine = kan.refine(6)
    assert fine.layers[0].grid_eps == 0.5
    assert fine.layers[0].base_fun == "identity"
    assert not fine.layers[0].scale_base.requires_grad
    assert fine.layers[0].coef.requires_grad
