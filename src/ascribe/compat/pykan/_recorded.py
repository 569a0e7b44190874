"""The numbers of a training's record."""

from __future__ import annotations


class Recorded(float):
    """A float with the `item()` that programs call, since pykan records arrays of one number.

    >>> Recorded(0.5).item() + Recorded(1)
    1.5
    """

    def item(self) -> float:
        """The number itself."""
        return float(self)


def recorded(record: dict[str, list[float]]) -> dict[str, list[float]]:
    """The same record of such numbers."""
    return {name: [Recorded(value) for value in values] for name, values in record.items()}
