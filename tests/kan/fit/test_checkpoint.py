"""A training that goes on from a file ends with the bits of one that never stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ascribe.errors import FileError
from ascribe.kan import KAN

SETTINGS: dict[str, dict[str, Any]] = {
    "LBFGS": {"opt": "LBFGS", "steps": 7, "lamb": 1e-3},
    "LBFGS in batches": {"opt": "LBFGS", "steps": 6, "batch": 40},
    "LM": {"opt": "LM", "steps": 7},
    "Adam": {"opt": "Adam", "steps": 40, "lamb": 1e-3, "scheduler": "cosine"},
    "Adam in batches": {"opt": "Adam", "steps": 40, "batch": 30, "validation": 0.2, "metrics": ["r2"]},
}


def waves() -> tuple[Tensor, Tensor]:
    x = 2 * torch.rand(100, 2, generator=torch.Generator().manual_seed(0)) - 1
    return x, torch.sin(2 * x[:, :1]) + x[:, 1:] ** 2


def network() -> KAN:
    kan = KAN([2, 3, 1], seed=3)
    kan.fix(0, 0, 1, "sin", [1.5, 0.1, 0.7, 0.0])
    return kan


class Killed(BaseException):
    """What no code of ours catches."""


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_an_interrupted_training_that_goes_on_ends_with_the_same_bits(name: str, tmp_path: Path):
    path, settings = tmp_path / "training.safetensors", {"progress": False, **SETTINGS[name]}
    whole, broken, resumed = network(), network(), network()
    wanted = whole.fit(waves(), **settings)

    def kill(step: int) -> None:
        if step == settings["steps"] // 2:
            raise Killed

    with pytest.raises(Killed):
        broken.fit(waves(), checkpoint=path, every=2, callback=kill, **settings)
    found = resumed.fit(waves(), resume=path, **settings)
    assert found.results == wanted.results
    assert found.best == wanted.best
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert os.listdir(tmp_path) == [path.name]


def test_a_training_goes_on_beyond_its_end(tmp_path: Path):
    path = tmp_path / "training.safetensors"
    whole, first, second = network(), network(), network()
    wanted = whole.fit(waves(), steps=5, progress=False)
    first.fit(waves(), steps=3, checkpoint=path, every=100, progress=False)
    assert second.fit(waves(), steps=5, resume=path, checkpoint=path, progress=False).results == wanted.results
    again = network().fit(waves(), steps=5, resume=path, progress=False)
    assert again.results == wanted.results


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path):
    path = tmp_path / "training.safetensors"
    x, y = waves()
    network().fit((x, y), steps=2, checkpoint=path, progress=False)
    others: list[tuple[KAN, Any, dict[str, Any]]] = [
        (network(), (x, y + 1), {}),
        (network(), (x, y), {"opt": "LM"}),
        (network(), (x, y), {"lamb": 1e-3}),
        (KAN([2, 4, 1]), (x, y), {}),
        (KAN([2, 3, 1]), (x, y), {}),
    ]
    for kan, data, settings in others:
        with pytest.raises(FileError, match="another training"):
            kan.fit(data, resume=path, progress=False, **settings)
    classes = (y[:, 0] > 0.5).long()
    KAN([2, 2]).fit((x, classes), steps=2, loss_fn="cross_entropy", checkpoint=path, progress=False)
    smooth = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    with pytest.raises(FileError, match="another training"):
        KAN([2, 2]).fit((x, classes), loss_fn=smooth, resume=path, progress=False)
    with pytest.raises(FileError, match="does not exist"):
        network().fit((x, y), resume=tmp_path / "nothing", progress=False)
    KAN([2, 1]).save(tmp_path / "kan.safetensors")
    with pytest.raises(FileError, match="holds no training"):
        network().fit((x, y), resume=tmp_path / "kan.safetensors", progress=False)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FileError, match="broken"):
        network().fit((x, y), resume=path, progress=False)
