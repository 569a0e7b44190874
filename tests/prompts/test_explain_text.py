"""Any function of texts explained by its parts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import nn

from ascribe.errors import InputError, MethodError, TargetError
from ascribe.methods import Ablation, IntegratedGradients, Permutation, Shapley
from ascribe.prompts import Template, Tokens, explain_text
from networks.language_model import WordTokenizer


def lengths(texts: list[str]) -> torch.Tensor:
    return torch.tensor([[float(len(text)), float(text.count("a"))] for text in texts])


def test_every_word_has_its_part():
    found = explain_text(lengths, "a cat sat", Shapley(), target="all")
    assert found.names == ("a", "cat", "sat")
    torch.testing.assert_close(found.values[1, 0], torch.ones(3, dtype=torch.float64))
    assert float(found.values[0].sum()) == len("a cat sat")


def test_fields_groups_and_several_baselines():
    prompt = Template("{who}, {what}!", {"who": "Anna", "what": "sad"}, [{"who": "Bo", "what": "ok"}, {}])
    found = explain_text(lengths, prompt, Ablation(), target=0, groups={"all": ["who", "what"]})
    assert found.names == ("all",)
    assert float(found.values) == (3 + 7) / 2
    assert float(found.output) == len("Anna, sad!")


class Bag(nn.Module):
    """Counts tokens; and whether it is in training."""

    def forward(self, ids: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack([(row == 6).float().sum() + 100 * self.training for row in ids])


def test_a_network_of_token_ids_is_in_evaluation_and_then_as_before():
    bag = Bag()
    found = explain_text(bag, Tokens("the cat cat", WordTokenizer()), Ablation())
    assert found.values.tolist() == [[0.0, 0.0, 1.0, 1.0]]
    assert bag.training


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"prompt": 3}, InputError, "the prompt is a int"),
        ({"prompt": "  "}, InputError, "no words"),
        ({"method": IntegratedGradients()}, MethodError, "a text has none"),
        ({"method": Ablation}, (MethodError, TypeCheckError), "Ablation"),
        ({"method": Permutation()}, MethodError, "a prompt is one"),
        ({"background": [[1]]}, InputError, "rows of 2 codes"),
        ({"model": lambda texts: torch.zeros(len(texts), 2), "target": 2}, TargetError, "outputs"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(changed: dict[str, Any], error: Any, said: str):
    asked: dict[str, Any] = {"model": lengths, "prompt": "a b", "method": Ablation(), "target": 0, **changed}
    with pytest.raises(error, match=said):
        explain_text(**asked)
