"""What is asked of a tokenizer: Hugging Face's form, of which two methods are used."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from ascribe.errors import InputError


@runtime_checkable
class Tokenizer(Protocol):
    """Texts to numbers and back. `bos_token_id`, `pad_token_id` and `unk_token_id` are used where they are there."""

    def encode(self, text: str, add_special_tokens: bool = ...) -> Any: ...

    def decode(self, token_ids: Any) -> str: ...


def encode(tokenizer: Any, text: str, *, special: bool = True) -> Int[Tensor, " length"]:
    """The token ids of a text, with the special tokens that the tokenizer adds or without.

    Raises InputError for what is no tokenizer.
    """
    if not isinstance(tokenizer, Tokenizer):
        raise InputError(
            f"the tokenizer is a {type(tokenizer).__name__}; it needs encode(text, add_special_tokens=...) and "
            "decode(ids), as those of Hugging Face have"
        )
    return torch.as_tensor(tokenizer.encode(text, add_special_tokens=special)).reshape(-1).long()


def pieces(tokenizer: Tokenizer, ids: Int[Tensor, " length"]) -> tuple[str, ...]:
    r"""The text that each token adds to those before it, without white space around and with line ends as \n.

    A token that is only a part of a character shows as the tokenizer shows it alone.
    """
    found: list[str] = []
    before = ""
    for end in range(1, len(ids) + 1):
        text = str(tokenizer.decode(ids[:end]))
        added = text[len(before) :] if text.startswith(before) else str(tokenizer.decode(ids[end - 1 : end]))
        found.append(added.strip(" \t").replace("\n", "\\n"))
        before = text
    return tuple(found)


def token_id(tokenizer: Any, token: int | str) -> int:
    """The number of one token.  Raises InputError for a text that is no single token."""
    if not isinstance(token, str):
        return int(token)
    convert = getattr(tokenizer, "convert_tokens_to_ids", None)
    ids = encode(tokenizer, token, special=False) if convert is None else torch.as_tensor([convert(token)])
    if ids.numel() != 1:
        raise InputError(f"{token!r} is {ids.numel()} tokens; name one token, or give its number")
    return int(ids)
