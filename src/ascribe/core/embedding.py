"""Where whole-number inputs become differentiable: the embedding that each of them goes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.core.cut import Cut, first_tensor
from ascribe.core.score import Score
from ascribe.errors import InputError

Lookup = tuple[Cut, Tensor]


def embeddings(f: Score, point: Float[Tensor, "any *shape"]) -> tuple[Cut | None, ...]:
    """For every input of whole numbers, the one call of an embedding that looks it up; nothing for the others.

    Told by what is looked up for the first row and for the point, as positions are the same for both.

    Raises InputError where an input goes to none, or to several.
    """
    return tuple(
        _only(f, set.intersection(*matching)) if kind.whole else None
        for kind, *matching in zip(f.inputs.kinds, _matching(f, f.inputs.z[:1]), _matching(f, point[:1]), strict=True)
    )


def _matching(f: Score, row: Float[Tensor, "1 *shape"]) -> list[set[Cut]]:
    """For every input, the calls of embeddings that look up just what it is in this row."""
    parts = [kind.give(part) for kind, part in zip(f.inputs.kinds, f.inputs.unpack(row), strict=True)]
    try:
        with _lookups(f) as found:
            f.run(row, f.every[:1])
    except IndexError as error:
        raise InputError(f"the baseline has ids that the model does not know ({error}); pass others") from error
    return [{cut for cut, ids in found if _equal(ids, part)} for part in parts]


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


def _only(f: Score, cuts: set[Cut]) -> Cut:
    if not cuts:
        raise InputError(str(f.obstacle))
    if len(cuts) > 1:
        names = ", ".join(sorted(repr(f"{cut.name}#{cut.call}") for cut in cuts))
        raise InputError(f"an input of whole numbers goes to several embeddings; say which together: at=({names})")
    (cut,) = cuts
    if isinstance(cut.module, nn.EmbeddingBag):
        raise InputError(
            f"the embedding bag '{cut.name}' adds up its tokens, whose gradients are then not told apart; "
            f"explain its output, at='{cut.name}', or use Shapley() or Ablation()"
        )
    return cut


def _equal(ids: Tensor, part: Any) -> bool:
    if not isinstance(part, Tensor) or ids.numel() != part.numel():
        return False
    return torch.equal(ids.detach().flatten().long().cpu(), part.detach().flatten().long().cpu())
