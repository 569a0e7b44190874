"""A text whose tokens are the players."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ascribe.errors import InputError
from ascribe.prompts.prompt import Prompt
from ascribe.prompts.tokenizer import encode, pieces, token_id


@final
@dataclass(frozen=True)
class Tokens(Prompt):
    """The tokens of `text`; in the place of an absent token stands the token `baseline`, by its number or its text.

    Nothing as `baseline` means the tokenizer's padding token, or its unknown one; a list means several baselines, over
    which an attribution is the mean. Tokens in `skip` are no players: they are always there.

    Raises InputError for a text without tokens, and where there is no baseline to be had.
    """

    text: str
    tokenizer: Any = field(repr=False)
    baseline: int | str | Sequence[int | str] | None = None
    skip: Sequence[int | str] = ()
    ids: Int[Tensor, " length"] = field(init=False, repr=False, compare=False)
    absences: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = encode(self.tokenizer, self.text)
        if len(ids) == 0:
            raise InputError(f"the prompt {self.text!r} has no tokens; pass a text that the tokenizer makes some of")
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "absences", self._absences())
        if not bool(self.players.any()):
            raise InputError(f"skip={list(self.skip)!r:.60} holds all tokens of the prompt; leave at least one")

    def _absences(self) -> tuple[int, ...]:
        given = self.baseline
        if given is None:
            known = (getattr(self.tokenizer, f"{kind}_token_id", None) for kind in ("pad", "unk"))
            given = next((number for number in known if number is not None), None)
        if given is None:
            raise InputError(
                "the tokenizer has neither a padding nor an unknown token to stand for an absent one; pass baseline=, "
                "a token by its number or its text"
            )
        tokens = [given] if isinstance(given, (int, str)) else list(given)
        if not tokens:
            raise InputError("baseline=[] names no token; pass a token by its number or its text")
        return tuple(token_id(self.tokenizer, token) for token in tokens)

    @property
    def players(self) -> Bool[Tensor, " length"]:
        """Which tokens of the text are players."""
        skipped = [token_id(self.tokenizer, token) for token in self.skip]
        return ~torch.isin(self.ids, torch.tensor(skipped, dtype=torch.long))

    @property
    def names(self) -> tuple[str, ...]:
        texts = pieces(self.tokenizer, self.ids)
        return tuple(text for text, is_player in zip(texts, self.players.tolist(), strict=True) if is_player)

    @property
    def baselines(self) -> int:
        return len(self.absences)

    def filled(self, codes: Int[Tensor, " players"]) -> Int[Tensor, "1 length"]:
        contents = torch.tensor([*self.absences])[-codes.clamp(max=0)]
        ids = self.ids.clone()
        ids[self.players] = torch.where(codes == 1, ids[self.players], contents)
        return ids[None]
