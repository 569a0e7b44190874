"""The bar moves on a terminal, and a log has one line a stage."""

from __future__ import annotations

import io
import sys

import pytest

from ascribe.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(progress: Progress) -> None:
    for done in range(50):
        progress("training: 5 hidden nodes, regularised 0.001", done / 100)
    progress("writing the report", 0.9)


def test_a_log_has_one_line_a_stage(capsys: pytest.CaptureFixture[str]):
    with Progress("houses.csv") as progress:
        work(progress)
    stages = [line.split(": ")[0] for line in capsys.readouterr().err.splitlines()]
    assert stages == ["training", "writing the report"]


def test_the_bar_moves_and_fits_a_terminal(monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    with Progress("houses.csv") as progress:
        work(progress)
        assert progress.bar.n == 0.9
    shown = [line for line in terminal.getvalue().split("\r") if line.strip()]
    assert len(shown) > 50
    assert max(map(len, shown)) <= 80
    assert any("5 hidden nodes" in line and " 49 %" in line for line in shown)
