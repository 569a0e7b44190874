"""Who is measured, under which name: every network of one width that takes and gives the same."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ascribe import KAN
from benchmarks.peers import efficient_kan, fast_kan, mlp, pykan

OURS, PYKAN = "ascribe", "pykan"
EFFICIENT, FAST, MLP = "after efficient-kan", "after fast-kan", "MLP"
TORCH_ONLY = (EFFICIENT, FAST, MLP)


def network(name: str, width: Sequence[int], cells: int = 5, seed: int = 0) -> nn.Module:
    """Cubic, of `cells` cells: as many bases for all, and as many parameters in the MLP.

    The same seed gives the same network; the global generator is put back.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == OURS:
            return KAN(list(width), grid=cells, seed=seed)
        if name == PYKAN:
            return pykan.network(width, cells, seed, statistics=False)
        if name == EFFICIENT:
            return efficient_kan.network(width, cells)
        if name == FAST:
            return fast_kan.network(width, cells + 3)
        if name == MLP:
            return mlp.network(width, cells)
    raise ValueError(f"no contender is called {name!r}.")
