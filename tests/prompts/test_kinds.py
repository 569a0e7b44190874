"""Prompts as functions of who is present."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from ascribe.errors import InputError
from ascribe.prompts import MaskedImage, Template, Tokens, Words
from ascribe.prompts.prompt import Grouped
from ascribe.prompts.tokenizer import pieces
from networks.language_model import WordTokenizer


def code(*numbers: int) -> torch.Tensor:
    return torch.tensor(numbers)


def test_a_template_holds_its_fields_or_their_baselines():
    prompt = Template(
        "{who} lives in {city}.", {"who": "Anna", "city": "Rome"}, [{"who": "She"}, {"who": "He", "city": "Oslo"}]
    )
    assert prompt.names == ("who", "city")
    assert prompt.baselines == 2
    assert prompt.filled(code(1, 1)) == "Anna lives in Rome."
    assert prompt.filled(code(0, 1)) == "She lives in Rome."
    assert prompt.filled(code(0, 0)) == "She lives in ."
    assert prompt.filled(code(-1, -1)) == "He lives in Oslo."


def test_a_template_takes_a_list_and_a_function():
    listed = Template("{} feels {} now", ["He", "sad"], ["It", "neutral"])
    assert listed.names == ("He", "sad")
    assert listed.filled(code(0, 1)) == "It feels sad now"
    turned = Template(lambda first, second: f"{second}, {first}", ["a", "b"])
    assert turned.filled(code(1, 0)) == ", a"
    assert Template("{1} {0}", ["a", "b"]).filled(code(1, 1)) == "b a"


@pytest.mark.parametrize(
    ("template", "fields", "baseline", "said"),
    [
        ("{who} and {city}", {"who": "Anna"}, None, "asks for 'city', which is no field"),
        ("{who}", {"who": "Anna", "city": "Rome"}, None, "field 'city' has no place"),
        ("{} {}", ["a"], None, "asks for 1"),
        ("{who}", {"who": "Anna"}, {"name": "Bob"}, "baseline names 'name'"),
        ("{who}", {"who": "Anna"}, ["Bob"], "a dict with keys who"),
        ("{}", ["a"], ["b", "c"], "2 entries for 1 fields"),
        ("{}", [], None, "at least one text"),
        ("{}", [3], None, "is no text"),
        ("{", ["a"], None, "cannot be read"),
        (7, ["a"], None, "template"),
    ],
)
def test_a_template_that_does_not_fit_its_fields(template: Any, fields: Any, baseline: Any, said: str):
    with pytest.raises((InputError, TypeCheckError), match=re.escape(said)):
        Template(template, fields, baseline)


def test_words_go_with_their_space_and_keep_the_line_ends():
    prompt = Words("the cat\n sat")
    assert prompt.names == ("the", "cat", "sat")
    assert prompt.filled(code(1, 1, 1)) == "the cat\n sat"
    assert prompt.filled(code(0, 1, 1)) == "cat\n sat"
    assert prompt.filled(code(1, 0, 0)) == "the"
    assert Words("the cat", baseline="_").filled(code(0, 0)) == "_ _"
    with pytest.raises(InputError, match="no words"):
        Words(" \n")


def test_tokens_are_replaced_and_some_are_no_players():
    tokenizer = WordTokenizer()
    prompt = Tokens("the cat sat", tokenizer, baseline=["on", 0], skip=["<bos>"])
    assert prompt.names == ("the", "cat", "sat")
    the, cat, sat, on = (tokenizer.number[word] for word in ("the", "cat", "sat", "on"))
    assert prompt.filled(code(1, 1, 1)).tolist() == [[2, the, cat, sat]]
    assert prompt.filled(code(0, 1, -1)).tolist() == [[2, on, cat, 0]]
    assert Tokens("the", tokenizer).filled(code(0, 0)).tolist() == [[1, 1]]


def test_tokens_say_what_is_missing():
    tokenizer = WordTokenizer(begin=False)
    with pytest.raises(InputError, match="no tokens"):
        Tokens("", tokenizer)
    with pytest.raises(InputError, match="leave at least one"):
        Tokens("the", tokenizer, skip=["the"])
    tokenizer.pad_token_id = None
    assert Tokens("the", tokenizer).absences == (0,)
    tokenizer.unk_token_id = None
    with pytest.raises(InputError, match="neither a padding nor an unknown token"):
        Tokens("the", tokenizer)
    with pytest.raises(InputError, match=r"encode\(text, add_special_tokens"):
        Tokens("the", object())


class Letters:
    """A token a letter; a letter that is not plain takes two, which show only together."""

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return [number for letter in text for number in ([ord(letter)] if ord(letter) < 128 else [200, ord(letter)])]

    def decode(self, ids: Any) -> str:
        text, half = "", False
        for number in torch.as_tensor(ids).reshape(-1).tolist():
            text = text + ("" if number == 200 else chr(number) if half or number < 128 else "?")
            half = number == 200
        return text + ("?" if half else "")


def test_pieces_are_what_each_token_adds():
    ids = torch.tensor(Letters().encode("a\né"))
    assert pieces(Letters(), ids) == ("a", "\\n", "?", "?")
    assert pieces(WordTokenizer(), torch.tensor([4, 6])) == ("the", "cat")


def test_an_image_is_covered_segment_by_segment():
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    prompt = MaskedImage(image, np.array([[7, 7], [3, 7]]), baseline=(1, 2, 3))
    assert prompt.names == ("segment 3", "segment 7")
    assert prompt.filled(code(1, 1)) is image
    covered = prompt.filled(code(1, 0))
    assert covered[1, 0].tolist() == image[1, 0].tolist()
    assert covered[0, 1].tolist() == [1, 2, 3]
    assert image[0, 1].tolist() == [3, 4, 5]
    assert prompt.spread(torch.tensor([1.0, 2.0])).tolist() == [[2.0, 2.0], [1.0, 2.0]]


def test_masks_of_an_image_may_overlap():
    masks = [torch.tensor([[True, True], [False, False]]), torch.tensor([[True, False], [True, False]])]
    prompt = MaskedImage(torch.zeros(2, 2, 1), masks, baseline=9)
    assert prompt.filled(code(0, 1)).squeeze(-1).tolist() == [[9, 9], [0, 0]]
    assert prompt.spread(torch.tensor([1.0, 2.0])).tolist() == [[3.0, 1.0], [2.0, 0.0]]
    assert MaskedImage(torch.zeros(2, 2)).names == ("segment 0",)
    with pytest.raises(InputError, match=r"shape \(3, 2\), but the image is \(2, 2\)"):
        MaskedImage(torch.zeros(2, 2), np.zeros((3, 2), dtype=int))
    with pytest.raises(InputError, match="names no part"):
        MaskedImage(torch.zeros(2, 2), [])


def test_groups_act_together():
    prompt = Grouped(Template("{} {} {}", ["a", "b", "c"], ["x", "y", "z"]), [1, 0, 1])
    assert prompt.names == ("b", "a + c")
    assert prompt.filled(code(1, 0)) == "x b z"
    with pytest.raises(InputError, match="one number for each"):
        Grouped(Words("a b"), [0, 2])
