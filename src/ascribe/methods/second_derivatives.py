"""What differentiates a network twice, and says so where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch.nn.attention import SDPBackend, sdpa_kernel

from ascribe.errors import MethodError


@contextmanager
def twice(instead: str) -> Iterator[None]:
    """Attention runs as matrix products, whose second derivatives torch knows; it is as before when this ends.

    Raises MethodError for operations that torch cannot differentiate twice, with what to type instead.
    """
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    except RuntimeError as error:
        if "is not implemented" not in str(error) or "derivative" not in str(error):
            raise
        raise MethodError(f"an operation of the network has no second derivative ({error}); {instead}") from error
