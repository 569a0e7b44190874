"""Captum's attribution of language models, side by side; and what Captum cannot do."""

from __future__ import annotations

import importlib
import random
from typing import Any

import captum._utils.models.linear_model as peer_models
import captum.attr as peer
import numpy as np
import PIL.Image
import pytest
import torch
from captum.attr._models import base as peer_embedding
from matplotlib import pyplot
from torch import nn

import ascribe.compat.captum._utils.models.linear_model as our_models
import ascribe.compat.captum.attr as ours
from ascribe.errors import AscribeError, InputError, LayerError, MethodError
from networks.language_model import tiny_language_model

NAMES = (
    "ImageMaskInput",
    "InterpretableEmbeddingBase",
    "InterpretableInput",
    "LLMAttribution",
    "LLMAttributionResult",
    "LLMGradientAttribution",
    "ProductBaselines",
    "RemoteLLMAttribution",
    "RemoteLLMProvider",
    "TextTemplateInput",
    "TextTokenInput",
    "TokenReferenceBase",
    "VLLMProvider",
    "configure_interpretable_embedding_layer",
    "remove_interpretable_embedding_layer",
)
TEMPLATE = "{} lives in {} and {} is happy"
INPUTS = {
    "list": lambda m, _: m.TextTemplateInput(TEMPLATE, ["Anna", "Rome", "she"], ["Bob", "Oslo", "he"]),
    "dict": lambda m, _: m.TextTemplateInput(
        "{who} in {where} was {how}",
        {"who": "Anna", "where": "Rome", "how": "sad"},
        {"who": "Bob", "where": "it", "how": "happy"},
    ),
    "mask": lambda m, _: m.TextTemplateInput(TEMPLATE, ["Anna", "Rome", "she"], ["Bob", "Oslo", "he"], [7, 3, 7]),
    "function": lambda m, _: m.TextTemplateInput(lambda a, b: f"{b} and {a}", ["cat", "dog"], ["mat", "house"]),
    "tokens": lambda m, t: m.TextTokenInput("the cat sat", t),
    "skipped": lambda m, t: m.TextTokenInput("the cat sat", t, "<pad>", ["<bos>", "sat"]),
    "skipped ids": lambda m, t: m.TextTokenInput("the cat sat", t, 1, [2, 8]),
}


def close(found: Any, wanted: Any, rtol: float = 1e-5) -> None:
    # Captum adds up differences of log-probabilities, of about 4, in float32.
    torch.testing.assert_close(found.double(), wanted.double(), rtol=rtol, atol=5e-7)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_here(name: str):
    assert hasattr(peer, name)
    assert hasattr(ours, name)


@pytest.mark.parametrize(
    "module",
    ["_core.llm_attr", "_core.remote_provider", "_models.base", "_utils.baselines", "_utils.interpretable_input"],
)
def test_the_inside_is_where_captum_has_it(module: str):
    inside, known = (importlib.import_module(f"{door.__name__}.{module}") for door in (ours, peer))
    own = {name for name in NAMES if getattr(getattr(known, name, None), "__module__", "") == known.__name__}
    assert own
    assert all(getattr(inside, name) is getattr(ours, name) for name in own)


@pytest.mark.parametrize("kind", INPUTS)
def test_inputs_are_captums(kind: str):
    _, tokenizer = tiny_language_model()
    found, wanted = INPUTS[kind](ours, tokenizer), INPUTS[kind](peer, tokenizer)
    assert found.values == wanted.values
    assert found.n_itp_features == wanted.n_itp_features
    assert torch.equal(found.to_tensor(), wanted.to_tensor())
    same = found.to_model_input(), wanted.to_model_input()
    assert same[0] == same[1] if isinstance(same[0], str) else torch.equal(*same)
    for number in range(2**found.n_itp_features):
        some = torch.tensor([[(number >> bit) % 2 for bit in range(found.n_itp_features)]])
        same = found.to_model_input(some), wanted.to_model_input(some)
        assert same[0] == same[1] if isinstance(same[0], str) else torch.equal(*same)
    values = torch.randn(2, found.n_itp_features)
    assert torch.equal(found.format_attr(values), wanted.format_attr(values))


@pytest.mark.parametrize(
    ("kind", "method", "scale", "in_tokens"),
    [
        *((kind, "FeatureAblation", "log_prob", False) for kind in INPUTS),
        *((kind, "ShapleyValues", "log_prob", False) for kind in ("list", "mask", "skipped")),
        *((kind, "FeatureAblation", "prob", True) for kind in ("list", "tokens")),
    ],
)
def test_values_are_captums(kind: str, method: str, scale: str, in_tokens: bool):
    model, tokenizer = tiny_language_model()
    results = [
        door.LLMAttribution(getattr(door, method)(model), tokenizer, attr_target=scale).attribute(
            INPUTS[kind](door, tokenizer), "ran on the", use_cached_outputs=False, forward_in_tokens=in_tokens
        )
        for door in (ours, peer)
    ]
    found, wanted = results
    close(found.seq_attr, wanted.seq_attr)
    close(found.token_attr, wanted.token_attr)
    assert found.input_tokens == wanted.input_tokens
    assert found.output_tokens == wanted.output_tokens
    assert found.seq_attr_dict == pytest.approx(wanted.seq_attr_dict, rel=1e-5, abs=1e-6)


def test_the_model_writes_the_target_as_captum_lets_it():
    model, tokenizer = tiny_language_model()
    results = [
        door.LLMAttribution(door.FeatureAblation(model), tokenizer).attribute(
            INPUTS["list"](door, tokenizer), gen_args={"max_new_tokens": 4}, use_cached_outputs=False
        )
        for door in (ours, peer)
    ]
    close(results[0].token_attr, results[1].token_attr)
    assert results[0].output_tokens == results[1].output_tokens
    default = ours.LLMAttribution(ours.FeatureAblation(model), tokenizer).attribute(INPUTS["list"](ours, tokenizer))
    assert len(default.output_tokens) == 25
    ids = torch.tensor([4, 6])
    given = ours.LLMAttribution(ours.FeatureAblation(model), tokenizer).attribute(INPUTS["list"](ours, tokenizer), ids)
    assert given.output_tokens == ["the", "cat"]


@pytest.mark.parametrize(
    ("kind", "method", "options", "asked"),
    [
        ("tokens", "LayerIntegratedGradients", {}, {"n_steps": 7}),
        ("skipped", "LayerIntegratedGradients", {}, {"n_steps": 9, "method": "riemann_middle"}),
        ("skipped", "LayerGradientXActivation", {}, {}),
        ("tokens", "LayerGradientXActivation", {"multiply_by_inputs": False}, {}),
    ],
)
def test_gradients_are_captums(kind: str, method: str, options: Any, asked: Any):
    model, tokenizer = tiny_language_model()
    results = [
        door.LLMGradientAttribution(getattr(door, method)(model, model.embed, **options), tokenizer).attribute(
            INPUTS[kind](door, tokenizer), "ran on the", **asked
        )
        for door in (ours, peer)
    ]
    close(results[0].token_attr, results[1].token_attr)
    close(results[0].seq_attr, results[1].seq_attr)
    assert results[0].input_tokens == results[1].input_tokens
    assert results[0].output_tokens == results[1].output_tokens


def test_gradient_shap_follows_the_path_between_the_embeddings():
    """Captum scales the marks of presence instead, so that all its gradients are those at the baseline."""
    model, tokenizer = tiny_language_model()
    shap = ours.LLMGradientAttribution(ours.LayerGradientShap(model, model.embed), tokenizer)
    path = ours.LLMGradientAttribution(ours.LayerIntegratedGradients(model, model.embed), tokenizer)
    inp = INPUTS["tokens"](ours, tokenizer)
    found = shap.attribute(inp, "ran on", baselines=torch.zeros(2, 4), n_samples=200)
    wanted = path.attribute(inp, "ran on")
    torch.testing.assert_close(found.token_attr, wanted.token_attr, rtol=0.05, atol=0.02)
    half = path.attribute(inp, "ran on", baselines=torch.tensor([[0, 0, 1, 1]]))
    assert float(half.token_attr[:, 2:].abs().max()) < 1e-12


@pytest.mark.parametrize("method", ["ShapleyValueSampling", "KernelShap", "Lime"])
def test_sampled_values_are_captums_within_their_noise(method: str):
    model, tokenizer = tiny_language_model()
    asked: dict[str, Any] = {"n_samples": 16, "use_cached_outputs": False, "forward_in_tokens": False}

    def once(door: Any, fit: Any, **more: Any) -> Any:
        options = {"interpretable_model": fit()} if method == "Lime" else {}
        made = door.LLMAttribution(getattr(door, method)(model, **options), tokenizer)
        return made.attribute(INPUTS["list"](door, tokenizer), "ran on", **{**asked, **more})

    runs = [once(peer, peer_models.SkLearnLinearRegression) for _ in range(6)]
    values = torch.stack([run.seq_attr for run in runs])
    found = once(ours, our_models.SkLearnLinearRegression, num_trials=6)
    error = values.std(0) * (1 + 1 / 6) ** 0.5
    assert float(((found.seq_attr - values.mean(0)).abs() / (error + 1e-6)).max()) < 4
    assert (found.token_attr is None) == (runs[0].token_attr is None) == (method != "ShapleyValueSampling")


def test_lime_with_its_own_lasso():
    model, tokenizer = tiny_language_model()
    results = [
        door.LLMAttribution(door.Lime(model), tokenizer, attr_target="prob").attribute(
            INPUTS["list"](door, tokenizer), "ran", n_samples=8, use_cached_outputs=False
        )
        for door in (ours, peer)
    ]
    assert [result.seq_attr.shape for result in results] == [(3,), (3,)]


def test_one_token_and_many_trials():
    model, tokenizer = tiny_language_model()
    for method in ("FeatureAblation", "ShapleyValues", "ShapleyValueSampling"):
        one = ours.LLMAttribution(getattr(ours, method)(model), tokenizer).attribute(
            INPUTS["list"](ours, tokenizer), "cat", num_trials=2
        )
        assert one.token_attr is not None
        assert one.token_attr.shape == (1, 3)
        close(one.seq_attr, one.token_attr[0])


def test_whole_batches_go_through_the_model():
    model, tokenizer = tiny_language_model()
    ours.LLMAttribution(ours.ShapleyValues(model), tokenizer).attribute(INPUTS["list"](ours, tokenizer), "cat sat")
    assert len(model.batches) == 4
    model.batches.clear()
    peer.LLMAttribution(peer.ShapleyValues(model), tokenizer).attribute(
        INPUTS["list"](peer, tokenizer), "cat sat", use_cached_outputs=False
    )
    assert len(model.batches) == 2 * (1 + 6 * 3)


def test_integrated_gradients_need_no_layer():
    model, tokenizer = tiny_language_model()
    inp = INPUTS["tokens"](ours, tokenizer)
    bare = ours.LLMGradientAttribution(ours.IntegratedGradients(model), tokenizer).attribute(inp, "ran on")
    at = ours.LLMGradientAttribution(ours.LayerIntegratedGradients(model, model.embed), tokenizer)
    close(bare.token_attr, at.attribute(inp, "ran on").token_attr)


def test_feature_masks_join_features():
    model, tokenizer = tiny_language_model()
    mask = torch.tensor([[1, 0, 1]])
    results = [
        door.LLMAttribution(door.ShapleyValues(model), tokenizer).attribute(
            INPUTS["list"](door, tokenizer), "ran on", use_cached_outputs=False, feature_mask=mask
        )
        for door in (ours, peer)
    ]
    close(results[0].token_attr, results[1].token_attr)


def test_random_baselines_are_averaged_over():
    model, tokenizer = tiny_language_model()
    choices = {("who", "he"): [("Bob", "he"), ("it", "it")], "city": ["Oslo"]}
    fields = {"who": "Anna", "city": "Rome", "he": "she"}
    made = ours.LLMAttribution(ours.ShapleyValues(model), tokenizer)

    def found(baselines: Any, trials: int = 1) -> torch.Tensor:
        inp = ours.TextTemplateInput("{who} lives in {city} and {he} is happy", fields, baselines)
        return made.attribute(inp, "ran on", num_trials=trials).seq_attr

    bob, it = found({"who": "Bob", "city": "Oslo", "he": "he"}), found({"who": "it", "city": "Oslo", "he": "it"})
    drawn, other = ours.ProductBaselines(choices), ours.ProductBaselines(choices)
    shares = [sample["who"] == "Bob" for sample in [other() for _ in range(12)][1:]]
    mean = (sum(shares) * bob + (11 - sum(shares)) * it) / 11
    close(found(drawn, 11), mean, 1e-9)
    assert ours.ProductBaselines([[1, 2], [3]], seed=4).sample() == ours.ProductBaselines([[1, 2], [3]], seed=4)()
    assert isinstance(ours.ProductBaselines([["a"]])(), list)


def test_product_baselines_have_a_stream_of_their_own():
    state, drawn = random.getstate(), []
    for begin in (1, 2):
        random.seed(begin)
        baselines = ours.ProductBaselines([range(100)])
        drawn.append([baselines() for _ in range(5)])
    random.setstate(state)
    assert drawn[0] == drawn[1]


class Local(ours.RemoteLLMProvider):
    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer

    def generate(self, prompt: str, **gen_args: Any) -> str:
        return "the cat"

    def get_logprobs(self, input_prompt: str, target_str: str, tokenizer: Any = None) -> list[float]:
        prompt, target = self.tokenizer.encode(input_prompt), self.tokenizer.encode(target_str, False)
        logits = self.model(torch.tensor([prompt + target])).logits[0, len(prompt) - 1 : -1]
        return logits.log_softmax(-1)[torch.arange(len(target)), target].tolist()


class PeerLocal(Local, peer.RemoteLLMProvider): ...


@pytest.mark.parametrize("target", ["ran on", None])
def test_remote_values_are_captums(target: str | None):
    model, tokenizer = tiny_language_model(begin=False)
    results = [
        door.RemoteLLMAttribution(
            door.ShapleyValues(door.RemoteLLMAttribution.placeholder_model), tokenizer, PeerLocal(model, tokenizer)
        ).attribute(INPUTS["list"](door, tokenizer), target)
        for door in (ours, peer)
    ]
    close(results[0].token_attr, results[1].token_attr)
    assert results[0].output_tokens == results[1].output_tokens


def image_input(door: Any, tokenizer: Any, listed: bool) -> Any:
    image = PIL.Image.fromarray(np.arange(0, 240, 5, dtype=np.uint8).reshape(4, 4, 3))
    mask = torch.tensor([[0, 0, 5, 5], [0, 0, 5, 5], [2, 2, 2, 2], [2, 2, 2, 2]])
    masks = [mask == 0, mask > 1] if listed else None

    def processor(image: Any) -> dict[str, Any]:
        pixels = torch.as_tensor(np.array(image), dtype=torch.float64).reshape(1, 48) / 255
        return {"input_ids": tokenizer.encode("the cat", return_tensors="pt"), "pixel_values": pixels}

    return door.ImageMaskInput(image, mask=mask, mask_list=masks, processor_fn=processor)


@pytest.mark.parametrize("listed", [False, True])
def test_images_are_captums(listed: bool):
    model, tokenizer = tiny_language_model(image=48)
    inputs = [image_input(door, tokenizer, listed) for door in (ours, peer)]
    results = [
        door.LLMAttribution(door.FeatureAblation(model), tokenizer).attribute(inp, "ran on", use_cached_outputs=False)
        for door, inp in zip((ours, peer), inputs, strict=True)
    ]
    assert float(results[0].token_attr.abs().min()) > 1e-7
    close(results[0].token_attr, results[1].token_attr)
    assert inputs[0].values == inputs[1].values
    some = torch.randn(1, inputs[0].n_itp_features)
    close(inputs[0].format_pixel_attr(some), inputs[1].format_pixel_attr(some))
    assert all(torch.equal(*pair) for pair in zip(*(inp.get_mask_list() for inp in inputs), strict=True))
    for place in (None, 1, (0, 2)):
        figures = [result.plot_image_heatmap(target_token_pos=place) for result in results]
        maps = [ax.images[1].get_array() for _, ax in figures]
        np.testing.assert_allclose(np.asarray(maps[0]), np.asarray(maps[1]), rtol=1e-5, atol=1e-7)
        assert [len(ax.texts) for _, ax in figures] == [inputs[0].n_itp_features] * 2
    _, ax = inputs[0].plot_mask_overlay(border_width=1)
    assert len(ax.images) == 1 + 2 * inputs[0].n_itp_features
    pyplot.close("all")


def test_pictures_of_a_result():
    result = ours.LLMAttributionResult(
        input_tokens=["a", "b\n"], output_tokens=["x"], seq_attr=[1.0, -2.0], token_attr=[[0.5, -0.25]]
    )
    _, ax = result.plot_token_attr()
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["a", "b\\n"]
    _, ax = result.plot_seq_attr()
    assert [patch.get_height() for patch in ax.patches] == [1.0, -2.0]
    assert result.plot_seq_attr(show=True) is None
    pyplot.close("all")
    assert result.seq_attr_dict == {"a": 1.0, "b\n": -2.0}
    assert "x" in repr(result)
    result.token_attr = None
    for picture, said in (
        (result.plot_token_attr, "token_attr is None"),
        (result.plot_image_heatmap, "ImageMaskInput"),
    ):
        with pytest.raises(InputError, match=said):
            picture()
    for name, value in (("seq_attr", [1.0]), ("token_attr", [[1.0]]), ("output_probs", [1.0, 2.0])):
        with pytest.raises(InputError, match=name):
            setattr(result, name, value)


def test_an_embedding_is_opened_and_closed_as_captums():
    results: list[Any] = []
    for door in (ours, peer_embedding):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(12, 2))
        ids, layer = torch.tensor([[1, 2, 3]]), network[0]
        if door is ours:
            opened = door.configure_interpretable_embedding_layer(network, "0")
        else:
            with pytest.warns(UserWarning, match="embedding"):
                opened = door.configure_interpretable_embedding_layer(network, "0")
        vectors = opened.indices_to_embeddings(ids)
        results.append((network(vectors), opened.num_embeddings, opened.embedding_dim, opened.full_name))
        door.remove_interpretable_embedding_layer(network, opened)
        assert network[0] is layer
    close(results[0][0], results[1][0])
    assert results[0][1:] == results[1][1:]
    with pytest.raises(LayerError):
        ours.configure_interpretable_embedding_layer(network, "embedding")
    reference = ours.TokenReferenceBase(7).generate_reference(3, torch.device("cpu"))
    assert torch.equal(reference, peer.TokenReferenceBase(7).generate_reference(3, torch.device("cpu")))


class Upper(ours.InterpretableInput):
    """A user's own input: words that are in capitals or not."""

    def __init__(self) -> None:
        self.n_itp_features, self.values = 2, ["cat", "dog"]

    def to_tensor(self) -> torch.Tensor:
        return torch.ones(1, 2)

    def to_model_input(self, perturbed_tensor: torch.Tensor | None = None) -> str:
        present = [True, True] if perturbed_tensor is None else perturbed_tensor[0].bool().tolist()
        return " ".join(word if here else word.upper() for word, here in zip(self.values, present, strict=True))


def test_an_input_of_the_users_own():
    model, tokenizer = tiny_language_model()
    found = ours.LLMAttribution(ours.ShapleyValues(model), tokenizer).attribute(Upper(), "ran on")
    template = ours.TextTemplateInput("{} {}", ["cat", "dog"], ["CAT", "DOG"])
    close(
        found.seq_attr, ours.LLMAttribution(ours.ShapleyValues(model), tokenizer).attribute(template, "ran on").seq_attr
    )


def made(cls: str, method: str, *args: Any, **options: Any) -> Any:
    model, tokenizer = tiny_language_model()
    layer = (model.embed,) if method.startswith("Layer") else ()
    return getattr(ours, cls)(getattr(ours, method)(model, *layer), tokenizer, *args, **options), tokenizer


@pytest.mark.parametrize(
    ("do", "error", "said"),
    [
        (lambda: made("LLMAttribution", "IntegratedGradients"), MethodError, "use LLMGradientAttribution"),
        (lambda: made("LLMGradientAttribution", "FeatureAblation"), MethodError, "use LLMAttribution"),
        (lambda: made("LLMAttribution", "FeatureAblation", "logit"), MethodError, "'logit' is not known"),
        (lambda: made("RemoteLLMAttribution", "FeatureAblation", object()), MethodError, "derive it from"),
        (lambda: made("LLMAttribution", "FeatureAblation")[0].attribute("text", "cat"), InputError, "inp is a str"),
        (lambda: attribute("FeatureAblation", "cat", num_trials=0), MethodError, "pass 1 or more"),
        (lambda: attribute("FeatureAblation", "cat", n_steps=3), MethodError, "n_steps"),
        (lambda: attribute("FeatureAblation", "cat", additional_forward_args=3), MethodError, "leave it out"),
        (lambda: attribute("FeatureAblation", "cat", _inspect_forward=print), MethodError, "wrap the model"),
        (lambda: ours.TextTemplateInput("{}", ["a"], mask=[1, 2]), InputError, "mask has 2 entries"),
        (lambda: ours.TextTemplateInput("{a}", {"a": "b"}, mask={"c": 1}), InputError, "does not number 'a'"),
        (lambda: ours.ProductBaselines([[]]), InputError, "a baseline at least"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(do: Any, error: type[AscribeError], said: str):
    with pytest.raises(error, match=said):
        do()


def attribute(method: str, *args: Any, **options: Any) -> Any:
    explainer, tokenizer = made("LLMAttribution", method)
    return explainer.attribute(INPUTS["list"](ours, tokenizer), *args, **options)
