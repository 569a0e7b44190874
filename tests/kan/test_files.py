"""One file, written whole, read without running anything."""

from __future__ import annotations

import json
import os
import pickle
import struct

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ascribe.errors import FileError
from ascribe.kan import KAN


def network():
    kan = KAN([4, [3, 1], 1], mult_arity=3, grid=4, k=2, base_fun="identity", extrapolate="zero", dtype=torch.float64)
    x = torch.rand(60, 4, dtype=torch.float64)
    kan.remember(x)
    return kan.prune(0.0, 0.0).prune_input(active_inputs=[0, 3]).refine([5, 6]), x


def test_it_comes_back_as_it_was(tmp_path):
    kan, x = network()
    kan.save(tmp_path / "net.safetensors")
    back = KAN.load(tmp_path / "net.safetensors")
    assert torch.equal(back(x), kan(x))
    assert (back.width, back.arity, back.grid, back.k) == (kan.width, kan.arity, kan.grid, kan.k)
    assert back.input_id.tolist() == [0, 3]
    assert back.layers[0].extrapolate == "zero"
    assert [p.requires_grad for p in back.parameters()] == [p.requires_grad for p in kan.parameters()]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.safetensors"]


def test_numpy_settings_can_be_saved(tmp_path):
    kan = KAN([2, 3, 1], grid=np.int64(4), grid_range=np.array([-2.0, 2.0]))
    kan.save(tmp_path / "net.safetensors")
    assert KAN.load(tmp_path / "net.safetensors").grid == [4, 4]


def test_no_data_is_written(tmp_path):
    kan, _ = network()
    kan.save(tmp_path / "net.safetensors")
    with safe_open(tmp_path / "net.safetensors", "pt") as file:
        header = json.loads(file.metadata()["network"])
        assert set(file.keys()) == set(kan.state_dict())
    assert header["columns"] == 4
    assert (tmp_path / "net.safetensors").stat().st_size < 20_000


def test_an_existing_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "net.safetensors"
    KAN([2, 1]).save(path)
    KAN([3, 1]).save(path)
    assert KAN.load(path).columns == 3


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(FileError, match="is a folder or a device"):
        KAN([2, 1]).save(tmp_path)
    with pytest.raises(FileError, match="is a folder or a device"):
        KAN([2, 1]).save(os.devnull)
    assert not os.path.isfile(os.devnull)
    with pytest.raises(FileError, match="cannot be written"):
        KAN([2, 1]).save(tmp_path / "nowhere" / "net.safetensors")


def _pickle(path):
    path.write_bytes(pickle.dumps({"a": 1}))


def _empty(path):
    path.write_bytes(b"")


def _truncated(path):
    KAN([2, 1]).save(path)
    path.write_bytes(path.read_bytes()[:-40])


def _other(path):
    save_file({"a": torch.zeros(2)}, path)


def _misspelt(path):
    KAN([2, 1]).save(path)
    with safe_open(path, "pt") as file:
        tensors, about = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118 - no dict
    save_file({**tensors, "_spelt": torch.ones(3, dtype=torch.uint8)}, path, about)


def _header(change):
    def write(path):
        KAN([2, 1]).save(path)
        data = path.read_bytes()
        (size,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + size])
        about = json.loads(header["__metadata__"]["network"])
        header["__metadata__"]["network"] = change(about)
        text = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])

    return write


@pytest.mark.parametrize(
    "write",
    [
        _pickle,
        _empty,
        _truncated,
        _other,
        _misspelt,
        # No network of that size is made to find that it does not fit.
        _header(lambda about: json.dumps({**about, "grid": [10**15]})),
        _header(lambda about: json.dumps({**about, "width": [[2, 0], [10**15, 0]]})),
        _header(lambda about: json.dumps({**about, "columns": 1})),
        _header(lambda about: "{"),
        _header(lambda about: json.dumps({**about, "width": [5, 1]})),
        _header(lambda about: json.dumps({**about, "width": "x"})),
        _header(lambda about: json.dumps({**about, "dtype": "load"})),
        _header(lambda about: json.dumps({**about, "surprise": 1})),
        _header(lambda about: json.dumps([])),
        lambda path: None,
    ],
)
def test_a_broken_file_is_one_sentence(write, tmp_path):
    path = tmp_path / "net.safetensors"
    write(path)
    with pytest.raises(FileError) as raised:
        KAN.load(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
