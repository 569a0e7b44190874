"""Continuations explained: against the replica, in one pass, with every kind of method and prompt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError
from torch import nn

from ascribe import explain
from ascribe.errors import InputError, LayerError, MethodError, TargetError
from ascribe.methods import (
    LRP,
    Ablation,
    Banzhaf,
    DeepLift,
    ExpectedGradients,
    GradCAM,
    InputXGradient,
    IntegratedGradients,
    KernelShap,
    Lime,
    Occlusion,
    Permutation,
    Saliency,
    Shapley,
    ShapleyInteractions,
)
from ascribe.prompts import MaskedImage, Template, Tokens, Words, explain_prompt, prompt_score
from networks.language_model import tiny_language_model
from reference.prompts import ablation, log_probabilities, shapley

STORY = Template("{who} lives in {city} and {he} is happy", {"who": "Anna", "city": "Rome", "he": "she"}, {"he": "it"})


def worth_of(model: Any, tokenizer: Any, prompt: Any, target: str) -> Any:
    ids = tokenizer.encode(target, add_special_tokens=False)

    def worth(present: set[int]) -> torch.Tensor:
        filled = prompt.filled(torch.tensor([int(player in present) for player in range(len(prompt.names))]))
        texts = tokenizer.encode(filled) if isinstance(filled, str) else filled[0].tolist()
        return log_probabilities(model, texts, ids)

    return worth


@pytest.mark.parametrize("target", ["the cat sat", "happy"])
@pytest.mark.parametrize("prompt", ["template", "words", "tokens"])
def test_values_are_those_of_the_replica(prompt: str, target: str):
    model, tokenizer = tiny_language_model()
    parts: Any = {"template": STORY, "words": Words("the cat sat"), "tokens": Tokens("Anna sat", tokenizer)}[prompt]
    worth = worth_of(model, tokenizer, parts, target)
    for method, replica in ((Ablation(), ablation), (Shapley(), shapley)):
        found = explain_prompt(model, tokenizer, parts, method, target=target)
        wanted = replica(worth, len(parts.names))
        torch.testing.assert_close(found.token_values, wanted[1:], rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(found.sequence.values[0], wanted[0], rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(found.whole.output[:, 0], worth(set(range(len(parts.names)))))
        assert found.tokens == tuple(target.split())
        assert found.names == parts.names


@pytest.mark.parametrize(
    ("method", "like"), [(KernelShap(), Shapley()), (Shapley(budget=64), Shapley()), (Occlusion(1), Ablation())]
)
def test_methods_that_agree_elsewhere_agree_on_prompts(method: Any, like: Any):
    model, tokenizer = tiny_language_model()
    found, wanted = (explain_prompt(model, tokenizer, STORY, one, target="the cat") for one in (method, like))
    torch.testing.assert_close(found.token_values, wanted.token_values, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("method", [Banzhaf(), Lime()], ids=repr)
def test_every_method_of_players_serves(method: Any):
    model, tokenizer = tiny_language_model()
    found = explain_prompt(model, tokenizer, STORY, method, target="the cat")
    for place in range(2):
        score = prompt_score(model, tokenizer, STORY, target="the cat")
        alone = explain(score, torch.ones(1, 3, dtype=torch.float64), method, target=1 + place)
        torch.testing.assert_close(found.token_values[place], alone.values[0], rtol=1e-9, atol=1e-11)


def test_pairs_of_parts_add_up_to_the_parts():
    model, tokenizer = tiny_language_model()
    pairs = explain_prompt(model, tokenizer, STORY, ShapleyInteractions(), target="the cat")
    whole = pairs.whole.output - pairs.whole.reference
    assert pairs.token_values.shape == (2, 3, 3)
    torch.testing.assert_close(pairs.token_values.sum((1, 2)), whole[1:, 0], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("method", [ExpectedGradients(draws=64), DeepLift(), LRP(), Saliency()], ids=repr)
def test_every_method_of_gradients_serves(method: Any):
    model, tokenizer = tiny_language_model()
    found = explain_prompt(model, tokenizer, "the cat", method, target="ran on")
    assert found.token_values.shape == (2, 3)
    assert float(found.token_values.abs().max()) > 0
    if "complete" in method.laws:
        assert float(found.whole.gap.abs().max()) < 1e-9


def test_probabilities_are_the_exponentials():
    model, tokenizer = tiny_language_model()
    worth = worth_of(model, tokenizer, STORY, "the cat")
    found = explain_prompt(model, tokenizer, STORY, Shapley(), target="the cat", scale="prob")
    torch.testing.assert_close(found.whole.values[:, 0], shapley(lambda s: worth(s).exp(), 3))
    assert float(found.whole.gap.abs().max()) < 1e-12


def test_prompts_of_different_lengths_go_through_in_one_batch():
    model, tokenizer = tiny_language_model()
    explain_prompt(model, tokenizer, STORY, Shapley(), target="the cat sat")
    # A glance at the model, everybody, nobody, and all other coalitions: once for the whole and all its tokens.
    assert sorted(model.batches) == [1, 1, 1, 2**3 - 2]
    model.batches.clear()
    explain_prompt(model, tokenizer, STORY, Shapley(), target="the cat sat", memory="1 KiB")
    assert max(model.batches) < 2**3 - 2


def test_the_memory_budget_changes_no_value():
    model, tokenizer = tiny_language_model()
    whole, narrow = (
        explain_prompt(model, tokenizer, Words("the cat sat on"), Shapley(), target="Anna", memory=memory)
        for memory in ("1 GiB", "1 KiB")
    )
    torch.testing.assert_close(whole.whole.values, narrow.whole.values, rtol=1e-12, atol=1e-14)


def test_without_a_mask_argument_the_padding_on_the_right_is_not_seen():
    model, tokenizer = tiny_language_model()

    def bare(ids: torch.Tensor) -> torch.Tensor:
        return model(ids).logits

    found = explain_prompt(bare, tokenizer, STORY, Ablation(), target="the cat")
    masked = explain_prompt(model, tokenizer, STORY, Ablation(), target="the cat")
    torch.testing.assert_close(found.whole.values.double(), masked.whole.values, rtol=1e-6, atol=1e-7)


class LastLogits(nn.Module):
    """A model that gives the logits of the last positions only, where it is asked to."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner
        self.kept: list[int] = []

    def forward(self, input_ids: torch.Tensor, logits_to_keep: int = 0, **rest: Any) -> dict[str, torch.Tensor]:
        self.kept.append(logits_to_keep)
        return {"logits": self.inner(input_ids, rest["attention_mask"]).logits[:, -logits_to_keep:]}


def test_only_the_logits_that_are_needed_are_made():
    model, tokenizer = tiny_language_model()
    last = LastLogits(model)
    found = explain_prompt(last, tokenizer, STORY, Ablation(), target="the cat")
    wanted = explain_prompt(model, tokenizer, STORY, Ablation(), target="the cat")
    torch.testing.assert_close(found.whole.values, wanted.whole.values, rtol=1e-12, atol=1e-14)
    # Two tokens need three positions; the shortest of a padded batch ends one or two before the others.
    assert min(last.kept) == 3
    assert max(last.kept) <= 5


def test_several_baselines_are_averaged_over():
    model, tokenizer = tiny_language_model()
    fields, baselines = {"who": "Anna", "city": "Rome"}, [{"who": "Bob", "city": "Oslo"}, {"who": "it"}]
    both = explain_prompt(
        model, tokenizer, Template("{who} in {city}", fields, baselines), Ablation(), target="the cat"
    )
    each = [
        explain_prompt(model, tokenizer, Template("{who} in {city}", fields, one), Ablation(), target="the cat")
        for one in baselines
    ]
    mean = (each[0].whole.values + each[1].whole.values) / 2
    torch.testing.assert_close(both.whole.values, mean, rtol=1e-10, atol=1e-12)
    ids = Tokens("the cat", tokenizer, baseline=["a", "dog"])
    with pytest.raises(MethodError, match="compares with one baseline, and here are 2"):
        explain_prompt(model, tokenizer, ids, IntegratedGradients(), target="sat")


def test_a_background_of_codes_is_what_the_prompt_is_compared_with():
    model, tokenizer = tiny_language_model()
    kept = explain_prompt(model, tokenizer, STORY, Shapley(), target="the cat", background=[[1, 0, 0]])
    worth = worth_of(model, tokenizer, STORY, "the cat")
    torch.testing.assert_close(kept.whole.reference[:, 0], worth({0}))
    assert kept.whole.values[:, 0, 0].abs().max() < 1e-12
    prompt = Tokens("Anna lives in Rome", tokenizer, skip=["<bos>"])
    halves = torch.tensor([[0, 0, 1, 1]])
    found = explain_prompt(model, tokenizer, prompt, IntegratedGradients(), target="the cat", background=halves)
    assert found.token_values[:, 2:].abs().max() < 1e-12
    torch.testing.assert_close(
        found.whole.reference[:, 0], worth_of(model, tokenizer, prompt, "the cat")({2, 3}), rtol=1e-10, atol=1e-12
    )
    for wrong in ([[1, 0]], [[1, 0, 2]], []):
        with pytest.raises(InputError, match="rows of 3 codes from 0 to 1"):
            explain_prompt(model, tokenizer, STORY, Shapley(), target="sat", background=wrong)


def test_sampled_values_keep_their_standard_errors():
    model, tokenizer = tiny_language_model()
    prompt = Words("the cat sat on the mat and was happy .")
    exact = explain_prompt(model, tokenizer, prompt, Shapley(budget=2**10), target="Anna sat")
    drawn = explain_prompt(model, tokenizer, prompt, Shapley(budget=200), target="Anna sat")
    assert drawn.token_error is not None
    assert float(drawn.token_error.min()) > 0
    away = (drawn.token_values - exact.token_values).abs() / drawn.token_error
    assert float(away.max()) < 5
    assert float((away**2).mean()) < 4


def test_gradients_are_those_at_the_embedding():
    model, tokenizer = tiny_language_model()
    prompt = Tokens("Anna lives in Rome", tokenizer, baseline="it", skip=["<bos>"])
    found = explain_prompt(model, tokenizer, prompt, InputXGradient(), target="the cat")
    ids = prompt.filled(torch.ones(4, dtype=torch.long))
    tail = torch.tensor([tokenizer.encode("the cat", add_special_tokens=False)])
    start = model.embed(prompt.filled(torch.zeros(4, dtype=torch.long))).detach()
    for place in range(2):
        seen: list[torch.Tensor] = []
        handle = model.embed.register_forward_hook(lambda _, __, out, seen=seen: seen.append(out) or out)
        score = model(torch.cat([ids, tail[:, :place]], 1)).logits[0, -1].log_softmax(0)[tail[0, place]]
        handle.remove()
        (slope,) = torch.autograd.grad(score, seen[0])
        wanted = ((seen[0][:, :5] - start) * slope[:, :5]).sum(-1)[0, 1:]
        torch.testing.assert_close(found.token_values[place], wanted.detach(), rtol=1e-10, atol=1e-12)
    assert found.names == ("Anna", "lives", "in", "Rome")


def test_integrated_gradients_are_complete_and_take_groups():
    model, tokenizer = tiny_language_model()
    found = explain_prompt(model, tokenizer, "Anna lives in Rome", IntegratedGradients(), target="the cat")
    torch.testing.assert_close(
        found.whole.values.sum(-1)[:, 0], (found.whole.output - found.whole.reference)[:, 0], rtol=0, atol=1e-10
    )
    torch.testing.assert_close(found.sequence.values[0], found.token_values.sum(0), rtol=0.02, atol=1e-3)
    grouped = explain_prompt(
        model,
        tokenizer,
        "Anna lives in Rome",
        IntegratedGradients(),
        target="the cat",
        groups={"where": ["in", "Rome"]},
    )
    assert grouped.names == ("<bos>", "Anna", "lives", "where")
    torch.testing.assert_close(grouped.token_values[:, 3], found.token_values[:, 3:].sum(1))
    deeper = explain_prompt(model, tokenizer, "Anna lives in Rome", IntegratedGradients(), target="the cat", at="norm")
    assert deeper.whole.at == "norm"
    assert deeper.token_values.shape == (2, 5)


def test_groups_of_fields_count_as_one():
    model, tokenizer = tiny_language_model()
    found = explain_prompt(model, tokenizer, STORY, Shapley(), target="the cat", groups={"person": ["who", "he"]})
    assert found.names == ("person", "city")
    assert found.token_values.shape == (2, 2)


def test_an_image_beside_a_text():
    model, tokenizer = tiny_language_model(image=12)

    def processor(image: Any) -> dict[str, Any]:
        ids = torch.tensor([tokenizer.encode("the cat")])
        pixels = torch.as_tensor(np.asarray(image), dtype=torch.float64).reshape(1, 12) / 255
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "pixel_values": pixels, "kind": "image"}

    image = np.arange(0, 240, 20, dtype=np.uint8).reshape(2, 2, 3)
    prompt = MaskedImage(image, np.array([[0, 0], [1, 2]]), processor=processor)

    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, input_ids: Any, attention_mask: Any, pixel_values: Any) -> Any:
            return self.inner(input_ids, attention_mask, pixel_values=pixel_values)

    found = explain_prompt(Named(), tokenizer, prompt, Shapley(), target="sat on")
    worth = worth_of(model, tokenizer, Words("the cat"), "sat on")
    assert found.names == ("segment 0", "segment 1", "segment 2")
    assert float(found.token_values.abs().max()) > 1e-6
    ids, tail = processor(image), tokenizer.encode("sat on", add_special_tokens=False)
    logits = model(torch.cat([ids["input_ids"], torch.tensor([tail])], 1), pixel_values=ids["pixel_values"]).logits
    each = logits[0, 2:4].log_softmax(-1).gather(1, torch.tensor(tail)[:, None])[:, 0]
    torch.testing.assert_close(found.whole.output[1:, 0], each.detach(), rtol=1e-10, atol=1e-12)
    assert not torch.allclose(each[0], worth({0, 1})[1])


def test_the_model_writes_what_is_explained():
    model, tokenizer = tiny_language_model()
    found = explain_prompt(model, tokenizer, STORY, Ablation(), generation={"max_new_tokens": 3})
    ids = tokenizer.encode(STORY.filled(torch.ones(3, dtype=torch.long)), return_tensors="pt")
    written = model.generate(ids, max_new_tokens=3)[0, ids.shape[1] :]
    assert found.tokens == tuple(tokenizer.convert_ids_to_tokens(written.tolist()))
    again = explain_prompt(model, tokenizer, STORY, Ablation(), target=written)
    assert torch.equal(found.whole.values, again.whole.values)


def test_a_prompt_is_a_function_for_explain():
    model, tokenizer = tiny_language_model()
    score = prompt_score(model, tokenizer, STORY, target="the cat")
    assert score(torch.tensor([[1, 1, 1], [1, 0, 1]])).shape == (2, 3)
    by_hand = explain(score, torch.ones(1, 3, dtype=torch.float64), Shapley(), target="all")
    found = explain_prompt(model, tokenizer, STORY, Shapley(), target="the cat")
    torch.testing.assert_close(by_hand.values, found.whole.values)


def test_an_empty_prompt_begins_with_the_first_token():
    model, tokenizer = tiny_language_model(begin=False)
    found = explain_prompt(model, tokenizer, Words("the cat"), Ablation(), target="sat")
    nothing = log_probabilities(model, [2], tokenizer.encode("sat"))
    torch.testing.assert_close(found.whole.reference[0, 0], nothing[0])
    tokenizer.bos_token_id = None
    with pytest.raises(InputError, match="nothing to continue"):
        explain_prompt(model, tokenizer, Words("the cat"), Ablation(), target="sat")


def test_the_result_as_a_table_and_one_output_at_a_time():
    model, tokenizer = tiny_language_model(torch.float32)
    found = explain_prompt(model, tokenizer, STORY, Shapley(), target="the cat")
    frame = found.to_frame()
    assert list(frame["continuation"]) == ["(all)", "the", "cat"]
    np.testing.assert_allclose(frame[["who", "city", "he"]].to_numpy()[1:], found.token_values.numpy())
    assert found.token(-1).target == "'cat' (token 1)"
    torch.testing.assert_close(found.token(1).values[0], found.token_values[1])
    assert found.token_values.dtype == torch.float32
    assert "2 tokens x 3 parts, Shapley(" in repr(found)
    with pytest.raises(TargetError, match="count from 0"):
        found.token(2)


def test_pictures_of_the_tokens_and_of_the_whole():
    model, tokenizer = tiny_language_model()
    found = explain_prompt(model, tokenizer, STORY, Shapley(), target="the cat")
    ax = found.plot()
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["the", "cat"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["who", "city", "he"]
    written = [float(text.get_text().replace("−", "-")) for text in ax.texts]
    np.testing.assert_allclose(written, found.token_values.flatten().numpy(), rtol=0, atol=0.0051)
    assert found.sequence.plot.waterfall() is not None
    assert found.token(1).plot.bar() is not None


def test_the_models_state_is_given_back():
    model, tokenizer = tiny_language_model()
    model.head = nn.Linear(8, len(tokenizer) - 1).double()  # one word fewer than the tokenizer has
    model.train()
    model.head.bias.requires_grad_(False)
    explain_prompt(model, tokenizer, STORY, Ablation())
    explain_prompt(model, tokenizer, "the cat", IntegratedGradients(), target="sat")
    with pytest.raises(TargetError, match="holds token 28, but the model knows 28"):
        explain_prompt(model, tokenizer, STORY, Ablation(), target=[28])
    assert model.training
    assert not model.head.bias.requires_grad
    assert model.head.weight.requires_grad
    assert not model.embed._forward_hooks


class Silent(nn.Module):
    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(input_ids), 3)


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"target": ""}, TargetError, "no tokens"),
        ({"target": [99]}, TargetError, "does not know"),
        ({"target": 1.5}, TargetError, "whole numbers"),
        ({"target": [[1, 2], [3, 4]]}, TargetError, "one continuation"),
        ({"target": object()}, TargetError, "no text and no list"),
        ({"target": "sat", "generation": {}}, TargetError, "leave one of them out"),
        ({"scale": "logit"}, TargetError, 'pass "log_prob" or "prob"'),
        ({"prompt": 7}, InputError, "pass a text, Template"),
        ({"prompt": ""}, InputError, "no tokens"),
        ({"tokenizer": None}, InputError, "the tokenizer is a NoneType"),
        ({"method": IntegratedGradients()}, MethodError, "needs gradients at the embedding"),
        ({"method": Shapley}, (MethodError, TypeCheckError), "Shapley"),
        ({"method": Permutation()}, MethodError, "a prompt is one"),
        ({"method": GradCAM(), "prompt": "the cat"}, MethodError, "no value for each token"),
        ({"at": "embed"}, LayerError, "leave at= out"),
        ({"model": None}, InputError, "the model is a NoneType"),
        ({"model": Silent()}, InputError, r"Tensor of shape \(1, 3\)"),
        ({"model": Silent(), "target": None}, TargetError, r"no generate\(\)"),
        ({"groups": {"both": ["who", "nobody"]}}, InputError, "'nobody'"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(changed: dict[str, Any], error: Any, said: str):
    model, tokenizer = tiny_language_model()
    asked: dict[str, Any] = {"model": model, "tokenizer": tokenizer, "prompt": STORY, "method": Ablation()}
    asked = {**asked, "target": "sat", **changed}
    if changed.get("prompt") == "":
        tokenizer.begin = False
    with pytest.raises(error, match=said):
        explain_prompt(**asked)


def test_a_layer_must_have_a_vector_for_each_token():
    model, tokenizer = tiny_language_model()
    with pytest.raises(LayerError, match="no layer"):
        explain_prompt(model, tokenizer, "the cat", IntegratedGradients(), target="sat", at="nowhere")
