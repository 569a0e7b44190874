"""An embedding as a pass-through: the network then takes vectors where it took token ids."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from ascribe.core.cut import cut_at, first_tensor
from ascribe.errors import LayerError


class PassThrough(nn.Module):
    """Stands where `embedding` stood and returns its first argument; `indices_to_embeddings` is what stood there."""

    def __init__(self, embedding: nn.Module, full_name: str) -> None:
        super().__init__()
        self.embedding, self.full_name = embedding, full_name
        self.num_embeddings: int | None = getattr(embedding, "num_embeddings", None)
        self.embedding_dim: int | None = getattr(embedding, "embedding_dim", None)

    def forward(self, *inputs: Any, **kwargs: Any) -> Tensor:
        """The vectors, as they came."""
        vectors = first_tensor((inputs, kwargs))
        if vectors is None:
            raise LayerError(f"the embedding '{self.full_name}' was given no tensor; pass the vectors of the tokens")
        return vectors

    def indices_to_embeddings(self, *inputs: Any, **kwargs: Any) -> Tensor:
        """The vectors of token ids."""
        return self.embedding(*inputs, **kwargs)


def open_embedding(network: nn.Module, name: str, kind: type[PassThrough] = PassThrough) -> PassThrough:
    """Put a pass-through of this kind in the embedding's place, until `close_embedding`.

    Raises LayerError for a layer that the network does not have, and for one that is open already.
    """
    embedding = cut_at(network, name).module
    if isinstance(embedding, PassThrough):
        raise LayerError(f"the embedding '{name}' is open already; close it first")
    opened = kind(embedding, name)
    _put(network, name, opened)
    return opened


def close_embedding(network: nn.Module, opened: PassThrough) -> None:
    """Put the embedding back.  Raises LayerError where it is not open in this network."""
    if cut_at(network, opened.full_name).module is not opened:
        raise LayerError(f"the network's layer '{opened.full_name}' is not this pass-through; close each once")
    _put(network, opened.full_name, opened.embedding)


@contextmanager
def vectors_instead(network: nn.Module, name: str) -> Iterator[PassThrough]:
    """The embedding is open inside the block, and back afterwards, also after an exception.

    >>> import torch
    >>> network = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 1))
    >>> with vectors_instead(network, "0") as embedding:
    ...     vectors = embedding.indices_to_embeddings(torch.tensor([[1, 4]]))
    ...     same = network(vectors)
    >>> torch.equal(same, network(torch.tensor([[1, 4]])))
    True
    """
    opened = open_embedding(network, name)
    try:
        yield opened
    finally:
        close_embedding(network, opened)


def _put(network: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, layer)
