"""The objective in one call of the compiled kernels, where these know all of it: Python costs as much as they do."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.loss import Loss, SquaredError
from ascribe.kan.fit.parameters import Parameters
from ascribe.kan.fit.penalty import SMOOTHING, Penalty
from ascribe.kan.fit.stages import Stage, Trace
from ascribe.maths.kernels import cpu
from ascribe.maths.kernels.base import BASES
from ascribe.maths.kernels.form import Moments
from ascribe.maths.kernels.native import native

# Rows times edges below which a stage works on one thread.
_ALONE = 300_000


@final
class Chain:
    """Stages of plain nodes, one after another, under squared error and the usual regulariser, on memory of its own."""

    def __init__(
        self,
        stages: list[Stage],
        inputs: Float[Tensor, "inputs n"],
        label: Float[Tensor, "outputs n"],
        parameters: Parameters,
        penalty: Penalty,
    ) -> None:
        rows = inputs.shape[1]
        self._penalised = penalty.on_edges
        self._factors = (penalty.l1, penalty.entropy, penalty.lamb, SMOOTHING)
        self._label, self._free = label.contiguous(), parameters.free.to(inputs.dtype)
        self._nodes = [inputs, *(inputs.new_empty(s.weights.base.shape[1], rows) for s in stages)]
        self._moments = [
            Moments(
                inputs.new_empty(len(s.basis.knots), s.basis.terms, dtype=torch.float64),
                inputs.new_empty(len(s.basis.knots), s.basis.terms, s.basis.terms, dtype=torch.float64),
            )
            for s in stages
        ]
        self._knots = [s.basis.knots.contiguous() for s in stages]
        self._masks = [None if s.weights.mask is None else s.weights.mask.contiguous() for s in stages]
        self.edges = sum(s.weights.base.numel() for s in stages)
        spelt: list[tuple[int, int, int, int, int, int, int, int, int, int, int, int, int]] = []
        for l, (stage, first) in enumerate(zip(stages, parameters.firsts, strict=True)):
            basis, edges = stage.basis, stage.weights.base.shape
            mask = self._masks[l]
            spelt.append(
                (
                    first,
                    *(edges[0], edges[1], basis.order, basis.bases),
                    list(BASES).index(basis.base),
                    int(basis.extrapolate == "linear"),
                    self._knots[l].data_ptr(),
                    0 if mask is None else mask.data_ptr(),
                    self._nodes[l].data_ptr(),
                    self._moments[l].mean.data_ptr(),
                    self._moments[l].covariance.data_ptr(),
                    1 if rows * edges.numel() < _ALONE else 0,
                )
            )
        module = native()
        assert module is not None
        make = module.Objective64 if inputs.dtype is torch.float64 else module.Objective32
        memory = self._nodes[-1].data_ptr(), self._label.data_ptr(), self._free.data_ptr()
        self._native = make(spelt, rows, *memory, len(self._free))

    @staticmethod
    def takes(stages: list[Stage], loss: Loss, penalty: Penalty) -> bool:
        """Whether the kernels know the whole objective."""
        usual = isinstance(loss, SquaredError) and not penalty.on_coefficients
        known = penalty.normalises or not penalty.on_edges
        return usual and known and all(_known(stage) for stage in stages)

    def __call__(
        self, vector: Float[Tensor, " parameters"]
    ) -> tuple[float, float, Float[Tensor, " parameters"], Float[Tensor, " edges"]]:
        """Loss, regulariser without lamb, the gradient, and the stiffness of all edges."""
        gradient = torch.empty_like(self._free)
        stiffness = gradient.new_empty(self.edges if self._penalised else 0)
        loss, penalty = self._native.evaluate(
            vector.data_ptr(),
            gradient.data_ptr(),
            stiffness.data_ptr(),
            self._factors,
            self._penalised,
            torch.get_num_threads(),
        )
        return loss, penalty, gradient, stiffness

    @property
    def traces(self) -> list[Trace]:
        """What the last call has left, in memory that the next one writes again."""
        moments = self._moments if self._penalised else [None] * len(self._moments)
        pairs = zip(self._nodes[:-1], self._nodes[1:], moments, strict=True)
        return [Trace(below, above, above, above, above, seen) for below, above, seen in pairs]


def _known(stage: Stage) -> bool:
    return stage.form is cpu and stage.symbols is None and stage.nodes.plain and not stage.nodes.multiplies
