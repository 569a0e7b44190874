"""Where whole-number inputs become differentiable: the embedding that each of them goes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from ascribe.core.cut import Cut, first_tensor
from ascribe.core.score import Score
from ascribe.errors import InputError

Lookup = tuple[Cut, Tensor]


def embeddings(f: Score) -> tuple[Cut | None, ...]:
    """For every input of whole numbers, the one call of an embedding that looks it up; nothing for the others.

    Raises InputError where an input goes to none, or to several.
    """
    parts = tuple(kind.give(part) for kind, part in zip(f.inputs.kinds, f.inputs.take(f.every[:1]), strict=True))
    with _lookups(f) as found:
        f.run(f.inputs.z[:1], f.every[:1])
    return tuple(
        _lookup(f, part, found) if kind.whole else None for kind, part in zip(f.inputs.kinds, parts, strict=True)
    )


@contextmanager
def _lookups(f: Score) -> Iterator[list[Lookup]]:
    """Every call of an embedding while the network runs, and what it looks up."""
    found: list[Lookup] = []
    named: list[tuple[str, nn.Module]] = [] if f.module is None else list(f.module.named_modules())
    layers = [(name, layer) for name, layer in named if isinstance(layer, (nn.Embedding, nn.EmbeddingBag))]

    def listening(name: str) -> Any:
        def hear(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            ids = first_tensor((args, kwargs))
            call = sum(cut.module is layer for cut, _ in found)
            if ids is not None:
                found.append((Cut(name, layer, "out", call), ids))

        return hear

    handles = [layer.register_forward_pre_hook(listening(name), with_kwargs=True) for name, layer in layers]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _lookup(f: Score, part: Shaped[Tensor, "1 *shape"], found: list[Lookup]) -> Cut:
    same = [(cut, ids) for cut, ids in found if ids.numel() == part.numel() and _equal(ids, part)]
    if len(same) > 1:
        # Positions may happen to be the same numbers as the ids of the first row; then the memory tells.
        same = [(cut, ids) for cut, ids in same if ids.data_ptr() == part.data_ptr()] or same
    if not same:
        raise InputError(str(f.obstacle))
    cuts = [cut for cut, _ in same]
    if len(cuts) > 1:
        names = ", ".join(repr(f"{cut.name}#{cut.call}") for cut in cuts)
        raise InputError(f"an input of whole numbers goes to several embeddings; say which together: at=({names})")
    if isinstance(cuts[0].module, nn.EmbeddingBag):
        raise InputError(
            f"the embedding bag '{cuts[0].name}' adds up its tokens, whose gradients are then not told apart; "
            f"explain its output, at='{cuts[0].name}', or use Shapley() or Ablation()"
        )
    return cuts[0]


def _equal(ids: Tensor, part: Tensor) -> bool:
    return torch.equal(ids.detach().flatten().long().cpu(), part.detach().flatten().long().cpu())
