"""The formula that a page draws says the same as the expression, whatever its names are."""

from __future__ import annotations

import math
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
import sympy

from ascribe.report.mathematics import mathematics

NAMES = ("x_1", "<b>income ($)</b>", "alpha__beta 2", "&#57344;", "\ue000")
VARIABLES = tuple(map(sympy.Symbol, NAMES))
A, B, C, D, E = VARIABLES
EXPRESSIONS = [
    -1.39 * A + 20.23 * sympy.sin(3.239 * B - 14.56) - 5.157 * (0.02245 * C + 3.144) ** 2 + 41.14,
    -2 * sympy.exp(-((0.3 * D - 1) ** 2)) - sympy.Float(1.5e-7) * E**3,
    sympy.Abs(2 * A - 3) / 3 - sympy.tanh(-sympy.Float(0.5) * B) + sympy.Float(-1898000) * C,
    3 * sympy.exp(sympy.sin(A) ** 2 - 0.25 * B) ** 2 - sympy.Rational(5, 2),
    sympy.Float(-7.5),
    A,
]


def python(node: ElementTree.Element, places: dict[str, int]) -> str:
    """Presentation MathML as an expression of Python, read by its tags alone."""
    parts = [python(child, places) for child in node]
    if node.tag == "msup":
        return f"(({parts[0]})**({parts[1]}))"
    if node.tag == "mfrac":
        return f"(({parts[0]})/({parts[1]}))"
    if node.tag == "mi":
        return f"v[{places[node.text]}]" if node.text in places else str(node.text)
    if node.tag == "mrow" and parts[:1] == ["|"]:
        return f"abs({''.join(parts[1:-1])})"
    text = (node.text or "").strip() if not parts else "".join(parts)
    return {"−": "-", "·": "*"}.get(text, text.replace("−", "-"))


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_what_is_drawn_is_the_expression(expression: sympy.Expr):
    called = "price of <i>x</i>"
    page = ElementTree.fromstring(f"<p>{mathematics(called, expression, VARIABLES)}</p>")
    name, *terms = page
    assert [part.text for part in name] == [called, "="]
    assert len(terms) == len(sympy.Add.make_args(expression))
    values = [0.7, 2.5, -1.3, 4.1, -0.6]
    read = "".join(python(term, {name: place for place, name in enumerate(NAMES)}) for term in terms)
    functions = {"exp": math.exp, "sin": math.sin, "tanh": math.tanh}
    found = eval(read, {"v": values, **functions})  # the text was written here, from the expression above
    assert found == pytest.approx(float(expression.subs(dict(zip(VARIABLES, values, strict=True)))), rel=1e-9)


def test_a_name_is_text_and_never_a_tag():
    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.seen: set[str] = set()

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.seen.add(tag)

    tags = Tags()
    tags.feed(mathematics("<script>", sum(VARIABLES, sympy.Integer(0)), VARIABLES))
    assert tags.seen == {"math", "mrow", "mi", "mo"}
