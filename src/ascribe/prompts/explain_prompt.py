"""`explain_prompt`: which parts of a prompt is this continuation due to?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Int, Shaped
from torch import Tensor, nn

from ascribe.core.attribution import Attribution
from ascribe.core.explain import explain
from ascribe.core.grouping import grouped
from ascribe.core.method import Method
from ascribe.core.state import network_of
from ascribe.errors import LayerError, MethodError
from ascribe.prompts.attribution import PromptAttribution
from ascribe.prompts.continuation import device_of
from ascribe.prompts.likelihood import TokenLikelihood, scale_of
from ascribe.prompts.prompt import check_method, codes_of
from ascribe.prompts.prompt_score import prompt_score, read_prompt, read_target
from ascribe.prompts.remote import Provider
from ascribe.prompts.tokens import Tokens


def explain_prompt(
    model: Any,
    tokenizer: Any,
    prompt: Any,
    method: Method,
    *,
    target: Any = None,
    scale: Any = "log_prob",
    at: str | nn.Module | None = None,
    background: Any = None,
    groups: Any = None,
    generation: Mapping[str, Any] | None = None,
    memory: int | str = "1 GiB",
    progress: bool = False,
) -> PromptAttribution:
    r"""Attribute the log-probability of a continuation, and of each of its tokens, to the parts of a prompt.

    - `model`: a causal language model, called as model(input_ids=..., attention_mask=...), that gives `.logits`; or a
      `Provider` that answers for one.
    - `prompt`: `Template`, `Words`, `Tokens` or `MaskedImage`; a text means its tokens.
    - `method`: one of players (`Shapley`, `Ablation`, ...) with any prompt; one that needs gradients
      (`IntegratedGradients`, `ExpectedGradients`, ...) with `Tokens`, whose embeddings it compares with those of the
      baseline and sums over their dimension.
    - `target`: the continuation, a text or token ids; nothing: what the model writes, greedily, or as the arguments of
      its `generate` in `generation` say.
    - `scale`: "log_prob" or "prob".
    - `at`: for methods that need gradients, another layer with one vector a token instead of the embedding.
    - `background`: what the prompt is compared with, as rows of codes, one a part (see `Prompt`); nothing: all parts
      absent, once for each baseline.
    - `groups`: parts that count as one, as `explain` takes them.
    - `memory`: what the prompts that go through the network together may take.

    All tokens come from one pass: the prompts of a piece are one batch, padded on the right, so the model must be
    causal, as those that write are. Costs the evaluations of the method, whatever the number of tokens.

    Raises InputError, TargetError, LayerError, MethodError: each says what came, what was needed and what to type.
    """
    scale = scale_of(scale)
    prompt = read_prompt(tokenizer, prompt)
    codes = codes_of(prompt, background)
    check_method(method, len(codes))
    asked: dict[str, Any] = {"target": "all", "memory": memory, "progress": progress}
    if method.gradients:
        network = None if isinstance(model, Provider) else network_of(model)
        if not isinstance(prompt, Tokens) or network is None:
            raise MethodError(
                f"{method!r} needs gradients at the embedding of tokens; pass a torch.nn.Module and "
                "Tokens(text, tokenizer), or take a method that needs none, such as Shapley()"
            )
        written = read_target(model, tokenizer, prompt, target, generation)
        found = _differentiated(TokenLikelihood(network, written, scale), prompt, method, codes, at, groups, asked)
    elif at is not None:
        raise LayerError(f"at={at!r}, but {method!r} takes parts of the prompt away; leave at= out")
    else:
        score = prompt_score(model, tokenizer, prompt, target=target, scale=scale, generation=generation)
        written, z = score.continuation, score.numbers.new_ones(1, len(prompt.names))
        found = explain(score, z, method, background=codes.to(z), groups=groups, names=prompt.names, **asked)
    return PromptAttribution(found, written.tokens, scale)


def _differentiated(
    score: TokenLikelihood,
    prompt: Tokens,
    method: Method,
    codes: Int[Tensor, "draws parts"],
    at: str | nn.Module | None,
    groups: Any,
    asked: Mapping[str, Any],
) -> Attribution:
    """Gradients where the tokens are vectors, from one row of ids: the prompt and the continuation behind it."""
    ids = torch.cat([prompt.filled(row) for row in torch.cat([torch.ones_like(codes[:1]), codes])])
    ids = torch.cat([ids, score.continuation.ids.expand(len(ids), -1)], dim=1).to(device_of(score.model))
    place = f"model.{at}" if isinstance(at, str) else at
    found = explain(score, ids[:1], method, at=place, background=ids[1:], **asked)
    players = prompt.players.nonzero()[:, 0].to(ids.device)
    values, error = (
        None if part is None else _of_tokens(part, ids.shape[1], at)[..., players]
        for part in (found.values, found.error)
    )
    names = prompt.names
    if groups is not None:
        teams = grouped(groups, [len(names)], names, ids.device)
        values, error = (None if part is None else teams.gather(part[:, 0])[:, None] for part in (values, error))
        names = teams.names
    return replace(found, values=values, error=error, names=names, inputs=ids[:1, players], at=at)


def _of_tokens(values: Shaped[Tensor, "outputs 1 *form"], length: int, at: Any) -> Shaped[Tensor, "outputs 1 length"]:
    """One value a token: the sum over its vector. (Errors too: the error of a sum is at most their sum.)"""
    if values.ndim < 3 or values.shape[2] != length:
        raise LayerError(
            f"at={at!r} gives values {tuple(values.shape[2:])} for {length} tokens; "
            "name a layer with one vector a token"
        )
    return values.flatten(3).sum(-1) if values.ndim > 3 else values
