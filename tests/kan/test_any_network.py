"""Laws of random networks: products of any arity, affines, families, grids, orders and symbolic edges all mixed."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ascribe.kan import KAN
from ascribe.kan.picture import picture
from ascribe.maths.families import FAMILIES

float64 = torch.float64
NESTED = ["bspline", *(name for name, family in FAMILIES.items() if family.nested)]


@st.composite
def recipes(draw, families=("bspline", *FAMILIES), symbolic=True):
    """What `make` makes a network of; it may have products anywhere, also among its outputs."""
    depth = draw(st.integers(1, 3))
    width, arity, fixed = [[draw(st.integers(1, 3)), 0]], [[]], []
    for l in range(depth):
        products = draw(st.integers(0, 2))
        sums = draw(st.integers(0 if products else 1, 2))
        width.append([sums, products])
        arity.append([draw(st.integers(1, 4)) for _ in range(products)])
        for _ in range(draw(st.integers(0, 2)) if symbolic else 0):
            i, j = draw(st.integers(0, sum(width[l]) - 1)), draw(st.integers(0, sums + sum(arity[-1]) - 1))
            fixed.append((l, i, j, draw(st.sampled_from(["sin", "exp", "x^2", "x"]))))
    settings = {
        "width": width,
        "mult_arity": arity,
        "grid": [draw(st.integers(1, 5)) for _ in range(depth)],
        "k": [draw(st.integers(0, 3)) for _ in range(depth)],
        "edge": [draw(st.sampled_from(list(families))) for _ in range(depth)],
        "base_fun": draw(st.sampled_from(["silu", "identity", "zero"])),
        "sparse_init": draw(st.booleans()),
        "affine_trainable": draw(st.booleans()),
        "seed": draw(st.integers(0, 10**6)),
    }
    return settings, fixed


def make(recipe):
    """The network, with random affines, and data for it."""
    settings, fixed = recipe
    kan = KAN(**settings, noise_scale=2.0, dtype=float64)
    generator = torch.Generator().manual_seed(kan.seed)
    for affine in (*kan.subnode_scale, *kan.subnode_bias, *kan.node_scale, *kan.node_bias):
        affine.data += 0.3 * torch.randn(affine.shape, dtype=float64, generator=generator)
    for l, i, j, function in fixed:
        kan.fix(l, i, j, function, 0.5 * torch.randn(4, dtype=float64, generator=generator))
    return kan, torch.rand(30, kan.columns, dtype=float64, generator=generator) * 2 - 1


def same(found, expected, tolerance=1e-9):
    """Relative to the largest number: products of random numbers grow."""
    size = max(1.0, float(expected.detach().abs().max())) if expected.numel() else 1.0
    torch.testing.assert_close(found.detach(), expected.detach(), rtol=0, atol=tolerance * size)


@given(case=recipes())
def test_the_definition(case):
    """Sums of whole edges, affines, products one factor after another, affines."""
    kan, x = make(case)
    h = x
    for l, layer in enumerate(kan.layers):
        z = layer.curves(h).sum(1) * kan.subnode_scale[l] + kan.subnode_bias[l]
        sums, at, nodes = kan.width[l + 1][0], kan.width[l + 1][0], list(z[:, : kan.width[l + 1][0]].unbind(1))
        assert len(nodes) == sums
        for factors in kan.arity[l + 1]:
            nodes.append(z[:, at : at + factors].prod(1))
            at += factors
        h = torch.stack(nodes, 1) * kan.node_scale[l] + kan.node_bias[l]
    same(kan(x), h)


@given(case=recipes())
def test_compiled_copied_and_saved_it_is_the_same(case, tmp_path_factory):
    kan, x = make(case)
    y = kan(x)
    same(kan.compiled()(x), y, 1e-8)
    assert torch.equal(kan.copy()(x), y)
    path = tmp_path_factory.mktemp("kan") / "kan.safetensors"
    kan.save(path)
    back = KAN.load(path)
    assert torch.equal(back(x), y)
    assert (back.edge, back.grid, back.k, back.arity) == (kan.edge, kan.grid, kan.k, kan.arity)


@given(case=recipes(families=NESTED), more=st.integers(0, 4))
def test_refined_it_is_the_same(case, more):
    kan, x = make(case)
    x = torch.cat([x, 3 * x])  # and outside the grids
    fine = kan.refine([g + more for g in kan.grid])
    same(fine(x), kan(x), 1e-8)
    assert fine.edge == kan.edge


@given(case=recipes())
def test_scores_by_the_whole_edges(case):
    """Every share is the spread of an edge, splines and symbolic part together, over that of its sum."""
    kan, x = make(case)
    seen = kan.activations(x)
    found = kan.scores(x)
    for l, (layer, nodes) in enumerate(zip(kan.layers, seen.nodes, strict=True)):
        curves = layer.curves(nodes)
        share = curves.std(0) / (curves.sum(1).std(0) + 1e-4)
        same(found.edges[l], found.subnodes[l] * share, 1e-6)
        same(found.nodes[l], found.edges[l].sum(1))
        same(found.subnodes[l], found.nodes[l + 1][kan.owners(l + 1)])


@given(case=recipes())
def test_attribute_averages_to_the_scores(case):
    kan, x = make(case)
    moves = kan.activations(x).output.std(0) > 1e-7 * kan(x).abs().amax(0)
    by_output = kan.attribute(x=x)
    if bool(moves.any()):
        same(kan.scores(x).nodes[0], by_output[moves].mean(0), 1e-7)


@given(case=recipes(), seed=st.integers(0, 100))
def test_a_node_that_nothing_reads_goes_and_changes_nothing(case, seed):
    kan, x = make(case)
    if kan.depth < 2:
        return
    l = 1 + seed % (kan.depth - 1)
    if kan.nodes(l) < 2:
        return
    dead = seed % kan.nodes(l)
    layer = kan.layers[l]
    for j in range(layer.out_dim):
        layer.remove(dead, j)
    y = kan(x)
    stay = [[n for n in range(kan.nodes(h)) if (h, n) != (l, dead)] for h in range(1, kan.depth)]
    small = kan.prune_node(active_neurons_id=stay, x=x)
    same(small(x), y)
    assert small.nodes(l) == kan.nodes(l) - 1
    same(small.compiled()(x), y, 1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may say that the strongest path is weak
        smaller = kan.prune_node(threshold=0.0, x=x)
    same(smaller(x), y)


@given(case=recipes(), seed=st.integers(0, 100))
def test_an_input_that_nothing_reads_goes_and_changes_nothing(case, seed):
    kan, x = make(case)
    if kan.columns < 2:
        return
    dead = seed % kan.columns
    for j in range(kan.layers[0].out_dim):
        kan.layers[0].remove(dead, j)
    y = kan(x)
    small = kan.prune_input(active_inputs=[c for c in range(kan.columns) if c != dead], x=x)
    same(small(x), y)
    assert dead not in small.input_id.tolist()
    other = x.clone()
    other[:, dead] = torch.nan
    same(small(other), y)
    same(small.compiled()(other), y, 1e-8)


@given(case=recipes(), seed=st.integers(0, 100))
def test_what_is_pruned_leaves_its_mean(case, seed):
    """Taking one edge below the outputs away changes a sum node there by what the edge does about its mean."""
    kan, x = make(case)
    l = kan.depth - 1
    layer, sums = kan.layers[l], kan.width[kan.depth][0]
    if not sums:
        return
    i, j = seed % layer.in_dim, seed % sums
    edge = layer.curves(kan.activations(x).nodes[l])[:, i, j]
    score = kan.scores(x).edges
    keep_all = kan.prune_edge(threshold=-1.0, x=x)
    same(keep_all(x), kan(x))
    only = kan.copy()
    only.layers[l].remove(i, j)
    with torch.no_grad():
        only.subnode_bias[l][j] += only.subnode_scale[l][j] * edge.mean()
    change = kan.subnode_scale[l][j] * kan.node_scale[l][j] * (edge - edge.mean())
    same(kan(x)[:, j] - only(x)[:, j], change, 1e-8)
    assert score[l].shape == layer.mask.shape


@given(case=recipes())
def test_a_picture_shows_every_edge_as_it_is(case):
    kan, x = make(case)
    shown = picture(kan, x)
    assert len(shown.edges) == kan.n_edge
    seen = kan.activations(x)
    for edge in shown.edges[:6]:
        layer = kan.layers[edge.layer]
        at = torch.from_numpy(edge.x)[:, None].expand(-1, layer.in_dim)
        same(torch.from_numpy(edge.y), layer.curves(at)[:, edge.source, edge.subnode], 1e-8)
        values = seen.nodes[edge.layer][:, edge.source].detach()
        low, high = float(values.min()), float(values.max())
        assert float(edge.x[0]) == pytest.approx(low)
        assert float(edge.x[-1]) == pytest.approx(high)


@given(case=recipes(symbolic=False))
def test_a_product_of_one_is_a_sum(case):
    """Networks that differ in whether a node of one subnode is called a sum or a product are one network."""
    kan, x = make(case)
    twin = KAN(
        kan.width, mult_arity=[[1] * len(a) for a in kan.arity], grid=kan.grid, k=kan.k, edge=kan.edge, dtype=float64
    )
    plain = KAN([sum(w) for w in kan.width], grid=kan.grid, k=kan.k, edge=kan.edge, dtype=float64)
    plain.load_state_dict(twin.state_dict())
    same(plain(x), twin(x))
    for a, b in zip(plain.scores(x).edges, twin.scores(x).edges, strict=True):
        same(a, b)
    same(plain.compiled()(x), twin.compiled()(x))


@given(case=recipes())
@settings(max_examples=25)
def test_a_gradient_step_is_that_of_autograd(case):
    """The affines of a network learn exactly where they may."""
    kan, x = make(case)
    loss = kan(x).square().mean()
    names = [name for name, p in kan.named_parameters() if p.requires_grad]
    found = dict(zip(names, torch.autograd.grad(loss, [dict(kan.named_parameters())[n] for n in names]), strict=True))
    assert ("subnode_scale.0" in found) == kan.affine_trainable
    name = f"act_fun.{kan.depth - 1}.coef"  # splines of order 0 above any other would jump
    step = 1e-6 * torch.sign(found[name])
    parameter = dict(kan.named_parameters())[name]
    with torch.no_grad():
        parameter += step
        up = kan(x).square().mean()
        parameter -= 2 * step
        down = kan(x).square().mean()
    expected = 2 * (step * found[name]).sum()
    assert float(up - down) == pytest.approx(float(expected), rel=1e-4, abs=1e-8 * max(1.0, float(loss.detach())))


@given(case=recipes())
@settings(max_examples=20)
def test_grids_that_move_keep_the_function_as_stated(case):
    """Every input's edges change by at most the tolerance, or not at all."""
    kan, x = make(case)
    moved = kan.copy()
    update = moved.update_grid(2 * x, tolerance=0.05)
    assert max(float(change.max()) for change in update.change) <= 0.05
    first = moved.layers[0]
    low, high = first.range
    still = (update.moved[0] == 1.0) & (update.change[0] <= 0.05)
    for i in still.nonzero()[:, 0].tolist():
        assert float(low[i]) == pytest.approx(2 * float(x[:, i].min()))
        assert float(high[i]) == pytest.approx(2 * float(x[:, i].max()))
