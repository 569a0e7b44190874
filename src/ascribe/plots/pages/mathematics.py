r"""Names and formulas as runs of text on, above or below the line: what any page can show without a library.

A run is (text, level): 0 on the line, 1 above it, -1 below. Names may be a little mathematics between dollars, as
`$x_{1}$` or `$\alpha^2$`; what a page cannot draw (fractions, roots) is written out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ascribe.plots.labels import number

Run = tuple[str, int]
Runs = list[Run]

_TOKEN = re.compile(r"\\(?P<word>[A-Za-z]+)|(?P<shift>[_^])|(?P<group>[{}])|\\(?P<sign>.)|(?P<plain>.)", re.DOTALL)
_STACKED = re.compile(r"\\frac\{([^{}]*)\}\{([^{}]*)\}|\\sqrt\{([^{}]*)\}")
_VARIABLE = r"(?<![A-Za-z_])x(?![A-Za-z_0-9])"
_WORDS = {
    "cdot": "·",
    "times": "×",
    "infty": "∞",
    "pm": "±",
    "left": "",
    "right": "",
    "mathrm": "",
    "operatorname": "",
    "text": "",
    "quad": " ",
    "partial": "∂",
}


def runs(name: str) -> Runs:
    r"""A name as runs; mathematics only where all of it stands between dollars.

    >>> runs("$x_{12}$"), runs(r"$\alpha^2$"), runs(r"price in \$")
    ([('x', 0), ('12', -1)], [('α', 0), ('2', 1)], [('price in $', 0)])
    """
    if not (len(name) > 2 and name[0] == name[-1] == "$"):
        return [(name.replace(r"\$", "$"), 0)]
    text, count = name[1:-1], 1
    while count:
        text, count = _STACKED.subn(lambda m: f"({m[1]})/({m[2]})" if m[2] is not None else f"√({m[3]})", text)
    found: Runs = []
    shift, depth = 0, 0
    for token in _TOKEN.finditer(text):
        if token["shift"]:
            shift, depth = (1 if token["shift"] == "^" else -1), 0
        elif token["group"]:
            depth += 1 if token["group"] == "{" else -1
            shift = shift if depth > 0 else 0
        else:
            found.append((_letter(token), shift))
            shift = shift if depth > 0 else 0
    return joined(found)


def plain(found: Sequence[Run]) -> str:
    """The runs on one line, for what is read out.

    >>> plain(runs("$x_{1}$"))
    'x_1'
    """
    return "".join({1: "^", -1: "_"}.get(level, "") + text for text, level in found)


def joined(found: Sequence[Run]) -> Runs:
    """Neighbours of one level as one run."""
    whole: Runs = []
    for text, level in found:
        if whole and whole[-1][1] == level:
            whole[-1] = whole[-1][0] + text, level
        elif text:
            whole.append((text, level))
    return whole


def applied(function: str, affine: tuple[float, float, float, float], argument: Sequence[Run]) -> Runs:
    """c f(a x + b) + d with numbers to three digits, of a function by its name in the library.

    >>> x = [("x", 0)]
    >>> plain(applied("sin", (2.0, -0.5, 1.0, 0.0), x)), plain(applied("x^2", (1.0, 0.0, -3.0, 1.0), x))
    ('sin(2·x − 0.5)', '−3·x^2 + 1')
    >>> plain(applied("1/x", (1.0, 2.0, 0.25, 0.0), x))
    '0.25/(x + 2)'
    """
    a, b, c, d = affine
    factor = a * c if function == "x" else a
    if is_sum(argument) and factor != 1.0:
        argument = bracketed(argument)
    inner = scaled(a, argument, b)
    if function == "0":
        return [(_figure(d), 0)]
    if function == "x":
        # one line is one scale and one shift
        return scaled(a * c, argument, b * c + d)
    if not re.search(_VARIABLE, function):
        return scaled(c, [(function, 0), *bracketed(inner)], d)
    if function.startswith("1/") and c not in (1.0, -1.0):
        # c / x, not c times 1/x
        function, c = f"{'−' if c < 0 else ''}{_figure(abs(c))}{function[1:]}", 1.0
    function = re.sub(r"x\^0\.5(?!\d)", "√(x)", function)
    symbol = (a, b) == (1.0, 0.0) and len(argument) <= 2 and len(argument[0][0]) == 1
    bare = inner if symbol else bracketed(inner)
    found: Runs = []
    for piece in filter(None, re.split(rf"(\^-?[\d.]+|\^\([^()]*\)|\(x\)|{_VARIABLE})", function)):
        if piece.startswith("^"):
            found.append((piece[1:].strip("()"), 1))
        elif piece == "(x)":
            # the bracket is there already
            found += bracketed(inner)
        else:
            found += bare if piece == "x" else [(piece, 0)]
    return scaled(c, found, d)


def scaled(scale: float, inner: Sequence[Run], shift: float = 0.0) -> Runs:
    """scale · inner + shift, without what changes nothing."""
    if scale == 0.0:
        return [(_figure(shift), 0)]
    front = {1.0: "", -1.0: "−"}.get(scale, f"{_figure(scale)}·")
    tail = "" if shift == 0.0 else f" {'−' if shift < 0 else '+'} {_figure(abs(shift))}"
    return joined([(front, 0), *inner, (tail, 0)])


def added(terms: Sequence[Sequence[Run]]) -> Runs:
    """The sum of the terms, one without a minus first; 0 where there are none.

    >>> plain(added([[("−2·b", 0)], [("a", 0)], [("c", 0)]]))
    'a − 2·b + c'
    """
    found: Runs = []
    first = next((n for n, term in enumerate(terms) if not term[0][0].startswith("−")), 0)
    for term in [*terms[first : first + 1], *terms[:first], *terms[first + 1 :]]:
        (start, level), *rest = term
        if not found:
            found += term
        elif start.startswith("−") and level == 0:
            found += [(f" − {start[1:]}", 0), *rest]
        else:
            found += [(" + ", 0), *term]
    return joined(found) or [("0", 0)]


def bracketed(inner: Sequence[Run]) -> Runs:
    """The runs between brackets."""
    return [("(", 0), *inner, (")", 0)]


def is_sum(found: Sequence[Run]) -> bool:
    """Whether there is a plus or a minus between terms that no bracket holds together.

    >>> is_sum([("a + b", 0)]), is_sum([("sin(a + b)", 0)])
    (True, False)
    """
    depth = 0
    for sign in re.findall(r"[()]| [+−] ", "".join(text for text, level in found if level == 0)):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign not in "()" and depth == 0:
            return True
    return False


def _figure(value: float) -> str:
    """To three digits, without zeros at the end."""
    text = number(value)
    return re.sub(r"\.?0+$", "", text) if "." in text and "e" not in text else text


def _letter(token: re.Match[str]) -> str:
    word = token["word"]
    if word is None:
        return (token["plain"] or token["sign"]).replace("~", " ")
    if word in _WORDS:
        return _WORDS[word]
    kind = "CAPITAL" if word[0].isupper() else "SMALL"
    letter = {"lambda": "LAMDA"}.get(word.lower(), word.upper()).removeprefix("VAR")
    try:
        return unicodedata.lookup(f"GREEK {kind} LETTER {letter}")
    except KeyError:
        return word
