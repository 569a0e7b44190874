"""kan.hypothesis, kan.utils and kan.experiment: pykan's answers in pykan's form."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
import torch

import ascribe.compat.pykan.hypothesis as asked
from ascribe.compat.pykan import KAN, augment_input, batch_hessian, batch_jacobian, ex_round, utils
from ascribe.compat.pykan.experiment import pareto_frontier, runner1
from ascribe.errors import InputError


def normal(n, d):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(0))


def deep(x):
    inner = [((x[:, [i]] ** 2 + x[:, [i + 1]] ** 2) ** 2) for i in range(0, 8, 2)]
    return (inner[0] + inner[1]) ** 2 + (inner[2] + inner[3]) ** 2


def test_separability(capsys: pytest.CaptureFixture[str]):
    x = normal(100, 3)
    found = asked.detect_separability(lambda x: x[:, [0]] ** 2 + torch.exp(x[:, [1]] + x[:, [2]]), x, mode="add")
    assert found["groups"] == [[0], [1, 2]]
    assert (found["n_groups"], found["labels"]) == (2, [0, 1, 1])
    expected = 2 * float(x[:, 0].std() ** 2)
    assert float(found["hessian"][0, 0]) == pytest.approx(expected, rel=1e-5)
    assert capsys.readouterr().out == "add separability detected\n"
    assert asked.detect_separability(lambda x: x.sum(1), x)["n_groups"] == 3
    assert asked.detect_separability(lambda x: x.prod(1), x, n_clusters=[1, 2])["n_groups"] == 1
    product = lambda x: x[:, [0]] ** 2 * (x[:, [1]] + x[:, [2]])  # noqa: E731
    assert asked.test_separability(product, x, [[0], [1, 2]], mode="mul") is True
    assert asked.test_separability(product, x, [[0], [1, 2]], mode="add") is False
    assert asked.test_general_separability(product, x, [[0], [1, 2]]) is True
    assert asked.test_symmetry(product, x, [1, 2]) is True
    assert asked.test_symmetry(product, x, [0, 2]) is False


def test_a_symmetry_variable(capsys: pytest.CaptureFixture[str]):
    a, b, c = sympy.symbols("a b c")
    model = lambda x: x[:, [0]] * (x[:, [1]] + x[:, [2]])  # noqa: E731
    assert float(asked.test_symmetry_var(model, normal(100, 8), (a, b, c), b + c).min()) > 0.999
    assert capsys.readouterr().out == "100.0% data have more than 0.9 cosine similarity\nsuggesting symmetry\n"
    asked.test_symmetry_var(model, normal(100, 8), (a, b, c), b * c)
    assert capsys.readouterr().out.endswith("not suggesting symmetry\n")


def test_molecules_and_their_kinds():
    x = normal(100, 8)
    found = asked.get_molecule(deep, x, verbose=False)
    pairs = [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert found == [[[i] for i in range(8)], pairs, [[0, 1, 2, 3], [4, 5, 6, 7]], [list(range(8))]]
    arities, kinds = asked.get_tree_node(deep, x, found, skip_test=False)
    assert arities == [[2] * 4, [2, 2], [2]]
    assert kinds == [["GS"] * 4, ["GS", "GS"], ["Add"]]
    assert asked.get_tree_node(deep, x, found)[1] == [[""] * 4, ["", ""], [""]]
    with pytest.raises(InputError, match="level 1 of the molecules does not group"):
        asked.get_tree_node(deep, x, [[[0], [1]], [[0, 1, 2]]])
    lone = asked.get_molecule(lambda x: x[:, 0] * (x[:, 1] + x[:, 2]), x[:, :3], verbose=False)
    assert asked.get_tree_node(lambda x: x[:, 0] * (x[:, 1] + x[:, 2]), x[:, :3], lone, skip_test=False) == (
        [[1, 2], [2]],
        [["Id", "GS"], ["Mul"]],
    )


def test_trees_are_drawn_with_variables():
    names = sympy.symbols("m v_1 v_2")
    picture = asked.plot_tree(lambda x: x[:, 0] * (x[:, 1] + x[:, 2]), normal(60, 3), in_var=names)
    assert {"$m$", "$v_{1}$", "×"} <= {text.get_text() for text in picture.axes[0].texts}


def test_dependence_from_its_definition():
    x = normal(40, 3).double()

    def f(x):
        return x[:, [0]] ** 2 * torch.exp(x[:, [1]] * x[:, [2]])

    def direction(p):
        slope = torch.autograd.functional.jacobian(lambda p: f(p[None])[0, 0], p, create_graph=True)[:2]
        return slope / slope.norm()

    slow = torch.stack([torch.autograd.functional.jacobian(direction, p)[:, [2]] for p in x])
    expected = (slow * x.std(0)[:2, None] * x.std(0)[2]).abs().median(0).values
    torch.testing.assert_close(asked.get_dependence(f, x, [0, 1]), expected)
    torch.testing.assert_close(asked.batch_grad_normgrad(f, x, [0, 1]), slow)
    assert not asked.batch_grad_normgrad(f, x, [0, 1]).requires_grad
    turning = asked.batch_grad_normgrad(f, x.requires_grad_(), [0, 1], create_graph=True)
    assert torch.autograd.grad(turning.square().sum(), x)[0].isfinite().all()


def test_derivatives_at_rows():
    x = normal(20, 2).double()
    f = lambda x: torch.cat([x[:, [0]] ** 2 * x[:, [1]], x[:, [1]]], 1)  # noqa: E731
    slopes = torch.stack([2 * x[:, 0] * x[:, 1], x[:, 0] ** 2], 1)
    torch.testing.assert_close(batch_jacobian(f, x), slopes)
    assert batch_jacobian(f, x, mode="vector").shape == (20, 2, 2)
    torch.testing.assert_close(batch_hessian(lambda x: f(x)[:, :1], x)[:, 0, 0], 2 * x[:, 1])
    with pytest.raises(InputError, match="mode='matrix'"):
        batch_jacobian(f, x, mode="matrix")


def test_derivatives_in_parameters():
    kan = KAN([2, 1, 1], grid=2, k=2, dtype=torch.float64, sb_trainable=False)
    x, y = normal(30, 2).double(), normal(30, 1).double()
    count = len(utils.model2param(kan))
    trained = torch.cat([torch.full((p.numel(),), p.requires_grad) for p in kan.parameters()])
    gradient = utils.get_derivative(kan, x, y, "jacobian")
    bent = utils.get_derivative(kan, x, y, "hessian")
    assert gradient.shape == (1, count)
    assert bent.shape == (1, count, count)
    assert not bool(gradient[0, ~trained].any())
    assert all(p.grad is None for p in kan.parameters())
    torch.testing.assert_close(bent, bent.mT, rtol=1e-6, atol=1e-9)
    place = int(gradient[0].abs().argmax())
    parameter, at = next(
        (p, place - start)
        for p, start in zip(kan.parameters(), np.cumsum([0, *(p.numel() for p in kan.parameters())]), strict=False)
        if start <= place < start + p.numel()
    )
    step, found = 1e-4, []
    for sign in (1, -1):
        parameter.data.view(-1)[at] += sign * step
        found.append((utils.get_derivative(kan, x, y, "jacobian")[0], (kan(x) - y).square().mean().item()))
        parameter.data.view(-1)[at] -= sign * step
    assert float(gradient[0, place]) == pytest.approx((found[0][1] - found[1][1]) / (2 * step), rel=1e-5)
    torch.testing.assert_close(bent[0, place], (found[0][0] - found[1][0]) / (2 * step), rtol=1e-4, atol=1e-7)
    both = utils.get_derivative(kan, x, y, "jacobian", "all", "edge_forward_spline_n", lamb=0.1)
    alone = utils.get_derivative(kan, x, y, "jacobian", "reg", "edge_forward_spline_n")
    torch.testing.assert_close(both, gradient + 0.1 * alone)
    with pytest.raises(InputError, match="loss_mode='both'"):
        utils.get_derivative(kan, x, y, loss_mode="both")
    with pytest.raises(InputError, match="derivative='third'"):
        utils.get_derivative(kan, x, y, "third")


def test_expressions_are_rounded_and_data_augmented():
    a, b = sympy.symbols("a b")
    rounded = ex_round(3.14534242 * sympy.exp(sympy.sin(sympy.pi * a) + b**2) - 2.32345402, 2)
    assert rounded == 3.15 * sympy.exp(sympy.sin(sympy.pi * a) + b**2) - 2.32
    x = torch.rand(10, 2)
    assert augment_input([a, b], [a + b, a * b], x).shape == (10, 4)
    data = {"train_input": x, "test_input": x, "train_label": x, "test_label": x}
    assert augment_input([a, b], [a + b], data)["test_input"].shape == (10, 3)
    assert data["train_input"].shape == (10, 2)


def test_the_library_is_a_dictionary():
    name = "bessel j0"
    utils.add_symbolic(name, torch.special.bessel_j0)
    try:
        torch_function, sympy_function, complexity, bounded = utils.SYMBOLIC_LIB[name]
        assert torch_function is torch.special.bessel_j0
        assert sympy_function(sympy.Symbol("x")).func.__name__ == name
        assert complexity == 1
        assert bounded(torch.tensor([0.0]), 10.0)[1].tolist() == [1.0]
    finally:
        from ascribe.kan.symbolic.library import LIBRARY

        del LIBRARY[name]
    assert name not in utils.SYMBOLIC_LIB
    pykans = "x x^2 x^3 x^4 x^5 1/x 1/x^2 1/x^3 1/x^4 1/x^5 sqrt x^0.5 x^1.5 1/sqrt(x) 1/x^0.5 exp log abs sin cos tan"
    pykans += " tanh sgn arcsin arccos arctan arctanh 0 gaussian"
    assert set(pykans.split()) <= set(utils.SYMBOLIC_LIB)
    assert len(list(utils.SYMBOLIC_LIB)) == len(utils.SYMBOLIC_LIB)
    assert utils.SYMBOLIC_LIB["1/x"][3] is utils.f_inv
    with pytest.raises(KeyError):
        _ = utils.SYMBOLIC_LIB["nothing"]


def test_sparse_masks():
    assert utils.sparse_mask(4, 2).tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]


def test_runs(monkeypatch: pytest.MonkeyPatch, tmp_path, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    data = utils.create_dataset(lambda x: x[:, [0]] ** 2 + x[:, [1]], train_num=40, test_num=20)

    def worst(model, dataset):
        return (model(dataset["test_input"]) - dataset["test_label"]).abs().max()

    found = runner1([2, 2, 1], data, grids=[3, 5], steps=2, prune_round=2, refine_round=1, metrics=[worst])
    assert set(found) == {"test_loss", "c", "G", "id", "worst"}
    assert found["G"].tolist() == [[3, 3], [3, 3], [3, 3], [3, 3]]
    assert len(set(found["id"].tolist())) == 4
    assert list(tmp_path.iterdir()) == []
    x, y, chosen = pareto_frontier(found["c"], found["test_loss"])
    assert (x == found["c"][chosen]).all()
    assert (y == found["test_loss"][chosen]).all()
