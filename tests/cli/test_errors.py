"""Input that cannot be used gives one clear sentence on standard error, exit code 2, and no file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from ascribe.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(60, 3)), columns=["size", "age", "noise"])
    frame["price"] = frame["size"] - frame["age"]
    frame.to_csv("houses.csv", index=False)
    frame.assign(street=[f"street {i}" for i in range(60)]).to_csv("streets.csv", index=False)
    frame.head(2).to_csv("two.csv", index=False)
    frame.head(0).to_csv("empty.csv", index=False)
    frame[["price"]].to_csv("narrow.csv", index=False)
    frame.assign(price=np.nan).to_csv("nan.csv", index=False)
    pd.DataFrame({"same": [1] * 60, "price": frame["price"]}).to_csv("same.csv", index=False)
    pd.DataFrame({"name": [f"n{i}" for i in range(10_000)], "a": range(10_000)}).to_csv("names.csv", index=False)
    Path("picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    Path("nothing.csv").touch()
    Path("broken.parquet").write_bytes(b"PAR1 and no more")
    Path("ragged.csv").write_text("a,b\n1,2\n3\n")
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *tokens: str) -> str:
    """The one sentence that a refused command says."""
    before = sorted(Path().rglob("*"))
    assert main(["explain", *tokens]) == 2
    out, err = capsys.readouterr()
    last = err.strip().splitlines()[-1]
    assert not out
    assert re.fullmatch(r"ascribe: .+\.", last)
    assert "Traceback" not in err
    assert sorted(Path().rglob("*")) == before
    return last


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        (["none.csv", "--target", "price"], "there is no file none.csv"),
        (["--target", "price"], "TABLE"),
        (["houses.csv"], "--target"),
        ([".", "--target", "price"], "is a folder"),
        (["nothing.csv", "--target", "price"], "nothing.csv is empty"),
        (["empty.csv", "--target", "price"], "empty.csv is empty: it has 4 columns but no rows"),
        (["picture.csv", "--target", "price"], "picture.csv is no table"),
        (["broken.parquet", "--target", "price"], "broken.parquet is no table"),
        (["ragged.csv", "--target", "a"], "ragged.csv is no table"),
        (["narrow.csv", "--target", "price"], "has one column"),
        (["two.csv", "--target", "price"], "2 rows"),
        (["nan.csv", "--target", "price"], "without any value"),
        (["same.csv", "--target", "price"], "no column is left"),
        (["names.csv", "--target", "name"], "10,000 classes"),
        (["houses.csv", "--target", "prise"], "did you mean 'price'"),
        (["houses.csv", "--target", "price", "--drop", "sise"], "did you mean 'size'"),
        (["houses.csv", "--target", "price", "--drop", "price"], "names the target itself"),
        (["houses.csv", "--target", "price", "--drop", "size", "age", "noise"], "leaves no column"),
        (["houses.csv", "--target", "price", "--methods", "Shaply"], "did you mean Shapley"),
        (["houses.csv", "--target", "price", "--methods", "SmoothGrad"], "needs more than a name"),
        (["houses.csv", "--target", "price", "--methods", "GradCAM"], "GradCAM explains a layer"),
        (["houses.csv", "--target", "price", "--methods", "IntegratedHessians"], "explains pairs of columns"),
        (["houses.csv", "--target", "price", "--seed", "-1"], "--seed -1"),
        (["houses.csv", "--target", "price", "--seed", "x"], "--seed"),
        (["houses.csv", "--target", "price", "--colour", "red"], "--colour"),
        (["houses.csv", "--target", "price", "--task", "guess"], "--task"),
        (["houses.csv", "--target", "price", "--out", "nothing.csv"], "is a file"),
        (["houses.csv", "--target", "price", "--out", "nothing.csv/report"], "is a file"),
        (["houses.csv", "--target", "price", "--model", "none.pt2"], "there is no file none.pt2"),
        (["houses.csv", "--target", "price", "--model", "nothing.csv"], "is no torch.export program"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], tokens: list[str], says: str):
    assert says in said(capsys, *tokens)


class Two(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


@pytest.mark.filterwarnings("ignore")  # exporting warns about torch's own internals
def test_networks_that_do_not_fit(capsys: pytest.CaptureFixture[str]):
    def save(name: str, net: nn.Module, *inputs: Tensor) -> list[str]:
        rows = tuple({0: torch.export.Dim("rows")} for _ in inputs)
        torch.export.save(torch.export.export(net.eval(), inputs, dynamic_shapes=rows), name)
        return ["--target", "price", "--model", name]

    assert "has 2 inputs" in said(capsys, "houses.csv", *save("two.pt2", Two(), torch.ones(4, 3), torch.ones(4, 3)))
    wide = save("wide.pt2", nn.Linear(5, 1), torch.ones(4, 5))
    assert "takes 5 columns, but the table has 3" in said(capsys, "houses.csv", *wide)
    many = save("many.pt2", nn.Linear(3, 4), torch.ones(4, 3))
    assert "one number a row" in said(capsys, "houses.csv", *many)
    fits = save("fits.pt2", nn.Linear(4, 1), torch.ones(4, 4))
    assert "--drop 'street'" in said(capsys, "streets.csv", *fits)
    endless = nn.Linear(3, 1)
    nn.init.constant_(endless.bias, float("nan"))
    assert "gives NaN" in said(capsys, "houses.csv", *save("nan.pt2", endless, torch.ones(4, 3)))


def test_version_and_help(capsys: pytest.CaptureFixture[str]):
    assert main(["--version"]) == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", capsys.readouterr().out)
    assert main(["explain", "--help"]) == 0
    assert "--methods" in capsys.readouterr().out
