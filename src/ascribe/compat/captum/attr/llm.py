"""Captum's attribution of language models, over `ascribe.prompts.explain_prompt`.

All prompts of a piece go through the model in one batch, and all tokens of the target in one pass, so
`use_cached_outputs` and `forward_in_tokens` are taken and have nothing to do; nor has `perturbations_per_eval`.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ascribe.compat.captum.attr.attribution import Attribution, GradientAttribution, LayerAttribution
from ascribe.compat.captum.attr.door import Given, MethodDoor, rows_of
from ascribe.compat.captum.attr.games import ShapleyValueSampling
from ascribe.compat.captum.attr.interpretable_input import InterpretableInput
from ascribe.compat.captum.attr.lime import Lime
from ascribe.compat.captum.attr.llm_result import LLMAttributionResult
from ascribe.compat.captum.attr.places import place
from ascribe.compat.captum.attr.removal import FeatureAblation
from ascribe.errors import InputError, MethodError
from ascribe.methods.shapley import Shapley
from ascribe.prompts.attribution import PromptAttribution
from ascribe.prompts.continuation import device_of
from ascribe.prompts.explain_prompt import explain_prompt
from ascribe.prompts.prompt_score import prompt_score
from ascribe.prompts.remote import VLLM, Provider


class RemoteLLMProvider(Provider):
    """`ascribe.prompts.Provider`: what a service must give."""


class VLLMProvider(VLLM, RemoteLLMProvider):
    """`ascribe.prompts.VLLM`."""


class BaseLLMAttribution(Attribution):
    """An attribution class of Captum's names, turned to the prompts of the language model that it was made with."""

    gradients: ClassVar[bool]

    def __init__(self, attr_method: Attribution, tokenizer: Any) -> None:
        if not isinstance(attr_method, MethodDoor) or isinstance(attr_method, GradientAttribution) != self.gradients:
            advice = "LayerIntegratedGradients(model, embedding)" if self.gradients else "FeatureAblation(model)"
            other = LLMAttribution if self.gradients else LLMGradientAttribution
            raise MethodError(
                f"{type(self).__name__} does not take {type(attr_method).__name__}; pass {advice}, say, or use "
                f"{other.__name__}."
            )
        super().__init__(attr_method.forward_func)
        self.attr_method: MethodDoor = copy(attr_method)
        self.model, self.tokenizer = attr_method.forward_func, tokenizer
        self.device: torch.device = device_of(self.model)

    def _given(self, inp: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """What the method's own `attribute` would be given.  Raises MethodError for what is made here."""
        if not isinstance(inp, InterpretableInput):
            raise InputError(
                f"inp is a {type(inp).__name__}; pass TextTemplateInput, TextTokenInput or ImageMaskInput."
            )
        given = self.attr_method.bind(inp.to_tensor(), **kwargs)
        for name in ("target", "additional_forward_args"):
            if given.get(name) is not None:
                raise MethodError(f"{name} is made by {type(self).__name__} itself; leave it out.")
        return given

    def _explained(
        self, model: Any, inp: InterpretableInput, given: Given, method: Method, draws: int = 1, **asked: Any
    ) -> PromptAttribution:
        return explain_prompt(
            model,
            self.tokenizer,
            inp.prompt(draws),
            method,
            background=_rows(given.get("baselines"), inp),
            progress=bool(given.get("show_progress", False)),
            **asked,
        )


def _rows(baselines: Any, inp: InterpretableInput) -> Any:
    """Captum's baselines, here of features that are present or not, as rows to compare with."""
    baselines, features = rows_of(baselines, inp.to_tensor()), inp.n_itp_features
    return [[baselines] * features] if isinstance(baselines, (int, float)) else baselines


class _Whole(nn.Module):
    """The score of the whole continuation alone."""

    def __init__(self, score: Any) -> None:
        super().__init__()
        self.score = score

    def forward(self, codes: Tensor) -> Tensor:
        return self.score(codes)[:, 0]


class LLMAttribution(BaseLLMAttribution):
    """A method of players and the log-probability (or probability) of a continuation."""

    gradients: ClassVar[bool] = False

    def __init__(self, attr_method: Attribution, tokenizer: Any, attr_target: str = "log_prob") -> None:
        super().__init__(attr_method, tokenizer)
        if attr_target not in ("log_prob", "prob"):
            raise MethodError(f'attr_target={attr_target!r} is not known; pass "log_prob" or "prob".')
        self.attr_target = attr_target
        self.include_per_token_attr = isinstance(attr_method, (FeatureAblation, ShapleyValueSampling))

    def attribute(
        self,
        inp: Any,
        target: str | Tensor | None = None,
        num_trials: int = 1,
        gen_args: Mapping[str, Any] | None = None,
        use_cached_outputs: bool = True,
        _inspect_forward: Any = None,
        forward_in_tokens: bool = True,
        **kwargs: Any,
    ) -> LLMAttributionResult:
        """Attributions of the whole continuation and, but for Lime and KernelShap, of each of its tokens.

        `num_trials` multiplies the samples of a method that samples, and draws so many random baselines.
        """
        if _inspect_forward is not None:
            raise MethodError("_inspect_forward sees single prompts, and here they are batches; wrap the model.")
        if num_trials < 1:
            raise MethodError(f"num_trials={num_trials}; pass 1 or more.")
        given = self._given(inp, kwargs)
        if "n_samples" in given:
            given["n_samples"] *= num_trials
        method = self.attr_method.method(given)
        if isinstance(method, Shapley) and method.budget is not None and "n_samples" not in given:
            method = replace(method, budget=num_trials * method.budget)
        asked: dict[str, Any] = {"target": target, "scale": self.attr_target, "generation": gen_args}
        if isinstance(self.attr_method, Lime) and self.attr_method.own:
            score = prompt_score(self._model, self.tokenizer, inp.prompt(), **asked)
            return self._result(inp, self._fitted(score, inp, kwargs), score.continuation.tokens)
        mask = self.attr_method.mask(given)
        asked["groups"] = None if mask is None else mask.groups
        found = self._explained(self._model, inp, given, method, num_trials, **asked)
        values = found.whole.values[:, 0]
        return self._result(inp, values if mask is None else mask.entries(values), found.tokens)

    def _fitted(self, score: Any, inp: InterpretableInput, kwargs: Mapping[str, Any]) -> Tensor:
        """What a surrogate model or a sampler of the user's own makes of the whole continuation's score."""
        explainer = copy(self.attr_method)
        explainer.forward_func = _Whole(score)
        return explainer.attribute(inp.to_tensor().to(score.numbers), **kwargs)

    def _result(self, inp: InterpretableInput, values: Tensor, tokens: tuple[str, ...]) -> LLMAttributionResult:
        values = inp.format_attr(values)
        return LLMAttributionResult(
            seq_attr=values[0],
            token_attr=values[1:] if self.include_per_token_attr else None,
            input_tokens=inp.values,
            output_tokens=list(tokens),
            inp=inp,
        )

    @property
    def _model(self) -> Any:
        return self.model


class RemoteLLMAttribution(LLMAttribution):
    """The same of a model behind a service; the class is made with `placeholder_model`."""

    class _Nothing:
        device = torch.device("cpu")

        def __call__(self, *_: Any, **__: Any) -> int:
            return 0

    placeholder_model: ClassVar[Any] = _Nothing()

    def __init__(self, attr_method: Attribution, tokenizer: Any, provider: Any, attr_target: str = "log_prob") -> None:
        super().__init__(attr_method, tokenizer, attr_target)
        if not isinstance(provider, Provider):
            raise MethodError(f"the provider is a {type(provider).__name__}; derive it from RemoteLLMProvider.")
        self.provider = provider

    @property
    def _model(self) -> Any:
        return self.provider


class LLMGradientAttribution(BaseLLMAttribution):
    """A method that needs gradients, at the layer it was made with, or at the embedding, and log-probabilities."""

    gradients: ClassVar[bool] = True

    def attribute(
        self,
        inp: Any,
        target: str | Tensor | None = None,
        gen_args: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> LLMAttributionResult:
        """Attributions of the whole continuation and of each of its tokens to the tokens of the prompt."""
        given = self._given(inp, kwargs)
        at = None
        if isinstance(self.attr_method, LayerAttribution):
            at = place(self.model, self.attr_method.layer, given.get("attribute_to_layer_input", False))
        method = self.attr_method.method(given)
        found = self._explained(self.model, inp, given, method, target=target, generation=gen_args, at=at)
        return LLMAttributionResult(
            seq_attr=found.sequence.values[0],
            token_attr=found.token_values,
            input_tokens=inp.values,
            output_tokens=list(found.tokens),
        )
