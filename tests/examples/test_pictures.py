"""The picture examples run, write what they say, and show what a trained network has learnt."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits

from ascribe.core.explain import explain
from ascribe.methods.ablation import Ablation
from ascribe.methods.integrated_gradients import IntegratedGradients

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module


def test_the_names_and_sizes_of_the_shared_weights(example):
    state = example("resnet18").resnet18().state_dict()
    assert len(state) == 122
    assert sum(p.numel() for p in example("resnet18").resnet18().parameters()) == 11_689_512
    for name, shape in {
        "conv1.weight": (64, 3, 7, 7),
        "layer1.0.bn2.running_var": (64,),
        "layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "layer4.1.bn2.num_batches_tracked": (),
        "fc.bias": (1000,),
    }.items():
        assert tuple(state[name].shape) == shape


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Scikit-learn's digits as images of 32 x 32 in three equal channels, from 0 to 1."""
    data = load_digits()
    images = torch.from_numpy(data.images / 16).float()[:, None]
    return images.repeat_interleave(4, 2).repeat_interleave(4, 3).expand(-1, 3, -1, -1), torch.from_numpy(data.target)


@pytest.fixture(scope="module")
def trained():
    """A narrow ResNet-18 after some seconds on the digits."""
    import sys

    sys.path.insert(0, str(EXAMPLES))
    resnet18 = importlib.import_module("resnet18").resnet18
    sys.path.remove(str(EXAMPLES))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = resnet18(classes=10, width=8).train()
        x, y = digits()
        optimiser = torch.optim.Adam(net.parameters(), 3e-3)
        for step in range(60):
            piece = torch.arange(64 * step, 64 * (step + 1)) % 1500
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(x[piece]), y[piece]).backward()
            optimiser.step()
    return net.eval()


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_weights_are_read_by_path(example, trained, tmp_path, suffix):
    path = tmp_path / f"digits{suffix}"
    save = save_file if suffix == ".safetensors" else torch.save
    save(trained.state_dict(), path)
    again = example("resnet18").resnet18(path, classes=10, width=8)
    x = digits()[0][:4]
    with torch.no_grad():
        assert torch.equal(again(x), trained(x))


def test_a_trained_network_is_explained(trained):
    x, y = digits()
    x, y = x[1500:1508], y[1500:1508]
    with torch.no_grad():
        assert float((trained(x).argmax(1) == y).float().mean()) > 0.6
    a = explain(trained, x, IntegratedGradients(), target="predicted")
    assert (a.gap.abs() <= 0.02 * (a.output - a.reference).abs() + 1e-3).all()
    # paper has the baseline's own value and cannot matter
    assert float(a.values[x == 0].abs().max()) == 0
    blocks = torch.arange(32)[:, None] // 8 * 4 + torch.arange(32) // 8
    groups = explain(trained, x, Ablation(), target="predicted", groups=blocks)
    ax = groups.plot.image(0, segments=blocks)
    assert np.isin(np.asarray(ax.images[-1].get_array()), groups.values[0].double().numpy()).all()


def test_the_cat(example, tmp_path):
    found = example("image_cat").main(None, tmp_path, quick=True)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"cat.png", "cat.html", *(f"cat_{name}.png" for name in found)}
    assert all(bool(a.values.isfinite().all()) for a in found.values())
    assert "data:image/png" in (tmp_path / "cat.html").read_text()


def test_the_reviews(example, tmp_path):
    shown = example("text_sentiment").main(tmp_path, quick=True)
    assert shown["accuracy"] > 0.95
    assert {path.name for path in tmp_path.iterdir()} == {"sentiment.png", "sentiment.html"}
    for a in shown["attributions"]:
        strongest = [words[i] for words, i in zip(shown["tokens"], a.values.abs().argmax(1).tolist(), strict=True)]
        assert strongest == ["wonderful", "awful", "not"]
        assert (a.gap.abs() <= 0.02 * (a.output - a.reference).abs()).all()
