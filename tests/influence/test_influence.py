"""Influence of training examples: from the papers, and what every form of it promises."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ascribe.errors import InputError, LayerError, MethodError
from ascribe.influence import (
    ExactRoot,
    InfluenceFunction,
    KrylovRoot,
    SimilarExamples,
    TracIn,
    TracInLastLayer,
    TracInProjected,
    cosine_similarity,
)
from ascribe.influence.batches import Batches
from ascribe.influence.checkpoints import checked, network
from ascribe.influence.curvature import Curvature
from ascribe.influence.gradients import ExampleGradients
from reference.influence import gradient, influence, load, normal, tracin

LOSS = nn.CrossEntropyLoss(reduction="sum")
SEEDS = [0, 1, 4]
NAMES = ["0.weight", "0.bias", "3.weight", "3.bias"]


@pytest.mark.parametrize(("layers", "names"), [(None, NAMES), (["3"], NAMES[2:]), (["3", "0"], NAMES)])
def test_tracin_from_the_paper(net, train, test, layers, names):
    found = TracIn(net, train, SEEDS, load, LOSS, layers=layers)
    expected = tracin(copy.deepcopy(net).eval(), names, LOSS, SEEDS, load, test, train)
    torch.testing.assert_close(found.scores(test), expected)
    own = tracin(copy.deepcopy(net).eval(), names, LOSS, SEEDS, load, train, train)
    torch.testing.assert_close(found.self_influence(), own.diagonal())
    torch.testing.assert_close(
        found.self_influence(test),
        found.scores(test).new_tensor(
            tracin(copy.deepcopy(net).eval(), names, LOSS, SEEDS, load, test, test).diagonal().tolist()
        ),
    )


@pytest.mark.parametrize("kind", ["set", "loader", "list"])
@pytest.mark.parametrize("memory", ["64 MiB", "300 B"])
def test_any_form_of_data_in_any_pieces(net, train, test, kind, memory):
    keep = memory == "300 B"
    whole = TracIn(net, train, SEEDS, load, LOSS).scores(test)
    data = TensorDataset(*train)
    forms = {"set": data, "loader": DataLoader(data, 3), "list": [(x[None], y[None]) for x, y in data]}
    found = TracIn(net, forms[kind], SEEDS, load, LOSS, batch_size=2, memory=memory, keep=keep)
    tests = DataLoader(TensorDataset(*test), 3)
    torch.testing.assert_close(found.scores(tests), whole)
    torch.testing.assert_close(found.scores(tests, aggregate=True), whole.sum(0, keepdim=True))
    indices, scores = found.top(tests, 3)
    torch.testing.assert_close(scores, whole.sort(dim=1, descending=True).values[:, :3])
    torch.testing.assert_close(whole.gather(1, indices), scores)
    torch.testing.assert_close(found.top(tests, 99, proponents=False).influence_scores, whole.sort(dim=1).values)


def test_the_last_layer_is_tracin_of_its_parameters(net, train, test):
    whole = TracIn(net, train, SEEDS, load, LOSS, layers=["3"])
    for loss in (LOSS, nn.CrossEntropyLoss(), nn.CrossEntropyLoss(reduction="none")):
        last = TracInLastLayer(net, net[3], train, SEEDS, load, loss)
        torch.testing.assert_close(last.scores(test), whole.scores(test))
        torch.testing.assert_close(last.self_influence(), whole.self_influence())
        assert torch.equal(last.top(test, 2).indices, whole.top(test, 2).indices)


def test_the_last_layer_need_not_be_last(train, test):
    net = nn.Sequential(nn.Linear(3, 2), nn.LogSoftmax(-1)).double()
    whole = TracIn(net, train, SEEDS, load, nn.NLLLoss())
    torch.testing.assert_close(
        TracInLastLayer(net, "0", train, SEEDS, load, nn.NLLLoss()).scores(test), whole.scores(test)
    )


def test_projections_are_exact_or_unbiased(net, train, test):
    whole = TracInLastLayer(net, "3", train, SEEDS, load, LOSS, bias=False).scores(test)
    exact = TracInProjected(net, "3", train, SEEDS, load, LOSS)
    torch.testing.assert_close(exact.scores(test), whole)
    found = exact.top(test, 3, proponents=False)
    torch.testing.assert_close(found.influence_scores, whole.sort(dim=1).values[:, :3])
    whole = TracInLastLayer(net, "3", train, SEEDS[:1], load, LOSS, bias=False).scores(test)
    draws = [
        TracInProjected(net, "3", train, [0], load, LOSS, dimensions=4, seed=s, batch_size=7).scores(test)
        for s in range(60)
    ]
    stacked = torch.stack(draws)
    assert torch.equal(TracInProjected(net, "3", train, [0], load, LOSS, dimensions=4, seed=0).scores(test), draws[0])
    assert bool(((stacked.mean(0) - whole).abs() < 4.5 * stacked.std(0) / 60**0.5).all())


def convex(train):
    """A network whose loss curves upwards everywhere."""
    net = nn.Sequential(nn.Linear(3, 2)).double()
    load(net, 3)
    return net, train, ["0.weight", "0.bias"]


def test_influence_functions_from_the_paper(train, test):
    net, train, names = convex(train)
    expected = influence(net, names, LOSS, 0.1, test, train)
    exact = InfluenceFunction(net, train, LOSS, root=ExactRoot(None, 0.1))
    torch.testing.assert_close(exact.scores(test), expected)
    torch.testing.assert_close(exact.self_influence(), influence(net, names, LOSS, 0.1, train, train).diagonal())
    mean = InfluenceFunction(net, train, nn.CrossEntropyLoss(), root=ExactRoot(None, 0.1), batch_size=3)
    torch.testing.assert_close(mean.scores(test), expected)
    loader = InfluenceFunction(net, DataLoader(TensorDataset(*train), 2), LOSS, root=ExactRoot(None, 0.1))
    torch.testing.assert_close(loader.scores(test), expected)


def test_the_krylov_root_is_the_exact_one_of_the_space_it_reaches(train, test):
    net, train, _ = convex(train)
    exact = InfluenceFunction(net, train, LOSS, root=ExactRoot(None, 1e-3, 1e-2)).scores(test)
    krylov = InfluenceFunction(net, train, LOSS, root=KrylovRoot(None, 1e-3, 1e-2, accuracy=1e-9)).scores(test)
    torch.testing.assert_close(krylov, exact, rtol=1e-6, atol=1e-8)


def test_leaving_an_example_out_is_what_an_influence_function_foretells(test):
    """Ridge regression has a loss of second degree: one Newton step is exact up to the second order in 1/n."""
    x, y = normal(5, 200, 3), normal(6, 200)
    net = nn.Linear(3, 1).double()

    def loss(output, target):
        return (output[:, 0] - target) ** 2 / 2

    def fit(keep):
        ones = torch.cat([x[keep], torch.ones(len(keep), 1)], 1).double()
        solved = torch.linalg.lstsq(ones, y[keep][:, None]).solution[:, 0]
        with torch.no_grad():
            net.weight.copy_(solved[None, :3]), net.bias.copy_(solved[3:])
        return loss(net(test[0]), test[1].double()).detach()

    rows = torch.arange(200)
    before = fit(rows)
    scores = InfluenceFunction(net, (x, y), loss, root=ExactRoot(None, 0.0)).scores((test[0], test[1].double()))
    changes = torch.stack([fit(rows[rows != i]) - before for i in range(20)], 1)
    torch.testing.assert_close(scores[:, :20], changes, rtol=0.15, atol=2e-4)


class Counting(nn.Module):
    """A network that vmap cannot take: it looks at a value."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x) * (2.0 if float(x.detach().sum()) < 1e9 else 1.0)


def test_networks_that_vmap_cannot_take_go_example_by_example(net, train):
    net.eval()
    found = ExampleGradients(Counting(net))(train, LOSS)
    expected = [gradient(Counting(net), [f"inner.{n}" for n in NAMES], LOSS, x, y) for x, y in zip(*train, strict=True)]
    torch.testing.assert_close(found, torch.stack(expected))
    counted = TracIn(Counting(net), train, SEEDS, load, LOSS).scores(train)
    with torch.no_grad():
        assert counted.shape == (7, 7)


class Sequences(nn.Module):
    def __init__(self, inner, width):
        super().__init__()
        self.inner, self.out = inner, nn.Linear(width, 2)

    def forward(self, x):
        found = self.inner(x)
        return self.out((found[0] if isinstance(found, tuple) else found).mean(1))


def networks():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        images = nn.Sequential(
            nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8, 2)
        )
        yield "images", images, torch.randn(5, 1, 3, 3)
        yield "LSTM", Sequences(nn.LSTM(2, 3, batch_first=True), 3), torch.randn(5, 4, 2)
        attention = nn.Sequential(nn.Embedding(9, 4), nn.TransformerEncoderLayer(4, 2, 4, batch_first=True))
        yield "attention", Sequences(attention, 4), torch.randint(0, 9, (5, 4))


@pytest.mark.parametrize(("net", "x"), [(net, x) for _, net, x in networks()], ids=[name for name, *_ in networks()])
def test_networks_of_all_kinds(net, x):
    net = net.double().eval()
    batch = (x.double() if x.is_floating_point() else x, torch.tensor([0, 1, 1, 0, 1]))
    names = [name for name, _ in net.named_parameters()]
    expected = [gradient(net, names, LOSS, a, b) for a, b in zip(*batch, strict=True)]
    found = ExampleGradients(net)
    torch.testing.assert_close(found(batch, LOSS), torch.stack(expected))
    curvature = Curvature(net, Batches(batch, 2), LOSS, None)
    v = normal(0, len(curvature.start))
    held = dict(net.named_parameters())
    moved = []
    for sign in (1, -1):
        steps = (sign * 1e-5 * v).split([p.numel() for p in held.values()])
        near = {n: p.detach() + s.view_as(p) for (n, p), s in zip(held.items(), steps, strict=True)}
        other = copy.deepcopy(net)
        other.load_state_dict({**net.state_dict(), **near})
        moved.append(ExampleGradients(other)(batch, LOSS).sum(0))
    torch.testing.assert_close(curvature.product(v), (moved[0] - moved[1]) / 2e-5, rtol=1e-4, atol=1e-6)


def test_without_a_loss_the_output_itself_is_followed(net, train, test):
    found = TracIn(net, train, SEEDS, load).scores(test)
    expected = tracin(copy.deepcopy(net).eval(), NAMES, lambda out, y: out.sum(), SEEDS, load, test, train)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("fails", [False, True])
def test_everything_is_given_back(net, train, test, fails):
    net.train()
    net[0].weight.requires_grad_(False)
    before = copy.deepcopy(net.state_dict())
    stream = torch.get_rng_state()
    loader = DataLoader(TensorDataset(*train), 2)

    def loading(model, seed):
        if fails and seed == 4:
            raise ZeroDivisionError
        model.train()
        return load(model, seed)

    for kind in (TracIn, lambda *a: TracInLastLayer(a[0], "3", *a[1:])):
        found = kind(net, loader, SEEDS, loading, LOSS)
        if fails:
            with pytest.raises(ZeroDivisionError):
                found.scores(test)
        else:
            found.scores(test)
        assert all(torch.equal(a, b) for a, b in zip(before.values(), net.state_dict().values(), strict=True))
        assert all(module.training for module in net.modules())
        assert [p.requires_grad for p in net.parameters()] == [False, True, True, True]
        assert all(p.grad is None for p in net.parameters())
        assert torch.equal(torch.get_rng_state(), stream)


def test_similar_examples(net):
    x, sources = normal(3, 4, 3), normal(4, 9, 3)
    for k in (1, 4, 20):
        found = SimilarExamples(net, ["0", "3:in"]).nearest(x, sources.split(2), k)
        for layer, at in (("0", net[:1]), ("3:in", net[:2])):
            with torch.no_grad():
                cosine = nn.functional.cosine_similarity(at(x)[:, None], at(sources)[None], dim=2)
            torch.testing.assert_close(found[layer].influence_scores, cosine.sort(dim=1, descending=True).values[:, :k])
            torch.testing.assert_close(cosine.gather(1, found[layer].indices), found[layer].influence_scores)
    with pytest.raises(InputError, match="a number for every two"):
        SimilarExamples(net, ["0"], lambda a, b: a).nearest(x, [sources])
    assert cosine_similarity(torch.zeros(1, 2), torch.ones(1, 2)).tolist() == [[0.0]]


def test_refusals(net, train, test):
    with pytest.raises(InputError, match="no checkpoints"):
        TracIn(net, train, [], load, LOSS)
    with pytest.raises(LayerError, match="no layer '9'"):
        TracIn(net, train, SEEDS, load, LOSS, layers=["9"])
    with pytest.raises(LayerError, match="no parameters"):
        TracIn(net, train, SEEDS, load, LOSS, layers=["1"])
    with pytest.raises(LayerError, match="is Tanh"):
        TracInLastLayer(net, "1", train, SEEDS, load, LOSS)
    with pytest.raises(MethodError, match="return the learning rate"):
        TracIn(net, train, SEEDS, lambda model, seed: None, LOSS).scores(test)
    with pytest.raises(InputError, match="shuffle=False"):
        TracIn(net, DataLoader(TensorDataset(*train), 2, shuffle=True), SEEDS, load, LOSS)
    with pytest.raises(InputError, match="iterator"):
        TracIn(net, iter([train]), SEEDS, load, LOSS)
    with pytest.raises(InputError, match="k=0"):
        TracIn(net, train, SEEDS, load, LOSS).top(test, 0)
    with pytest.raises(InputError, match="no training examples"):
        TracIn(net, TensorDataset(train[0][:0], train[1][:0]), SEEDS, load, LOSS).scores(test)
    with pytest.raises(MethodError, match="has no root"):
        TracInProjected(net, "3", train, SEEDS, lambda model, seed: -1.0, LOSS)
    with pytest.raises(MethodError, match="never forms"):
        TracInLastLayer(net, "3", train, SEEDS, load, LOSS).embeddings(test)
    with pytest.raises(MethodError, match="curves upwards"):
        InfluenceFunction(net, train, lambda out, y: out.sum(1) * 0.0)
    with pytest.raises(MethodError, match="KrylovRoot"):
        InfluenceFunction(nn.Linear(3, 6000), train, nn.CrossEntropyLoss())
    with pytest.raises(MethodError, match="rank=0"):
        ExactRoot(0)
    with pytest.raises(MethodError, match="the model is function"):
        network(lambda x: x)
    with pytest.raises(InputError, match="checkpoints=3"):
        checked(3)
    with pytest.raises(InputError, match="there are no examples"):
        TracIn(net, train, SEEDS, load, LOSS).top([], 1)
    with pytest.raises(InputError, match="no rows"):
        TracIn(net, train, SEEDS, load, LOSS).scores((test[0][:0], test[1][:0]))
    with pytest.raises(InputError, match="7 inputs and 3 targets"):
        TracIn(net, (train[0], train[1][:3]), SEEDS, load, LOSS).scores(test)
    with pytest.raises(InputError, match="test example 2 and training example 0"):
        TracIn(net, train, SEEDS, load, LOSS).scores((test[0].index_fill(0, torch.tensor(2), float("inf")), test[1]))
    with pytest.raises(IndexError):
        TracIn(net, (train[0], train[1] + 9), SEEDS, load, LOSS).scores(test)
