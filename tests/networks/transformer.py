"""Transformer encoders that classify: torch's own layers, and attention written with the function."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Attention = Literal["module", "function"]


class Block(nn.Module):
    """Pre-norm, with `F.scaled_dot_product_attention` and a functional GELU."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.enter, self.leave = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.enter(self.norm1(x)).chunk(3, -1)
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        x = x + self.leave(mixed.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    """Token ids, or vectors (rows, tokens, width) where `words` is 0, to class scores by way of a mean over tokens."""

    def __init__(self, words: int, tokens: int, width: int, heads: int, depth: int, classes: int, how: Attention):
        super().__init__()
        self.embedding = nn.Embedding(words, width) if words else None
        self.position = nn.Parameter(torch.randn(tokens, width) / 4)
        if how == "module":
            layer = nn.TransformerEncoderLayer(width, heads, 2 * width, activation="gelu", batch_first=True)
            self.encoder: nn.Module = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        else:
            self.encoder = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.embedding is None else self.embedding(x)
        return self.head(self.norm(self.encoder(h + self.position)).mean(1))


def transformer(
    how: Attention = "module",
    words: int = 0,
    tokens: int = 5,
    width: int = 8,
    heads: int = 2,
    depth: int = 2,
    classes: int = 3,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Transformer:
    """A small one with random weights, in evaluation mode, whose norms and biases are no trivial ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Transformer(words, tokens, width, heads, depth, classes, how)
        for name, parameter in net.named_parameters():
            if parameter.ndim == 1:
                nn.init.normal_(parameter, 1.0 if "norm" in name and name.endswith("weight") else 0.0, 0.2)
    return net.to(dtype).eval()
