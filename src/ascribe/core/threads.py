"""How many threads torch works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Piece = TypeVar("Piece")
Result = TypeVar("Result")


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for operations so small that several would wait for each other longer than they work.

    On a busy machine that wait has been ten times the work. The number of threads is borrowed, and given back.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def side_by_side(work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> list[Result]:
    """What `work` makes of every piece, in order, without gradients: as many pieces at a time as torch has threads.

    For work of many small operations, which torch does on one thread each meanwhile. After an exception, Ctrl-C too, no
    further piece is begun.

    >>> side_by_side(lambda piece: piece + 1, [1, 2, 3])
    [2, 3, 4]
    """

    def quietly(piece: Piece) -> Result:
        # Whether gradients are on is every thread's own.
        with torch.no_grad():
            return work(piece)

    workers = min(torch.get_num_threads(), len(pieces))
    with one_thread():
        if workers < 2:
            return [quietly(piece) for piece in pieces]
        with ThreadPoolExecutor(workers) as pool:
            running = [pool.submit(quietly, piece) for piece in pieces]
            try:
                return [each.result() for each in running]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
