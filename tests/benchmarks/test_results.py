"""From a measurement to the page: a benchmark that needs no peer runs, and what it found is kept and shown."""

from __future__ import annotations

import doctest
import sys
from pathlib import Path

import pytest
import torch
from benchmarks.report import Goal, Scale, Section, Table, Work

from benchmarks import __main__ as command
from benchmarks import floors, memory, page, report


def test_one_benchmark_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "evaluation", "--quick", "--out", str(tmp_path)])
    command.main()
    text = (tmp_path / "RESULTS.md").read_text()
    assert "## The machine" in text
    assert "**[100, 10, 10, 1]**" in text
    kept = report.read("evaluation", tmp_path)
    assert kept is not None
    assert kept.markdown() in text
    assert [goal.job for goal in kept.goals] == ["evaluation [4, 5, 1], float32"]


def test_an_unknown_benchmark_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "speed"])
    with pytest.raises(SystemExit):
        command.main()
    assert "no benchmark is called speed; there are fit_small" in capsys.readouterr().err


def test_a_missed_target_brings_one_profile_for_all_its_goals(tmp_path: Path):
    scale = Scale(tmp_path, quick=True)
    work = Work("product", lambda: torch.ones(50, 50) @ torch.ones(50, 50), 1)
    goals = [scale.goal(job, "2x", "3x", False, work) for job in ("one", "another")]
    assert {goal.profile for goal in goals} == {"profiles/product.txt"}
    assert "aten::mm" in (tmp_path / "profiles" / "product.txt").read_text()
    assert goals[0].verdict == "**missed** ([profile](profiles/product.txt))"
    assert scale.goal("met", "4x", "3x", True, work).profile == ""
    assert scale.goal("without a peer", "-", "3x", None, work).verdict == "not measured"


def test_a_section_is_kept_whole(tmp_path: Path):
    goals = [Goal("job", "2x", "3x", False, "profiles/job.txt"), Goal("other", "-", "3x", None)]
    section = Section(
        "name", "Title", "Text.", [Table(["", "time"], [["a", "1 s"]], "cut")], goals, ["p.png"], ["note"]
    )
    report.save(section, tmp_path)
    assert report.read("name", tmp_path) == section
    assert report.read("other", tmp_path) is None


def test_the_documentation_takes_the_figures_between_its_marks(tmp_path: Path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "speed.md").write_text("before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n")
    picture = tmp_path / "benchmarks" / "pictures" / "growth.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"picture")
    goals = [Goal("job", "2x", "3x", False, "profiles/job.txt")]
    long = Table(["a", "b"], [["1", "2"]] * 100, "Every problem")
    section = Section("name", "Title", "Text.", [long], goals=goals, pictures=["pictures/growth.png"])
    for _ in range(2):
        page.publish(docs, Table(["", ""], [["processor", "some"]]), [section])
    text = (docs / "speed.md").read_text()
    assert text.startswith("before\n<!-- measured: begin -->\n\n")
    assert text.endswith("<!-- measured: end -->\nafter\n")
    assert text.count("| job | 2x | 3x | missed |") == 1
    assert "old" not in text
    assert text.count("Every problem: 100 lines, in `benchmarks/RESULTS.md`.") == 1
    assert "![growth](speed/growth.png)" in text
    assert (docs / "speed" / "growth.png").read_bytes() == b"picture"
    (docs / "speed.md").write_text("no marks")
    with pytest.raises(ValueError, match="has no"):
        page.publish(docs, Table(["", ""], []), [])


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory can be reset on Linux alone")
def test_the_peak_is_that_of_the_job():
    names = ["after fast-kan", 2048, 64, 64, 5]
    found = memory.peaks("benchmarks.growth:made_and_stepped", [names], first=["after fast-kan", 64, 4, 4, 3])
    assert found is not None
    # The Gaussians of both layers, (2048, 64, 8) float32 each, are kept for the backward pass.
    assert 2 * 2048 * 64 * 8 * 4 / 2**20 < found[0].mebibytes < 100


def test_a_job_that_fails_says_why():
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak of memory can be reset on Linux alone")
    with pytest.raises(RuntimeError, match="no contender is called 'nobody'"):
        memory.peaks("benchmarks.growth:made_and_stepped", [["nobody", 64, 4, 4, 3]])


def test_floors_count_what_a_network_must_do():
    one = floors.forward([1, 1], rows=1)
    assert one == floors.Work(flops=2 * 4 + 8, bytes=8)
    # twice the rows, twice the work; the weights are read once
    small, large = (floors.evaluation([4, 5, 1], rows, cells=3) for rows in (100, 200))
    assert large.flops == 2 * small.flops
    assert small.bytes < large.bytes < 2 * small.bytes


def test_numbers_are_written_with_three_digits():
    assert doctest.testmod(report).failed == 0
