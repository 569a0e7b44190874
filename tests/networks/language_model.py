"""A tiny causal language model and its tokenizer, with the interface that programs for large ones know."""

from __future__ import annotations

from collections import UserDict
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

WORDS = "the a cat dog sat ran on under mat house and was happy sad Anna Bob lives in Rome Oslo she he likes it ."
SPECIAL = ["<unk>", "<pad>", "<bos>", "<eos>"]


class WordTokenizer:
    """A token a word; what it does not know is <unk>. With `begin` a text starts with <bos>."""

    def __init__(self, words: str = WORDS, begin: bool = True) -> None:
        self.tokens = [*SPECIAL, *words.split()]
        self.number = {token: number for number, token in enumerate(self.tokens)}
        self.begin = begin
        self.unk_token_id: int | None = 0
        self.pad_token_id: int | None = 1
        self.bos_token_id: int | None = 2
        self.eos_token_id: int | None = 3

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, text: str, add_special_tokens: bool = True, return_tensors: str | None = None) -> Any:
        ids = [2] * (self.begin and add_special_tokens) + [self.number.get(word, 0) for word in text.split()]
        return torch.tensor([ids]) if return_tensors == "pt" else ids

    def decode(self, token_ids: Any) -> str:
        return " ".join(self.tokens[int(number)] for number in torch.as_tensor(token_ids).reshape(-1))

    def convert_ids_to_tokens(self, ids: Any) -> Any:
        return self.tokens[ids] if isinstance(ids, int) else [self.tokens[number] for number in ids]

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        return self.number.get(tokens, 0) if isinstance(tokens, str) else [self.number.get(t, 0) for t in tokens]

    def __call__(
        self, text: str, add_special_tokens: bool = True, return_offsets_mapping: bool = False
    ) -> UserDict[str, Any]:
        ids: list[int] = [2] * (self.begin and add_special_tokens)
        offsets, place = [(0, 0)] * len(ids), 0
        for word in text.split():
            place = text.index(word, place)
            ids.append(self.number.get(word, 0))
            offsets.append((place, place + len(word)))
            place += len(word)
        return UserDict(input_ids=ids, offset_mapping=offsets)


@dataclass
class Output:
    logits: Tensor
    past_key_values: Any = None


class TinyLanguageModel(nn.Module):
    """One block of causal attention and one of ReLU units over learned positions; keys and values can be kept.

    `image` is a linear map of a picture of so many numbers, added to every position.
    """

    def __init__(self, vocabulary: int, dim: int = 8, positions: int = 48, image: int = 0, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embed = nn.Embedding(vocabulary, dim)
            self.position = nn.Embedding(positions, dim)
            self.qkv = nn.Linear(dim, 3 * dim)
            self.norm = nn.LayerNorm(dim)
            self.up, self.down = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)
            self.head = nn.Linear(dim, vocabulary)
            self.see = nn.Linear(image, dim) if image else None
        self.batches: list[int] = []  # rows of every call

    @property
    def device(self) -> torch.device:
        return self.embed.weight.device

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embed

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        past_key_values: tuple[Tensor, Tensor] | None = None,
        use_cache: bool | None = None,
        pixel_values: Tensor | None = None,
    ) -> Output:
        self.batches.append(len(input_ids))
        start = 0 if past_key_values is None else past_key_values[0].shape[1]
        h = self.embed(input_ids) + self.position(torch.arange(start, start + input_ids.shape[1]))
        if self.see is not None and pixel_values is not None:
            h = h + self.see(pixel_values.flatten(1))[:, None]
        q, k, v = self.qkv(h).chunk(3, dim=-1)
        if past_key_values is not None:
            k, v = torch.cat([past_key_values[0], k], 1), torch.cat([past_key_values[1], v], 1)
        seen = torch.ones(q.shape[1], k.shape[1], dtype=torch.bool).tril(start)[None]
        if attention_mask is not None:
            seen = seen & attention_mask[:, None].bool()
        weights = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, -1e9).softmax(-1)
        h = self.norm(h + weights @ v)
        h = h + self.down(torch.relu(self.up(h)))
        return Output(self.head(h), (k, v) if use_cache else None)

    @torch.no_grad()
    def generate(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, max_new_tokens: int = 5, **_: Any
    ) -> Tensor:
        """The likeliest token again and again, after the prompt."""
        for _step in range(max_new_tokens):
            logits = self(input_ids).logits
            input_ids = torch.cat([input_ids, logits[:, -1].argmax(-1, keepdim=True)], 1)
        return input_ids


def tiny_language_model(dtype: torch.dtype = torch.float64, begin: bool = True, **options: Any) -> tuple[Any, Any]:
    """A model of random weights and its tokenizer."""
    tokenizer = WordTokenizer(begin=begin)
    return TinyLanguageModel(len(tokenizer), **options).to(dtype).eval(), tokenizer
