"""`captum.robust.Perturbation`: what is called as its `perturb`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Perturbation:
    """Subclasses define `perturb`; an instance is called as it."""

    perturb: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.perturb(*args, **kwargs)
