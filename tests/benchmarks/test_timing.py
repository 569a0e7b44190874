"""Jobs take turns, and no slow one holds up the others. The clock is one that only the jobs move."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from benchmarks.timing import Runs, alternate, ratio, threads

from benchmarks import timing


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.now / 2

    def job(self, seconds: float, then: Callable[[], object] = int) -> Callable[[], None]:
        def job() -> None:
            self.now += seconds
            then()

        return job


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    return clock


def test_jobs_take_turns_and_each_round_starts_with_another(clock: Clock):
    seen: list[str] = []
    jobs = {name: clock.job(1.0, lambda name=name: seen.append(name)) for name in "abc"}
    alternate(jobs, rounds=3, seconds=60)
    assert seen == list("abc" + "abc" + "bca" + "cab")


def test_a_short_job_is_repeated_within_a_run(clock: Clock):
    calls: list[None] = []
    runs = alternate({"short": clock.job(1e-5, lambda: calls.append(None))}, rounds=2, seconds=60)["short"]
    assert len(calls) == 1 + 2 * 400
    assert runs.median("wall") == pytest.approx(1e-5)
    assert runs.median("cpu") == pytest.approx(0.5e-5)


def test_what_has_used_its_share_sits_out_after_three_rounds(clock: Clock):
    runs = alternate({"slow": clock.job(4.0), "fast": clock.job(1.0)}, rounds=6, seconds=14.0)
    assert len(runs["slow"].times("wall")) == 3
    assert len(runs["fast"].times("wall")) == 6
    assert ratio(runs["slow"], runs["fast"], "wall") == 4


def test_a_ratio_pairs_the_rounds():
    # The machine halves its speed after two rounds, which both jobs feel.
    peer, ours = Runs(wall=[4.0, 4.0, 8.0, math.nan]), Runs(wall=[1.0, 1.0, 2.0, 2.0])
    assert ratio(peer, ours, "wall") == 4


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
