"""Exact Shapley values of KANs: against all coalitions, against sampling, and what their bound promises."""

from __future__ import annotations

import pytest
import torch

from ascribe.core.attribution import Attribution
from ascribe.core.explain import explain
from ascribe.errors import InputError, MethodError, TargetError
from ascribe.kan import KAN
from ascribe.methods.shapley import Shapley
from reference.product_games import game_values

float64 = torch.float64


@pytest.fixture(autouse=True)
def _terms(request, monkeypatch):
    """Networks of a test are small, but what they test are the terms that many inputs need."""
    if "few_inputs" not in request.node.name:
        monkeypatch.setattr("ascribe.maths.sum_games.FEW", 0)


def network(width, seed=0, **knobs):
    kan = KAN(width, seed=seed, dtype=float64, **{"grid": 4, **knobs})
    generator = torch.Generator().manual_seed(seed)
    for layer in kan.layers:
        layer.coef.data += torch.randn(layer.coef.shape, generator=generator, dtype=float64)
    return kan


def rows(count, columns, seed=1):
    return torch.randn(count, columns, generator=torch.Generator().manual_seed(seed), dtype=float64)


def everything(kan, x, background):
    """All coalitions through the network itself."""
    return explain(kan, x, Shapley(budget=2**20), background=background, target="all").values


def require_values(kan, x, background, tolerance=1e-6):
    found = kan.shapley(x, background, target="all", tolerance=tolerance)
    expected = everything(kan, x, background)
    largest = expected.abs().amax(-1)
    rounding = 1e-12 * largest[..., None] + 1e-15
    assert bool(((found.values - expected).abs() <= found.error + rounding).all())
    assert bool((found.error.amax(-1) <= tolerance * largest * (1 + tolerance)).all())
    assert bool((found.gap.abs() <= found.error.sum(-1) + 1e-12 * found.output.abs()).all())
    return found


def test_values_are_those_of_the_definition():
    kan, x, background = network([4, 3, 1]), rows(1, 4), rows(2, 4, seed=2)

    def worth(some):
        taken = torch.tensor([i in some for i in range(4)])
        with torch.no_grad():
            return kan(torch.where(taken, x, background)).mean()

    torch.testing.assert_close(kan.shapley(x, background).values[0], game_values(worth, 4), atol=1e-6, rtol=0)


@pytest.mark.parametrize("width", [[1, 1], [3, 2], [1, 2, 1], [5, 3, 1], [12, 2, 1], [6, 4, 3]])
def test_values_are_those_of_all_coalitions(width):
    require_values(network(width), rows(3, width[0]), rows(2, width[0], seed=2))


@pytest.mark.parametrize("k", [2, 3, 4, 5])
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_orders_of_splines(k, extrapolate):
    kan = network([7, 3, 1], k=k, extrapolate=extrapolate)
    # Some sums stay within the grids, some leave them.
    require_values(kan, torch.cat([rows(2, 7), rows(1, 7) / 20]), rows(2, 7, seed=2) / 20)


@pytest.mark.parametrize("k", [0, 1])
def test_kinks_of_low_order_have_a_bound_that_holds(k):
    kan, x, background = network([6, 2, 1], k=k), rows(2, 6), rows(1, 6, seed=2)
    found, expected = kan.shapley(x, background, tolerance=1e-2), everything(kan, x, background)[0]
    assert bool(((found.values - expected).abs() <= found.error).all())
    if k == 1:
        assert float(found.error.max()) <= 1e-2 * float(expected.abs().max())


@pytest.mark.parametrize("tolerance", [1e-1, 1e-3, 1e-7])
def test_a_tolerance_is_met(tolerance):
    require_values(network([8, 3, 2]), rows(2, 8), rows(2, 8, seed=2), tolerance)


def test_affines_masks_symbols_and_pruned_inputs():
    kan = network([6, 4, 2], affine_trainable=True)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in [*kan.subnode_scale, *kan.subnode_bias, *kan.node_scale, *kan.node_bias]:
            parameter += torch.randn(parameter.shape, generator=generator, dtype=float64)
    kan.layers[0].mask[1] = 0
    kan.layers[0].mask[2, 1:3] = 0
    kan.layers[1].mask[3, 0] = 0
    kan.fix(0, 0, 1, "sin", [1.5, 0.2, 0.7, 0.1])
    kan.fix(1, 2, 1, "tanh", [0.8, -0.3, 1.2, 0.4])
    kan.fix(1, 0, 0, "x^2", [0.3, 0.1, 0.5, 0.0])
    x, background = rows(3, 6), rows(2, 6, seed=2)
    kan.remember(x)
    small = kan.prune_input(active_inputs=[0, 1, 2, 4])
    found = require_values(small, x, background)
    assert bool((found.values[..., [1, 3, 5]] == 0).all())
    assert bool((found.error[..., [1, 3, 5]] == 0).all())


@pytest.mark.parametrize(
    ("knobs", "function", "scale"),
    [({"k": 0}, "sgn", 1), ({"k": 1}, "step", 1), ({"edge": "rational", "extrapolate": "zero"}, "abs", 1),
     ({}, "relu", 1e6), ({"edge": "fourier"}, "1/x", 1e-3), ({"k": 2, "extrapolate": "zero"}, "tan", 3)],
)  # fmt: skip
def test_few_inputs_have_exact_values_whatever_the_edges(knobs, function, scale):
    kan = network([5, 3, 2], **knobs)
    kan.fix(1, 0, 1, function, [1.5, 0.2, 0.7, 0.1])
    kan.layers[0].mask[3] = 0
    x, background = scale * rows(3, 5), rows(4, 5, seed=2)
    found, expected = kan.shapley(x, background, target="all"), everything(kan, x, background)
    largest = expected.abs().amax(-1, keepdim=True)
    assert bool(((found.values - expected).abs() <= found.error + 1e-13 * largest).all())
    assert bool((found.error <= 1e-11 * largest).all())
    assert bool((found.values[..., 3] == 0).all())
    assert bool((found.error[..., 3] == 0).all())


@pytest.mark.parametrize("idle", [0.0, 1e4])
@pytest.mark.parametrize("bias", [0.0, 1e3, 1e6])
def test_bounds_of_few_inputs_count_what_biases_and_idle_inputs_round(bias, idle):
    """Sums of 1 beside 1e6 are rounded to 1e-10, whoever adds them up."""
    for seed in range(8):
        kan = network([3, 1, 1], seed=seed)
        kan.fix(0, 2, 0, "x", [1, 0, 1, 0])
        kan.fix(1, 0, 0, "sin", [1.5, 0.2, 0.7, 0.1])
        kan.subnode_bias[0].data.fill_(bias)
        kan.node_bias[0].data.fill_(bias / 3)
        x, background = rows(2, 3, seed=seed), rows(1, 3, seed=seed + 50)
        x[:, 2] = background[:, 2] = idle / 3
        found, expected = kan.shapley(x, background, target="all"), everything(kan, x, background)
        assert bool(((found.values - expected).abs() <= found.error)[..., :2].all())
        assert float(found.error.max()) <= 1e-13 * (1 + bias + idle)


def test_few_inputs_jump_where_the_network_does():
    """Sums that meet a break exactly, as whole numbers do."""
    kan = KAN([4, 1, 1], dtype=float64)
    for i in range(4):
        kan.fix(0, i, 0, "x", [1, 0, 0.1, 0])
    kan.fix(1, 0, 0, "step", [1, -0.3, 1, 0])
    x, background = torch.ones(1, 4, dtype=float64), torch.zeros(1, 4, dtype=float64)
    assert torch.equal(kan.shapley(x, background).values, everything(kan, x, background)[0])


@pytest.mark.parametrize("width", [[3, 1], [4, 3, 1], [14, 2, 1]])
def test_bounds_of_few_inputs_and_many_count_what_float32_rounds(width):
    kan, x, background = network(width), rows(2, width[0]).float(), rows(2, width[0], seed=2).float()
    exact = kan.shapley(x.double(), background.double(), tolerance=1e-9)
    found = kan.shapley(x, background, tolerance=1e-9)
    assert found.values.dtype == torch.float32
    assert bool(((found.values.double() - exact.values).abs() <= found.error.double() + exact.error).all())


def test_sums_that_nothing_reads_are_not_asked():
    """The network gives numbers there, whatever its dead nodes are."""
    kan = network([4, 2, 1])
    kan.fix(0, 1, 0, "log", [1, 0, 1, 0])
    kan.layers[1].mask[0] = 0
    require_values(kan, rows(2, 4), rows(2, 4, seed=2))


def test_products_of_one_factor_are_sums():
    require_values(network([5, [2, 1], [1, 1]], mult_arity=1), rows(2, 5), rows(2, 5, seed=2))


@pytest.mark.parametrize("edge", ["chebyshev", "fourier", "rational", "rbf", "wavelet"])
def test_other_families_are_estimated_well(edge):
    kan, x, background = network([5, 2, 1], edge=edge), rows(2, 5) / 3, rows(2, 5, seed=2) / 3
    found, expected = kan.shapley(x, background), everything(kan, x, background)[0]
    assert bool(((found.values - expected).abs() <= found.error + 1e-12).all())
    assert float(found.error.max()) <= 1e-4 * float(expected.abs().max())


def test_many_inputs_against_sampling():
    kan, x, background = network([40, 3, 1]), rows(2, 40), rows(3, 40, seed=2)
    found = kan.shapley(x, background)
    sampled = explain(kan, x, Shapley(budget=6000), background=background)
    apart = (found.values - sampled.values).abs() / sampled.error
    assert float(apart.max()) < 5
    assert float(apart.square().mean()) < 2
    assert float(found.error.max()) < 1e-3 * float(sampled.error.mean())


def test_equal_inputs_are_worth_the_same_and_copies_change_nothing():
    kan = network([5, 3, 1])
    with torch.no_grad():
        for tensor in (kan.layers[0].coef, kan.layers[0].scale_base, kan.layers[0].scale_sp, kan.layers[0].grid):
            tensor[1] = tensor[0]
    x, background = rows(2, 5), rows(2, 5, seed=2)
    x[:, 1], background[:, 1] = x[:, 0], background[:, 0]
    found = kan.shapley(x, background)
    torch.testing.assert_close(found.values[:, 0], found.values[:, 1], rtol=1e-12, atol=1e-14)
    state = {name: tensor.clone() for name, tensor in kan.state_dict().items()}
    assert all(torch.equal(tensor, state[name]) for name, tensor in kan.state_dict().items())


def test_the_result_is_an_attribution(tmp_path):
    kan = network([4, 3, 2])
    kan.names = ["a", "b", "c", "d"]
    x, background = rows(3, 4), rows(2, 4, seed=2)
    every = kan.shapley(x, background, target="all")
    one = kan.shapley(x, background, target=1)
    assert every.values.shape == (2, 3, 4)
    assert one.values.shape == one.error.shape == (3, 4)
    torch.testing.assert_close(one.values, every.values[1], rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        torch.testing.assert_close(one.output, kan(x)[:, 1])
        torch.testing.assert_close(one.reference, kan(background)[:, 1].mean().expand(3))
    torch.testing.assert_close(one.gap, one.output - one.reference - one.values.sum(1))
    assert one.names == ("a", "b", "c", "d")
    assert list(one.to_frame().columns[:4]) == ["a", "b", "c", "d"]
    one.save(tmp_path / "a.parquet")
    assert torch.equal(Attribution.load(tmp_path / "a.parquet").values, one.values)
    assert one.method.name == "KAN.shapley"
    assert "tolerance=1e-06" in repr(one)


def test_float32_networks_get_float32_values_of_float64_work():
    kan = network([6, 3, 1])
    x, background = rows(2, 6), rows(2, 6, seed=2)
    single = KAN([6, 3, 1], grid=4)
    single.load_state_dict({name: tensor.float() for name, tensor in kan.state_dict().items()})
    found = single.shapley(x.float(), background.float())
    assert found.values.dtype == torch.float32
    assert all(parameter.dtype == torch.float32 for parameter in single.parameters())
    torch.testing.assert_close(found.values, kan.shapley(x, background).values.float(), rtol=1e-4, atol=1e-5)


def test_the_background_is_the_networks_own_data():
    kan, seen = network([3, 2, 1]), rows(250, 3)
    x = rows(2, 3, seed=2)
    kan.remember(seen)
    found = kan.shapley(x, tolerance=0.1)
    spread = seen[torch.linspace(0, 249, 100).round().long()]
    assert torch.equal(found.values, kan.shapley(x, spread, tolerance=0.1).values)
    kan.remember(seen[:7])
    assert torch.equal(kan.shapley(x).values, kan.shapley(x, seen[:7]).values)


def test_threads_only_share_the_work():
    kan, x, background = network([6, 3, 1]), rows(40, 6), rows(3, 6, seed=2)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(kan.shapley(x, background))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    alone, shared = found
    assert bool(((alone.values - shared.values).abs() <= alone.error + shared.error).all())
    assert torch.equal(kan.shapley(x, background).values, kan.shapley(x, background).values)


def test_memory_is_kept_to():
    kan, x, background = network([5, 3, 1]), rows(4, 5), rows(3, 5, seed=2)
    much, little = kan.shapley(x, background), kan.shapley(x, background, memory="100 KB")
    assert bool(((much.values - little.values).abs() <= much.error + little.error).all())


@pytest.mark.parametrize(
    ("width", "knobs", "error", "message"),
    [
        ([3, 2, 2, 1], {}, MethodError, r"one or two layers of edges, and this network has 3; .* explain\(kan, x"),
        ([3, [1, 1], 1], {}, MethodError, "layer 1 multiplies"),
        ([3, 2, [0, 1]], {}, MethodError, "layer 2 multiplies"),
    ],
)
def test_networks_that_are_no_sums_of_functions_of_sums(width, knobs, error, message):
    with pytest.raises(error, match=message):
        network(width, **knobs).shapley(rows(2, 3), rows(1, 3))


def test_what_cannot_be_asked():
    kan, x, background = network([3, 2, 2]), rows(2, 3), rows(1, 3)
    with pytest.raises(TargetError, match="gives 2 outputs"):
        kan.shapley(x, background)
    with pytest.raises(TargetError, match="target=2"):
        kan.shapley(x, background, target=2)
    with pytest.raises(InputError, match="3 columns"):
        kan.shapley(x[:, :2], background, target=0)
    with pytest.raises(InputError, match="finite"):
        kan.shapley(x / 0, background, target=0)
    with pytest.raises(InputError, match="rows of 3"):
        kan.shapley(x, background[:0], target=0)
    with pytest.raises(InputError, match="tolerance=0"):
        kan.shapley(x, background, target=0, tolerance=0.0)
    with pytest.raises(InputError, match="seen no data"):
        kan.shapley(x, target=0)


def test_networks_that_refuse_what_is_outside_their_grids():
    bounded, free = (network([3, 2, 1], extrapolate=beyond, grid_range=(-9.0, 9.0)) for beyond in ("error", "linear"))
    x, background = rows(2, 3), rows(1, 3)
    assert torch.equal(bounded.shapley(x, background).values, free.shapley(x, background).values)
    with pytest.raises(InputError, match="leaves its grid"):
        bounded.shapley(100 * x, background)
