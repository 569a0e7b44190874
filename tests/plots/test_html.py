"""The network as a page: one file that asks for nothing, shows names as texts and holds what the picture holds."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.picture import Edge, picture
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.parse import parse
from ascribe.plots import pages
from ascribe.plots.pages.mathematics import applied, plain, runs
from ascribe.plots.pages.outline import ROUGH, outline

HOSTILE = "</script><script>alert(1)</script><b>&'\""


@pytest.fixture
def kan():
    kan = KAN([3, [2, 1], 2], seed=1, noise_scale=1.0, dtype=torch.float64)
    kan.remember(2 * torch.rand(60, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1)
    kan.fix(0, 0, 0, "sin", [2.0, 0.5, 1.5, 0.0])
    kan.layers[0].symbolic.put(1, 2, "x^2", torch.tensor([1.0, 0.0, 1.0, 0.0], dtype=torch.float64))
    return kan


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href", "action")]


def held(document):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', document.html, re.S)[1])


def line(found):
    return plain([(text, level) for text, level in found])


def points(path):
    """The ends of all steps of a path in thousandths."""
    found, at = [], np.zeros(2)
    for sign, rest in re.findall(r"([Ml])([^Ml]*)", path):
        for step in np.array(rest.split(), dtype=float).reshape(-1, 2):
            at = step if sign == "M" else at + step
            found.append(at)
    return np.array(found)


def test_every_edge_and_node_is_there_once(kan):
    document = kan.plot.html()
    data = held(document)
    ids = re.findall(r'id="([eln]\d+)"', document.html)
    assert len(ids) == len(set(ids)) == 2 * kan.n_edge + 3 + 3 + 2
    assert sorted(tuple(edge["at"]) for edge in data["edges"]) == sorted(
        (e.layer, e.source, e.subnode) for e in picture(kan).edges
    )


def test_the_data_is_the_picture_s(kan):
    data = held(kan.plot.html(metric="forward_u"))
    assert data["metrics"] == ["forward_u", "backward", "forward_n"]
    drawn = {m: {(e.layer, e.source, e.subnode): e for e in picture(kan, metric=m).edges} for m in data["metrics"]}
    for edge in data["edges"]:
        place = tuple(edge["at"])
        same = drawn["forward_u"][place]
        assert edge["scores"] == pytest.approx([drawn[m][place].score for m in data["metrics"]], rel=1e-4)
        assert edge["range"] == pytest.approx([same.x.min(), same.x.max(), same.y.min(), same.y.max()], rel=1e-4)
        assert edge["look"] == same.kind


def test_formulas_are_spelt(kan):
    kan.names = ["a", "$x_{2}$", "c"]
    with torch.no_grad():
        kan.node_scale[0][0], kan.node_bias[0][2] = 2.0, -1.0
    data = held(kan.plot.html())
    edge = next(e for e in data["edges"] if e["at"] == [0, 0, 0])
    assert line(edge["formula"]) == "1.5·sin(2·a + 0.5)"
    both = next(e for e in data["edges"] if e["at"] == [0, 1, 2])
    assert line(both["formula"]) == "x_2^2 + φ_0,1,2(x_2)"
    text = [line(node["formula"]) for node in data["nodes"]]
    assert text[:3] == ["", "", ""]
    assert text[3].startswith("2·(")
    assert "1.5·sin(2·a + 0.5)" in text[3]
    assert text[5].startswith("(")
    assert text[5].endswith(" − 1")
    assert " · (" in text[5]


def test_an_output_is_spelt_in_the_inputs():
    kan = KAN([2, [1, 1], 1], dtype=torch.float64)
    kan.remember(torch.rand(20, 2, dtype=torch.float64) + 0.1)
    kan.fix(0, 0, 0, "sin", [3.0, 0.0, 1.0, 0.0])
    kan.fix(0, 1, 0, "x^2", [1.0, 0.0, -2.0, 0.0])
    kan.fix(0, 0, 1, "x", [1.0, 0.0, 1.0, 0.0])
    kan.fix(0, 1, 2, "log", [1.0, 0.0, 1.0, 1.0])
    kan.layers[0].remove(1, 1)
    kan.layers[0].remove(0, 2)
    kan.fix(1, 0, 0, "x^2", [2.0, 0.0, 1.0, 0.0])
    kan.fix(1, 1, 0, "x", [-0.5, 0.0, 1.0, 0.0])
    *_, output = held(kan.plot.html(in_vars=["a", "b"], metric="forward_u"))["nodes"]
    square, product = "(2·(sin(3·a) − 2·b^2))^2", "0.5·a · (log(b) + 1)"
    assert line(output["whole"]) == f"{square} − {product}"
    assert line(output["formula"]) == "(2·h_1,1)^2 − 0.5·h_1,2"


QUARTERS = st.integers(-4, 4).map(lambda n: n / 4)
AFFINE = st.tuples(QUARTERS, QUARTERS, QUARTERS, QUARTERS)


FUNCTION = st.sampled_from(["x", "sin", "x^2", "exp", "tanh", "0", "gaussian"])


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(FUNCTION, AFFINE), min_size=10, max_size=10))
def test_what_is_spelt_is_what_the_network_computes(chosen):
    kan = KAN([2, [1, 2], 1], mult_arity=2, dtype=torch.float64)
    for (l, i, j), (function, affine) in zip([(0, n % 2, n // 2) for n in range(10)], chosen, strict=True):
        kan.fix(l, i, j, function, affine)
    for i in range(3):
        kan.fix(1, i, 0, *chosen[i + 3])
    with torch.no_grad():
        kan.node_scale[0][1], kan.node_bias[0][2], kan.subnode_scale[0][0] = 2.0, -1.5, 0.5
    x = torch.tensor([[0.3, 0.7], [0.9, 0.2]], dtype=torch.float64)
    kan.remember(x)
    assume(float(kan(x).detach().abs().max()) < 50)
    found = held(kan.plot.html(in_vars=["a", "b"], metric="forward_u"))["nodes"]
    layer = kan.to_nodes(0, kan.layers[0](kan.rows(x))).detach()
    output = kan(x).detach()[:, 0]
    names = {"a": x[:, 0], "b": x[:, 1], **{f"h{n}": layer[:, n] for n in range(3)}}
    for place, expected in [(2, layer[:, 0]), (3, layer[:, 1]), (4, layer[:, 2]), (5, output)]:
        for spelt in filter(None, (found[place]["formula"], found[place]["whole"])):
            text = line(spelt)
            for n in range(3):
                text = text.replace(f"h_1,{n + 1}", f"h{n}").replace("√", "sqrt")
            expression = parse(text.replace("·", "*").replace("−", "-"), list(names))
            value = evaluate(expression, names) + 0 * x[:, 0]
            # numbers are written with three digits
            torch.testing.assert_close(value, expected, rtol=0.02, atol=0.02)


def test_a_formula_that_nobody_would_read_is_left_out(kan):
    deep = KAN([2, 4, 4, 4, 1])
    deep.remember(torch.rand(20, 2))
    data = held(deep.plot.html())
    assert data["nodes"][-1]["whole"] == []
    assert held(kan.plot.html())["nodes"][3]["whole"] == []


def test_names_are_texts_wherever_they_stand(kan):
    kan.names = [HOSTILE] * 3
    document = kan.plot.html(title=HOSTILE, out_vars=[HOSTILE, "$<i>$"])
    elements = Elements(document.html)
    assert elements.tags.count("script") == 2
    assert {"b", "i"}.isdisjoint(elements.tags)
    assert "alert(1)</script>" not in document.html.replace(r"\u003c", "\0")
    assert line(held(document)["nodes"][0]["name"]) == HOSTILE
    assert document._repr_html_().count("<") == 2


def test_it_asks_for_nothing(kan):
    html = kan.plot.html().html
    assert Elements(html).addresses == []
    assert "default-src 'none'" in html
    assert "url(" not in html
    assert "@import" not in html


def test_it_is_written_where_one_asks_for_it(kan, tmp_path):
    document = kan.plot.html(tmp_path / "kan.html")
    assert (tmp_path / "kan.html").read_text(encoding="utf-8") == document.html
    assert pages.html(picture(kan)).html == document.html


def test_of_very_many_edges_it_has_the_strongest_and_says_so():
    kan = KAN([60, 20, 1], seed=1)
    kan.remember(torch.randn(50, 60, generator=torch.Generator().manual_seed(0)))
    document = kan.plot.html()
    assert len(held(document)["edges"]) <= 1000
    assert "strongest of 1,220 edges" in document.html
    assert len(document.html) < 900_000


def test_curves_are_what_they_were_to_a_step_or_two():
    x = np.linspace(-2, 3, 60)
    edge = Edge(0, 0, 0, x, np.sin(x), 1.0)
    drawn = points(outline(edge))
    assert len(drawn) < 35
    back = np.interp(x, -2 + 5 * drawn[:, 0] / 1000, edge.y.max() - np.ptp(edge.y) * drawn[:, 1] / 1000)
    assert np.abs(back - edge.y).max() <= (ROUGH + 2) / 1000 * np.ptp(edge.y)


@pytest.mark.parametrize(
    ("y", "pieces"), [([0.0, 1, 2, 3], 1), ([0, 1, np.nan, 3, 4], 2), ([np.nan] * 4, 0), ([5.0] * 3, 1)]
)
def test_a_curve_has_as_many_pieces_as_it_is_broken_into(y, pieces):
    edge = Edge(0, 0, 0, np.linspace(0, 1, len(y)), np.array(y), 1.0)
    assert outline(edge).count("M") == pieces
    assert outline(Edge(0, 0, 0, np.zeros(len(y)), np.array(y), 1.0)).count("M") == 1


def test_poles_are_numbers_that_are_not_there():
    kan = KAN([1, 1])
    kan.fix(0, 0, 0, "1/x", (1.0, 0.0, 1.0, 0.0))
    kan.remember(torch.linspace(-1, 1, 40)[:, None])
    (edge,) = held(kan.plot.html())["edges"]
    assert all(abs(end) < 100 for end in edge["range"])


def test_a_network_without_edges_has_its_nodes():
    kan = KAN([2, 1])
    kan.layers[0].mask.zero_()
    data = held(kan.plot.html())
    assert data["edges"] == []
    assert [line(node["formula"]) for node in data["nodes"]] == ["", "", "0"]


def test_wrong_names_are_an_error(kan):
    with pytest.raises(InputError, match="out_vars has 1 names, but the network has 2"):
        kan.plot.html(out_vars=["y"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("$x_{12}$", "x_12"),
        (r"$\alpha^{2}$", "α^2"),
        (r"$\Omega_{\varphi}$", "Ω_φ"),
        (r"$\lambda$", "λ"),
        (r"price in \$", "price in $"),
        ("$", "$"),
        ("a$b$", "a$b$"),
        (r"$\frac{a}{\sqrt{b}}$", "(a)/(√(b))"),
    ],
)
def test_names_become_runs(name, expected):
    assert plain(runs(name)) == expected


@pytest.mark.parametrize(
    ("function", "affine", "expected"),
    [
        ("x", (2.0, 1.0, 3.0, 4.0), "6·u + 7"),
        ("0", (1.0, 0.0, 1.0, 0.25), "0.25"),
        ("1/x^2", (1.0, 0.0, -2.0, 0.0), "−2/u^2"),
        ("x^(1/3)", (2.0, 0.0, 1.0, -1.0), "(2·u)^1/3 − 1"),
        ("1/x^0.5", (2.0, 0.0, 3.0, 0.0), "3/√(2·u)"),
        ("exp(x)-1", (1.0, 0.0, 1.0, 0.0), "exp(u)-1"),
        ("tanh", (-1.0, 0.0, -1.0, 0.0), "−tanh(−u)"),
        ("sin", (0.0, 0.5, 1.0, 0.0), "sin(0.5)"),
    ],
)
def test_functions_are_applied(function, affine, expected):
    assert plain(applied(function, affine, [("u", 0)])) == expected
