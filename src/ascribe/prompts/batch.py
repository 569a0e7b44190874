"""Prompts of different lengths as one batch: padded on the right, where a causal model does not look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from ascribe.errors import InputError
from ascribe.prompts.prompt import Filled
from ascribe.prompts.tokenizer import encode

Encoding = dict[str, Any]


def encoding(tokenizer: Any, filled: Filled) -> Encoding:
    """One prompt as the model's named inputs, among them "input_ids" of shape (1, length).

    A text of no tokens becomes the token that texts begin with.  Raises InputError where there is no such token, and
    for inputs without "input_ids".
    """
    if isinstance(filled, str):
        ids = encode(tokenizer, filled)
        begin = getattr(tokenizer, "bos_token_id", None)
        if len(ids) == 0 and begin is None:
            raise InputError(
                f"the prompt {filled!r} has no tokens, and the tokenizer none to begin with, so that there is nothing "
                "to continue; keep a part of the prompt fixed, or pass baselines that are not empty"
            )
        return {"input_ids": ids[None] if len(ids) else torch.tensor([[begin]])}
    if isinstance(filled, Tensor):
        return {"input_ids": filled.reshape(1, -1).long()}
    if not isinstance(filled, Mapping) or not isinstance(filled.get("input_ids"), Tensor):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            f'the prompt became a {type(filled).__name__}; a model needs a text, token ids, or a dict with "input_ids" '
            "as a tensor, which a processor makes with return_tensors='pt'"
        )
    return {**filled, "input_ids": filled["input_ids"].reshape(1, -1)}


def joined(
    encodings: Sequence[Encoding], continuation: Int[Tensor, " tokens"], device: torch.device
) -> tuple[Encoding, Int[Tensor, " rows"]]:
    """All prompts with the continuation behind each, as one batch, and the length of every prompt.

    Inputs of the shape of the ids (masks, token types) grow with them, by zeros; other tensors, such as the pixels of
    images, are put one behind the other, and the rest must be the same for all.
    """
    lengths = [part["input_ids"].shape[1] for part in encodings]
    total = max(lengths) + len(continuation)
    batch: Encoding = {}
    for name, first in encodings[0].items():
        values = [part[name] for part in encodings]
        if not isinstance(first, Tensor):
            batch[name] = first
        elif first.shape == encodings[0]["input_ids"].shape:
            batch[name] = torch.cat([_padded(value, total) for value in values]).to(device)
        else:
            batch[name] = torch.cat(values).to(device)
    mask = batch.get("attention_mask", torch.ones(len(lengths), total, dtype=torch.long, device=device)).clone()
    for row, length in enumerate(lengths):
        batch["input_ids"][row, length : length + len(continuation)] = continuation.to(device)
        mask[row, length : length + len(continuation)] = 1
        mask[row, length + len(continuation) :] = 0
    return {**batch, "attention_mask": mask}, torch.tensor(lengths, device=device)


def _padded(value: Tensor, total: int) -> Tensor:
    return torch.nn.functional.pad(value.reshape(1, -1), (0, total - value.numel()))
