"""From the text of a formula to sympy: a grammar of its own, which knows what it lists below and runs nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from ascribe.errors import InputError, need
from ascribe.kan.symbolic.library import LIBRARY

# Names of functions, and how sympy calls them.
FUNCTIONS: Final[dict[str, str]] = {
    **{name: name for name in ("exp", "log", "sqrt", "cbrt", "erf", "sign", "atan2", "Max", "Min", "Abs", "Heaviside")},
    **{a + f + h: a + f + h for f in ("sin", "cos", "tan", "sec", "csc", "cot") for a in ("", "a") for h in ("", "h")},
    **{"arc" + f + h: "a" + f + h for f in ("sin", "cos", "tan", "sec", "csc", "cot") for h in ("", "h")},
    **{"ar" + f + "h": "a" + f + "h" for f in ("sin", "cos", "tan", "sec", "csc", "cot")},
    "ln": "log",
    "abs": "Abs",
    "max": "Max",
    "min": "Min",
    "sgn": "sign",
    "arctan2": "atan2",
    "pow": "Pow",
}
# Functions that have no name elsewhere; those of the library of edges are known too, also the ones that users add.
_WRITTEN: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "log10": lambda sympy, u: sympy.log(u) / sympy.log(10),
    "log2": lambda sympy, u: sympy.log(u) / sympy.log(2),
}
_ARGUMENTS: Final[dict[str, tuple[int, int]]] = {
    "log": (1, 2),
    "Max": (1, 99),
    "Min": (1, 99),
    "atan2": (2, 2),
    "Pow": (2, 2),
    "Heaviside": (1, 2),
}
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)|`(?P<quoted>[^`]+)`|(?P<sign>\*\*|[-+*/^(),]))"
)
# Deeper nesting is no formula that anybody reads; Python's own stack would end some three times as deep.
_DEEPEST: Final = 60
# Numbers are worked out exactly, up to so many bits, twice a float64's: without a bound 9**9**9**9 would not end, nor
# would the digits of exp(9**9999).
_BITS: Final = 2_000
_TOO_LARGE: Final = "a number of this size is none that a formula can hold"


@dataclass(frozen=True)
class Token:
    """A piece of the text and where it begins."""

    kind: str
    text: str
    at: int


def parse(text: str, names: Sequence[str] | None = None) -> Any:
    r"""The sympy expression that `text` spells: numbers, names, + - * / ** ^, parentheses and functions.

    `names` are the variables; without them every name that is no function is one. `pi` and `π` are $\pi$ and `e` is
    Euler's number unless they are among the variables, `E` too where variables are given. A variable is a plain sympy
    symbol; its name stands in back quotes where it is no word, as in 2*`living area (m²)`. Whole numbers and their
    quotients are exact, decimals are sympy's floats. Functions are sympy's elementary ones, under the names that numpy
    gives them too, and those of `LIBRARY`. Nothing in the text is ever run.

    Raises InputError for text that is no such formula, with the term and its position.

    >>> parse("exp(sin(pi*x) + y^2)", ["x", "y"])
    exp(y**2 + sin(pi*x))
    """
    return _Parser(text, None if names is None else frozenset(names)).whole()


class _Parser:
    """Recursive descent: one method a level of the grammar."""

    def __init__(self, text: str, names: frozenset[str] | None) -> None:
        self.text, self.names = text, names
        self.sympy: Any = need("sympy", extra="pykan")
        self.tokens = self._tokens()
        self.place = self.depth = 0

    def _tokens(self) -> list[Token]:
        found: list[Token] = []
        at, end = 0, len(self.text.rstrip())
        while at < end:
            match = _TOKEN.match(self.text, at)
            if match is None or match.lastgroup is None:
                at += len(self.text[at:]) - len(self.text[at:].lstrip())
                pieces = "; pieces are read from sympy's Piecewise, not from text" if self.text[at] in "<>=&|" else ""
                self._fail(at, f"{self.text[at]!r} is no part of a formula{pieces}")
            found.append(Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
            at = match.end()
            if match["name"] and not match["name"].isidentifier():
                self._fail(found[-1].at, f"{match['name']!r} is no word; write x^2, x_1, or a name in back quotes")
        return [*found, Token("end", "", end)]

    def _fail(self, at: int, what: str) -> NoReturn:
        shown = self.text if len(self.text) <= 80 else f"{self.text[max(0, at - 30) : at + 30]} ..."
        raise InputError(f"the formula {shown!r} cannot be read at position {at}: {what}.")

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def _take(self, *signs: str) -> Token | None:
        """The next token, and past it, where it is one of these signs."""
        token = self.token
        if token.kind != "sign" or token.text not in signs:
            return None
        self.place += 1
        return token

    def _expect(self, sign: str, after: str) -> None:
        if not self._take(sign):
            came = repr(self.token.text) if self.token.kind != "end" else "the end"
            self._fail(self.token.at, f"{came} came where {sign!r} was needed {after}")

    def whole(self) -> Any:
        value = self._sum()
        if self.token.kind != "end":
            self._fail(self.token.at, f"{self.token.text!r} came where an operator or the end was needed")
        return value

    def _sum(self) -> Any:
        self.depth += 1
        if self.depth > _DEEPEST:
            self._fail(self.token.at, f"it is nested more than {_DEEPEST} levels deep")
        terms = [self._product()]
        while sign := self._take("+", "-"):
            term = self._product()
            terms.append(term if sign.text == "+" else -term)
        self.depth -= 1
        return self.sympy.Add(*terms)

    def _product(self) -> Any:
        value = self._signed()
        while sign := self._take("*", "/"):
            other = self._signed()
            if sign.text == "/" and other.is_zero:
                self._fail(sign.at, "it divides by zero")
            value = value * other if sign.text == "*" else value / other
            if value.is_Rational and max(abs(int(value.p)), int(value.q)).bit_length() > _BITS:
                self._fail(sign.at, _TOO_LARGE)
        return value

    def _signed(self) -> Any:
        negative = False
        while sign := self._take("+", "-"):
            negative ^= sign.text == "-"
        value = self._power()
        return -value if negative else value

    def _power(self) -> Any:
        base = self._atom()
        sign = self._take("**", "^")
        if sign is None:
            return base
        self.depth += 1
        if self.depth > _DEEPEST:
            self._fail(sign.at, f"it is nested more than {_DEEPEST} levels deep")
        exponent = self._signed()
        self.depth -= 1
        return self._raised(base, exponent, sign.at)

    def _raised(self, base: Any, exponent: Any, at: int) -> Any:
        if base.is_zero and exponent.is_negative:
            self._fail(at, "it divides by zero")
        if base.is_Rational and exponent.is_Rational:
            bits = max(abs(int(base.p)).bit_length(), int(base.q).bit_length())
            if bits > 1 and bits * abs(exponent) > _BITS:
                self._fail(at, _TOO_LARGE)
        return base**exponent

    def _atom(self) -> Any:
        token = self.token
        self.place += 1
        if token.kind == "number":
            return self._number(token)
        if token.kind == "name":
            called = self.token.kind == "sign" and self.token.text == "("
            return self._call(token) if called and not self._is_variable(token.text) else self._named(token)
        if token.kind == "quoted":
            return self._variable(token)
        if token.text == "(":
            value = self._sum()
            self._expect(")", f"to close the parenthesis at position {token.at}")
            return value
        came = repr(token.text) if token.kind != "end" else "the end"
        return self._fail(token.at, f"{came} came where a number, a name or '(' was needed")

    def _number(self, token: Token) -> Any:
        if token.text.isdigit():
            return self.sympy.Integer(token.text) if len(token.text) < 0.3 * _BITS else self._fail(token.at, _TOO_LARGE)
        # As many digits as are written, and no fewer than a float64 holds.
        digits = len(re.split("[eE]", token.text)[0].replace(".", "").lstrip("0"))
        return self.sympy.Float(token.text, max(15, min(digits, 1000)))

    def _is_variable(self, name: str) -> bool:
        return self.names is not None and name in self.names

    def _named(self, token: Token) -> Any:
        name = token.text
        if self._is_variable(name):
            return self.sympy.Symbol(name)
        if name in ("pi", "π"):
            return self.sympy.pi
        if name == "e" or (name == "E" and self.names is not None):
            return self.sympy.E
        if _is_function(name):
            self._fail(token.at, f"{name} is a function and needs its argument, as {name}(x)")
        return self._variable(token)

    def _variable(self, token: Token) -> Any:
        if self.names is not None and token.text not in self.names:
            have = ", ".join(sorted(self.names)) or "none"
            self._fail(token.at, f"{token.text!r} is no variable; there are {have}")
        return self.sympy.Symbol(token.text)

    def _call(self, token: Token) -> Any:
        name = token.text
        if not _is_function(name):
            near = [known for known in (*FUNCTIONS, *_WRITTEN, *LIBRARY) if known[:2].lower() == name[:2].lower()]
            near = list(dict.fromkeys(known for known in near if known.isidentifier()))
            self._fail(
                token.at, f"no function is named {name!r}" + (f"; near it are {', '.join(near[:6])}" if near else "")
            )
        self._expect("(", f"after {name}")
        arguments = [self._sum()]
        while self._take(","):
            arguments.append(self._sum())
        self._expect(")", f"to close {name}( at position {token.at}")
        low, high = _ARGUMENTS.get(FUNCTIONS.get(name, name), (1, 1))
        if not low <= len(arguments) <= high:
            self._fail(token.at, f"{name} takes {low} argument{'s' * (low != 1)}, {len(arguments)} came")
        if name == "pow":
            return self._raised(arguments[0], arguments[1], token.at)
        if name in _WRITTEN:
            return _WRITTEN[name](self.sympy, arguments[0])
        if name not in FUNCTIONS:
            return LIBRARY[name].sympy(arguments[0])
        return getattr(self.sympy, FUNCTIONS[name])(*arguments)


def _is_function(name: str) -> bool:
    """Whether a name is one of a function; "x" is, in the library, but to everybody it is a variable."""
    return name in FUNCTIONS or name in _WRITTEN or (name in LIBRARY and name != "x")
