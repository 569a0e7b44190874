"""A network from a .pt2 file computes what it computed, and a file that wants more than that is refused."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ascribe.errors import FileError
from ascribe.report.program_file import read_program

pytestmark = pytest.mark.filterwarnings("ignore")  # exporting warns about torch's own internals


class Mixed(nn.Module):
    """As many kinds of argument as fit: a list in, a tuple and a list out, infinities, a constant, a size."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(10, 2)
        self.recurrent = nn.LSTM(4, 5, batch_first=True)
        self.register_buffer("centre", torch.tensor([1.0, 2.0, 3.0]), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.nn.functional.gelu(self.norm(self.first((x - self.centre) / torch.tensor([2.0, 2.0, 1.0]))))
        states, _ = self.recurrent(hidden.view(-1, 2, 4))
        half = torch.split(hidden, 4, dim=1)[0]
        top = torch.cat([half, half], dim=1).max(dim=1).values[:, None].clamp(min=-float("inf"), max=1.0)
        return self.last(states.flatten(1)) * top + half[:, :2] / x.shape[1]


def export(net: nn.Module, path: Path, *inputs: Tensor, rows: bool = True) -> Path:
    sizes = tuple({0: torch.export.Dim("rows")} for _ in inputs) if rows else None
    torch.export.save(torch.export.export(net, inputs, dynamic_shapes=sizes), path)
    return path


@pytest.mark.parametrize("any_rows", [True, False])
@pytest.mark.parametrize("rows", [1, 5, 12])
def test_a_program_computes_what_its_network_computes(tmp_path: Path, rows: int, any_rows: bool):
    net = Mixed().eval()
    program = read_program(export(net, tmp_path / "net.pt2", torch.randn(5, 3), rows=any_rows))
    x = torch.randn(rows, 3, requires_grad=True)
    torch.testing.assert_close(program(x), net(x))
    expected, got = (torch.autograd.grad(f(x).sum(), x)[0] for f in (net, program))
    torch.testing.assert_close(got, expected)
    assert program.columns == 3
    assert {name for name in net.state_dict() if "batches" not in name} <= program.tensors().keys()


def test_what_is_given_is_not_changed(tmp_path: Path):
    program = read_program(export(nn.Sequential(nn.ReLU(inplace=True)), tmp_path / "net.pt2", torch.randn(5, 3)))
    x = -torch.ones(2, 3)
    assert program(x).sum() == 0
    assert (x == -1).all()


class TwoInputs(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class TwoOutputs(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x + 1, x


@pytest.mark.parametrize(
    ("net", "inputs", "says"),
    [
        (TwoInputs(), [torch.ones(4, 3), torch.ones(4, 3)], "has 2 inputs"),
        (TwoOutputs(), [torch.ones(4, 3)], "has 2 outputs"),
        (nn.ReLU(), [torch.ones(4, 3, 2)], "shape anyx3x2"),
        (nn.Embedding(5, 2), [torch.ones(4, 3, dtype=torch.int64)], "reads torch.int64"),
        (nn.Sequential(nn.Linear(3, 3), nn.Dropout()), [torch.ones(4, 3)], r"call net.eval\(\)"),
    ],
)
def test_networks_that_do_not_fit(tmp_path: Path, net: nn.Module, inputs: list[Tensor], says: str):
    with pytest.raises(FileError, match=says):
        read_program(export(net, tmp_path / "net.pt2", *inputs))


def changed(source: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of an archive with its members changed, or left out."""
    path = source.with_name("changed.pt2")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.namelist():
            if (content := change(member, old.read(member))) is not None:
                new.writestr(member, content)
    return path


class Bomb:
    def __reduce__(self) -> Any:
        return (open, ("/tmp/ascribe-was-here", "w"))


@pytest.mark.parametrize(
    "target",
    ["torch.load", "torch.ops.load_library", "torch.ops.aten.from_file.default", "_operator.methodcaller",
     "torch.ops.higher_order.cond", "torch.ops.mylib.custom.default", "math.__loader__", "os.system",
     "torch.sym_int.__globals__", "torch.ops.aten.rand.default"],
)  # fmt: skip
def test_calls_that_do_more_than_compute_are_refused(tmp_path: Path, target: str):
    def retarget(member: str, content: bytes) -> bytes:
        return content.replace(b"torch.ops.aten.relu.default", target.encode()) if "model.json" in member else content

    path = changed(export(nn.ReLU(), tmp_path / "net.pt2", torch.ones(4, 3)), retarget)
    with pytest.raises(FileError, match="is not read from a file"):
        read_program(path)


def test_pickles_are_never_opened(tmp_path: Path):
    source = export(nn.Linear(3, 1), tmp_path / "net.pt2", torch.ones(4, 3))
    bomb = pickle.dumps(Bomb())
    harmless = changed(source, lambda member, content: bomb if "sample_inputs" in member else content)
    assert read_program(harmless)(torch.ones(2, 3)).shape == (2, 1)

    def pickled(member: str, content: bytes) -> bytes:
        return content.replace(b'"use_pickle": false', b'"use_pickle": true') if "config" in member else content

    with pytest.raises(FileError, match="pickled weights"):
        read_program(changed(source, pickled))


@pytest.mark.parametrize("content", [b"", b"not a zip", pickle.dumps(Bomb())])
def test_files_that_are_no_programs(tmp_path: Path, content: bytes):
    path = tmp_path / "net.pt2"
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"is no torch\.export program"):
        read_program(path)
    with pytest.raises(FileError, match="there is no file"):
        read_program(tmp_path / "none.pt2")


def test_weights_alone_are_no_program(tmp_path: Path):
    torch.save(nn.Linear(3, 1).state_dict(), tmp_path / "weights.pt2")
    with pytest.raises(FileError, match=r"torch\.export\.save"):
        read_program(tmp_path / "weights.pt2")


def test_a_truncated_graph_is_no_program(tmp_path: Path):
    source = export(nn.Linear(3, 1), tmp_path / "net.pt2", torch.ones(4, 3))

    def emptied(member: str, content: bytes) -> bytes:
        if not member.endswith("model.json"):
            return content
        graph = json.loads(content)
        del graph["graph_module"]["graph"]["nodes"]
        return json.dumps(graph).encode()

    with pytest.raises(FileError, match=r"is no torch\.export program"):
        read_program(changed(source, emptied))
