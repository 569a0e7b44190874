"""Models behind a service: the same values as of the model at hand, and each text asked about once."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from ascribe.errors import InputError, MethodError, MissingExtra, TargetError
from ascribe.methods.integrated_gradients import IntegratedGradients
from ascribe.methods.shapley import Shapley
from ascribe.prompts import VLLM, Provider, Template, Tokens, explain_prompt
from networks.language_model import tiny_language_model
from reference.prompts import log_probabilities

STORY = Template("{who} lives in {city} ", {"who": "Anna", "city": "Rome"}, {"who": "Bob", "city": "Rome"})


class Local(Provider):
    """A service that is no further than this process."""

    def __init__(self, cut: int = 0) -> None:
        self.model, self.tokenizer = tiny_language_model()
        self.asked: list[str] = []
        self.cut = cut

    def generate(self, prompt: str, **gen_args: Any) -> str:
        ids = self.tokenizer.encode(prompt, return_tensors="pt")
        return self.tokenizer.decode(self.model.generate(ids, **gen_args)[0, ids.shape[1] :])

    def get_logprobs(self, input_prompt: str, target_str: str, tokenizer: Any = None) -> list[float]:
        self.asked.append(input_prompt)
        target = self.tokenizer.encode(target_str, add_special_tokens=False)
        each = log_probabilities(self.model, self.tokenizer.encode(input_prompt), target)[1:]
        return each.tolist()[self.cut :]


def test_values_are_those_of_the_model():
    service = Local()
    found = explain_prompt(service, service.tokenizer, STORY, Shapley(), target="the cat")
    wanted = explain_prompt(service.model, service.tokenizer, STORY, Shapley(), target="the cat")
    torch.testing.assert_close(found.whole.values, wanted.whole.values, rtol=1e-9, atol=1e-12)
    # The city is the same in the baseline: four coalitions are two texts.
    assert len(service.asked) == len(set(service.asked)) == 2


def test_the_service_writes_what_is_explained_and_is_asked_about_tokens():
    service = Local()
    prompt = Tokens("the cat", service.tokenizer, baseline="a", skip=["<bos>"])
    service.tokenizer.begin = False
    found = explain_prompt(service, service.tokenizer, prompt, Shapley(), generation={"max_new_tokens": 2})
    assert len(found.tokens) == 2
    assert service.asked[0].startswith("<bos> ")


def test_what_a_service_cannot_do():
    with pytest.raises(MethodError, match="1 log-probabilities for 2 tokens"):
        explain_prompt(Local(cut=1), Local().tokenizer, STORY, Shapley(), target="the cat")
    with pytest.raises(MethodError, match="needs gradients"):
        explain_prompt(Local(), Local().tokenizer, STORY, IntegratedGradients(), target="the cat")


class Client:
    """What is used of openai's client, answering as vLLM does."""

    answers_without: str = ""

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url, self.api_key = base_url, api_key
        self.service = Local()
        self.requests: list[dict[str, Any]] = []
        self.models = SimpleNamespace(list=lambda: SimpleNamespace(data=self.names))
        self.completions = SimpleNamespace(create=self.create)

    names: Any = (SimpleNamespace(id="tiny"),)

    def create(self, model: str, prompt: Any, **knobs: Any) -> Any:
        self.requests.append({"model": model, "prompt": prompt, **knobs})
        if "extra_body" not in knobs:
            return SimpleNamespace(choices=[SimpleNamespace(text=self.service.generate(prompt, max_new_tokens=2))])
        if self.answers_without == "choices":
            return SimpleNamespace(choices=[])
        choices = [SimpleNamespace(prompt_logprobs=self.tables(text)) for text in prompt]
        return SimpleNamespace(choices=choices)

    def tables(self, text: str) -> Any:
        if self.answers_without == "prompt_logprobs":
            return None
        ids = self.service.tokenizer.encode(text)
        each = log_probabilities(self.service.model, ids[:1], ids[1:])[1:].tolist()
        return [None, *({str(number): {"logprob": value}} for number, value in zip(ids[1:], each, strict=True))]


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("openai")
    vars(module)["OpenAI"] = Client
    monkeypatch.setitem(sys.modules, "openai", module)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return module


@pytest.mark.usefixtures("openai")
def test_vllm_is_asked_about_all_prompts_in_one_request():
    service = VLLM("http://localhost:8000/v1")
    assert service.model_name == "tiny"
    assert service.client.api_key == "EMPTY"
    tokenizer = Local().tokenizer
    found = explain_prompt(service, tokenizer, STORY, Shapley(), target="the cat")
    wanted = explain_prompt(Local(), tokenizer, STORY, Shapley(), target="the cat")
    torch.testing.assert_close(found.whole.values, wanted.whole.values, rtol=1e-9, atol=1e-12)
    assert all(request["extra_body"] == {"prompt_logprobs": 0} for request in service.client.requests)
    alone = service.get_logprobs("Anna ", "the cat", tokenizer)
    both = service.get_logprobs_of_all(["Anna ", "Bob "], "the cat", tokenizer)
    assert len(service.client.requests[-1]["prompt"]) == 2
    assert both[0] == alone
    assert both[1] != alone


@pytest.mark.usefixtures("openai")
def test_vllm_writes_with_the_knobs_of_openai():
    service = VLLM("http://localhost:8000/v1", "other")
    service.generate("the cat ", max_new_tokens=7, do_sample=False, temperature=None, top_p=None)
    assert service.client.requests[-1] == {"model": "other", "prompt": "the cat ", "max_tokens": 7, "temperature": 0.0}


@pytest.mark.usefixtures("openai")
def test_vllm_says_what_is_missing(monkeypatch: pytest.MonkeyPatch):
    service, tokenizer = VLLM("http://localhost:8000/v1"), Local().tokenizer
    with pytest.raises(InputError, match="api_url is empty"):
        VLLM(" ")
    with pytest.raises(InputError, match="pass tokenizer="):
        service.get_logprobs("Anna ", "the")
    with pytest.raises(TargetError, match="no tokens"):
        service.get_logprobs("Anna ", "", tokenizer)
    for missing, said in (("choices", "no choices"), ("prompt_logprobs", "0 of 1 tokens")):
        monkeypatch.setattr(Client, "answers_without", missing)
        with pytest.raises(MethodError, match=said):
            service.get_logprobs("Anna ", "the", tokenizer)
    monkeypatch.setattr(Client, "names", ())
    with pytest.raises(MethodError, match="lists no models"):
        VLLM("http://localhost:8000/v1")


def test_vllm_needs_a_client(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtra, match=r"ascribe\[remote\]"):
        VLLM("http://localhost:8000/v1")
