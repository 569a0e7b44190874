"""The data of a drawing: one curve an edge that is left, with the scores asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.picture import picture, strongest


def network():
    kan = KAN([3, [2, 1], 1], noise_scale=2.0)
    kan.remember(torch.rand(100, 3))
    kan.layers[0].mask[1, 2] = 0
    return kan


def test_one_curve_an_edge():
    kan = network()
    drawn = picture(kan, points=30)
    assert len(drawn.edges) == kan.n_edge == 14
    assert (0, 1, 2) not in {(e.layer, e.source, e.subnode) for e in drawn.edges}
    x = kan.data()
    for e in drawn.edges[:4]:
        assert e.x.shape == e.y.shape == (30,)
        assert e.x[0] == pytest.approx(float(x[:, e.source].min()))
        alone = torch.zeros(30, 3)
        alone[:, e.source] = torch.tensor(e.x)
        zero = kan.layers[0](torch.zeros(1, 3))
        edge = kan.layers[0](alone)[:, e.subnode] - zero[0, e.subnode]
        at_zero = e.y[0] - edge[0].item()
        np.testing.assert_allclose(e.y, edge.detach().numpy() + at_zero, atol=1e-5)
    assert drawn.in_names == ("$x_{1}$", "$x_{2}$", "$x_{3}$")
    assert [len(n) for n in drawn.node_scores] == [3, 3, 1]


def test_metrics_are_the_scores():
    kan = network()
    seen = kan.activations(kan.data())
    forward = {(e.layer, e.source, e.subnode): e.score for e in picture(kan, metric="forward_u").edges}
    backward = {(e.layer, e.source, e.subnode): e.score for e in picture(kan).edges}
    assert forward[(0, 2, 3)] == pytest.approx(seen.spreads[0][2, 3].item())
    assert backward[(1, 2, 0)] == pytest.approx(float(kan.scores().edges[1][2, 0]))
    assert len(picture(kan, metric="forward_n").edges) == 14


def test_a_network_that_saw_no_data_is_drawn_over_its_grids():
    drawn = picture(KAN([2, 1], grid_range=(-2.0, 3.0)))
    assert drawn.edges[0].x[0] == pytest.approx(-2, abs=0.1)
    assert drawn.edges[0].x[-1] == pytest.approx(3, abs=0.1)


def test_pruned_inputs_keep_their_names():
    drawn = picture(network().prune_input(active_inputs=[0, 2]))
    assert drawn.in_names == ("$x_{1}$", "$x_{3}$")
    assert drawn.input_id == (0, 2)


def test_the_width_is_a_copy():
    kan = network()
    picture(kan).width[0][0] = 99
    assert kan.width[0] == [3, 0]


def test_no_rows():
    with pytest.raises(InputError, match="pass some rows"):
        picture(network(), torch.zeros(0, 3))


def symbolic(function, affine=(1.0, 0.0, 1.0, 0.0), low=-1.0, high=1.0, dtype=torch.float64):
    """The only edge of a network that is this function, on points that do not hit 0."""
    kan = KAN([1, 1], dtype=dtype)
    kan.fix(0, 0, 0, function, affine)
    kan.remember(torch.linspace(low, high, 40, dtype=dtype)[:, None])
    return picture(kan).edges[0]


def test_edges_say_what_they_are():
    kan = network()
    kan.fix(0, 0, 1, "sin", [2.0, 0.0, 1.5, 0.5])
    kan.layers[0].symbolic.put(2, 0, "x^2", torch.tensor([1.0, 0.0, 1.0, 0.0]))
    found = {(e.layer, e.source, e.subnode): e for e in picture(kan).edges}
    assert (found[0, 0, 1].kind, found[0, 0, 1].function) == ("symbolic", "sin")
    assert found[0, 0, 1].affine == (2.0, 0.0, 1.5, 0.5)
    assert (found[0, 2, 0].kind, found[0, 2, 0].function) == ("both", "x^2")
    assert {e.kind for place, e in found.items() if place not in {(0, 0, 1), (0, 2, 0)}} == {"numeric"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_symbolic_curve_is_its_formula(dtype):
    edge = symbolic("sin", (3.0, 0.5, 2.0, -1.0), dtype=dtype)
    # a float32 network is drawn in double precision, too
    np.testing.assert_allclose(edge.y, 2 * np.sin(3 * edge.x + 0.5) - 1, rtol=1e-12)


def test_what_is_both_is_the_sum():
    kan = network()
    spline = next(e.y for e in picture(kan).edges if (e.layer, e.source, e.subnode) == (0, 2, 0))
    kan.layers[0].symbolic.put(2, 0, "x^2", torch.tensor([1.0, 0.0, 1.0, 0.0]))
    both = next(e for e in picture(kan).edges if (e.layer, e.source, e.subnode) == (0, 2, 0))
    np.testing.assert_allclose(both.y, spline + both.x**2, atol=1e-5)


def test_a_curve_breaks_off_at_a_pole():
    edge = symbolic("1/x")
    middle = np.abs(edge.x) < 1e-9
    assert np.isnan(edge.y[middle]).all()
    assert middle.sum() == 1
    seen = np.isfinite(edge.y)
    # what is left is the function, and is not lost in the height of the pole
    np.testing.assert_allclose(edge.y[seen], 1 / edge.x[seen])
    assert 10 < np.abs(edge.y[seen]).max() < 40
    assert seen.sum() > 50


def test_a_steep_curve_without_a_pole_is_whole():
    edge = symbolic("exp", (30.0, 0.0, 1.0, 0.0))
    np.testing.assert_allclose(edge.y, np.exp(30 * edge.x))


def test_numbers_that_are_none_are_gaps():
    kan = KAN([1, 1], dtype=torch.float64)
    kan.fix(0, 0, 0, "1/x", (1.0, 0.0, 1.0, 0.0))
    kan.remember(torch.full((5, 1), 0.5, dtype=torch.float64))
    assert np.isfinite(picture(kan).edges[0].y).all()
    with pytest.raises(InputError, match="NaN or infinity"):
        picture(kan, torch.zeros(5, 1))


def test_without_data_points_outside_of_a_domain_are_left_out():
    kan = KAN([2, 1])
    kan.fix(0, 0, 0, "log", (1.0, 0.0, 1.0, 0.0))
    edge = picture(kan).edges[0]
    assert edge.x.min() > 0
    assert np.isfinite(edge.y).all()
    kan.fix(0, 1, 0, "log", (0.0, -1.0, 1.0, 0.0))
    with pytest.raises(InputError, match=r"kan\.plot\(x=\.\.\.\)"):
        picture(kan)


def test_the_regulariser_has_its_metrics_here_too():
    kan = network()
    kan.fix(0, 0, 1, "sin", [2.0, 0.0, 1.5, 0.5])

    def scores(metric):
        return [edge.score for edge in picture(kan, metric=metric).edges]

    assert scores("edge_backward") == scores("backward")
    assert scores("edge_forward_sum") == scores("forward_n")
    assert scores("edge_forward_spline_u") == scores("forward_u")
    # "spline" leaves out what is symbolic
    functions = [edge.function for edge in picture(kan).edges]
    assert scores("edge_forward_spline_n")[functions.index("sin")] == 0 < scores("forward_n")[functions.index("sin")]
    nodes, owners = kan.scores().nodes[1], kan.owners(1)
    for edge in picture(kan, metric="node_backward").edges:
        if edge.layer == 0:
            assert edge.score == pytest.approx(float(nodes[owners[edge.subnode]]))
    with pytest.raises(InputError, match="metric='loudness' is not known"):
        picture(kan, metric="loudness")


def test_the_strongest_are_those_of_the_whole():
    kan = network()
    whole, some = picture(kan).edges, picture(kan, most=5)
    layer = [sum(e.score for e in whole if e.layer == l) for l in range(len(kan.layers))]
    expected = sorted(whole, key=lambda e: -e.score / layer[e.layer])[:5]
    assert {(e.layer, e.source, e.subnode) for e in some.edges} == {(e.layer, e.source, e.subnode) for e in expected}
    for edge in some.edges:
        same = next(e for e in whole if (e.layer, e.source, e.subnode) == (edge.layer, edge.source, edge.subnode))
        np.testing.assert_array_equal(edge.y, same.y)
        assert edge.score == same.score
    count, score = some.left_out
    assert count == 9
    assert score == pytest.approx(sum(e.score for e in whole) - sum(e.score for e in expected), rel=1e-5)
    assert picture(kan).left_out == (0, 0.0)


def test_haze_is_no_strongest_edge():
    scores = np.array([1e-9] * 10 + [1.0, 2.0])
    layers = np.zeros(12, dtype=int)
    assert strongest(scores, 11, layers).tolist() == [11, 10]
    assert len(strongest(scores, 12, layers)) == 12


def test_no_layer_is_left_without_its_strongest():
    # Scores of edges that cancel grow towards the inputs.
    kan = KAN([30, 30, 30])
    assert {edge.layer for edge in picture(kan, most=200).edges} == {0, 1}


def test_a_network_without_edges():
    kan = KAN([2, 1])
    kan.layers[0].mask.zero_()
    assert picture(kan).edges == ()


def test_columns_have_the_names_of_the_network():
    kan = network()
    kan.names = ["a", "b", "c"]
    assert picture(kan).in_names == ("a", "b", "c")
    assert picture(kan.prune_input(active_inputs=[0, 2])).in_names == ("a", "c")


def test_a_network_in_half_precision_has_a_picture():
    kan = KAN([2, [1, 1], 1], dtype=torch.bfloat16)
    kan.fix(0, 0, 0, "sin", [1.0, 0.0, 1.0, 0.0])
    found = picture(kan, torch.rand(20, 2))
    assert all(np.isfinite(edge.y).all() for edge in found.edges)
    assert found.node_scores[0].dtype == np.float64
