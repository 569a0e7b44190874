"""A layer goes where nn.Linear goes, starts as stated and refuses what it cannot read."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.kan import KAN, KANLayer
from ascribe.kan.layer import nearest_links, require_real
from ascribe.kan.memory import require_columns
from ascribe.maths.families import FAMILIES
from reference import splines as reference


@given(batch=st.lists(st.integers(0, 3), max_size=3), inputs=st.integers(1, 4), outputs=st.integers(1, 4))
def test_any_leading_shape(batch, inputs, outputs):
    layer = KANLayer(inputs, outputs)
    x = torch.rand(*batch, inputs)
    y = layer(x)
    assert y.shape == (*batch, outputs)
    torch.testing.assert_close(y.reshape(-1, outputs), layer(x.reshape(-1, inputs)))


@pytest.mark.parametrize("base_fun", ["silu", "identity", "zero"])
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
@pytest.mark.parametrize("k", range(6))
def test_the_formula(base_fun, extrapolate, k):
    layer = KANLayer(3, 2, num=4, k=k, base_fun=base_fun, extrapolate=extrapolate, dtype=torch.float64)
    layer.mask[1, 0] = 0
    x = torch.rand(9, 3, dtype=torch.float64) * 6 - 3
    edges = np.zeros((9, 3, 2))
    for i in range(3):
        for j in range(2):
            terms = torch.cat([layer.scale_base[i, j].reshape(1), layer.scale_sp[i, j] * layer.coef[i, j]])
            weight = (layer.mask[i, j] * terms).detach().numpy()[None, None]
            edge = reference.edges(
                x[:, i : i + 1].numpy(), layer.grid[i : i + 1].numpy(), weight, k, base_fun, extrapolate == "linear"
            )
            edges[:, i, j] = edge[:, 0, 0]
    np.testing.assert_allclose(layer(x).detach().numpy(), edges.sum(1), atol=1e-8)


def test_the_start():
    layer = KANLayer(16, 300, num=5, k=3, noise_scale=0.3, scale_base_mu=2.0, scale_base_sigma=1.0)
    assert layer.grid.shape == (16, 12)
    torch.testing.assert_close(layer.grid.diff(dim=1), torch.full((16, 11), 0.4))
    assert bool(((layer.scale_base - 0.5).abs() <= 0.25).all())
    assert abs(float(layer.scale_base.detach().mean()) - 0.5) < 0.01
    assert bool((layer.scale_sp == 0.25).all())
    at_knots = layer.edge.bases(layer.grid[:, 3:9], layer.grid)
    noise = layer.coef.detach() @ at_knots
    assert float(noise.abs().max()) < 0.031
    assert 0.015 < float(noise.std()) < 0.02


def test_the_start_is_the_seeds_and_no_generator_is_touched():
    numbers = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    first, same, other = KANLayer(3, 2, seed=4), KANLayer(3, 2, seed=4), KANLayer(3, 2, seed=5)
    assert torch.equal(first.coef, same.coef)
    assert not torch.equal(first.coef, other.coef)
    assert torch.equal(numbers[0], torch.get_rng_state())
    assert numbers[1] == np.random.get_state()[1].tolist()  # noqa: NPY002


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(5, 4), r"shape \(5, 4\).*\(\*, 3\)"),
        (torch.zeros(5, 3, dtype=torch.int64), r"torch.int64.*x.float\(\)"),
    ],
)
def test_wrong_inputs_are_sentences(x, message):
    with pytest.raises(InputError, match=message):
        KANLayer(3, 2)(x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_dim": 0, "out_dim": 1}, "0 inputs"),
        ({"in_dim": 1, "out_dim": 1, "num": 0}, "0 cells"),
        ({"in_dim": 1, "out_dim": 1, "base_fun": "relu"}, "'relu'"),
        ({"in_dim": 1, "out_dim": 1, "extrapolate": "flat"}, "'flat'"),
        ({"in_dim": 1, "out_dim": 1, "grid_range": (1.0, -1.0)}, "empty"),
        ({"in_dim": 1, "out_dim": 1, "dtype": torch.int64}, "dtype=torch.int64"),
        ({"in_dim": 1, "out_dim": 1, "dtype": torch.float8_e4m3fn}, "dtype=torch.float8_e4m3fn holds no curves"),
        ({"in_dim": 1, "out_dim": 1, "grid_range": (0.0, float("inf"))}, "is no range"),
        ({"in_dim": "1", "out_dim": 1}, "in_dim='1', but KANLayer takes a whole number"),
        ({"in_dim": 1, "out_dim": True}, "out_dim=True"),
        ({"in_dim": 1, "out_dim": 1, "num": 2.5}, "num=2.5"),
        ({"in_dim": 1, "out_dim": 1, "sb_trainable": "no"}, "sb_trainable='no', but KANLayer takes a flag"),
        ({"in_dim": 1, "out_dim": 1, "device": "gpu"}, "device='gpu', but KANLayer takes a device that is here"),
    ],
)
def test_wrong_settings_are_sentences(arguments, message):
    with pytest.raises(InputError, match=message):
        KANLayer(**arguments)


def test_outside_the_grid_can_be_an_error():
    layer = KANLayer(3, 2, extrapolate="error")
    layer(torch.zeros(4, 3))
    with pytest.raises(InputError, match=r"input 1 leaves its grid \[-1, 1\].*update_grid"):
        layer(torch.tensor([[0.0, 1.5, 0.0]]))


def test_float64_data_into_a_float32_layer():
    layer = KANLayer(3, 2)
    x = torch.rand(5, 3, dtype=torch.float64)
    torch.testing.assert_close(layer(x), layer(x.float()))


def test_half_and_double_layers():
    for dtype in (torch.float64, torch.bfloat16):
        layer = KANLayer(3, 2).to(dtype)
        y = layer(torch.rand(5, 3, dtype=dtype))
        assert y.dtype == dtype
        y.sum().backward()
        assert layer.coef.grad.dtype == dtype


def test_a_grid_follows_what_the_layer_is_given_also_where_it_may_not_be_left():
    layer = KANLayer(2, 3, extrapolate="error", dtype=torch.float64)
    x = torch.rand(200, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 6 - 2
    x[..., 1] = 1.0
    with pytest.raises(InputError, match="leaves its grid"):
        layer(x)
    moved = layer.update_grid(x, float("inf"))
    assert moved.tolist() == [1.0, 0.0]  # a constant column has no range
    low, high = layer.range
    assert (float(low[0]), float(high[0])) == (float(x[..., 0].min()), float(x[..., 0].max()))
    layer(x)
    with pytest.raises(InputError, match="two rows"):
        layer.update_grid(x[0, :1])


def test_a_network_with_such_layers_gets_its_grids_too():
    kan = KAN([2, 3, 1], extrapolate="error", dtype=torch.float64)
    x = torch.rand(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 6 - 2
    kan.update_grid(x, float("inf"))
    kan(x)


@pytest.mark.parametrize("family", ["bspline", *FAMILIES])
def test_edges_of_any_family(family):
    layer = KANLayer(3, 2, num=4, k=2, edge=family, dtype=torch.float64)
    layer.mask[1, 0] = 0
    x = torch.rand(9, 3, dtype=torch.float64) * 4 - 2
    bases = layer.edge.bases(x.T, layer.grid)
    silu = torch.nn.functional.silu(x)
    splines = torch.einsum("ijb,ibn->nij", layer.coef * layer.scale_sp[..., None], bases)
    edges = layer.mask * (silu[..., None] * layer.scale_base + splines)
    torch.testing.assert_close(layer(x), edges.sum(1))
    torch.testing.assert_close(layer.curves(x), edges)
    assert ("edge=" in repr(layer)) == (family != "bspline")


def test_a_start_with_few_edges():
    layer = KANLayer(6, 3, sparse_init=True)
    assert layer.mask.sum(1).tolist() == [1.0] * 6
    assert layer.mask.argmax(1).tolist() == [0, 0, 1, 1, 2, 2]
    assert bool((nearest_links(3, 6) == nearest_links(6, 3).T).all())
    for inputs in range(1, 8):
        for outputs in range(1, 8):
            links = nearest_links(inputs, outputs)
            assert bool(links.any(0).all())
            assert bool(links.any(1).all())
            at = (torch.arange(inputs) + 0.5) / inputs, (torch.arange(outputs) + 0.5) / outputs
            distance = (at[0][:, None] - at[1]).abs()
            nearest = (distance < distance.amin(1, keepdim=True) + 1e-6) | (distance < distance.amin(0) + 1e-6)
            assert bool((nearest | ~links).all())


def test_what_is_no_tensor_is_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match=r"ndarray.*torch\.as_tensor"):
        require_real(np.zeros((4, 3)))
    with pytest.raises(InputError, match=r"ndarray.*torch\.as_tensor"):
        require_columns(np.zeros((4, 3)), 3)
