"""Groups as users give them: for each of several inputs, broadcast to a row, and different in every row."""

import numpy as np
import pytest
import torch
from captum import attr as captum

from ascribe.core.explain import explain
from ascribe.core.grouping import grouped
from ascribe.errors import InputError
from ascribe.maths.proximity import Euclidean
from ascribe.maths.regression import Ridge
from ascribe.methods import Ablation, InputXGradient, Lime, Permutation, Saliency, Shapley


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def bent(z):
    flat = z.flatten(1)
    return flat[:, :1] * (1 + flat[:, 1:2].tanh()) + flat[:, 2:].square().sum(1, keepdim=True)


METHODS = [Ablation(), Shapley(), InputXGradient()]
# Three players, of which the second row has only two, in other places.
IDS = torch.tensor([[4, 4, 7, 9], [9, 9, 4, 4], [7, 4, 9, 4]])


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@pytest.mark.parametrize("target", [0, "all"])
def test_groups_that_differ_between_rows(method, target):
    x, background = normal(3, 4), normal(1, 4, seed=1)

    def model(z):
        return torch.cat([bent(z), z.prod(1, keepdim=True)], 1)

    a = explain(model, x, method, target=target, groups=IDS, background=background)
    assert a.names == ("group 4", "group 7", "group 9")
    for row in range(3):
        alone = explain(model, x[[row]], method, target=target, groups=IDS[row], background=background)
        for name in a.names:
            found = a.values[..., row, a.names.index(name)]
            if name in alone.names:
                torch.testing.assert_close(found, alone.values[..., 0, alone.names.index(name)])
            else:
                assert bool((found.abs() < 1e-12).all())


@pytest.mark.parametrize("target", [0, "all"])
def test_lime_in_groups_that_differ_between_rows(target):
    x, background = normal(3, 4), normal(2, 4, seed=1)
    # The players come in the same order in every row, so that a row alone meets the same coalitions.
    ids = torch.tensor([[4, 4, 7, 9], [4, 7, 7, 9], [4, 7, 9, 9]])
    net, method = torch.nn.Linear(4, 2).double(), Lime(64, Euclidean(3.0, of="entries"), Ridge(0.1))
    found = explain(net, x, method, target=target, groups=ids, background=background)
    for row in range(3):
        alone = explain(net, x[[row]], method, target=target, groups=ids[row], background=background)
        torch.testing.assert_close(found.values[..., row, :], alone.values[..., 0, :])


def test_groups_that_differ_between_rows_in_captum():
    x = normal(3, 4)
    found = explain(bent, x, Ablation(), groups=IDS, baseline=0.5)
    expected = captum.FeatureAblation(bent).attribute(x, baselines=0.5, feature_mask=IDS)
    torch.testing.assert_close(
        found.values.gather(1, torch.tensor([[0, 0, 1, 2], [2, 2, 0, 0], [1, 0, 2, 0]])), expected
    )


def test_permutation_in_groups_that_differ_between_rows():
    x = normal(3, 4)
    rolled = {"repeats": 1, "shuffle": lambda z, mask: torch.where(mask, z.roll(1, 0), z)}
    found = explain(bent, x, Permutation(**rolled), groups=IDS)
    for row, player in ((0, 4), (1, 9), (2, 7)):
        mixed = torch.where(IDS[row] == player, x[row - 1], x[row])
        lost = bent(x[[row]]) - bent(mixed[None])
        assert found.values[row, found.names.index(f"group {player}")] == pytest.approx(float(lost))
    assert explain(bent, x, Permutation(), groups=IDS).values.shape == (3, 3)


def test_one_group_in_several_inputs_is_one_player():
    inputs = (normal(3, 2), normal(3, 2, 2, seed=1))
    masks = (torch.tensor([0, 1]), torch.tensor([[1, 2], [2, 3]]))

    def model(a, b):
        return bent(torch.cat([a, b.flatten(1)], 1))

    found = explain(model, inputs, Ablation(), groups=masks, baseline=(0.1, -0.2))
    assert found.names == ("group 0", "group 1", "group 2", "group 3")
    batched = tuple(mask[None] for mask in masks)
    expected = captum.FeatureAblation(model).attribute(inputs, baselines=(0.1, -0.2), feature_mask=batched)
    torch.testing.assert_close(found.values[:, masks[0]], expected[0])
    torch.testing.assert_close(found.values[:, masks[1]], expected[1])
    for same in (batched, list(masks), torch.tensor([0, 1, 1, 2, 2, 3])):
        assert torch.equal(explain(model, inputs, Ablation(), groups=same, baseline=(0.1, -0.2)).values, found.values)
    named = explain(
        lambda a, b: model(a, b), {"a": inputs[0], "b": inputs[1]}, Ablation(),
        groups={"a": masks[0].numpy(), "b": masks[1]}, baseline={"a": 0.1, "b": -0.2},
    )  # fmt: skip
    assert torch.equal(named.values, found.values)


def test_several_inputs_of_which_one_differs_between_rows():
    inputs = (normal(3, 2), normal(3, 4, seed=1))

    def model(a, b):
        return bent(torch.cat([b, a], 1))

    found = explain(model, inputs, Ablation(), groups=(torch.tensor([5, 9]), IDS))
    joined = explain(
        bent, torch.cat([inputs[1], inputs[0]], 1), Ablation(), groups=torch.cat([IDS, torch.tensor([[5, 9]] * 3)], 1)
    )
    for name in found.names:
        place = joined.names.index(name)
        torch.testing.assert_close(found.values[:, found.names.index(name)], joined.values[:, place])


def test_a_dict_of_lists_is_no_dict_of_inputs():
    inputs = {"a": normal(3, 2), "b": normal(3, 2, seed=1)}

    def model(a, b):
        return bent(torch.cat([a, b], 1))

    found = explain(model, inputs, Ablation(), groups={"a": [0, 3], "b": [1, 2]})
    assert found.names == ("a", "b")


def test_ids_of_an_image_serve_all_its_channels():
    x = normal(2, 3, 2, 2)
    ids = torch.tensor([[0, 1], [1, 0]])
    found = explain(bent, x, Ablation(), groups=ids)
    assert torch.equal(found.values, explain(bent, x, Ablation(), groups=ids.expand(3, 2, 2)).values)
    own = torch.stack([ids, 1 - ids])[:, None]
    assert torch.equal(explain(bent, x, Ablation(), groups=own).values[0], found.values[0])


def test_groups_at_a_layer():
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).double()
    found = explain(net, normal(2, 4), Ablation(), at="1", groups=torch.tensor([[0, 0, 1], [1, 0, 0]]))
    assert found.values.shape == (2, 2)


def test_token_ids_in_groups_that_differ_between_rows():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.EmbeddingBag(9, 3, mode="sum"), torch.nn.Linear(3, 1)).double()
    ids, groups = torch.tensor([[1, 2, 3], [4, 5, 6]]), torch.tensor([[0, 0, 1], [1, 0, 1]])
    net = torch.nn.Sequential(torch.nn.Embedding(9, 3), torch.nn.Flatten(), torch.nn.Linear(9, 1)).double()
    found = explain(net, ids, InputXGradient(), groups=groups).values
    each = explain(net, ids, InputXGradient()).values
    torch.testing.assert_close(found[0], torch.stack([each[0, :2].sum(), each[0, 2]]))
    torch.testing.assert_close(found[1], torch.stack([each[1, 1], each[1, 0] + each[1, 2]]))


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (torch.zeros(5, 4, dtype=torch.long), r"shape \(5, 4\).* of shape \(3, 4\) for groups that differ"),
        (torch.zeros(3, 4), "float32"),
        (torch.tensor(1), r"shape \(\)"),
        ([0, 1, 2], r"shape \(3,\)"),
    ],
)
def test_ids_that_do_not_fit(groups, words):
    with pytest.raises(InputError, match=words):
        explain(bent, normal(3, 4), Saliency(), groups=groups)


def test_ids_of_one_of_several_inputs_that_do_not_fit():
    with pytest.raises(InputError, match=r"groups\['b'\] has shape \(3,\)"):
        explain(
            lambda a, b: a.sum(1) + b.sum(1), {"a": normal(3, 2), "b": normal(3, 2)}, Ablation(),
            groups={"a": np.array([0, 1]), "b": np.array([0, 1, 2])},
        )  # fmt: skip


def test_players_are_numbered_in_the_order_of_the_entries():
    players = grouped([[5, 3], [3, -1]], (2, 2), list("abcd"))
    assert players.ids.tolist() == [[0, 1], [1, 2]]
    assert players.names == ("group 5", "group 3", "group -1")
