"""Concept vectors and TCAV: what they find, and what they promise."""

import copy
import math
from itertools import permutations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from ascribe.concepts import Concept, ConceptVectors, concept_vectors, tcav
from ascribe.concepts.logistic import separate
from ascribe.concepts.significance import permutation_p
from ascribe.errors import FileError, InputError, LayerError, TargetError
from ascribe.methods.saliency import Saliency


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sums(a, b):
    """Every relabelling, one by one."""
    both, observed = [*a, *b], abs(sum(a) / len(a) - sum(b) / len(b))
    found = [
        abs(sum(order[: len(a)]) / len(a) - sum(order[len(a) :]) / len(b)) >= observed - 1e-9
        for order in permutations(both)
    ]
    return sum(found) / len(found)


def test_p_values_are_the_part_of_relabellings():
    for seed in range(5):
        a, b = normal(seed, 3), normal(seed + 9, 4) + 0.8
        assert permutation_p(a, b) == pytest.approx(sums(a.tolist(), b.tolist()))
    assert permutation_p(torch.ones(3), torch.ones(3)) == 1
    assert math.isnan(permutation_p(torch.ones(1), torch.ones(3)))
    a, b = normal(0, 20), normal(1, 20)
    assert 0 < permutation_p(a, b + 50) < 2e-4
    assert permutation_p(a, b, seed=1) == permutation_p(a, b, seed=1)


def test_p_values_are_uniform_where_there_is_no_difference():
    found = torch.tensor([permutation_p(*normal(seed, 2, 6)) for seed in range(300)])
    for level in (0.05, 0.2, 0.5):
        assert abs(float((found <= level).double().mean()) - level) < 4 * (level * (1 - level) / 300) ** 0.5


@pytest.mark.parametrize("shape", [(30, 4), (12, 40)])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_separation_is_the_minimum(shape, classes):
    """Beside gradient descent on the formula itself."""
    x = normal(0, *shape)
    labels = torch.arange(shape[0]) % classes
    x[:, 0] += labels
    found = separate(x, labels, classes, 0.05)
    centred = x - x.mean(0)
    spread = centred.square().sum(1).mean()
    for c in range(classes):
        y = 2.0 * (labels == c) - 1
        w, b = found.weights[c].clone().requires_grad_(), found.offsets[c].clone().requires_grad_()
        loss = nn.functional.softplus(-y * (x @ w + b)).mean() + 0.05 / 2 * spread * w.square().sum()
        slopes = torch.autograd.grad(loss, (w, b))
        assert max(float(slope.abs().max()) for slope in slopes) < 1e-6


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(6, 8), nn.Tanh(), nn.Dropout(), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 2)
        ).double()


def examples(seed, entry=None, count=24):
    x = normal(seed, count, 6)
    if entry is not None:
        x[:, entry] += 4
    return x


def made():
    """A network whose output 0 grows with entry 0 alone, concepts of the entries 0 and 1, and random sets."""
    net = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 2)).double()
    with torch.no_grad():
        net[0].weight.copy_(torch.eye(6)), net[0].bias.zero_()
        net[1].weight.zero_()
        net[1].weight[0, 0] = 1.0
    concepts = [Concept("first", examples(1, 0)), Concept("second", DataLoader(examples(2, 1), 5))]
    return net, concepts, [Concept(f"random {i}", examples(10 + i)) for i in range(12)]


def test_a_concept_that_counts_is_told_from_one_that_does_not():
    net, concepts, random = made()
    rows = tcav(net, normal(5, 40, 6), concepts, random, at=["0", "1:in"], target=0).table
    assert [(row["layer"], row["concept"]) for row in rows] == [
        ("0", "first"), ("0", "second"), ("1:in", "first"), ("1:in", "second")
    ]  # fmt: skip
    first, second = rows[0], rows[1]
    assert (first["score"], first["error"]) == (1, 0)
    assert first["slope"] == pytest.approx(1, abs=0.2)
    assert first["p"] < 0.05 < second["p"]
    assert min(first["accuracy"], second["accuracy"]) > 0.9
    assert abs(second["slope"]) < 0.4
    assert "first" in repr(tcav(net, normal(5, 4, 6), concepts, random[:1], at="0", target=0))
    alone = tcav(net, normal(5, 4, 6), concepts, random[:1], at="0", target=0).table[0]
    assert math.isnan(alone["p"])


def test_the_formula():
    """One concept, one random set: the part of rows whose gradient points the vector's way."""
    net, x = network(), normal(3, 9, 6)
    pair = [Concept("c", examples(1, 0)), Concept("r", examples(2))]
    row = tcav(net, x, pair[:1], pair[1:], at="1", target=1, seed=4).table[0]
    vectors = concept_vectors(net, pair, "1", seed=4)["1"]
    h = net[:2](x).detach().requires_grad_()
    net.eval()
    (slope,) = torch.autograd.grad(net[2:](h)[:, 1].sum(), h)
    growth = slope @ vectors.of("c")
    assert row["score"] == pytest.approx(float((growth > 0).double().mean()))
    assert row["slope"] == pytest.approx(float(growth.mean()))
    torch.testing.assert_close(vectors.vectors.norm(dim=1), torch.ones(2).double())
    torch.testing.assert_close(vectors.of("c"), -vectors.of("r"))
    by_module = tcav(net, x, pair[:1], pair[1:], at=net[1], target=1, seed=4).table[0]
    assert (by_module["layer"], by_module["slope"]) == ("1", row["slope"])
    by_method = tcav(net, x, pair[:1], pair[1:], at="1", target=1, seed=4, method=Saliency()).table[0]
    assert by_method["slope"] == pytest.approx(row["slope"])


def test_vectors_come_back_from_their_file(tmp_path):
    net = network()
    pair = [Concept("c", examples(1, 0)), Concept("r", examples(2)), Concept("s", examples(3, 2))]
    found = concept_vectors(net, pair, ["0", "3"])["3"]
    found.save(tmp_path / "c.safetensors")
    again = ConceptVectors.load(tmp_path / "c.safetensors")
    assert torch.equal(again.vectors, found.vectors)
    assert (again.concepts, again.layer, again.accuracy) == (("c", "r", "s"), "3", found.accuracy)
    with pytest.raises(FileError, match="does not exist"):
        ConceptVectors.load(tmp_path / "none")
    torch.save({"weights": 1}, tmp_path / "pickle.pt")
    with pytest.raises(FileError, match="broken"):
        ConceptVectors.load(tmp_path / "pickle.pt")
    with pytest.raises(FileError, match="cannot be written"):
        found.save(tmp_path / "no" / "c.safetensors")


def test_everything_is_given_back():
    net = network().train()
    net[0].weight.requires_grad_(False)
    before, stream = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    loaders = [Concept(name, DataLoader(examples(i), 7, shuffle=True)) for i, name in enumerate("abc")]
    tcav(net, normal(5, 4, 6), loaders[:1], loaders[1:], at="1", target=0)
    with pytest.raises(LayerError):
        tcav(net, normal(5, 4, 6), loaders[:1], loaders[1:], at="9", target=0)
    assert all(module.training for module in net.modules())
    assert [p.requires_grad for p in net.parameters()] == [False, True, True, True, True, True]
    assert all(torch.equal(a, b) for a, b in zip(before.values(), net.state_dict().values(), strict=True))
    assert torch.equal(torch.get_rng_state(), stream)


def test_refusals():
    net, concepts, random = made()
    x = normal(5, 4, 6)
    with pytest.raises(InputError, match="1 concepts and 0 random sets"):
        tcav(net, x, concepts[:1], [], at="0", target=0)
    with pytest.raises(InputError, match="name of its own"):
        tcav(net, x, concepts[:1], concepts[:1], at="0", target=0)
    with pytest.raises(TargetError, match="one output"):
        tcav(net, x, concepts, random, at="0", target="all")
    with pytest.raises(InputError, match="pass a tensor"):
        tcav(net, x, [Concept("once", iter([x]))], random, at="0", target=0)
    with pytest.raises(InputError, match="no examples"):
        tcav(net, x, [Concept("none", [])], random, at="0", target=0)
    with pytest.raises(InputError, match="at least two"):
        concept_vectors(net, concepts[:1], "0")
    with pytest.raises(InputError, match="does not run on a batch"):
        tcav(net, x, [Concept("wide", torch.ones(3, 9).double())], random, at="0", target=0)
    with pytest.raises(InputError, match="NaN or infinity for example 0"):
        tcav(net, x, [Concept("none", x * float("nan"))], random, at="0", target=0)
    assert tcav(net, x, [Concept("one", x[:1])], [Concept("other", x[1:2])], at="0", target=0).table[0]["accuracy"] == 1
    with pytest.raises(InputError, match="no concept 'x'"):
        concept_vectors(net, concepts, "0")["0"].of("x")
