"""Pieces side by side are those of a loop; what is borrowed comes back, also after an exception."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from ascribe.core.threads import side_by_side


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_stand_in_the_order_of_the_pieces(threads: int) -> None:
    seen: set[int] = set()

    def work(piece: torch.Tensor) -> torch.Tensor:
        seen.add(threading.get_ident())
        assert torch.get_num_threads() == 1
        return (piece * weight).sum(1)

    weight = torch.ones(4, requires_grad=True)
    x = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    found = torch.cat(side_by_side(work, x.split(1)))
    assert torch.equal(found, x.sum(1))
    assert not found.requires_grad
    assert len(seen) <= threads
    assert torch.get_num_threads() == threads
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_ends_the_work(threads: int, error: type[BaseException]) -> None:
    begun: list[int] = []

    def work(piece: int) -> int:
        begun.append(piece)
        if piece == 0:
            raise error
        # So short a piece that others could all be done before the first is heard of would show nothing.
        time.sleep(0.001)
        return piece

    with pytest.raises(error):
        side_by_side(work, list(range(10_000)))
    assert len(begun) < 10_000
    assert torch.get_num_threads() == threads
