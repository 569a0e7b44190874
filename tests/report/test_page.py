"""The page holds every figure, asks for nothing outside itself, and never takes a name or a value for a tag."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from ascribe.methods.ablation import Ablation
from ascribe.metrics.comparison import compare
from ascribe.report import words
from ascribe.report.page import page
from ascribe.report.study import Yardstick

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Outline(HTMLParser):
    """Tags, attributes and texts of a page; fails where tags are not nested."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], "", []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, key, value or "") for key, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text += data


@pytest.fixture(scope="module")
def html(regression):
    return page(regression)


@pytest.fixture(scope="module")
def outline(html):
    return Outline(html)


def test_names_and_values_are_text_never_tags(outline):
    assert "script" not in outline.tags
    assert "i" not in outline.tags
    assert "b" not in outline.tags
    assert not [key for _, key, _ in outline.attributes if key.startswith("on")]
    for literal in ("<script>alert(1)</script>", "家庭收入", "<i>marks</i>", "houses & <b>homes</b>.csv", "$ and $"):
        assert literal in outline.text
    assert "</pre><script>alert(2)</script>" in outline.text


def test_the_formula_is_mathematics(outline, classification):
    assert outline.tags.count("math") == 3, "price =, and two terms"
    assert "exp" in outline.text
    assert "math" not in Outline(page(classification)).tags


def test_nothing_is_asked_from_outside(html, outline):
    for tag, key, value in outline.attributes:
        if key in ("href", "src", "xlink:href", "action", "data", "poster"):
            assert value.startswith(("#", "data:")), f"<{tag} {key}={value!r}>"
    assert not re.findall(r"url\((?!#)|@import", html)
    assert "default-src 'none'" in html


def test_ids_are_unique_and_references_lead_somewhere(html, outline):
    ids = [value for _, key, value in outline.attributes if key == "id"]
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for _, key, value in outline.attributes if key in ("xlink:href", "href") and value[:1] == "#"}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", html))
    wanted |= {value for _, key, value in outline.attributes if key == "aria-labelledby"}
    assert wanted <= set(ids)


def test_pictures_take_the_pages_colours_and_say_what_they_are(html, outline):
    assert "#1d2126" not in re.sub(r"<style>.*?</style>", "", html, flags=re.S)
    pictures = [value for tag, key, value in outline.attributes if tag == "svg" and key == "aria-label"]
    assert len(pictures) == outline.tags.count("svg") >= 12
    assert all(len(alt) > 20 for alt in pictures)
    assert "DejaVu" not in html


def test_the_figures_are_there(outline, regression):
    flat = " ".join(outline.text.split())
    assert "0.75" in flat, "R2 of the network"
    for name in (*regression.comparison.attributions, "linear model", "prune", "Seed 3"):
        assert name in flat
    assert "ascribe explain 'my houses.csv' --target price --drop id --methods Ablation,Shapley --seed 3" in flat
    assert "Row 40" in flat


def test_a_task_that_was_asked_for_is_asked_for_again(regression):
    asked = replace(regression, recipe={**regression.recipe, "task_asked": "regression"})
    assert "--drop id --task regression --methods" in words.command(asked)


def test_one_heading_leads_and_levels_are_not_skipped(outline):
    levels = [int(tag[1]) for tag in outline.tags if re.fullmatch(r"h\d", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_classes_are_named(classification):
    text = " ".join(Outline(page(classification)).text.split())
    assert "names the right class for 90%" in text
    assert re.search(r"Row 40 ?(no|yes) predicted, (no|yes) true", text)
    assert "How the network was made" not in text
    assert "in log-odds of yes" in text


def test_of_a_network_brought_along_nobody_says_what_it_has_seen(classification):
    text = " ".join(Outline(page(classification)).text.split())
    assert "never seen" not in text
    assert "unseen" not in text
    assert "It came trained" in text


def test_a_page_is_the_same_twice_and_leaves_nothing_behind(regression, html):
    before = dict(matplotlib.rcParams), plt.get_fignums()
    assert page(regression) == html
    assert (dict(matplotlib.rcParams), plt.get_fignums()) == before


def test_one_method_is_enough(regression):
    study = replace(
        regression, comparison=compare(regression.kan, _inputs(regression), [Ablation()], names=regression.names)
    )
    text = Outline(page(study)).text
    assert "Do the methods agree?" not in text


def _inputs(study):
    return next(iter(study.comparison.attributions.values())).inputs


def test_the_headline_names_as_few_columns_as_make_half(regression):
    parts = words.shares(regression)
    assert sum(parts.values()) == pytest.approx(1)
    assert list(parts.values()) == sorted(parts.values(), reverse=True)
    assert next(iter(parts)).split("<")[0][:10] in words.headline(regression)


@pytest.mark.parametrize(("mean", "said"), [(0.9, "same story"), (0.6, "main points"), (0.1, "with care")])
def test_agreement_is_read_out(regression, mean, said):
    table = np.array([[1, mean], [mean, 1]])
    comparison = replace(regression.comparison, agreement=_tensor(table))
    assert said in words.agreement(replace(regression, comparison=comparison))


def _tensor(values):
    import torch

    return torch.from_numpy(values)


def test_a_model_worse_than_the_mean_is_called_so(regression):
    own = replace(regression.yardsticks[0], test={"RMSE": 1.2, "R2": -0.44})
    assert "no better than guessing the mean" in words.lead(
        replace(regression, yardsticks=(own, *regression.yardsticks[1:]))
    )


def test_a_model_that_learned_noise_is_called_so(regression):
    own = replace(regression.yardsticks[0], train={"RMSE": 0.1, "R2": 0.99})
    assert "noise" in words.overfit(replace(regression, yardsticks=(own,)))


def test_what_chance_could_do_is_no_lead(regression):
    def beside(ours, theirs, test):
        named = [("KAN", ours), ("mean", 1.0), ("linear model", theirs)]
        sticks = tuple(
            Yardstick(name, {"RMSE": e, "R2": 1 - e**2}, {"RMSE": e, "R2": 1 - e**2}, 0.1) for name, e in named
        )
        return words.lead(replace(regression, yardsticks=sticks, test=test))

    assert "level with the best" in beside(0.80, 0.81, test=88)
    assert "ahead of the best" in beside(0.80, 0.81, test=50_000)
    assert "behind the best" in beside(0.81, 0.80, test=50_000)
    assert "may be chance" in words.verdict(replace(regression, test=88))
    assert "may be chance" not in words.verdict(replace(regression, test=50_000))


def test_harder_test_rows_are_no_noise(regression):
    def told(train, test, mean_test):
        own = Yardstick("KAN", {"RMSE": train}, {"RMSE": test}, 0.1)
        return words.overfit(
            replace(regression, yardsticks=(own, Yardstick("mean", {"RMSE": 1.0}, {"RMSE": mean_test}, 0.1)))
        )

    assert "not just memorised" in told(0.5, 0.75, mean_test=1.5)
    assert "somewhat smaller" in told(0.5, 0.6, mean_test=1.0)
    assert "much smaller" in told(0.5, 0.9, mean_test=1.0)
