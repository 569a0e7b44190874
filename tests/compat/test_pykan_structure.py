"""pykan's network: what changes in place and what is new, what is read where, and what its symbolic edges are."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from ascribe.compat.pykan import KAN, create_dataset
from ascribe.errors import InputError
from reference import kan as reference

float64 = torch.float64


def network(seed=0):
    kan = KAN([3, [2, 1], 2], mult_arity=[[], [3], []], seed=seed, noise_scale=2.0, dtype=float64, auto_save=False)
    x = torch.rand(50, 3, generator=torch.Generator().manual_seed(seed), dtype=float64) * 2 - 1
    kan.get_act(x)
    return kan, x


def test_activations_are_those_of_the_edges():
    kan, x = network()
    kan.act_fun[0].mask[1, 1] = 0
    for l, (nodes, edges, sums) in enumerate(reference.edge_values(kan, x)):
        torch.testing.assert_close(kan.acts[l], nodes)
        torch.testing.assert_close(kan.spline_postacts[l], edges.transpose(1, 2))
        torch.testing.assert_close(kan.acts_premult[l], sums)
        torch.testing.assert_close(kan.spline_preacts[l][:, 1], nodes)
        torch.testing.assert_close(kan.edge_actscale[l], edges.std(0).T)
        torch.testing.assert_close(kan.subnode_actscale[l], sums.std(0))
        assert kan.spline_postsplines[l].shape == kan.spline_postacts[l].shape
        assert kan.edge_scores[l].shape == kan.edge_actscale[l].shape
    torch.testing.assert_close(kan.acts[-1], kan(x))
    assert [len(s) for s in kan.node_scores] == kan.width_in == [3, 3, 2]
    assert [len(s) for s in kan.subnode_scores] == kan.width_out[1:] == [5, 2]
    assert (kan.n_sum, kan.n_mult, kan.mult_arity) == ([2], [1], [[], [3], []])
    assert kan.device == torch.device("cpu")


def test_how_it_was_made_and_where_it_stands(tmp_path):
    kan = KAN([2, [1, 2], 1], mult_arity=[[], [2, 3], []], base_fun="identity", sb_trainable=False, grid_eps=0.5)
    u = torch.linspace(-1, 1, 5)
    assert (kan.base_fun_name, kan.sb_trainable, kan.sp_trainable, kan.mult_homo) == ("identity", False, True, False)
    assert torch.equal(kan.base_fun(u), u)
    assert KAN([2, 1]).base_fun(u)[0] == torch.nn.functional.silu(u)[0]
    assert (kan.grid_eps, kan.grid_range) == (0.5, [-1, 1])
    kan.get_act(torch.rand(20, 2))
    finer = kan.refine(5).rewind("0.1")
    assert (kan.round, kan.state_id, finer.round, finer.state_id) == (0, 0, 1, 1)
    assert kan.disable_symbolic_in_fit(0.1) == (kan.save_act, kan.symbolic_enabled) == (True, True)
    assert not kan.auto_save
    kan.ckpt_path = tmp_path
    assert kan.auto_save
    kan.auto_save, there = False, list(tmp_path.iterdir())
    kan.log_history("mark")
    assert list(tmp_path.iterdir()) == there


def test_scales_are_spreads_over_those_of_inputs():
    kan, x = network()
    for l, (nodes, edges, _) in enumerate(reference.edge_values(kan, x)):
        expected = (edges.std(0) / (nodes.std(0)[:, None] + 0.1)).T
        torch.testing.assert_close(kan.acts_scale[l], expected)
        torch.testing.assert_close(kan.acts_scale_spline[l], expected)
    kan.fix(0, 1, 3, "sin", [1.0, 0.0, 1.0, 0.0])
    assert float(kan.acts_scale[0][3, 1]) == pytest.approx(float(x[:, 1].sin().std() / (x[:, 1].std() + 0.1)))
    assert float(kan.acts_scale_spline[0][3, 1]) == 0


def test_everything_is_read_on_the_rows_of_get_act():
    kan, x = network()
    first = kan.feature_score
    kan.get_act({"train_input": x[:7] * 0.1})
    assert len(kan.acts[0]) == 7
    assert not torch.equal(kan.feature_score, first)
    inputs, values = kan.get_fun(0, 1, 2)
    assert isinstance(inputs, np.ndarray)
    assert (np.diff(inputs) >= 0).all()
    assert len(values) == 7
    with pytest.raises(InputError, match="seen no data"):
        _ = KAN([2, 1]).acts


def test_scores_of_nodes_and_their_weights():
    kan, _ = network()
    whole = kan.attribute()
    torch.testing.assert_close(kan.attribute(out_score=torch.tensor([2.0, 0.0], dtype=float64))[0], 2 * whole[0])
    torch.testing.assert_close(kan.attribute(1, 0, plot=False), kan.attribute(1)[0])
    kan.node_attribute()
    torch.testing.assert_close(kan.node_attribute_scores[0], kan.attribute(1))
    shown = plt.get_fignums()
    kan.attribute(1, 0, plot=False)
    assert plt.get_fignums() == shown
    kan.attribute(1, 0)
    assert len(plt.get_fignums()) == len(shown) + 1
    plt.close()


def test_in_place_and_new(capsys: pytest.CaptureFixture[str]):
    kan, x = network()
    y, edges, state = kan(x), kan.n_edge, kan.state_dict()["act_fun.0.mask"].clone()
    small = kan.prune_node(threshold=0.0, mode="auto")
    assert small is not kan
    assert torch.equal(kan(x), y)
    manual = kan.prune_node(mode="manual", active_neurons_id=[[0, 2]])
    assert manual.width == [[3, 0], [1, 1], [2, 0]]
    inputs = kan.prune_input(active_inputs=[0, 2])
    assert capsys.readouterr().out == "keep: [True, False, True]\n"
    assert inputs.acts[0].shape == (50, 2)
    assert inputs.prune(0.0, 0.0).input_id.tolist() == [0, 2]
    assert (kan.n_edge, torch.equal(kan.state_dict()["act_fun.0.mask"], state)) == (edges, True)
    assert kan.prune_edge(float(kan.scores().edges[0].median())) is kan
    assert kan.n_edge < edges
    left = kan.n_edge
    l, i, j = next((0, i, j) for i, j in kan.act_fun[0].mask.nonzero().tolist())
    kan.remove_edge(l, i, j)
    assert kan.n_edge == left - 1
    kan.remove_node(1, 0)
    assert not bool(kan.act_fun[1].mask[0].any())
    assert [line.split(maxsplit=1)[1] for line in kan.history[-3:]] == ["prune_edge", "remove_edge", "remove_node"]
    assert kan.rewind("0.0").n_edge == edges


def test_swaps_in_place_keep_the_function():
    kan, x = network()
    kan.fix_symbolic(0, 0, 1, "sin", fit_params_bool=False)
    y, cost = kan(x), float(kan.connection_cost)
    assert kan.swap(1, 0, 1) is kan
    torch.testing.assert_close(kan(x), y)
    assert kan.symbolic_fun[0].funs_name[0][0] == "sin"
    kan.auto_swap_l(1)
    kan.auto_swap()
    torch.testing.assert_close(kan(x), y)
    assert float(kan.connection_cost) <= cost * (1 + 1e-6)
    versions = len(kan.history)
    kan.swap(1, 0, 1, log_history=False)
    assert len(kan.history) == versions
    kan.module(0, "[0]->[0]->[0]->[0]")
    assert kan.act_fun[0].mask[1:, 0].tolist() == [0, 0]


def test_symbolic_edges_are_set_and_read(capsys: pytest.CaptureFixture[str]):
    kan, x = network()
    assert kan.fix_symbolic(0, 1, 3, "sin", fit_params_bool=False) is None
    table = kan.symbolic_fun[0]
    assert table.funs_name[3][1] == "sin"
    assert table.mask[3, 1] == 1
    assert table.affine[3, 1].tolist() == [1, 0, 1, 0]
    assert float(kan.act_fun[0].mask[1, 3]) == 0
    kan.set_mode(0, 1, 3, "ns", mask_n=0.5)
    assert (kan.mode(0, 1, 3), float(kan.act_fun[0].mask[1, 3])) == ("ns", 0.5)
    kan.set_mode(0, 1, 3, "s")
    assert kan.mode(0, 1, 3) == "s"
    kan.set_mode(0, 0, 0, "s")
    assert kan.symbolic_fun[0].funs_name[0][0] == "0"
    kan.set_mode(0, 1, 3, "n")
    kan.set_mode(0, 0, 0, "off")
    assert (kan.mode(0, 1, 3), kan.mode(0, 0, 0)) == ("n", "")
    kan.fix_symbolic(1, 0, 0, "sin", fit_params_bool=False, random=True)
    assert kan.symbolic_fun[1].affine[0, 0].abs().max() < 1
    kan.fix_symbolic(1, 1, 0, lambda u: u**2 * torch.sin(u), fit_params_bool=False)
    u = kan.acts[1][:, 1]
    torch.testing.assert_close(kan.spline_postacts[1][:, 0, 1], u**2 * torch.sin(u))
    kan.unfix_symbolic(1, 0, 0)
    kan.set_mode(0, 0, 0, "off")
    kan.unfix_symbolic(0, 0, 0)  # what it was does not matter
    assert (kan.mode(1, 0, 0), kan.mode(0, 0, 0)) == ("n", "n")
    kan.unfix_symbolic_all()
    assert not any(layer.symbolic for layer in kan.layers)
    capsys.readouterr()
    low, high, *_ = kan.get_range(0, 1, 3)
    assert capsys.readouterr().out.startswith(f"x range: [{low:.2f} , {high:.2f} ]")
    assert kan.get_range(0, 1, 3, verbose=False)[0] == float(x[:, 1].min())


def test_functions_are_fitted_suggested_and_chosen(capsys: pytest.CaptureFixture[str]):
    kan = KAN([2, 1], dtype=float64)
    x = torch.rand(200, 2, generator=torch.Generator().manual_seed(0), dtype=float64) * 2 - 1
    kan.get_act(x)
    kan.fix(0, 0, 0, "sin", [2.0, 0.3, 1.5, 0.2])
    kan.fix(0, 1, 0, "x^2", [1.0, 0.0, 1.0, 0.0])
    name, entry, r2, complexity = kan.suggest_symbolic(0, 0, 0, lib=["x", "x^2", "sin", "exp", "0"], topk=3)
    assert (name, complexity) == ("sin", 2)
    assert r2 > 1 - 1e-10
    assert float(entry[0](torch.tensor(1.0))) == pytest.approx(np.sin(1.0))
    assert capsys.readouterr().out.count("\n") == 5
    simple = kan.suggest_symbolic(0, 0, 0, lib=["x", "sin"], verbose=False, c_loss_fun=lambda c: 1e6 * c)
    assert simple[0] == "x"
    assert kan.fix_symbolic(0, 0, 0, "sin", a_range=(1, 3), verbose=False) > 1 - 1e-10
    torch.testing.assert_close(kan(x)[:, 0], 1.5 * torch.sin(2 * x[:, 0] + 0.3) + 0.2 + x[:, 1] ** 2)


def test_auto_symbolic_takes_what_fits_and_leaves_the_rest(capsys: pytest.CaptureFixture[str]):
    kan = KAN([2, 1], grid=20, dtype=float64)
    x = torch.rand(400, 2, generator=torch.Generator().manual_seed(0), dtype=float64) * 2 - 1
    layer = kan.act_fun[0]
    with torch.no_grad():
        layer.scale_base.zero_()
        layer.scale_sp.fill_(1.0)
        at = torch.linspace(-1, 1, 400, dtype=float64)[None].repeat(2, 1)
        jagged = torch.rand(400, generator=torch.Generator().manual_seed(1), dtype=float64)
        curves = torch.stack([torch.sin(3 * at[0]), jagged])[:, None]
        layer.coef.copy_(layer.edge.fit(at, curves, layer.grid))
    kan.get_act(x)
    found = kan.auto_symbolic(r2_threshold=0.99, lib=["x", "x^2", "sin", "0"])
    assert kan.symbolic_fun[0].funs_name == [["sin", "0"]]
    assert kan.mode(0, 1, 0) == "n"
    assert found.left == ((0, 1, 0),)
    assert "edge (0, 0, 0) is sin" in capsys.readouterr().out
    kan.auto_symbolic(verbose=0)
    assert kan.mode(0, 1, 0) == "s"


def test_functions_near_their_poles_are_held():
    kan = KAN([1, 1])
    kan.fix(0, 0, 0, "1/x", [1.0, 0.0, 1.0, 0.0])
    x = torch.tensor([[0.0], [0.5]])
    assert kan(x, singularity_avoiding=True, y_th=100.0)[:, 0].tolist() == [0.0, 2.0]
    assert not bool(kan(x)[0].isfinite())


def test_one_network_from_another():
    coarse, _ = network()
    coarse.fix_symbolic(0, 1, 3, "sin", fit_params_bool=False)
    fine = KAN([3, [2, 1], 2], mult_arity=[[], [3], []], grid=30, dtype=float64, seed=5)
    rows = torch.rand(2000, 3, generator=torch.Generator().manual_seed(9), dtype=float64) * 2 - 1
    assert fine.initialize_from_another_model(coarse, rows) is fine
    assert fine.grid == [30, 30]
    assert fine.symbolic_fun[0].funs_name[3][1] == "sin"
    inside = rows[(coarse.activations(rows).nodes[1].abs() < 0.9).all(1)]
    torch.testing.assert_close(fine(inside), coarse(inside), rtol=0.02, atol=0.02)


def test_pictures_take_pykans_arguments(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kan, _ = network()
    picture = kan.plot("./figures", 5, "forward_n", in_vars=["a", "b", "c"], title="net")
    assert isinstance(picture, Figure)
    assert plt.gcf() is picture
    plt.close()
    assert {"a", "b", "c"} <= {text.get_text() for text in picture.axes[0].texts}
    assert kan.plot.edge(0, 0, 0).figure is not picture
    lone = KAN([2, 2, 1])
    lone.get_act(torch.rand(40, 2))
    assert lone.tree() is plt.gcf()
    plt.close("all")
    assert list(tmp_path.iterdir()) == []


def test_pictures_of_a_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = create_dataset(lambda x: x[:, 0], train_num=20, test_num=10)
    KAN([2, 1]).fit(data, steps=2, save_fig=True, img_folder="frames", progress=False)
    assert len(list((tmp_path / "frames").iterdir())) == 2


def test_checkpoints(tmp_path):
    kan, x = network()
    kan.fix_symbolic(0, 1, 3, "sin", fit_params_bool=False)
    kan.saveckpt(tmp_path / "mark")
    assert [path.name for path in tmp_path.iterdir()] == ["mark.safetensors"]
    back = KAN.loadckpt(tmp_path / "mark")
    assert type(back) is KAN
    assert torch.equal(back(x), kan(x))
    assert type(KAN.load(tmp_path / "mark.safetensors")) is KAN


def test_history_prints_when_it_is_called(capsys: pytest.CaptureFixture[str]):
    kan, _ = network()
    kan.refine(new_grid=5).prune_edge(0.0).history(2)
    assert capsys.readouterr().out == "0.1 refine\n0.2 prune_edge\n"
    assert kan.history == ["0.0 KAN"]


def test_the_penalty_and_speed():
    kan, x = network()
    seen = kan.activations(x)
    assert torch.equal(kan.reg("edge_forward_spline_n", 1.0, 2.0), kan.regularization(seen=seen))
    assert kan.speed() is kan
    assert len(list(kan.get_params())) == len(list(kan.parameters()))
    kan.update_grid_from_samples(x)


def test_grids_go_all_the_way_to_the_data():
    kan = KAN([1, 1], grid=5, dtype=float64)
    x = torch.linspace(-10, 10, 101, dtype=float64)[:, None]
    kan.update_grid_from_samples(x)
    assert [float(end) for end in kan.layers[0].range] == pytest.approx([-10, 10])
    kan = KAN([1, 1], grid=5, dtype=float64)
    assert float(kan.update_grid(x, tolerance=1e-3).change[0].max()) <= 1e-3
