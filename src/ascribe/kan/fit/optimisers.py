"""The optimisers by name, and the one for a network and its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from ascribe.errors import TrainingError
from ascribe.kan.fit.adam import Adam
from ascribe.kan.fit.lbfgs import LBFGS
from ascribe.kan.fit.levenberg import LM
from ascribe.kan.fit.loss import Loss
from ascribe.kan.fit.objective import Evaluation, Objective
from ascribe.kan.structure import Network


@runtime_checkable
class Optimiser(Protocol):
    """Moves `vector`; `now` is the objective there. One that has arrived stays until it is told of a change."""

    vector: Float[Tensor, " parameters"]
    now: Evaluation
    arrived: bool

    def step(self) -> Evaluation: ...

    def restart(self) -> None:
        """The network's knots have changed."""
        ...

    def feed(self) -> None:
        """The objective has other rows."""
        ...

    def state(self) -> dict[str, Tensor]:
        """What it has learnt on its way, for `restore`; the vector is not of it."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on, right after a `restart` at the same vector, as the optimiser that gave the state."""
        ...


OPTIMISERS: dict[str, Callable[..., Optimiser]] = {"LBFGS": LBFGS, "LM": LM, "Adam": Adam}

# Terms of all inputs and rows up to which a pass over all rows for every evaluation takes less than a second.
_WHOLE = 100_000_000
# Levenberg-Marquardt comes to the objective where L-BFGS ends in a half to a quarter of its time, and ends far lower,
# where nothing but the loss is minimised and the dense system is small: measured on [2, 5, 1] to [2, 5, 5, 1]. With 600
# parameters it is no faster, and under a regulariser that counts L-BFGS is as good, and two to five times faster.
_DENSE, _PRODUCTS, _WEAK = 500, 2_000_000_000, 1e-6
# Rows a step where "auto" takes Adam and is not told how many.
BATCH = 256


def optimiser_named(name: str, network: Network, rows: int, terms: int, loss: Loss, lamb: float) -> str:
    """The full name of an optimiser; "auto" takes the best one for the size of the problem.

    Raises TrainingError for a name that is not known.
    """
    known = {known.lower(): known for known in OPTIMISERS}
    if str(name).lower() in known:
        return known[name.lower()]
    if str(name).lower() != "auto":
        raise TrainingError(f"opt={name!r} is not known; pass one of {', '.join(map(repr, OPTIMISERS))} or 'auto'.")
    parameters = sum(
        int((layer.mask != 0).sum()) * layer.basis.terms + 4 * len(layer.symbolic) for layer in network.layers
    )
    products = parameters**2 * rows * network.nodes(network.depth)
    if loss.exact_curvature and lamb <= _WEAK and parameters <= _DENSE and products <= _PRODUCTS:
        return "LM"
    return "LBFGS" if terms <= _WHOLE else "Adam"


def make_optimiser(name: str, objective: Objective, lr: float | None) -> Optimiser:
    make = OPTIMISERS[name]
    return make(objective) if lr is None else make(objective, lr)
