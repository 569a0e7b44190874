"""Mistakes in calls of pykan's names are errors of ascribe's, one sentence each."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
import torch

from ascribe.compat.pykan import KAN, KANLayer, Symbolic_KANLayer, hypothesis, spline, utils
from ascribe.compat.pykan.compiler import next_nontrivial_operation
from ascribe.compat.pykan.experiment import pareto_frontier, runner1
from ascribe.compat.pykan.MLP import MLP
from ascribe.errors import AscribeError

X = torch.rand(20, 2)
A, B = sympy.symbols("a b")


def product(x):
    return x[:, [0]] * x[:, [1]]


def seen(kind=KAN):
    model = kind([2, 2, 1])
    model.get_act(X)
    return model


MISTAKES = {
    "MultKAN takes no bias_trainable=": lambda: KAN([2, 1], bias_trainable=False),
    "fit takes no device=": lambda: seen().fit({"train_input": X, "train_label": X}, device="cpu"),
    "network takes no mask=": lambda: seen().plot(mask=True),
    "reg takes no entropy_offset=": lambda: seen().reg("edge_backward", 1.0, entropy_offset=1e-4),
    "call fit(dataset, ...) to train": lambda: seen().train({"train_input": X}, opt="LBFGS"),
    "width=None": lambda: KAN(None),
    "width=[2, 'a', 1]": lambda: KAN([2, "a", 1]),
    "grid_range=[0.0]": lambda: KAN([2, 1], grid_range=[0.0]),
    "call refine(grid) on the other": lambda: seen().initialize_from_another_model(KAN([2, 3, 1]), X),
    "threshold='a'": lambda: seen().prune_node("a"),
    "new_grid='a'": lambda: seen().refine("a"),
    "lamb=None": lambda: seen().fit({}, lamb=None),
    "no train_input": lambda: seen().get_act({}),
    "out_score has shape (3,)": lambda: seen().attribute(out_score=torch.ones(3)),
    "k=1.5": lambda: seen().history(1.5),
    "n_var=0": lambda: utils.create_dataset(product, n_var=0),
    "f=None": lambda: utils.create_dataset(None),
    "20 inputs and 3 labels": lambda: utils.create_dataset_from_data(X, X[:3]),
    "a_range=[1]": lambda: utils.fit_params(X[:, 0], X[:, 1], torch.sin, a_range=[1]),
    "in_dim=0": lambda: utils.sparse_mask(0, 1),
    "ex1='a + 1'": lambda: utils.ex_round("a + 1", 2),
    "aux_vars=3": lambda: utils.augment_input([A, B], 3, X),
    "labels have shape": lambda: utils.get_derivative(MLP([2, 1]), X, X),
    "groups=[0, 1]": lambda: hypothesis.test_separability(product, X, [0, 1]),
    "group=[0, 9]": lambda: hypothesis.get_dependence(product, X, [0, 9]),
    "n_clusters is empty": lambda: hypothesis.detect_separability(product, X, n_clusters=[]),
    "symmetry_var='a'": lambda: hypothesis.test_symmetry_var(product, X, [A, B], "a"),
    "expr=3": lambda: next_nontrivial_operation(3),
    "grids is empty": lambda: runner1([2, 1], {}, grids=[]),
    "x has shape (1,) and y (2,)": lambda: pareto_frontier(np.ones(1), np.ones(2)),
    "k is 9": lambda: spline.B_batch(X, torch.arange(5.0).expand(2, 5), 9),
    "k_extend is -1": lambda: spline.extend_grid(torch.rand(2, 5), -1),
    "in_id=[5]": lambda: KANLayer(2, 2).get_subset([5], [0]),
    "exchanged=[0, 2]": lambda: KANLayer(2, 2).swap(0, 2),
    "mode='up'": lambda: Symbolic_KANLayer(2, 2).swap(0, 1, "up"),
    "j=[7]": lambda: Symbolic_KANLayer(2, 2).fix_symbolic(0, 7, "sin"),
    "layer 0 is no hidden one": lambda: seen(MLP).swap(0, 0, 1),
    "exchanged=[0, 4]": lambda: seen(MLP).swap(1, 0, 4),
    "lr=-1.0": lambda: seen(MLP).fit(
        dict.fromkeys(["train_input", "test_input", "train_label", "test_label"], X), lr=-1.0
    ),
    "no train_label": lambda: seen(MLP).fit({"train_input": X}),
    "the network takes": lambda: seen(MLP)(torch.rand(3, 5)),
}


@pytest.mark.parametrize("says", MISTAKES)
def test_it_is_a_sentence(says: str):
    with pytest.raises(AscribeError) as caught:
        MISTAKES[says]()
    assert says in str(caught.value)
