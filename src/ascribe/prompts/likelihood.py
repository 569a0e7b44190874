"""How likely a continuation is, as a function of who of the prompt is present, or of the token ids."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any, Literal, final, get_args

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from ascribe.core.state import network_of
from ascribe.errors import InputError, TargetError
from ascribe.prompts.batch import Encoding, encoding, joined
from ascribe.prompts.continuation import Continuation, device_of
from ascribe.prompts.prompt import Prompt

Scale = Literal["log_prob", "prob"]


def scale_of(scale: Any) -> Scale:
    """The same, if it is a scale.  Raises TargetError for anything else."""
    if scale not in get_args(Scale):
        raise TargetError(f'scale={scale!r} is not known; pass "log_prob" or "prob"')
    return scale


@final
class Likelihood(nn.Module):
    """(n, players) codes of presence to (n, 1 + tokens): the whole continuation, then each of its tokens.

    All n prompts go through the network in one call. So it is a function for `explain`: of ones, against zeros, with
    `target="all"`.
    """

    def __init__(self, model: Any, tokenizer: Any, prompt: Prompt, continuation: Continuation, scale: Scale) -> None:
        super().__init__()
        self.model, self.tokenizer = model, tokenizer
        self.prompt, self.continuation = prompt, continuation
        self.scale: Scale = scale

    @property
    def numbers(self) -> Float[Tensor, " 0"]:
        """Codes and values are of the model's precision, in float32 at least, and live beside it."""
        network = network_of(self.model)
        parameters = () if network is None else network.parameters()
        kind = next((p.dtype for p in parameters if p.is_floating_point()), torch.float32)
        return torch.empty(0, dtype=torch.promote_types(kind, torch.float32), device=device_of(self.model))

    def forward(self, codes: Shaped[Tensor, "n players"]) -> Float[Tensor, "n outputs"]:
        whole = codes.detach().round().long().cpu()
        encodings = [encoding(self.tokenizer, self.prompt.filled(row)) for row in whole]
        batch, lengths = joined(encodings, self.continuation.ids, device_of(self.model))
        return scored(log_probabilities(self.model, batch, lengths, self.continuation.ids), self.scale)


@final
class TokenLikelihood(nn.Module):
    """(n, prompt + continuation) token ids to (n, 1 + tokens), differentiable in their embeddings."""

    def __init__(self, model: nn.Module, continuation: Continuation, scale: Scale) -> None:
        super().__init__()
        self.model, self.continuation = model, continuation
        self.scale: Scale = scale

    def forward(self, ids: Int[Tensor, "n length"]) -> Float[Tensor, "n outputs"]:
        lengths = torch.full((len(ids),), ids.shape[1] - len(self.continuation.ids), device=ids.device)
        batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        return scored(log_probabilities(self.model, batch, lengths, self.continuation.ids), self.scale)


def scored(each: Float[Tensor, "n tokens"], scale: Scale) -> Float[Tensor, "n outputs"]:
    """The whole, a sum of logarithms, in front of the tokens; as probabilities where these are asked for."""
    scores = torch.cat([each.sum(1, keepdim=True), each], 1)
    return scores if scale == "log_prob" else scores.exp()


def log_probabilities(
    model: Any, batch: Encoding, lengths: Int[Tensor, " n"], continuation: Int[Tensor, " tokens"]
) -> Float[Tensor, "n tokens"]:
    r"""$\log p(t_j \mid \text{prompt}, t_1 \ldots t_{j-1})$ of every row's continuation, in float32 at least.

    Raises TargetError for a token that the model does not know, InputError for an output that is no logits.
    """
    total, count = batch["input_ids"].shape[1], len(continuation)
    logits = logits_of(_run(model, batch, total - int(lengths.min()) + 1))
    # A model that returns only the last positions, or makes several of one image token, agrees with the ids at the end.
    start = logits.shape[1] - total
    place = lengths.to(logits.device)[:, None] - 1 + start + torch.arange(count, device=logits.device)
    if logits.shape[0] != len(lengths) or int(place.min()) < 0:
        raise InputError(
            f"the model gives logits {tuple(logits.shape)} for {len(lengths)} prompts of {total} tokens; it must give "
            "(prompts, tokens, vocabulary)"
        )
    wanted = continuation.to(logits.device).expand(len(lengths), count)
    if int(wanted.max()) >= logits.shape[2] or int(wanted.min()) < 0:
        outside = [number for number in continuation.tolist() if not 0 <= number < logits.shape[2]]
        raise TargetError(
            f"the continuation holds token {outside[0]}, but the model knows {logits.shape[2]}; pass the tokenizer "
            "that belongs to it"
        )
    picked = logits[torch.arange(len(lengths), device=logits.device)[:, None], place]
    picked = picked.to(torch.promote_types(picked.dtype, torch.float32))
    return picked.log_softmax(-1).gather(-1, wanted[..., None])[..., 0]


def logits_of(output: Any) -> Float[Tensor, "n length vocabulary"]:
    """The logits in a model's output: `.logits`, ["logits"], the first of a tuple, or the tensor itself.

    Raises InputError where there are none.
    """
    if isinstance(output, Mapping) and "logits" in output:
        output = output["logits"]
    elif isinstance(output, (tuple, list)) and output and not hasattr(output, "logits"):
        output = output[0]
    logits = getattr(output, "logits", output)
    if isinstance(logits, Tensor) and logits.ndim == 4 and logits.shape[1] == 1:
        logits = logits[:, 0]  # one head of several that a model may have to predict further ahead
    if not isinstance(logits, Tensor) or logits.ndim != 3 or not logits.is_floating_point():
        shape = f" of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else ""
        raise InputError(
            f"the model gives a {type(output).__name__}{shape}; a language model gives logits (prompts, tokens, "
            "vocabulary), as an output's .logits or by themselves"
        )
    return logits


def _run(model: Any, batch: Encoding, needed: int) -> Any:
    """The model's output on these inputs, given by name as far as its forward pass knows the names.

    Of a model that can be told so, no more than the logits of the last positions that are `needed`, and no cache.
    """
    parameters = signature(model.forward if isinstance(model, nn.Module) else model).parameters
    anything = any(parameter.kind == Parameter.VAR_KEYWORD for parameter in parameters.values())
    given = {name: value for name, value in batch.items() if anything or name in parameters}
    options = {"logits_to_keep": needed, "use_cache": False}
    given |= {name: value for name, value in options.items() if name in parameters}
    if "input_ids" in given:
        return model(**given)
    return model(batch["input_ids"], **given)
