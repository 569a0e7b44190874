"""`captum.concept` and its door side by side, with a classifier that both are given."""

from pathlib import Path

import captum.concept as captum
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from ascribe.compat.captum import concept as door
from ascribe.compat.captum.concept._utils.common import concepts_to_str
from ascribe.compat.captum.concept._utils.data_iterator import CustomIterableDataset, dataset_to_dataloader
from ascribe.errors import InputError, MethodError


class Means:
    """The mean activation of every class: the same every time."""

    def __init__(self):
        self.seen = 0

    def train_and_eval(self, dataloader, **kwargs):
        x, y = (torch.cat(parts) for parts in zip(*dataloader, strict=True))
        self._classes = torch.unique(y).flip(0)
        self._weights = torch.stack([x[y == c].mean(0) for c in self._classes])
        self.seen += 1
        return {"accs": torch.tensor(0.5), "knobs": dict(kwargs)}

    def weights(self):
        return self._weights

    def classes(self):
        return self._classes.numpy()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.conv, self.last = nn.Conv2d(1, 2, 2), nn.Linear(8, 3)

    def forward(self, x, scale=None):
        x = torch.tanh(self.conv(x)).flatten(1)
        return self.last(x if scale is None else x * scale)


def images(seed, count=6):
    return torch.randn(count, 1, 3, 3, generator=torch.Generator().manual_seed(seed))


def sets(room):
    c = [room.Concept(i, f"c{i}", DataLoader(images(i), 4)) for i in range(4)]
    return [[c[0], c[1]], [c[2], c[0]], [c[3], c[1], c[2]]]


@pytest.mark.parametrize("at_input", [False, True])
def test_tcav(at_input, tmp_path):
    net, x = Net().eval(), images(9, 5)
    given = {"target": 1, "additional_forward_args": (2.0,)}
    found = []
    for room, folder in ((captum, "theirs"), (door, "ours")):
        tcav = room.TCAV(
            net,
            ["conv", "last"],
            classifier=Means(),
            attribute_to_layer_input=at_input,
            save_path=str(tmp_path / folder),
        )
        found.append(tcav.interpret(x, sets(room), **given))
    theirs, ours = found
    assert list(ours) == ["0-1", "2-0", "3-1-2"]
    for key, layers in ours.items():
        for layer, figures in layers.items():
            torch.testing.assert_close(figures, theirs[key][layer])


def test_vectors_are_files_that_are_read_again(tmp_path):
    net, x = Net().eval(), images(9, 5)
    classifier = Means()
    knobs = {"classifier": classifier, "save_path": str(tmp_path), "model_id": "net", "ratio": 0.2}
    first = door.TCAV(net, ["conv", "last"], **knobs).interpret(x, sets(door), target=0)
    assert classifier.seen == 6
    files = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert files[0] == "0-1-conv.safetensors"
    assert {name.rsplit(".")[-1] for name in files} == {"safetensors"}
    without = [[door.Concept(c.id, c.name, None) for c in one] for one in sets(door)]
    ids = {c.id: c for one in without for c in one}
    without = [[ids[c.id] for c in one] for one in without]
    again = door.TCAV(net, ["conv", "last"], **knobs)
    torch.testing.assert_close(again.interpret(x, without, target=0), first)
    assert classifier.seen == 6
    assert again.cavs["0-1"]["conv"].stats["knobs"] == {"ratio": 0.2}
    once = [door.Concept(7, "once", iter([images(7)])), door.Concept(8, "list", [images(8)])]
    assert list(door.TCAV(net, "conv", **knobs).compute_cavs([once])) == ["7-8"]
    classifier.seen -= 1
    forced = door.TCAV(net, "conv", **knobs)
    forced.compute_cavs(sets(door)[:1], force_train=True)
    assert classifier.seen == 7
    assert door.CAV.load(str(tmp_path), "net", without[0], "none") is None


def test_the_default_classifier_separates(tmp_path):
    net = nn.Sequential(nn.Flatten(), nn.Linear(9, 3, bias=False)).eval()
    bright = door.Concept(0, "bright", DataLoader(images(0, 40) + 2, 8))
    dark = door.Concept(1, "dark", DataLoader(images(1, 40) - 2, 8))
    with torch.no_grad():
        net[1].weight.fill_(1.0)
    tcav = door.TCAV(net, "0", save_path=str(tmp_path))
    scores = tcav.interpret(images(2), [[bright, dark]], target=0)["0-1"]["0"]
    assert scores["sign_count"].tolist() == [1, 0]
    assert float(tcav.cavs["0-1"]["0"].stats["accs"]) == 1
    weights = tcav.classifier.weights()
    torch.testing.assert_close(weights[0], -weights[1])


def test_an_attribution_takes_the_place_of_the_gradient(tmp_path):
    class Ones:
        def attribute(self, inputs, target, additional_forward_args, attribute_to_layer_input):
            return torch.ones(len(inputs), 2, 2, 2)

    own = Ones()
    net = Net().eval()
    tcav = door.TCAV(net, "conv", classifier=Means(), layer_attr_method=own, save_path=str(tmp_path))
    found = tcav.interpret(images(9), sets(door)[:1], target=0)["0-1"]["conv"]
    assert own.layer is net.conv
    stats = tcav.cavs["0-1"]["conv"].stats
    torch.testing.assert_close(found["magnitude"], stats["weights"].sum(1).flip(0))


def test_examples_from_files(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).write_text(name)
    data = CustomIterableDataset(lambda path: torch.tensor([float(ord(Path(path).read_text()))]), str(tmp_path))
    batches = list(dataset_to_dataloader(data, 2))
    assert batches[0].flatten().tolist() == [97, 98]
    assert concepts_to_str([door.Concept(2, "x", None), door.Concept(0, "y", None)]) == "2-0"


def test_refusals(tmp_path):
    net = Net()
    with pytest.raises(MethodError, match="model_id"):
        door.TCAV(net, "conv", model_id="", save_path=str(tmp_path))
    tcav = door.TCAV(net, "conv", save_path=str(tmp_path))
    with pytest.raises(InputError, match="experimental_sets"):
        tcav.interpret(images(0), [], target=0)
    with pytest.raises(InputError, match="two concepts have one id"):
        tcav.interpret(images(0), [[door.Concept(0, "a", [images(0)]), door.Concept(0, "b", [images(1)])]], target=0)
    with pytest.raises(InputError, match="no examples"):
        door.TCAV(net, "conv", save_path=str(tmp_path)).compute_cavs(
            [[door.Concept(0, "a", None), door.Concept(1, "b", None)]]
        )
    with pytest.raises(MethodError, match="train_and_eval"):
        door.DefaultClassifier().weights()
