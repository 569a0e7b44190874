"""Versions in a folder: one file each, whole or not there, read back by another process, never overwritten."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from ascribe.errors import FileError, InputError
from ascribe.kan import KAN


def data() -> tuple[torch.Tensor, torch.Tensor]:
    x = 2 * torch.rand(60, 2, generator=torch.Generator().manual_seed(0)) - 1
    return x, x[:, :1] ** 2 + x[:, 1:]


def trained(folder: Path) -> KAN:
    kan = KAN([2, 3, 1], ckpt_path=folder)
    kan.fit(data(), steps=2, progress=False)
    kan.fix(0, 0, 0, "x^2", [1.0, 0.0, 1.0, 0.0])
    kan.log_history("fix")
    return kan


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_construction_writes_nothing_and_every_step_one_file(tmp_path: Path):
    folder = tmp_path / "deep" / "model"
    kan = KAN([2, 3, 1], ckpt_path=folder)
    assert not folder.exists()
    assert kan.ckpt_path == folder
    kan.fit(data(), steps=2, progress=False)
    small = kan.prune(0.0, 0.0)
    assert files(folder) == [f"0.{n}.safetensors" for n in range(3)]
    assert kan.history == ["0.0 KAN", "0.1 fit"]
    assert small.history == ["0.0 KAN", "0.1 fit", "0.2 prune"]


def test_a_version_comes_back_in_another_process(tmp_path: Path):
    kan = trained(tmp_path)
    x, _ = data()
    wanted = {name: kan.checkout(name)(x).tolist() for name in ("0.0", "0.1", "0.2")}
    program = """
import json, sys, torch
from ascribe.kan import KAN
folder, rows = sys.argv[1], torch.tensor(json.loads(sys.argv[2]))
newest = KAN.load(folder)
fresh = KAN([2, 3, 1], ckpt_path=folder)
print(json.dumps({
    "history": newest.history,
    "mode": newest.mode(0, 0, 0),
    "newest": newest(rows).tolist(),
    "kept": {name: newest.checkout(name)(rows).tolist() for name in ("0.0", "0.1", "0.2")},
    "fresh": fresh.rewind("0.1").history,
    "same": fresh.rewind("0.1")(rows).tolist(),
}))
"""
    answer = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), json.dumps(x.tolist())],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(answer.stdout)
    assert found["history"] == ["0.0 KAN", "0.1 fit", "0.2 fix"]
    assert found["mode"] == "s"
    assert found["newest"] == wanted["0.2"]
    assert found["kept"] == wanted
    assert found["same"] == wanted["0.1"]
    assert found["fresh"] == ["0.0 KAN", "0.1 fit", "2.1 rewind 0.1"]


def test_nothing_is_overwritten(tmp_path: Path):
    kan = trained(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    branch = kan.rewind("0.1")
    branch.log_history("here")
    kan.log_history("there")
    kan.copy().log_history("copy")
    other = KAN([2, 1], ckpt_path=tmp_path)
    other.fit(data(), steps=1, progress=False)
    assert branch.history[-2:] == ["0.2 fix", "1.2 here"]
    assert (kan.versions.name, other.history) == ("0.3", ["2.0 KAN", "2.1 fit"])
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert files(tmp_path) == [
        f"{name}.safetensors" for name in ("0.0", "0.1", "0.2", "0.3", "0.4", "1.2", "2.0", "2.1")
    ]
    assert KAN.load(tmp_path).history == other.history


def test_versions_in_memory_move_to_a_folder(tmp_path: Path):
    kan = KAN([2, 3, 1])
    x, y = data()
    kan.fit((x, y), steps=1, progress=False)
    before = kan.checkout("0.0")(x)
    kan.ckpt_path = tmp_path
    assert files(tmp_path) == ["0.0.safetensors", "0.1.safetensors"]
    assert torch.equal(kan.checkout("0.0")(x), before)
    kan.ckpt_path = None
    kan.log_history("alone")
    assert len(files(tmp_path)) == 2
    assert torch.equal(kan.checkout("0.0")(x), before)


def test_a_version_is_a_file_like_any_other_and_holds_no_data(tmp_path: Path):
    kan = trained(tmp_path)
    path = tmp_path / "0.2.safetensors"
    x, _ = data()
    assert torch.equal(KAN.load(path)(x), kan(x))
    assert KAN.load(path).history == ["0.0 KAN"]
    with safe_open(path, "pt") as file:
        assert set(file.keys()) == set(kan.state_dict())
        story = json.loads(file.metadata()["network"])["version"]
    assert story == {"made_by": "fix", "before": [["0.0", "KAN"], ["0.1", "fit"]], "number": 2}


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path):
    kan = trained(tmp_path / "model")
    with pytest.raises(InputError, match=r"'3\.1' is not kept; there are 0\.0, 0\.1, 0\.2"):
        kan.checkout("3.1")
    (tmp_path / "model" / "0.1.safetensors").write_bytes(b"nothing")
    with pytest.raises(FileError, match=r"0\.1\.safetensors is broken"):
        kan.checkout("0.1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="holds no version"):
        KAN.load(tmp_path / "empty")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be made"):
        KAN([2, 1], ckpt_path=tmp_path / "file" / "model").log_history("fit")
