"""More room for the same function: in compiled, numeric and mixed networks; training uses it and pruning takes it."""

from __future__ import annotations

import pytest
import sympy
import torch

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.compile import kanpiler

f64 = torch.float64
a, b = sympy.symbols("a b")


def numeric() -> KAN:
    kan = KAN([2, [2, 2], [1, 1], 2], mult_arity=[[], [2, 3], [2], []], seed=3, dtype=f64, base_fun="identity")
    for affine in (*kan.subnode_scale, *kan.subnode_bias, *kan.node_scale, *kan.node_bias):
        affine.data.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(0))
    return kan


def mixed() -> KAN:
    kan = numeric()
    kan.fix(0, 1, 2, "sin", [2.0, 0.5, 3.0, 1.0])
    kan.fix(1, 3, 0, "x^2", [0.1, 0.0, 1.0, 0.0])
    kan.layers[2].remove(0, 1)
    kan.layers[1].symbolic.put(0, 0, "exp", torch.tensor([0.1, 0.0, 1.0, 0.0], dtype=f64))
    return kan


def formula() -> KAN:
    return kanpiler((a, b), [a * sympy.exp(b) * sympy.sin(a + b) + 1, a / (2 + b)], dtype=f64)


NETWORKS = [numeric, mixed, formula]


@pytest.fixture
def x() -> torch.Tensor:
    return torch.rand(40, 2, generator=torch.Generator().manual_seed(0), dtype=f64) * 2 - 0.9


@pytest.mark.parametrize("made", NETWORKS)
def test_depth_and_width_keep_the_function_and_all_settings(made, x: torch.Tensor):
    kan = made()
    y, depth, before = kan(x).detach(), kan.depth, kan.layers[-1]
    assert kan.expand_depth() is kan
    assert (kan.depth, kan.width[-1], kan.arity[-1]) == (depth + 1, [2, 0], [])
    assert [kan.mode(depth, i, j) for i in (0, 1) for j in (0, 1)] == ["s", "", "", "s"]
    assert torch.equal(kan(x), y)
    for l in range(1, kan.depth):
        width, arity = list(kan.width[l]), list(kan.arity[l])
        assert kan.expand_width(l, 2) is kan
        kan.expand_width(l, 2, sum_bool=False, mult_arity=[2, 3])
        assert kan.width[l] == [width[0] + 2, width[1] + 2]
        assert kan.arity[l] == [*arity, 2, 3]
        assert torch.allclose(kan(x), y, rtol=1e-14, atol=1e-14)
    last = kan.layers[-1]
    assert (last.num, last.k, last.base_fun, last.family) == (before.num, before.k, before.base_fun, before.family)
    assert kan.layers[0].coef.dtype == f64


def test_new_sums_come_first_and_new_products_last(x: torch.Tensor):
    kan = mixed()
    nodes = kan.activations(x).nodes[1]
    kan.expand_width(1, 1).expand_width(1, 1, sum_bool=False, mult_arity=4)
    now = kan.activations(x).nodes[1]
    assert torch.equal(now[:, 0], torch.zeros(40, dtype=f64))
    assert torch.equal(now[:, 5], torch.zeros(40, dtype=f64))
    assert torch.allclose(now[:, 1:5], nodes, rtol=1e-14)


@pytest.mark.parametrize("made", NETWORKS)
def test_non_intrusive_keeps_the_function_and_gives_room_to_train(made, x: torch.Tensor):
    kan = made().expand_depth().expand_width(2, 2).expand_width(1, 1, sum_bool=False)
    y, edges = kan(x).detach(), kan.n_edge
    assert kan.perturb(0.3) is kan
    assert torch.allclose(kan(x), y, rtol=1e-13, atol=1e-13)
    assert kan.n_edge > edges
    assert all("n" in kan.mode(kan.depth - 1, i, j) for i in (0, 1) for j in (0, 1))
    # The new products reach the new nodes above them, which reach the outputs once the last splines are trained.
    kan(x).square().mean().backward()
    assert bool((kan.layers[-1].coef.grad != 0).any())


def test_all_and_minimal_by_kind_of_edge():
    kan = mixed().expand_width(1, 1)
    before = [[kan.mode(l, i, j) for i in range(y.in_dim) for j in range(y.out_dim)] for l, y in enumerate(kan.layers)]
    masks = [layer.mask.clone() for layer in kan.layers]
    small = kan.copy().perturb(0.2, mode="minimal")
    full = kan.copy().perturb(0.2, mode="all")
    for l, layer in enumerate(kan.layers):
        places = [(i, j) for i in range(layer.in_dim) for j in range(layer.out_dim)]
        for was, (i, j) in zip(before[l], places, strict=True):
            assert small.mode(l, i, j) == {"n": "n", "ns": "ns", "s": "ns", "": ""}[was]
            assert full.mode(l, i, j) == {"n": "n", "ns": "ns", "s": "ns", "": "n"}[was]
            added = {"n": masks[l][i, j], "ns": masks[l][i, j], "s": 0.2}.get(was, 0.0)
            assert small.layers[l].mask[i, j] == added
    assert kan.history[-1] == "0.1 expand_width"
    assert small.history[-1] == "0.2 perturb minimal"


@pytest.mark.parametrize(
    ("mode", "splines"), [("all", [8, 28, 3]), ("minimal", [3, 2, 1]), ("non-intrusive", [4, 20, 3])]
)
def test_as_many_splines_as_pykan_gives(mode: str, splines: list[int]):
    """The figures are those of pykan 0.2.8 for the same calls."""
    kan = kanpiler((a, b), a * sympy.exp(sympy.sin(sympy.pi * a) + b**2))
    kan.expand_depth().expand_width(1, 2).expand_width(2, 2, sum_bool=False, mult_arity=[2, 3])
    assert (kan.width, kan.arity) == ([[2, 0], [4, 0], [0, 3], [1, 0]], [[], [], [2, 2, 3], []])
    assert [int((layer.mask != 0).sum()) for layer in kan.perturb(0.1, mode).layers] == splines


def test_a_product_that_is_used_is_not_disturbed_through_a_factor_without_edges(x: torch.Tensor):
    kan = KAN([2, [1, 1], 1], seed=1, dtype=f64)
    for i in (0, 1):
        kan.layers[0].remove(i, 1)
    kan.subnode_bias[0].data[1] = 2.0
    y = kan(x).detach()
    assert torch.allclose(kan.perturb()(x), y, rtol=1e-14)


def test_training_uses_the_room_and_pruning_takes_the_rest_back():
    x = torch.rand(200, 2, generator=torch.Generator().manual_seed(1), dtype=f64) * 2 - 1
    y = torch.exp(torch.sin(torch.pi * x[:, :1]) + x[:, 1:] ** 2) + 0.2 * torch.tanh(3 * x[:, :1])
    kan = kanpiler((a, b), sympy.exp(sympy.sin(sympy.pi * a) + b**2), dtype=f64)
    start = (kan(x) - y).square().mean().item()
    wide = kan.copy().expand_width(1, 3)
    assert wide.prune(x=x).width == kan.width
    wide.perturb(0.5, mode="all")
    history = wide.fit({"train_input": x, "train_label": y, "test_input": x, "test_label": y}, steps=6)
    assert history["train_loss"][-1] ** 2 < 0.1 * start


def test_versions_and_files(tmp_path, x: torch.Tensor):
    kan = formula()
    wide = kan.copy().expand_width(1, 2).expand_depth().perturb(0.1, mode="all")
    assert wide.history == ["0.0 KAN", "0.1 expand_width", "0.2 expand_depth", "0.3 perturb all"]
    assert torch.equal(wide.checkout("0.0")(x), kan(x))
    wide.save(tmp_path / "kan.safetensors")
    assert torch.equal(KAN.load(tmp_path / "kan.safetensors")(x), wide(x))


def test_one_seed_gives_one_network_and_the_global_generator_rests(x: torch.Tensor):
    state = torch.random.get_rng_state()
    first, second = (formula().expand_width(1, 2).expand_depth().perturb(0.5, mode="all") for _ in range(2))
    assert torch.equal(first(x), second(x))
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda kan: kan.expand_width(0, 1), r"layer_id=0 are the inputs, .* kanpiler\(\(new, \*old\), expr\)"),
        (lambda kan: kan.expand_width(3, 1), r"layer_id=3 is no hidden layer"),
        (lambda kan: KAN([2, 1]).expand_width(1, 1), r"has no hidden layer; call expand_depth\(\) first"),
        (lambda kan: kan.expand_width(1, 0), r"n_added_nodes=0 with mult_arity=2 cannot be added"),
        (lambda kan: kan.expand_width(1, 2, sum_bool=False, mult_arity=[2]), r"mult_arity=\[2\] cannot be added"),
        (lambda kan: kan.expand_width(1, 1, sum_bool=False, mult_arity=0), r"mult_arity=0 cannot be added"),
        (lambda kan: kan.perturb(mode="gentle"), r"mode='gentle' is not known; pass one of 'non-intrusive', 'all'"),
        (lambda kan: kan.perturb(0.0), r"mag=0.0 is no size of a perturbation"),
    ],
)
def test_what_cannot_be_is_refused(call, said: str):
    kan = numeric()
    with pytest.raises(InputError, match=said):
        call(kan)
    assert kan.history == ["0.0 KAN"]
