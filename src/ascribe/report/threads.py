"""How many processor threads the main job takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ascribe.errors import need

# Numbers in a table up to which threads wait for each other longer than they work: on a busy machine ten times longer.
SMALL = 2_000_000


@contextmanager
def fitting_threads(numbers: int) -> Iterator[None]:
    """One thread, in torch and in scikit-learn, while a table of few numbers is worked on; all of them for a large one.

    The number of threads is borrowed: it is given back at the end.
    """
    if numbers > SMALL:
        yield
        return
    with need("threadpoolctl", extra="sklearn").threadpool_limits(1):
        yield
