"""Captum's embeddings that pass vectors through, and its references of tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ascribe.prompts.embedding import PassThrough, close_embedding, open_embedding


class InterpretableEmbeddingBase(PassThrough):
    """`ascribe.prompts.embedding.PassThrough`."""


def configure_interpretable_embedding_layer(
    model: nn.Module, embedding_layer_name: str = "embedding"
) -> InterpretableEmbeddingBase:
    """Let the model take vectors in the place of token ids, until `remove_interpretable_embedding_layer`.

    `ascribe.prompts.vectors_instead` puts the embedding back by itself.
    """
    opened = open_embedding(model, embedding_layer_name, InterpretableEmbeddingBase)
    assert isinstance(opened, InterpretableEmbeddingBase)
    return opened


def remove_interpretable_embedding_layer(model: nn.Module, interpretable_emb: InterpretableEmbeddingBase) -> None:
    """Put the embedding back."""
    close_embedding(model, interpretable_emb)


class TokenReferenceBase:
    """A sequence of one token, such as padding, to compare with."""

    def __init__(self, reference_token_idx: int = 0) -> None:
        self.reference_token_idx = reference_token_idx

    def generate_reference(self, sequence_length: int, device: torch.device | str) -> Tensor:
        """(sequence_length,) times the token."""
        return torch.full((sequence_length,), self.reference_token_idx, device=device)
