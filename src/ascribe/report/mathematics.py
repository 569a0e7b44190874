"""A formula as mathematics that every browser draws by itself: MathML, without scripts or fonts from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

from ascribe.errors import need

# A variable is printed as a letter that no text means anything by, and its name is put there at the end: sympy's
# printer does not escape names, and takes them apart into Greek letters and indices.
FIRST_LETTER = 0xE000


def mathematics(called: str, expression: Any, variables: tuple[Any, ...]) -> str:
    r"""`called` = `expression`, as one <math> element for `called` and one for each term of the sum.

    A page may break the line between two elements, never within one. Names are escaped. exp(u) stays on its line.
    Raises MissingExtra without sympy.

    >>> import sympy
    >>> a = sympy.Symbol("a < b")
    >>> print(mathematics("y", a**2 - 1, (a,)))
    <math><mi>y</mi><mo>=</mo></math> <math><msup><mi>a &lt; b</mi><mn>2</mn></msup></math> <math><mrow><mo form="infix">−</mo><mn>1</mn></mrow></math>
    """  # noqa: E501
    sympy = need("sympy", extra="report")
    letters = {v: sympy.Symbol(chr(FIRST_LETTER + place)) for place, v in enumerate(variables)}
    whole = {number: sympy.Integer(int(number)) for number in expression.atoms(sympy.Float) if number == int(number)}
    drawn = expression.xreplace(whole).replace(sympy.exp, sympy.Function("exp")).xreplace(letters)
    text = " ".join(
        [f"<math><mi>{escape(called)}</mi><mo>=</mo></math>"]
        + [_term(sympy, term, place > 0) for place, term in enumerate(drawn.as_ordered_terms())]
    )
    for variable, letter in letters.items():
        text = text.replace(f"&#{ord(letter.name)};", escape(variable.name))
    return text


def _term(sympy: Any, term: Any, follows: bool) -> str:
    """A summand, behind its sign where others are before it."""
    if not follows:
        return f"<math>{_printed(sympy, term)}</math>"
    less = term.could_extract_minus_sign()
    sign = f'<mo form="infix">{"−" if less else "+"}</mo>'
    return f"<math><mrow>{sign}{_printed(sympy, -term if less else term)}</mrow></math>"


def _printed(sympy: Any, term: Any) -> str:
    text: str = sympy.mathml(term, printer="presentation", mul_symbol="dot")
    return text.replace("<mo>-", "<mo>−").replace("<mn>-", "<mn>−")
