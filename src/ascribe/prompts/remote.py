"""A model behind a service, which gives the log-probabilities of a text's tokens."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from jaxtyping import Float, Float64, Shaped
from torch import Tensor

from ascribe.errors import InputError, MethodError, TargetError, need
from ascribe.prompts.continuation import Continuation
from ascribe.prompts.likelihood import Scale, scored
from ascribe.prompts.prompt import Prompt
from ascribe.prompts.tokenizer import encode


class Provider(ABC):
    """What a service must give: a continuation, and the log-probability of each token of one."""

    @abstractmethod
    def generate(self, prompt: str, **gen_args: Any) -> str:
        """The text that the model writes after the prompt."""

    @abstractmethod
    def get_logprobs(self, input_prompt: str, target_str: str, tokenizer: Any = None) -> list[float]:
        """The log-probability of every token of `target_str` after the prompt and the tokens before it."""

    def get_logprobs_of_all(
        self, input_prompts: Sequence[str], target_str: str, tokenizer: Any = None
    ) -> list[list[float]]:
        """`get_logprobs` of several prompts; one request for all where the service can."""
        return [self.get_logprobs(prompt, target_str, tokenizer) for prompt in input_prompts]


class VLLM(Provider):
    """A server of vLLM, or of any service that answers OpenAI's completions with `prompt_logprobs`.

    `model_name`: the first that the server lists, unless it is given. The key is OPENAI_API_KEY of the environment.
    Errors of the client, such as a connection that fails, are its own.

    Raises InputError without an address, MethodError for a server without models, MissingExtra without openai.
    """

    def __init__(self, api_url: str, model_name: str | None = None) -> None:
        openai = need("openai", extra="remote")
        if not api_url.strip():
            raise InputError("api_url is empty; pass the address of the service, such as http://localhost:8000/v1")
        self.api_url = api_url
        self.client: Any = openai.OpenAI(base_url=api_url, api_key=os.getenv("OPENAI_API_KEY", "EMPTY"))
        if model_name is None:
            models = self.client.models.list().data
            if not models:
                raise MethodError(f"the service at {api_url} lists no models; pass model_name=")
            model_name = models[0].id
        self.model_name: str = str(model_name)

    def generate(self, prompt: str, **gen_args: Any) -> str:
        """The text that the model writes; `max_new_tokens` (25) and the knobs of OpenAI's completions are known.

        Raises MethodError for an answer without a text.
        """
        knobs = {name: value for name, value in gen_args.items() if name not in ("do_sample", "max_new_tokens")}
        knobs.setdefault("max_tokens", gen_args.get("max_new_tokens", 25))
        if gen_args.get("do_sample") is False and knobs.get("temperature") is None:
            knobs["temperature"] = 0.0
        knobs = {name: value for name, value in knobs.items() if value is not None}
        return self._ask(prompt, **knobs)[0].text

    def get_logprobs(self, input_prompt: str, target_str: str, tokenizer: Any = None) -> list[float]:
        """The log-probability of every token of the target.

        Raises TargetError for an empty target, InputError without a tokenizer, MethodError for an answer without them.
        """
        return self.get_logprobs_of_all([input_prompt], target_str, tokenizer)[0]

    def get_logprobs_of_all(
        self, input_prompts: Sequence[str], target_str: str, tokenizer: Any = None
    ) -> list[list[float]]:
        """All prompts in one request."""
        if tokenizer is None:
            raise InputError("the tokens of the target are counted by a tokenizer; pass tokenizer=")
        count = len(encode(tokenizer, target_str, special=False))
        if count == 0:
            raise TargetError("the target has no tokens; pass a text of at least one")
        texts = [prompt + target_str for prompt in input_prompts]
        # The service writes one token at least; what is asked of it is the probabilities of those it was given.
        choices = self._ask(texts, temperature=0.0, max_tokens=1, extra_body={"prompt_logprobs": 0})
        if len(choices) != len(texts):
            raise MethodError(f"the service gave {len(choices)} answers to {len(texts)} prompts; is it vLLM?")
        return [_log_probabilities(choice, count) for choice in choices]

    def _ask(self, prompt: str | list[str], **knobs: Any) -> list[Any]:
        answer: Any = self.client.completions.create(model=self.model_name, prompt=prompt, **knobs)
        choices = getattr(answer, "choices", None)
        if not choices:
            raise MethodError(f"the service at {self.api_url} gave no choices; does it answer OpenAI's completions?")
        return list(choices)


def _log_probabilities(choice: Any, count: int) -> list[float]:
    """The last `count` tokens' of an answer; each token comes with a table of one entry."""
    tables = (getattr(choice, "prompt_logprobs", None) or [])[-count:]
    if len(tables) != count or not all(tables):
        raise MethodError(
            f"the service gave log-probabilities of {sum(map(bool, tables))} of {count} tokens; it must support "
            "prompt_logprobs, as vLLM does"
        )
    entries = [next(iter(table.values())) for table in tables]
    return [float(entry["logprob"] if isinstance(entry, Mapping) else entry.logprob) for entry in entries]


@final
class RemoteLikelihood:
    """(n, players) codes of presence to (n, 1 + tokens), asked of a provider; no text is asked about twice."""

    def __init__(
        self, provider: Provider, tokenizer: Any, prompt: Prompt, continuation: Continuation, scale: Scale
    ) -> None:
        self.provider, self.tokenizer, self.prompt = provider, tokenizer, prompt
        self.continuation = continuation
        self.scale: Scale = scale
        self.text = str(tokenizer.decode(continuation.ids))
        self.known: dict[str, Tensor] = {}
        self.numbers: Float64[Tensor, " 0"] = torch.empty(0, dtype=torch.float64)

    def __call__(self, codes: Shaped[Tensor, "n players"]) -> Float[Tensor, "n outputs"]:
        texts = [self._text(row) for row in codes.detach().round().long().cpu()]
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            answers = self.provider.get_logprobs_of_all(new, self.text, self.tokenizer)
            for text, answer in zip(new, answers, strict=True):
                self.known[text] = self._read(answer)
        return scored(torch.stack([self.known[text] for text in texts]), self.scale).to(codes.dtype)

    def _text(self, codes: Tensor) -> str:
        filled = self.prompt.filled(codes)
        if isinstance(filled, Tensor):
            return str(self.tokenizer.decode(filled.reshape(-1)))
        if not isinstance(filled, str):
            raise InputError(f"the prompt became a {type(filled).__name__}; a service is asked about texts and tokens")
        return filled

    def _read(self, answer: list[float]) -> Tensor:
        if len(answer) != len(self.continuation.ids):
            raise MethodError(
                f"the provider gave {len(answer)} log-probabilities for {len(self.continuation.ids)} tokens of the "
                "target; its tokenizer must be the one that was passed"
            )
        return torch.tensor([float(number) for number in answer], dtype=torch.float64)


def written_remotely(provider: Provider, tokenizer: Any, prompt: Prompt, generation: Mapping[str, Any]) -> Tensor:
    """The tokens that the provider writes after the whole prompt."""
    filled = prompt.filled(torch.ones(len(prompt.names), dtype=torch.long))
    text = filled if isinstance(filled, str) else str(tokenizer.decode(torch.as_tensor(filled).reshape(-1)))
    return encode(tokenizer, provider.generate(text, **generation), special=False)
