"""Tokens in colour, and pictures as HTML: whole, escaped, and needing nothing else."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib.image
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from ascribe.core.explain import explain
from ascribe.errors import InputError
from ascribe.methods.ablation import Ablation
from ascribe.methods.input_x_gradient import InputXGradient
from ascribe.plots import pages, tokens
from ascribe.plots.pages.png import data_uri
from ascribe.plots.words import token_values

NASTY = ["<script>alert(1)</script>", "a & b", "'quoted'", '"so"', "$x$", " ", "\n"]


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 3)
        self.read = nn.Linear(3, 1)

    def forward(self, ids):
        return self.read(torch.tanh(self.embedding(ids)).mean(1))


@pytest.fixture
def ids():
    return torch.arange(14).reshape(2, 7) % 9


@pytest.fixture
def attribution(ids):
    return explain(Bag(), ids, Ablation(), baseline=8)


def parsed(html: str) -> list[tuple[str, dict[str, str | None]]]:
    """The tags of a page that is well formed: every one is closed."""
    tags, open_tags = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.append((tag, dict(attrs)))
            if tag not in ("img", "meta"):
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Reader().feed(html)
    assert set(open_tags) <= {"html"}
    return tags


def is_whole(html: str) -> bool:
    """Whether a page has no script and takes nothing from elsewhere."""
    tags = parsed(html)
    foreign = [
        value for _, attributes in tags for name, value in attributes.items()
        if name.startswith("on") or (name in ("src", "href") and not str(value).startswith("data:"))
    ]  # fmt: skip
    return not foreign and not {"script", "link", "iframe", "object"} & {tag for tag, _ in tags} and "url(" not in html


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_a_token_has_a_box_in_the_colour_of_its_sign(attribution):
    ax = tokens(attribution, 1, tokens=list("abcdefg"))
    assert texts(ax) == list("abcdefg")
    values = attribution.values[1]
    for patch, value in zip(ax.patches, values.tolist(), strict=True):
        red, _, blue, opacity = patch.get_facecolor()
        assert opacity == pytest.approx(0.6 * abs(value) / float(values.abs().max()))
        assert value == 0 or (red > blue) == (value > 0)


def test_without_texts_the_ids_or_the_names_stand_there(attribution, ids):
    assert texts(tokens(attribution, 1)) == [str(i) for i in ids[1].tolist()]
    named = replace(attribution, names=tuple("uvwxyz!"))
    assert texts(tokens(named)) == list("uvwxyz!")


def test_an_embedding_is_added_up(ids):
    a = explain(Bag(), ids, InputXGradient(), at="embedding")
    np.testing.assert_allclose(token_values(a, 1), a.values[1].sum(1), rtol=1e-6)
    assert len(texts(tokens(a))) == 7


@pytest.mark.parametrize("size", [(7, 3), (2, 2), (1, 0.5)])
def test_boxes_stay_inside_and_apart(attribution, size):
    words = ["word " * (1 + i % 4) for i in range(7)]
    ax = tokens(attribution, tokens=words, ax=Figure(size).add_subplot())
    boxes = [patch.get_bbox() for patch in ax.patches]
    for i, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.y1 <= ax.get_ylim()[0]
        for other in boxes[:i]:
            assert box.x0 >= other.x1 or box.y0 >= other.y1


def test_a_wrong_number_of_tokens_says_so(attribution):
    with pytest.raises(InputError, match="3 tokens came, but row 0 has 7 values"):
        tokens(attribution, tokens=["a", "b", "c"])


def test_texts_are_literal_in_both_forms(attribution):
    drawn = [text.replace(r"\$", "$") for text in texts(tokens(attribution, tokens=NASTY))]
    assert drawn == [*NASTY[:5], "␣", "⏎"]
    page = pages.tokens(attribution, [NASTY, NASTY])
    assert "<script" not in page.data
    assert page.data.count("&lt;script&gt;") == 2
    assert is_whole(page.document("<b>"))


def test_a_page_of_texts_shows_every_value(attribution):
    shown = re.findall(r"title='([^']*)'", pages.tokens(attribution).data)
    assert len(shown) == attribution.values.numel()
    read = [float(text.replace("−", "-").replace("–", "nan")) for text in shown]
    np.testing.assert_allclose(read, attribution.values.flatten(), rtol=1e-2, atol=1e-12)


def test_a_page_of_rows_is_escaped_and_says_how_many_there_are():
    names = ["<script>x</script>", "b & c", "d", "e"]
    a = explain(nn.Linear(4, 1), torch.randn(30, 4), InputXGradient(), names=names)
    page = pages.table(a, top=5)
    assert is_whole(page.data)
    assert page.data.count("<tr>") == 6
    assert "and 25 more" in page.data
    assert "b &amp; c" in page.data


def test_a_png_is_read_back_as_it_was():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    head, data = data_uri(pixels).split(",")
    assert head == "data:image/png;base64"
    read = matplotlib.image.imread(io.BytesIO(base64.b64decode(data)), format="png")
    np.testing.assert_array_equal((255 * read).round(), pixels)


def test_a_notebook_shows_images_as_pictures():
    a = explain(nn.Sequential(nn.Flatten(), nn.Linear(192, 1)), torch.rand(6, 3, 8, 8), InputXGradient())
    page = a._repr_html_()
    assert is_whole(page)
    assert page.count("<img") == 2 * 4
    assert "and 2 more" in page
    assert "InputXGradient()" in page


def test_large_images_are_small_in_a_page():
    a = explain(lambda x: x.flatten(1).sum(1), torch.rand(4, 3, 600, 500), InputXGradient())
    assert len(a._repr_html_()) < 2e6


def test_a_notebook_shows_texts_as_texts(attribution, ids):
    whole = replace(attribution, inputs=ids)
    assert whole._repr_html_().count("<span title=") == ids.numel()


@pytest.mark.parametrize("rows", ["several outputs", "a table"])
def test_a_notebook_shows_everything_else_as_a_table(rows):
    net = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    x, target = (torch.rand(2, 3, 8, 8), "all") if rows == "several outputs" else (torch.rand(2, 192), 0)
    page = explain(net, x, InputXGradient(), target=target)._repr_html_()
    assert "<img" not in page
    assert "mean |value|" in page
    assert is_whole(page)
