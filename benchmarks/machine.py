"""What the figures were measured on, and how fast it is at the two things that bound every job: products and copies."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import torch

from ascribe.cli.doctor import examine
from benchmarks.timing import Job, alternate, threads

# Instruction sets that matter to a kernel, by the names that Linux gives them.
_SETS = {
    "avx2": "AVX2",
    "fma": "FMA",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX-512 BF16",
    "asimd": "NEON",
    "sve": "SVE",
}


@dataclass(frozen=True)
class Peaks:
    """Measured, not from a data sheet."""

    flops: float  # additions and multiplications a second, float32 matrix product, one thread
    flops64: float
    near: float  # bytes read and written a second, copying 4 MiB (in cache), one thread
    far: float  # the same for 256 MiB (in memory)

    def floor(self, flops: float, bytes_: float, double: bool = False) -> float:
        """Seconds on one thread that nothing can undercut: the work at its peak, or the traffic at its own."""
        speed = self.near if bytes_ < 16 * 2**20 else self.far
        return max(flops / (self.flops64 if double else self.flops), bytes_ / speed)


def measure(quick: bool = False) -> Peaks:
    rounds, size = (10, 512) if quick else (40, 1024)
    a = torch.ones(size, size)
    d = a.double()
    small, large = torch.ones(2**20 // 2), torch.ones(2**28 // 8)
    near, far = torch.empty_like(small), torch.empty_like(large)
    jobs: dict[str, Job] = {
        "product": lambda: a @ a,
        "double": lambda: d @ d,
        "near": lambda: near.copy_(small),
        "far": lambda: far.copy_(large),
    }
    with threads(1):
        runs = alternate(jobs, rounds, seconds=10)
    best = {name: min(r.times("cpu")) for name, r in runs.items()}
    return Peaks(
        2 * size**3 / best["product"], 2 * size**3 / best["double"],
        small.nbytes * 2 / best["near"], large.nbytes * 2 / best["far"],
    )  # fmt: skip


def describe(peaks: Peaks) -> list[tuple[str, str]]:
    """Lines of a table: what, and how much."""
    model, flags = _processor()
    known = [name for flag, name in _SETS.items() if flag in flags]
    return [
        ("processor", f"{model}, {os.cpu_count()} cores" + (f", {', '.join(known)}" if known else "")),
        ("memory", f"{_memory():.0f} GiB" if _memory() else "not known"),
        ("system", f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"),
        ("torch", torch.__version__),
        ("spline kernel", _kernel()),
        ("matrix product, one thread", f"{peaks.flops / 1e9:.0f} GFLOP/s float32, {peaks.flops64 / 1e9:.0f} float64"),
        ("copy, read and written", f"{peaks.near / 1e9:.0f} GB/s in cache, {peaks.far / 1e9:.0f} GB/s in memory"),
    ]


def _processor() -> tuple[str, set[str]]:
    file = Path("/proc/cpuinfo")
    if not file.exists():
        return platform.processor() or platform.machine(), set()
    fields = {key.strip(): value.strip() for key, _, value in (l.partition(":") for l in file.read_text().splitlines())}
    return fields.get("model name", platform.machine()), set(fields.get("flags", fields.get("Features", "")).split())


def _memory() -> float:
    """GiB; 0 where the system does not say."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return 0.0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _kernel() -> str:
    """Which implementation of the spline operation runs."""
    kernel = examine().kernel
    return f"compiled, {kernel.instructions}" if kernel.compiled else f"plain torch, as {kernel.reason}"
