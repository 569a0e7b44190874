"""Names and numbers as a reader wants them in a picture: short, literal, with a true minus sign."""

from __future__ import annotations

import math
from collections.abc import Iterable

LONGEST = 26
"""Characters of a name that a picture shows; at 9 points this is about a quarter of a page's width."""


def label(name: str, longest: int = LONGEST) -> str:
    r"""`name` for a picture: short, its dollars literal (matplotlib would read mathematics between them).

    >>> label("price in $")
    'price in \\$'
    """
    return short(name, longest).replace("$", r"\$")


def short(name: str, longest: int) -> str:
    """`name` on one line, cut in the middle when it is long: both ends of a name tell it from its neighbours.

    >>> short("median house value of the census block", 20)
    'median hou…sus block'
    """
    text = " ".join(str(name).split())
    if len(text) <= longest:
        return text
    head = longest // 2
    return f"{text[:head]}…{text[head + 1 - longest :]}"


def number(value: float | int, digits: int = 3, sign: bool = False) -> str:
    """`value` to `digits` significant digits, grouped by thousands, with a true minus sign; "–" for no number.

    >>> [number(v) for v in (0.12345, -1234.5, 20640, 3.1e-7, 0, float("nan"))]
    ['0.123', '−1,234', '20,640', '3.1e−7', '0', '–']
    >>> number(2.0, sign=True)
    '+2.00'
    """
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    if size == 0:
        return "0"
    if size < 1e-4 or size >= 1e9:
        mantissa, exponent = f"{size:.{max(digits - 2, 0)}e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    else:
        decimals = max(digits - 1 - math.floor(math.log10(size)), 0)
        text = f"{size:,.{decimals}f}"
    return _signed(value, sign) + text.replace("-", "−")


def alike(values: Iterable[float], digits: int = 3, sign: bool = False) -> list[str]:
    """Numbers of one column: all to the decimals that the largest needs for `digits`.

    >>> alike([12.3456, -0.5, 0.0001], sign=True)
    ['+12.3', '−0.5', '0.0']
    """
    column = list(values)
    largest = max((abs(value) for value in column if math.isfinite(value)), default=0.0)
    if largest < 1e-4 or largest >= 1e9:
        return [number(value, digits, sign) for value in column]
    decimals = max(digits - 1 - math.floor(math.log10(largest)), 0)
    texts = [f"{abs(value):,.{decimals}f}" if math.isfinite(value) else "–" for value in column]
    # what is rounded to nothing has no sign
    signs = [_signed(value, sign) if text.strip("0.") else "" for value, text in zip(column, texts, strict=True)]
    return [sign + text for sign, text in zip(signs, texts, strict=True)]


def _signed(value: float | int, sign: bool) -> str:
    return "−" if value < 0 else "+" if sign else ""
