"""Times of several jobs that take turns, so that a busy machine disturbs all of them alike."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import torch

Job = Callable[[], object]
Clock = Literal["wall", "cpu"]

# A run repeats its job until it takes at least this long: clocks and calls cost up to a microsecond.
_SHORTEST = 0.004
_FEWEST = 3


@dataclass
class Runs:
    """Seconds a call of one job, one entry a round; NaN where it sat out."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def times(self, clock: Clock) -> list[float]:
        return [t for t in (self.wall if clock == "wall" else self.cpu) if not math.isnan(t)]

    def median(self, clock: Clock) -> float:
        return statistics.median(self.times(clock))

    def spread(self, clock: Clock) -> float:
        """The middle half of the times, over their median."""
        times = self.times(clock)
        if len(times) < 2:
            return math.nan
        low, _, high = statistics.quantiles(times, n=4, method="inclusive")
        return (high - low) / self.median(clock)


def ratio(peer: Runs, ours: Runs, clock: Clock) -> float:
    """How many times longer the peer takes: the median over the rounds in which both ran."""
    pairs = zip(*((r.wall if clock == "wall" else r.cpu) for r in (peer, ours)), strict=True)
    return statistics.median(p / o for p, o in pairs if not math.isnan(p + o))


def alternate(jobs: Mapping[str, Job], rounds: int, seconds: float) -> dict[str, Runs]:
    """`rounds` rounds in which every job runs once, each round starting with another one.

    A job that has taken its share of `seconds` sits out the rounds that are left, but runs three times (or `rounds`).
    The first call of every job is not counted.
    """
    names = list(jobs)
    repeats = {name: max(1, math.ceil(_SHORTEST / _once(jobs[name], 1)[0])) for name in names}
    runs = {name: Runs() for name in names}
    spent = dict.fromkeys(names, 0.0)
    gc.collect()
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            wall = cpu = math.nan
            if turn < min(_FEWEST, rounds) or spent[name] < seconds / len(names):
                wall, cpu = _once(jobs[name], repeats[name])
                spent[name] += wall * repeats[name]
            runs[name].wall.append(wall)
            runs[name].cpu.append(cpu)
    return runs


def _once(job: Job, repeats: int) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        job()
    return (time.perf_counter() - wall) / repeats, (time.process_time() - cpu) / repeats


@contextmanager
def threads(count: int) -> Iterator[None]:
    """torch on `count` threads; the number of before is given back."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
