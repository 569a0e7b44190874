"""A method that asks another one."""

from __future__ import annotations

from dataclasses import dataclass

from ascribe.core.method import Method


@dataclass(frozen=True)
class Around(Method):
    """It looks where the inner method looks, and what comes back looks as the inner method's values do."""

    inner: Method

    @property
    def reference(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the inner method's."""
        return self.inner.reference

    @property
    def space(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the inner method's."""
        return self.inner.space

    @property
    def yields(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the inner method's."""
        return self.inner.yields

    @property
    def gradients(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the inner method's."""
        return self.inner.gradients

    @property
    def batchwise(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the inner method's."""
        return self.inner.batchwise
