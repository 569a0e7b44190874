"""How edges of different kinds are told apart: by colour, and by dashes for print and for the colour-blind."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ascribe.kan.picture import Kind
from ascribe.plots.palette import SIZE, UP


@dataclass(frozen=True)
class Look:
    """The colour of a kind of edge, None for that of text, and its dashes in widths of a line: on, off, ..."""

    colour: str | None
    dashes: tuple[float, ...] = ()


LOOKS: dict[Kind, Look] = {
    "numeric": Look(None),
    "symbolic": Look(UP, (5.0, 2.0)),
    "both": Look(SIZE, (7.0, 1.6, 1.2, 1.6)),
}
"""pykan's black, red and purple, in tones that differ for the colour-blind and in grey."""


def kind_of(mode: str) -> Kind:
    """The kind of an edge by the network's letters for it.

    >>> kind_of("n"), kind_of("s"), kind_of("ns")
    ('numeric', 'symbolic', 'both')
    """
    return "both" if mode == "ns" else "symbolic" if mode == "s" else "numeric"


def written(function: str) -> str:
    r"""The name of a library's function as matplotlib's mathematics.

    >>> written("x^2.5"), written("1/x^0.5"), written("sin")
    ('$x^{2.5}$', '$1/\\sqrt{x}$', '$\\mathrm{sin}$')
    """
    if not re.fullmatch(r"[\w ./^()*+-]*", function, re.ASCII):
        return function.replace("$", r"\$")
    text = re.sub(r"\^(-?[\d.]+|\([^()]*\))", lambda power: "^{" + power[1].strip("()") + "}", function)
    text = re.sub(r"[A-Za-z_]\w+", lambda word: r"\mathrm{" + word[0].replace("_", r"\_") + "}", text)
    return "$" + text.replace("x^{0.5}", r"\sqrt{x}") + "$"
