"""The command as people type it: files, figures, the same bits again, and an interruption that leaves nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open

from ascribe.cli import main
from ascribe.kan.network import KAN
from ascribe.report.conduct import Settings
from ascribe.report.trials import Training
from ascribe.report.write import replacing

QUICK = Settings(
    explained=8,
    background=8,
    training=Training(hidden=(0,), strengths=(1e-2,), grids=(3,), stretches=(1, 1), glance=1, again=(1,), bootstrap=5),
)
FILES = ["attributions.parquet", "config.json", "model.safetensors", "report.html"]
FORMULA = ["formula.py", "formula.tex", "formula.txt"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(80, 3)), columns=["size", "<b>age</b>", "noise"])
    frame["price"] = frame["size"] - frame["<b>age</b>"]
    frame.to_csv("houses.csv", index=False)
    return tmp_path


def run(*tokens: str, settings: Settings = QUICK) -> int:
    return main(["explain", "houses.csv", "--target", "price", *tokens], settings=settings)


def test_the_four_files_and_the_last_lines(capsys: pytest.CaptureFixture[str]):
    assert run("--methods", "Shapley,Ablation") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == f"report: {Path('report/report.html').absolute()}"
    assert "KAN" in out
    assert "R2" in out
    assert "writing the report" in err
    assert sorted(path.name for path in Path("report").iterdir()) == sorted([*FILES, *FORMULA])
    assert sorted(path.name for path in Path().iterdir()) == ["houses.csv", "report"]
    table = pq.read_table("report/attributions.parquet").to_pandas()
    assert len(table) == 8
    frame = pd.read_csv("houses.csv")
    assert table["truth"].to_numpy() == pytest.approx(frame["price"][table["row"]].to_numpy())
    assert {"prediction", "output", "Shapley: size", "Shapley: size (error)", "Ablation: noise"} <= set(table.columns)
    total = table[[name for name in table if name.startswith("Shapley: ") and not name.endswith(")")]].sum(axis=1)
    assert total.to_numpy() == pytest.approx(table["output"].to_numpy(), abs=1e-3)
    assert KAN.load("report/model.safetensors").columns == 3
    assert json.loads(Path("report/config.json").read_text())["table"]["file"] == "houses.csv"
    assert "<b>age</b>" not in Path("report/report.html").read_text()


def test_the_same_seed_gives_the_same_bits():
    for out in ("one", "two"):
        assert run("--out", out, "--seed", "3") == 0
    for name in ("attributions.parquet", "model.safetensors", "config.json"):
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()


def test_a_folder_keeps_its_other_files():
    Path("kept").mkdir()
    Path("kept/notes.txt").write_text("mine")
    Path("kept/report.html").write_text("old")
    assert run("--out", "kept", "--methods", "Ablation") == 0
    assert Path("kept/notes.txt").read_text() == "mine"
    assert Path("kept/report.html").read_text() != "old"


def test_the_formula_of_a_former_network_does_not_stay():
    Path("kept").mkdir()
    Path("kept/formula.txt").write_text("price = 1")
    with replacing(Path("kept"), FORMULA) as folder:
        (folder / "report.html").write_text("new")
    assert [path.name for path in Path("kept").iterdir()] == ["report.html"]


# A shell that runs the tests in the background hands on a SIGINT that is ignored.
LONG = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from ascribe.cli.command import main
from ascribe.report.conduct import Settings
from ascribe.report.trials import Training
long = Settings(training=Training(hidden=(8,), strengths=(1e-3,) * 500))
sys.exit(main(["explain", "houses.csv", "--target", "price"], long))
"""


def test_ctrl_c_leaves_nothing():
    # In a process of its own: Python swallows an interrupt that comes while it tidies up, which the type checks of the
    # test run make likely. A person presses the key again, and so does this.
    with subprocess.Popen([sys.executable, "-c", LONG], stderr=subprocess.PIPE, text=True) as job:
        assert job.stderr is not None
        err = [job.stderr.readline()]
        while job.poll() is None:
            job.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                job.wait(timeout=15)
        err += job.stderr.readlines()
    assert job.returncode == 130
    assert "".join(err).strip().splitlines()[-1] == "ascribe: interrupted; nothing was written."
    assert [path.name for path in Path().iterdir()] == ["houses.csv"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_half_written(error: type[BaseException]):
    def write() -> None:
        with replacing(Path("deep/report")) as folder:
            (folder / "report.html").write_text("half")
            raise error

    with pytest.raises(error):
        write()
    assert not any(Path("deep").iterdir())


@pytest.mark.filterwarnings("ignore")  # exporting warns about torch's own internals
def test_weights_of_a_network_of_the_users_own():
    net = torch.nn.Linear(3, 1)
    torch.export.save(torch.export.export(net, (torch.ones(4, 3),)), "net.pt2")
    assert run("--model", "net.pt2", "--methods", "DeepLift") == 0
    with safe_open("report/model.safetensors", "pt") as file:
        assert torch.equal(file.get_tensor("weight"), net.weight)
