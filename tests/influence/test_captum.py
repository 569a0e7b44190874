"""`captum.influence` and its door side by side."""

import captum.influence as captum
import pytest
import torch
from captum.influence._core.arnoldi_influence_function import ArnoldiInfluenceFunction
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ascribe.compat.captum import influence as door
from ascribe.compat.captum.influence._core.similarity_influence import cosine_similarity, euclidean_distance
from ascribe.errors import FileError, InputError, MethodError
from ascribe.influence import ExactRoot
from ascribe.influence.batches import Batches
from ascribe.influence.curvature import Curvature, krylov
from reference.influence import normal

# What Captum warns of.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Since:UserWarning", "ignore:WARNING:UserWarning", "ignore:Input Tensor", "ignore:To copy construct"
)
FORMS = {
    "none": (nn.CrossEntropyLoss(reduction="none"), {}),
    "sum": (nn.CrossEntropyLoss(reduction="sum"), {"sample_wise_grads_per_batch": True}),
    "mean": (nn.CrossEntropyLoss(reduction="mean"), {"sample_wise_grads_per_batch": True}),
}


class Examples(TensorDataset):
    pass


@pytest.fixture
def checkpoints(net, tmp_path):
    """Captum reads state_dicts without more; the learning rate is 1."""
    net.eval()
    for i in (2, 10):
        torch.save(
            {name: tensor * (1 + i / 10) for name, tensor in net.state_dict().items()}, tmp_path / f"step-{i}.pt"
        )
    return str(tmp_path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layers", [None, ["3"]])
def test_tracin(net, train, test, checkpoints, form, layers):
    loss, flag = FORMS[form]
    args = (net, TensorDataset(*train), checkpoints)
    theirs = captum.TracInCP(*args, loss_fn=loss, layers=layers, batch_size=3, **flag)
    ours = door.TracInCP(*args, loss_fn=loss, layers=layers, batch_size=3, **flag)
    torch.testing.assert_close(ours.influence(test), theirs.influence(test))
    torch.testing.assert_close(ours.self_influence(), theirs.self_influence())
    torch.testing.assert_close(ours.influence(test, aggregate=True), theirs.influence(test, aggregate=True))
    for proponents in (True, False):
        found, expected = (one.influence(test, k=2, proponents=proponents) for one in (ours, theirs))
        assert torch.equal(found.indices, expected.indices)
        torch.testing.assert_close(found.influence_scores, expected.influence_scores.double())
    for aggregate in (True, False):
        torch.testing.assert_close(
            ours.compute_intermediate_quantities(test, aggregate),
            theirs.compute_intermediate_quantities(test, aggregate),
        )


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_last_layer(net, train, test, checkpoints, reduction):
    args = (net, net[3], TensorDataset(*train), checkpoints)
    knobs = {"loss_fn": nn.CrossEntropyLoss(reduction=reduction), "batch_size": 2}
    theirs, ours = captum.TracInCPFast(*args, **knobs), door.TracInCPFast(*args, **knobs)
    torch.testing.assert_close(ours.influence(test), theirs.influence(test))
    torch.testing.assert_close(ours.self_influence(), theirs.self_influence())
    found, expected = (one.influence(test, k=3) for one in (ours, theirs))
    assert torch.equal(found.indices, expected.indices)


class Everything:
    """An index of a user's own: it looks at everything."""

    def setup(self, data):
        self.data = data

    def get_nearest_neighbors(self, query, k):
        found = (query @ self.data.T).topk(k)
        return found.indices, found.values


def test_random_projections(net, train, test, checkpoints):
    args = (net, net[3], TensorDataset(*train), checkpoints)
    loss = nn.CrossEntropyLoss(reduction="sum")
    theirs = captum.TracInCPFastRandProj(*args, loss_fn=loss, nearest_neighbors=Everything())
    for index in (None, Everything()):
        ours = door.TracInCPFastRandProj(*args, loss_fn=loss, nearest_neighbors=index)
        torch.testing.assert_close(ours.influence(test, None), theirs.influence(test, None))
        assert torch.equal(ours.influence(test, 3).indices, theirs.influence(test, 3).indices)
        torch.testing.assert_close(
            ours.compute_intermediate_quantities(test), theirs.compute_intermediate_quantities(test)
        )
    short = door.TracInCPFastRandProj(*args, loss_fn=loss, projection_dim=4)
    assert short.compute_intermediate_quantities(test).shape == (4, 2 * 4)
    with pytest.raises(MethodError, match="TracInCPFast"):
        short.self_influence()


@pytest.mark.parametrize("form", FORMS)
def test_naive_influence_functions(net, train, test, checkpoints, form):
    loss, flag = FORMS[form]
    args = (net, TensorDataset(*train), f"{checkpoints}/step-2.pt")
    knobs = {"loss_fn": loss, "batch_size": 3, "hessian_reg": 0.01, "hessian_inverse_tol": 0.1, "layers": ["0", "3"]}
    theirs = captum.NaiveInfluenceFunction(*args, **knobs, **flag)
    ours = door.NaiveInfluenceFunction(*args, **knobs, **flag)
    torch.testing.assert_close(ours.influence(test), theirs.influence(test), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ours.self_influence(), theirs.self_influence(), rtol=1e-5, atol=1e-6)
    assert torch.equal(ours.influence(test, 2).indices, theirs.influence(test, 2).indices)
    assert ours.compute_intermediate_quantities(test, aggregate=True).shape[0] == 1


def test_arnoldi_influence_functions(train, test, tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = nn.Sequential(nn.Linear(3, 2)).double().eval()
    torch.save(net.state_dict(), tmp_path / "net.pt")
    args = (net, TensorDataset(*train), str(tmp_path / "net.pt"))
    loss = nn.CrossEntropyLoss(reduction="none")
    knobs = {"loss_fn": loss, "batch_size": 7, "hessian_inverse_tol": 0.02}
    ours = door.ArnoldiInfluenceFunction(*args, **knobs, arnoldi_tol=1e-6)
    exact = door.NaiveInfluenceFunction(*args, **knobs, hessian_reg=1e-3)
    torch.testing.assert_close(ours.influence(test), exact.influence(test), rtol=1e-6, atol=1e-8)
    # Captum leaves out the last vector of the space, and draws the first parameter by parameter.
    theirs = ArnoldiInfluenceFunction(*args, **knobs, arnoldi_tol=1e-6, arnoldi_dim=4)
    expected = torch.stack([torch.cat([part.flatten() for part in column]) for column in theirs.R], 1)
    torch.manual_seed(0)
    start = torch.cat([torch.randn_like(p).flatten() for p in net.parameters()])
    curvature = Curvature(net, Batches(train), loss, None)
    basis, small = krylov(curvature.product, start, 3, 1e-6)
    found = basis @ ExactRoot(50, 1e-3, 0.02).of(small)
    torch.testing.assert_close(found @ found.T, expected @ expected.T)


@pytest.mark.parametrize("direction", ["max", "min"])
@pytest.mark.parametrize("layers", ["0", ["0", "1"]])
def test_similarity(net, direction, layers, tmp_path):
    net.eval().float()
    x, sources = normal(3, 4, 3).float(), normal(4, 8, 3).float()
    metrics = {"max": {}, "min": {"similarity_metric": euclidean_distance}}[direction]
    given = {"similarity_direction": direction, "batch_size": 2}
    theirs = captum.SimilarityInfluence(net, layers, TensorDataset(sources), str(tmp_path / "a"), **given, **metrics)
    ours = door.SimilarityInfluence(net, layers, TensorDataset(sources), str(tmp_path / "b"), **given, **metrics)
    expected = theirs.influence(x, top_k=2) if isinstance(layers, list) else None
    for again in (True, True, False):
        found = ours.influence(x, top_k=2, load_src_from_disk=again)
        for layer in ours.layers:
            if expected is not None:
                assert torch.equal(found[layer][0], expected[layer][0])
                torch.testing.assert_close(found[layer][1], expected[layer][1])
    assert {path.suffix for path in (tmp_path / "b").rglob("*") if path.is_file()} == {".safetensors", ""}


class Plain(torch.utils.data.Dataset):
    """Examples without labels."""

    def __init__(self, x):
        self.x = x

    def __getitem__(self, i):
        return self.x[i]

    def __len__(self):
        return len(self.x)


def test_examples_without_labels(net, tmp_path):
    net.eval().float()
    sources = normal(4, 8, 3).float()
    similar = door.SimilarityInfluence(net, "0", Plain(sources), str(tmp_path), batch_size=3)
    assert similar.influence(sources[:2])["0"][0].tolist() == [[0], [1]]
    with pytest.raises(InputError, match="it must be"):
        door.TracInCP(net, Plain(sources), [0], lambda model, i: 1.0).influence((sources, sources))


def test_zero_activations_are_named(tmp_path):
    x, sources = torch.eye(2), torch.tensor([[1.0, 2.0], [3.0, 1.0], [0.0, 0.0]])
    net = nn.Sequential(nn.Identity())
    similar = door.SimilarityInfluence(net, "0", TensorDataset(sources), str(tmp_path), batch_size=2)
    with pytest.warns(RuntimeWarning, match="all zeros"):
        found = similar.influence(x, top_k=3)
    assert found["zero_acts-0"].tolist() == [[0, 2], [1, 2]]
    assert found["0"][0][:, 2].tolist() == [2, 2]
    assert found["0"][1][:, 2].tolist() == [-2, -2]
    assert cosine_similarity(x, sources).shape == (2, 3)


def test_checkpoints_are_read_in_order_and_run_no_code(net, train, test, checkpoints, tmp_path):
    ours = door.TracInCP(net, train, checkpoints, loss_fn=nn.CrossEntropyLoss())
    assert [path[-5:] for path in ours.checkpoints] == ["-2.pt", "10.pt"]
    torch.save({"weights": Examples(torch.ones(1))}, tmp_path / "step-11.pt")
    with pytest.raises(FileError, match="is no state_dict of this network"):
        door.TracInCP(net, train, checkpoints, loss_fn=nn.CrossEntropyLoss()).influence(test)
    with pytest.raises(FileError, match="does not exist"):
        door.TracInCP(net, train, [checkpoints + "/none.pt"], loss_fn=nn.CrossEntropyLoss()).influence(test)
    from safetensors.torch import save_file

    save_file(dict(net.state_dict()), tmp_path / "step.safetensors")
    one = door.TracInCP(
        net, DataLoader(TensorDataset(*train), 4), [str(tmp_path / "step.safetensors")], loss_fn=nn.CrossEntropyLoss()
    )
    assert one.influence(test).shape == (4, 7)


def test_refusals(net, train, checkpoints):
    with pytest.raises(InputError, match="self_influence"):
        door.TracInCP(net, train, checkpoints).influence(None)
    with pytest.raises(MethodError, match="loss_fn was not given"):
        door.TracInCPFast(net, net[3], train, checkpoints)
    with pytest.raises(MethodError, match="similarity_direction='up'"):
        door.SimilarityInfluence(net, "0", TensorDataset(train[0]), "x", similarity_direction="up")
