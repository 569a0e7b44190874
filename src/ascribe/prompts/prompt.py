"""What every prompt is: a text, token ids or an image with parts that can be taken away."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from ascribe.core.method import Method
from ascribe.errors import InputError, MethodError

Filled = str | Tensor | Mapping[str, Any]
"""What a model reads: a text, token ids (1, length), or named inputs, of which one is "input_ids"."""


class Prompt(ABC):
    """A prompt as a function of who is present.

    A code says of a player what stands in its place: 1 is its own content, 0 its baseline, -1 its second baseline, -2
    the third, and so on. So a row of ones is the prompt itself, and a coalition is a vector of ones and zeros.
    """

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """What the players are called."""

    @property
    def baselines(self) -> int:
        """How many baselines every player has."""
        return 1

    @abstractmethod
    def filled(self, codes: Int[Tensor, " players"]) -> Filled:
        """The prompt with these contents."""


@final
@dataclass(frozen=True)
class Grouped(Prompt):
    """A prompt whose players act together where they bear the same number: 0, 1, ... without a gap.

    Raises InputError for another number of entries than players, and for a gap.
    """

    prompt: Prompt
    groups: Sequence[int]

    def __post_init__(self) -> None:
        if len(self.groups) != len(self.prompt.names) or set(self.groups) != set(range(len(set(self.groups)))):
            raise InputError(
                f"groups={list(self.groups)!r:.60} for {len(self.prompt.names)} parts; pass one number for each, "
                "counted from 0 without a gap"
            )

    @property
    def names(self) -> tuple[str, ...]:
        members: dict[int, list[str]] = {}
        for group, name in zip(self.groups, self.prompt.names, strict=True):
            members.setdefault(group, []).append(name)
        return tuple(" + ".join(members[group]) for group in sorted(members))

    @property
    def baselines(self) -> int:
        return self.prompt.baselines

    def filled(self, codes: Int[Tensor, " players"]) -> Filled:
        return self.prompt.filled(codes[torch.tensor(list(self.groups))])


def checked(prompt: Any) -> Prompt:
    """The same, if it is a prompt.  Raises InputError for anything else."""
    if not isinstance(prompt, Prompt):
        raise InputError(
            f"the prompt is a {type(prompt).__name__}; pass a text, Template, Words, Tokens or MaskedImage"
        )
    return prompt


def codes_of(prompt: Prompt, background: Any) -> Int[Tensor, "draws parts"]:
    """Rows of codes to compare with.  Raises InputError for others than the prompt knows."""
    parts = len(prompt.names)
    if background is None:
        return -torch.arange(prompt.baselines)[:, None].repeat(1, parts)
    codes, known = torch.as_tensor(background), range(1 - prompt.baselines, 2)
    if not codes.numel() or codes.numel() % parts or not all(code in known for code in codes.flatten().tolist()):
        raise InputError(
            f"background must be rows of {parts} codes from {known[0]} to 1: 1 where a part is present, 0 where its "
            "baseline is"
        )
    return codes.reshape(-1, parts).long().cpu()


def check_method(method: Method, draws: int) -> None:
    """Raises MethodError for a method that cannot explain one prompt, compared with so many rows of codes."""
    if not isinstance(method, Method):  # pyright: ignore[reportUnnecessaryIsInstance] - not every user runs a checker
        raise MethodError(f"method is {method!r}; pass a method of ascribe.methods with its knobs, such as Shapley()")
    if method.batchwise:
        raise MethodError(f"{method!r} compares rows with one another, and a prompt is one; take Ablation(), say")
    if method.yields == "map" or (method.yields == "pairs" and method.gradients):
        raise MethodError(f"{method!r} gives no value for each token; take IntegratedGradients() or Shapley(), say")
    if method.reference == "point" and draws > 1:
        raise MethodError(
            f"{method!r} compares with one baseline, and here are {draws}; give the prompt one, or take a method that "
            "averages over them, such as Shapley() or ExpectedGradients()"
        )
