"""The text whose probability is explained: given by the user, or written by the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from ascribe.core.state import borrowed, network_of
from ascribe.errors import TargetError
from ascribe.prompts.batch import encoding
from ascribe.prompts.prompt import Prompt
from ascribe.prompts.tokenizer import encode, pieces

GREEDY: Mapping[str, Any] = {"max_new_tokens": 25, "do_sample": False, "temperature": None, "top_p": None}


@final
@dataclass(frozen=True)
class Continuation:
    """Tokens after the prompt: their numbers and their texts."""

    ids: Int[Tensor, " tokens"]
    tokens: tuple[str, ...]


def continuation(
    model: Any, tokenizer: Any, prompt: Prompt, target: Any, generation: Mapping[str, Any] | None
) -> Continuation:
    """What `target` means: a text, token ids, or nothing; then `model.generate` continues the whole prompt, greedily
    unless `generation` says otherwise.

    Raises TargetError for a target of no tokens or of unknown ones, for `generation` beside a target, and for a model
    that cannot write.
    """
    if target is None:
        ids = written(model, tokenizer, prompt, GREEDY if generation is None else generation)
    elif generation is not None:
        raise TargetError("target was given, and generation= says how to write one; leave one of them out")
    elif isinstance(target, str):
        ids = encode(tokenizer, target, special=False)
    else:
        ids = as_ids(target)
    if len(ids) == 0:
        raise TargetError("the continuation has no tokens; pass target= as a text of at least one, or as token ids")
    try:
        return Continuation(ids, pieces(tokenizer, ids))
    except (LookupError, OverflowError) as error:
        raise TargetError(
            f"the continuation holds a token that the tokenizer does not know ({type(error).__name__}: {error}); pass "
            "a text, or ids of this tokenizer"
        ) from error


def as_ids(target: Any) -> Int[Tensor, " tokens"]:
    """Token ids that a user gave.  Raises TargetError for what is no list of whole numbers."""
    try:
        ids = torch.as_tensor(target)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TargetError(f"target={target!r:.40} is no text and no list of token ids; pass one of these") from error
    if ids.numel() and (ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool):
        raise TargetError(f"target is of {ids.dtype}, and token ids are whole numbers; pass target.long() or a text")
    if ids.ndim > 1 and ids.shape[:-1].numel() != 1:
        raise TargetError(f"target has shape {tuple(ids.shape)}; pass the token ids of one continuation, or a text")
    return ids.reshape(-1).long().cpu()


def written(model: Any, tokenizer: Any, prompt: Prompt, generation: Mapping[str, Any]) -> Int[Tensor, " tokens"]:
    """What the model writes after the whole prompt.  Raises TargetError for a model that has no `generate`."""
    write = getattr(model, "generate", None)
    if not callable(write):
        raise TargetError(f"{type(model).__name__} has no generate(); pass target=, the text to explain")
    whole = encoding(tokenizer, prompt.filled(torch.ones(len(prompt.names), dtype=torch.long)))
    with borrowed(network_of(model)), torch.no_grad():
        device = device_of(model)
        inputs = {name: value.to(device) if isinstance(value, Tensor) else value for name, value in whole.items()}
        answer: Any = write(**inputs, **generation)
    return torch.as_tensor(answer)[0, whole["input_ids"].shape[1] :].long().cpu()


def device_of(model: Any) -> torch.device:
    """Where the model's inputs belong."""
    known = getattr(model, "device", None)
    if known is not None:
        return torch.device(known)
    network = network_of(model)
    first = None if network is None else next(network.parameters(), None)
    return torch.device("cpu") if first is None else first.device
