"""A prompt as a function of who is present: what `explain_prompt` explains, and any other tool may ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ascribe.errors import InputError
from ascribe.prompts.continuation import GREEDY, Continuation, continuation
from ascribe.prompts.likelihood import Likelihood, scale_of
from ascribe.prompts.prompt import Prompt, checked
from ascribe.prompts.remote import Provider, RemoteLikelihood, written_remotely
from ascribe.prompts.tokens import Tokens


def prompt_score(
    model: Any,
    tokenizer: Any,
    prompt: Any,
    *,
    target: Any = None,
    scale: Any = "log_prob",
    generation: Mapping[str, Any] | None = None,
) -> Likelihood | RemoteLikelihood:
    """(n, parts) of ones and zeros to (n, 1 + tokens): how likely the continuation, and each of its tokens, then is.

    The arguments are those of `explain_prompt`.  Raises InputError and TargetError as it does.
    """
    scale, prompt = scale_of(scale), read_prompt(tokenizer, prompt)
    written = read_target(model, tokenizer, prompt, target, generation)
    if isinstance(model, Provider):
        return RemoteLikelihood(model, tokenizer, prompt, written, scale)
    return Likelihood(model, tokenizer, prompt, written, scale)


def read_prompt(tokenizer: Any, prompt: Any) -> Prompt:
    """The prompt; of a text, its tokens.  Raises InputError for anything else."""
    return checked(Tokens(prompt, tokenizer) if isinstance(prompt, str) else prompt)


def read_target(model: Any, tokenizer: Any, prompt: Prompt, target: Any, generation: Any) -> Continuation:
    """The continuation, given or written by the model or its provider."""
    if isinstance(model, Provider):
        if target is None:
            target = written_remotely(model, tokenizer, prompt, GREEDY if generation is None else generation)
            generation = None
    elif not callable(model):
        raise InputError(f"the model is a {type(model).__name__}; pass a language model, or a Provider for one")
    return continuation(model, tokenizer, prompt, target, generation)
