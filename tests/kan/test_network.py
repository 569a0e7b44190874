"""The network as a plain nn.Module: any width, products of any arity, files, copies, programs."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from ascribe.errors import InputError
from ascribe.kan import KAN, KANLayer


def products() -> KAN:
    return KAN([4, [3, 2], [2, 1], 2], mult_arity=[[], [2, 3], [3], []], dtype=torch.float64)


def test_width_is_the_callers():
    width = [2, [3, 1], 1]
    kan = KAN(width, grid=[3, 5], k=[3, 2])
    assert width == [2, [3, 1], 1]
    assert (kan.width, kan.arity, kan.grid, kan.k) == ([[2, 0], [3, 1], [1, 0]], [[], [2], []], [3, 5], [3, 2])


@pytest.mark.parametrize(
    ("width", "arity", "message"),
    [
        ([3], 2, "two layers"),
        ([3, 0, 1], 2, "no network"),
        ([[2, 1], 1], 2, "multiplies before the first edge"),
        ([2, [1, 2], 1], [[], [2], []], "mult_arity"),
        ([2, [1, 1], 1], 0, "mult_arity"),
    ],
)
def test_wrong_widths_are_sentences(width, arity, message):
    with pytest.raises(InputError, match=message):
        KAN(width, mult_arity=arity)


def test_a_grid_a_layer():
    with pytest.raises(InputError, match=r"grid=\[3\] has 1 entries for 2 layers"):
        KAN([2, 2, 1], grid=[3])


def test_products_of_any_arity():
    kan = products()
    for affine in (*kan.subnode_scale, *kan.subnode_bias, *kan.node_scale, *kan.node_bias):
        affine.data += torch.randn_like(affine)
    x = torch.rand(20, 4, dtype=torch.float64)
    h = x
    for l, layer in enumerate(kan.layers):
        z = kan.subnode_scale[l] * layer(h) + kan.subnode_bias[l]
        nodes = list(z[:, : kan.width[l + 1][0]].unbind(1))
        at = len(nodes)
        for arity in kan.arity[l + 1]:
            nodes.append(z[:, at : at + arity].prod(1))
            at += arity
        h = kan.node_scale[l] * torch.stack(nodes, 1) + kan.node_bias[l]
    torch.testing.assert_close(kan(x), h)


def test_gradients_reach_everything_that_trains():
    kan = products()
    x = torch.rand(9, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(kan, (x,))
    assert torch.autograd.gradgradcheck(kan, (x,))
    kan(x).square().sum().backward()
    for name, parameter in kan.named_parameters():
        frozen = name.startswith(("node_", "subnode_"))
        assert parameter.requires_grad is not frozen
        assert frozen or bool(parameter.grad.abs().sum() > 0)
    assert all(p.requires_grad for p in KAN([2, 1], affine_trainable=True).parameters())
    assert not KAN([2, 1], sb_trainable=False).layers[0].scale_base.requires_grad
    assert not KAN([2, 1], sp_trainable=False).layers[0].scale_sp.requires_grad


def test_construction_touches_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    states = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    kan = KAN([3, 4, 1], seed=7)
    kan.copy().refine(5)
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1] == np.random.get_state()[1].tolist()  # noqa: NPY002
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")
    assert not torch.equal(kan.layers[0].coef, KAN([3, 4, 1], seed=8).layers[0].coef)
    assert torch.equal(kan.layers[0].coef, KAN([3, 4, 1], seed=7).layers[0].coef)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(5, 4), r"\(5, 4\).*exactly 2 columns"),
        (torch.zeros(5), r"\(5,\)"),
        (torch.zeros(5, 2, dtype=torch.int32), "x.float"),
    ],
)
def test_wrong_inputs_are_sentences(x, message):
    with pytest.raises(InputError, match=message):
        KAN([2, 1])(x)


def test_any_leading_shape_empty_batches_and_nan():
    kan = KAN([2, 3, 1])
    assert kan(torch.zeros(4, 5, 2)).shape == (4, 5, 1)
    assert kan(torch.zeros(0, 2)).shape == (0, 1)
    assert kan(torch.zeros(2)).shape == (1,)
    x = torch.zeros(3, 2)
    x[1, 0] = torch.nan
    assert kan(x).isnan()[:, 0].tolist() == [False, True, False]


def test_state_dict_restores_everything():
    kan, other = products(), KAN([4, [3, 2], [2, 1], 2], mult_arity=[[], [2, 3], [3], []], seed=9, dtype=torch.float64)
    x = torch.rand(30, 4, dtype=torch.float64)
    kan.update_grid(3 * x)
    kan.layers[0].mask[1, 2] = 0
    other.load_state_dict(kan.state_dict())
    assert torch.equal(other(x), kan(x))
    assert {"input_id", "act_fun.0.grid", "act_fun.0.coef", "act_fun.0.mask"} <= set(kan.state_dict())


def test_pickles_and_deep_copies():
    kan = products()
    x = torch.rand(30, 4, dtype=torch.float64, requires_grad=True)
    y = kan(x)
    twin = copy.deepcopy(kan)
    read = pickle.loads(pickle.dumps(kan))
    assert torch.equal(twin(x), y)
    assert not read.has_data
    assert torch.equal(read(x), y)
    twin.layers[0].coef.data.zero_()
    twin.width[0][0] = 99
    assert torch.equal(kan(x), y)
    assert kan.width[0] == [4, 0]


def test_exports():
    kan = products().eval()
    x = torch.rand(30, 4, dtype=torch.float64) * 4 - 2
    rows = torch.export.Dim("rows", min=2)
    program = torch.export.export(kan, (x,), dynamic_shapes=({0: rows},))
    torch.testing.assert_close(program.module()(x[:7]), kan(x[:7]).detach())


def test_lives_in_other_modules():
    net = nn.Sequential(nn.Linear(5, 3), KANLayer(3, 4), KAN([4, 2, 1])).double()
    x = torch.rand(6, 7, 5, dtype=torch.float64)
    y = net(x)
    assert y.shape == (6, 7, 1)
    assert y.dtype == torch.float64
    y.sum().backward()
    assert all(p.grad is not None for p in net.parameters() if p.requires_grad)


def test_edge_function_derivatives_for_equations():
    """u'' of a network, as equations of physics need it."""
    kan = KAN([1, 4, 1], k=5, dtype=torch.float64)
    x = torch.linspace(-0.9, 0.9, 20, dtype=torch.float64)[:, None].requires_grad_()
    (first,) = torch.autograd.grad(kan(x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x, create_graph=True)
    h = 1e-4
    with torch.no_grad():
        expected = (kan(x + h) - 2 * kan(x) + kan(x - h)) / h**2
    torch.testing.assert_close(second.detach(), expected, atol=1e-5, rtol=1e-4)
    second.square().sum().backward()
    assert float(kan.layers[0].coef.grad.abs().sum()) > 0


def test_a_forward_in_eval_mode_or_without_gradient_is_not_remembered():
    kan = KAN([2, 1])
    assert not kan.has_data
    with torch.no_grad():
        kan(torch.rand(5, 2))
    kan.eval()(torch.rand(5, 2))
    assert not kan.has_data
    with pytest.raises(InputError, match="seen no data"):
        kan.scores()
    with pytest.raises(InputError, match="run on nothing"):
        kan.regularization()
    x = torch.rand(5, 2)
    kan.train()(x)
    assert torch.equal(kan.data(), x)


def test_training_data_stay_through_later_forwards():
    kan = KAN([2, 1])
    train, test = torch.rand(50, 2), torch.rand(20, 2)
    kan.remember(train)
    kan(test)
    assert torch.equal(kan.data(), train)
    assert torch.equal(kan.data(test), test)
    assert torch.equal(kan.copy().data(), train)


def test_networks_are_mapped_as_one():
    """An ensemble: every parameter, and every grid, is its own."""
    kans = [KAN([2, [2, 1], 1], seed=s, dtype=torch.float64) for s in range(3)]
    for s, kan in enumerate(kans):
        kan.update_grid(torch.randn(50, 2, dtype=torch.float64) * (s + 1))
    parameters, buffers = torch.func.stack_module_state(kans)
    x = torch.randn(20, 2, dtype=torch.float64)

    def run(parameters, buffers):
        return torch.func.functional_call(kans[0], (parameters, buffers), (x,))

    found = torch.func.vmap(run)(parameters, buffers)
    torch.testing.assert_close(found, torch.stack([kan(x) for kan in kans]))
    assert torch.equal(kans[1].data(), x)


def test_evaluate_measures_what_fit_reports():
    kan = KAN([2, 3, 1])
    x, y = torch.rand(40, 2), torch.rand(40, 1)
    error = (kan(x) - y).square().mean().sqrt().item()
    assert kan.evaluate((x, y)) == {"test_loss": pytest.approx(error), "n_edge": 9, "n_grid": [3, 3]}
    both = {"train_input": x[:10], "train_label": y[:10], "test_input": x, "test_label": y[:, 0]}
    assert kan.evaluate(both)["test_loss"] == pytest.approx(error)
    with torch.no_grad():
        distance = (kan(x) - y).abs().sum().item()
    assert kan.evaluate((x, y), nn.L1Loss(reduction="sum"))["test_loss"] == pytest.approx(distance)


def test_a_state_in_another_precision_leaves_the_network_its_own() -> None:
    x = torch.rand(20, 2)
    exact = KAN([2, 2, 1], dtype=torch.float64)
    exact.fix(0, 0, 1, "sin", (3, 0.5, 2, 1))
    kan = KAN([2, 2, 1])
    kan.load_state_dict(exact.state_dict())
    assert {value.dtype for value in kan.parameters()} == {torch.float32}
    assert kan(x).dtype == kan.layers[0].curves(x).dtype == torch.float32
    assert torch.allclose(kan(x).double(), exact(x.double()), atol=1e-5)
    exact.load_state_dict(kan.state_dict())
    assert {value.dtype for value in exact.parameters()} == {torch.float64}


def test_a_network_is_made_on_torchs_own_device_too() -> None:
    assert KAN([2, 1], device=None).layers[0].coef.device == torch.get_default_device()


@pytest.mark.parametrize("call", [lambda kan, x: kan.train((x, x)), lambda kan, x: kan.train(True, opt="LBFGS")])
def test_training_mode_is_no_training(call):
    kan = KAN([2, 1])
    with pytest.raises(InputError, match=r"call fit\(dataset, \.\.\.\) to train"):
        call(kan, torch.rand(5, 2))
    assert kan.training
    assert not kan.eval().training
    assert kan.train() is kan
    assert kan.training
