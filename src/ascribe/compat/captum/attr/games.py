"""Classes that play the features of a row against one another."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from ascribe.compat.captum.attr.door import Given
from ascribe.compat.captum.attr.forms import COMPARED, FUNCTION, PIECES
from ascribe.compat.captum.attr.outputs import as_tuple
from ascribe.compat.captum.attr.removal import Futures
from ascribe.compat.captum.attr.signature import takes
from ascribe.core.method import Method
from ascribe.methods import shapley


class ShapleyValueSampling(Futures):
    """`ascribe.Shapley` with as many evaluations as this many random orders have, exact where these suffice for it."""

    construct = FUNCTION
    arguments = takes(COMPARED, takes(feature_mask=None, n_samples=25), PIECES)
    shaped: ClassVar[bool] = True

    def method(self, given: Given) -> Method:
        return shapley.Shapley(budget=max(10, given["n_samples"]) * self.players(given))

    def players(self, given: Given) -> int:
        """The number of features."""
        mask = self.mask(given)
        return sum(prod(x.shape[1:]) for x in as_tuple(given["inputs"])) if mask is None else mask.count


class ShapleyValues(ShapleyValueSampling):
    """`ascribe.Shapley`, exact."""

    construct = FUNCTION
    arguments = takes(COMPARED, takes(feature_mask=None), PIECES)

    def method(self, given: Given) -> Method:
        return shapley.Shapley(budget=2 ** self.players(given))
