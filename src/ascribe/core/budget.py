"""What a call may use and has used: memory for the rows that go through the network together, calls, evaluations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

from ascribe.errors import InputError, need

_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


@final
class Budget:
    """Bytes for one piece of work, counters, and a progress bar over evaluations.

    Raises InputError for memory that is not a size.

    >>> Budget("64 MiB").memory
    67108864
    """

    def __init__(self, memory: int | str = "256 MiB", progress: bool = False) -> None:
        self.memory = _bytes(memory)
        self.progress = progress
        self.calls = 0
        self.evaluations = 0
        self._bar: Any = None

    def count(self, rows: int) -> None:
        """Note one call of the network on so many rows."""
        self.calls += 1
        self.evaluations += rows
        if self._bar is not None:
            self._bar.update(rows)

    @contextmanager
    def showing(self, title: str) -> Iterator[None]:
        """A progress bar while this runs, where one was asked for."""
        if not self.progress:
            yield
            return
        with need("tqdm.auto", extra="all").tqdm(desc=title, unit=" evaluations", unit_scale=True) as bar:
            self._bar = bar
            try:
                yield
            finally:
                self._bar = None


def _bytes(memory: int | str) -> int:
    text = str(memory).strip()
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)", text)
    unit = found.group(2).upper() if found else None
    if found is None or unit is None or (unit not in _UNITS and unit != "B") or float(found.group(1)) <= 0:
        raise InputError(f'memory={memory!r} is not a size; write "64 MiB", "2 GiB" or a number of bytes')
    return max(1, int(float(found.group(1)) * _UNITS.get(unit, 1)))
