"""A text whose words are the players."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import final

from jaxtyping import Int
from torch import Tensor

from ascribe.errors import InputError
from ascribe.prompts.prompt import Prompt


@final
@dataclass(frozen=True)
class Words(Prompt):
    """The words of a text, divided by white space; an absent word is replaced by `baseline`, or left out where that is
    empty.

    Raises InputError for a text without words.

    >>> import torch
    >>> Words("the cat sat").filled(torch.tensor([1, 0, 1]))
    'the sat'
    """

    text: str
    baseline: str = ""

    def __post_init__(self) -> None:
        if not self.text.split():
            raise InputError(f"the prompt {self.text!r} has no words; pass a text with at least one")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.text.split())

    def filled(self, codes: Int[Tensor, " players"]) -> str:
        parts: list[str] = []
        for code, part in zip(codes.tolist(), re.findall(r"\s*\S+", self.text), strict=True):
            word = part.lstrip()
            content = word if code == 1 else self.baseline
            if content:
                parts.append(part[: len(part) - len(word)] + content)
        text = "".join(parts)
        return text if self.text[:1].isspace() else text.lstrip()
