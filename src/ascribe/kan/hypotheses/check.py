"""The answer to a yes-or-no question about a function, with the number that decided it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Check:
    """True where `value`, the strength of what speaks against the hypothesis, is below `threshold`.

    `against` names the variables (by number) that speak against it most strongly; empty when none can.

    >>> bool(Check("f is a sum over the groups", 2e-5, 1e-2, (0, 2)))
    True
    """

    hypothesis: str
    value: float
    threshold: float
    against: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return self.value < self.threshold

    def __str__(self) -> str:
        where = f" at {', '.join(f'x{i}' for i in self.against)}" if self.against else ""
        return (
            f"{'yes' if self else 'no'}: {self.hypothesis} (strongest objection {self.value:.2g}{where};"
            f" threshold {self.threshold:g})"
        )
