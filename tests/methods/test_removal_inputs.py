"""What takes something away from a row does so for every kind of input a model may have."""

import numpy as np
import pytest
import torch

from ascribe.core.explain import explain
from ascribe.maths.regression import Ridge
from ascribe.methods import Ablation, Lime, Occlusion, Permutation

METHODS = [Ablation(), Occlusion(2), Permutation(repeats=3), Lime(200, surrogate=Ridge(0.0))]
each_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def curved(z):
    return z[:, 0] * z[:, 1] + z[:, 2].sin() - z[:, 3]


@each_method
def test_a_tuple_and_a_dict_are_one_row_in_parts(method):
    x, background = normal(5, 4), normal(3, 4, seed=1)
    whole = explain(curved, x, method, background=background)
    parts, others = x.split([2, 2], 1), background.split([2, 2], 1)

    def joined(a, b):
        return curved(torch.cat([a, b], 1))

    pair = explain(joined, parts, method, background=others)
    named = explain(
        joined, dict(zip("ab", parts, strict=True)), method, background=dict(zip("ab", others, strict=True))
    )
    assert torch.equal(torch.cat(list(named.values.values()), 1), torch.cat(pair.values, 1))
    if not isinstance(method, Occlusion):  # a window covers a part of one input
        torch.testing.assert_close(torch.cat(pair.values, 1), whole.values)


@each_method
def test_arrays_and_plain_functions(method):
    x = normal(5, 4)
    found = explain(lambda a: np.sin(a).sum(1), x.numpy(), method)
    torch.testing.assert_close(found.values, explain(lambda z: z.sin().sum(1), x, method).values)


@each_method
def test_frames_with_words_keep_them(method):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"size": [1.0, 2.0, 3.0, 5.0], "color": ["red", "blue", "red", "green"], "floors": [1, 2, 1, 3]}
    )
    price, seen = {"red": 1.0, "blue": 10.0, "green": 100.0}, []

    def model(table):
        seen.append(table)
        return (table["size"] + table["color"].map(price) * table["floors"]).to_numpy()

    found = explain(model, frame, method, background=frame)
    assert found.values.shape == (4, 3)
    assert found.names == ("size", "color", "floors")
    assert bool(found.values.isfinite().all())
    assert bool(found.values[:, 1].any())
    assert all(set(table["color"]) <= set(price) for table in seen)
    assert {str(table["floors"].dtype) for table in seen} <= {"int64", "float64"}


@each_method
def test_ids_of_tokens_are_replaced_and_not_their_vectors(method):
    class Bag(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Embedding(20, 3, dtype=torch.float64)
            self.table.weight.data = normal(20, 3)

        def forward(self, ids):
            assert ids.dtype == torch.long
            return self.table(ids).sum((1, 2))

    bag, ids = Bag(), torch.tensor([[3, 7, 2, 2], [19, 7, 1, 5], [4, 4, 8, 11]])
    found = explain(bag, ids, method, baseline=1)
    assert found.values.shape == (3, 4)
    if isinstance(method, (Ablation, Lime)):
        worth = bag.table.weight.detach().sum(1)
        torch.testing.assert_close(found.values, worth[ids] - worth[1])


@each_method
def test_a_layer_is_taken_away_from(method):
    net = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2)).double()
    x = normal(6, 4)
    inside = explain(net, x, method, at="1", target=1, baseline=0.5)
    behind = explain(
        net[2], net[:2](x).detach(), method, target=1, baseline=net[:2](torch.full((1, 4), 0.5).double()).detach()
    )
    torch.testing.assert_close(inside.values, behind.values)


@each_method
def test_other_arguments_go_with_their_rows(method):
    x, scale = normal(5, 4), normal(5, seed=2)
    found = explain(lambda z, s: curved(z) * s, x, method, given=(scale,))
    plain = explain(curved, x, method)
    torch.testing.assert_close(found.values, plain.values * scale[:, None])


@each_method
def test_any_budget_and_dtype(method):
    x = normal(7, 4).float()
    found = explain(curved, x, method, memory="1 KB")
    assert found.values.dtype == torch.float32
    torch.testing.assert_close(found.values, explain(curved, x.double(), method).values.float(), rtol=1e-4, atol=1e-5)
