"""The data of a drawing: one curve an edge that is left, with the scores asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.picture import picture


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
