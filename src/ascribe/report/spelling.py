"""How numbers and lists are written in a sentence or a table of the report."""

from __future__ import annotations

from collections.abc import Sequence

from ascribe.plots.labels import number


def listed(words: Sequence[str]) -> str:
    """Words in a row.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def percent(share: float) -> str:
    """A share of one in percent, with a decimal only where it matters.

    >>> percent(0.583), percent(0.0042), percent(-0.1), percent(1e-9)
    ('58%', '0.4%', '−10%', '<0.1%')
    """
    size = abs(share)
    if 0 < size < 0.0005:
        return "<0.1%"
    text = f"{size:.1%}" if size < 0.05 and size else f"{size:.0%}"
    return ("−" if share < 0 else "") + text


def figure(value: float, name: str) -> str:
    """A model's figure as it is usually written: errors to three digits, R2 to two decimals, accuracy in percent."""
    if name == "accuracy":
        return percent(value)
    # adding zero takes the sign off a rounded zero
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−") if name == "R2" else number(value)


def duration(seconds: float) -> str:
    """Seconds for a table.

    >>> duration(0.00013), duration(14.23)
    ('<0.01', '14')
    """
    return "<0.01" if seconds < 0.01 else number(seconds, 2)
