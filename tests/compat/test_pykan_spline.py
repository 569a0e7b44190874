"""kan.spline, kan.KANLayer and kan.Symbolic_KANLayer: their shapes and values, from the definitions."""

from __future__ import annotations

import pytest
import torch

from ascribe.compat.pykan.KANLayer import KANLayer
from ascribe.compat.pykan.LBFGS import LBFGS
from ascribe.compat.pykan.spline import B_batch, coef2curve, curve2coef, extend_grid
from ascribe.compat.pykan.Symbolic_KANLayer import Symbolic_KANLayer
from ascribe.errors import InputError

float64 = torch.float64


def basis(x, knots, m, k):
    """Cox and de Boor, one basis at one point."""
    if k == 0:
        return float(knots[m] <= x < knots[m + 1])
    left, right = knots[m + k] - knots[m], knots[m + k + 1] - knots[m + 1]
    rising = (x - knots[m]) / left * basis(x, knots, m, k - 1) if left else 0.0
    falling = (knots[m + k + 1] - x) / right * basis(x, knots, m + 1, k - 1) if right else 0.0
    return rising + falling


@pytest.mark.parametrize("k", [0, 1, 3])
def test_bases_are_those_of_cox_and_de_boor_and_0_outside(k):
    knots = torch.tensor([[-1.0, -0.6, -0.1, 0.0, 0.3, 0.7, 1.0, 1.4, 2.0]], dtype=float64)
    x = torch.linspace(-1.5, 2.5, 41, dtype=float64)[:, None] + 1e-3
    found = B_batch(x, knots, k=k)
    assert found.shape == (41, 1, 8 - k)
    slow = [[basis(float(p), knots[0].tolist(), m, k) for m in range(8 - k)] for p in x[:, 0]]
    torch.testing.assert_close(found[:, 0], torch.tensor(slow, dtype=float64))


def test_curves_and_coefficients_go_back_and_forth():
    generator = torch.Generator().manual_seed(0)
    grid = extend_grid(torch.linspace(-1, 1, 6, dtype=float64)[None].repeat(2, 1), 3)
    coef = torch.randn(2, 3, 8, generator=generator, dtype=float64)
    x = torch.rand(100, 2, generator=generator, dtype=float64) * 2 - 1
    y = coef2curve(x, grid, coef, 3)
    assert y.shape == (100, 2, 3)
    torch.testing.assert_close(curve2coef(x, y, grid, 3), coef, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(y[:, 1, 2], B_batch(x, grid, 3)[:, 1] @ coef[1, 2])


def test_a_layer_gives_its_parts():
    layer = KANLayer(3, 2, num=4, base_fun=torch.nn.SiLU()).double()
    layer.mask.data[1, 1] = 0
    x = torch.rand(20, 3, dtype=float64)
    y, preacts, postacts, postspline = layer(x)
    torch.testing.assert_close(y, postacts.sum(2))
    assert torch.equal(preacts, x[:, None].expand(20, 2, 3))
    silu = torch.nn.functional.silu(x)[:, None]
    expected = layer.scale_base.T * silu + layer.scale_sp.T * postspline
    torch.testing.assert_close(postacts, expected * layer.mask.T)
    torch.testing.assert_close(postspline, coef2curve(x, layer.grid, layer.coef, 3).transpose(1, 2))
    with pytest.raises(InputError, match="base_fun"):
        KANLayer(base_fun=torch.nn.Tanh())


def test_grids_move_and_keep_the_splines():
    layer = KANLayer(2, 2, num=5, k=3, sparse_init=False).double()
    x = torch.stack([torch.linspace(-0.8, 0.8, 300), torch.full((300,), 0.5)], 1).double()
    before = layer(x)[2]
    fine = KANLayer(2, 2, num=20).double()
    fine.initialize_grid_from_parent(layer, x)
    torch.testing.assert_close(fine(x)[3], layer(x)[3], atol=2e-4, rtol=0)
    still = layer.grid[1].clone()
    layer.update_grid_from_samples(x)
    assert float(layer.grid[0, 3]) == pytest.approx(-0.8)
    assert float(layer.grid[0, -4]) == pytest.approx(0.8)
    assert torch.equal(layer.grid[1], still)
    assert float((layer(x)[2] - before)[..., 0].detach().abs().max()) < 0.02


def test_some_of_a_layer_and_its_inputs_exchanged():
    layer = KANLayer(3, 4).double()
    layer.fix(2, 3, "sin", [1.0, 0.0, 2.0, 0.0])
    x = torch.rand(10, 3, dtype=float64)
    whole = layer(x)[2]
    part = layer.get_subset([0, 2], [3, 1])
    torch.testing.assert_close(part(x[:, [0, 2]])[2], whole[:, [3, 1]][:, :, [0, 2]])
    layer.swap(0, 2)
    torch.testing.assert_close(layer(x[:, [2, 1, 0]])[0], whole.sum(2))
    layer.swap(1, 3, "out")
    torch.testing.assert_close(layer(x[:, [2, 1, 0]])[0], whole.sum(2)[:, [0, 3, 2, 1]])


def test_symbolic_layers():
    layer = Symbolic_KANLayer(3, 2)
    layer.fix_symbolic(0, 1, "1/x")
    layer.fix_symbolic(2, 0, torch.sin)
    layer.fix_symbolic(1, 1, "x^2", random=True)
    a, b, c, d = layer.affine[1, 1].tolist()
    x = torch.tensor([[0.5, 0.2, 1.0], [0.0, 0.3, 2.0]])
    y, every = layer(x)
    assert every.shape == (2, 2, 3)
    torch.testing.assert_close(every[0, 1], torch.tensor([2.0, c * (a * 0.2 + b) ** 2 + d, 0.0]))
    torch.testing.assert_close(y[:, 0], x[:, 2].sin())
    assert layer(x, singularity_avoiding=True, y_th=50.0)[1][1, 1, 0].item() == 0.0
    assert layer.funs_avoid_singularity[1][0](torch.tensor(0.01), 50.0)[1].item() == 25.0
    assert layer.funs_name == [["0", "0", "sin"], ["1/x", "x^2", "0"]]
    assert layer.mask.tolist() == [[0, 0, 1], [1, 1, 0]]
    assert float(layer.funs[1][0](torch.tensor(4.0))) == 0.25
    assert str(layer.funs_sympy[0][2](__import__("sympy").Symbol("u"))) == "sin(u)"
    layer.swap(0, 2)
    assert layer.funs_name == [["sin", "0", "0"], ["0", "x^2", "1/x"]]
    layer.swap(0, 1, "out")
    assert layer.funs_name[1] == ["sin", "0", "0"]
    assert layer.get_subset([2, 0], [0]).funs_name == [["1/x", "0"]]


def test_symbolic_layers_are_fitted():
    layer = Symbolic_KANLayer(1, 1)
    x = torch.linspace(-1, 1, 100)
    r2 = layer.fix_symbolic(0, 0, "sin", x, 5 * torch.sin(3 * x + 2) + 0.7, verbose=False)
    assert r2 > 1 - 1e-6
    torch.testing.assert_close(layer(x[:, None])[0][:, 0], 5 * torch.sin(3 * x + 2) + 0.7, rtol=1e-4, atol=1e-4)


def test_lbfgs_is_torchs():
    w = torch.zeros(2, requires_grad=True)
    optimiser = LBFGS([w], lr=1.0, history_size=10, line_search_fn="strong_wolfe", tolerance_ys=1e-32)

    def closure():
        optimiser.zero_grad()
        loss = ((w - torch.tensor([1.0, -2.0])) ** 2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    torch.testing.assert_close(w.detach(), torch.tensor([1.0, -2.0]))


def test_one_grid_serves_all_columns():
    x, grid = torch.rand(9, 4, dtype=torch.float64), torch.linspace(-1, 2, 10, dtype=torch.float64)[None]
    assert torch.equal(B_batch(x, grid, 3), B_batch(x, grid.expand(4, -1), 3))
    with pytest.raises(InputError, match=r"or \(1, knots\)"):
        B_batch(x, grid.expand(2, -1), 3)
