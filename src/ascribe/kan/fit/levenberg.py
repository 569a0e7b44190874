"""Levenberg-Marquardt on the flat vector: all parameters in one dense system, for small networks."""

from __future__ import annotations

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import TrainingError
from ascribe.kan.fit.metric import probes
from ascribe.kan.fit.objective import Evaluation, Objective, Pass, backward_edges
from ascribe.maths.levenberg import Damping, damped_step

ITERATIONS = 5  # of one step
LARGEST = 5000  # parameters
ARRIVED = 1e-6
_PIECE = 20_000_000  # numbers of the Jacobian that are held at a time


@final
class LM:
    r"""Gauss-Newton curvature of the loss, and the regulariser's own: $a\,C / s$ for an edge of spread s and slope a.

    The latter bounds the regulariser from above, touches it where we stand, and drives edges that do not pay to 0.
    """

    def __init__(self, objective: Objective, damping: float = 1e-2) -> None:
        count = objective.parameters.count
        if count > LARGEST:
            raise TrainingError(
                f"opt='LM' solves a system in all {count} parameters, and takes {LARGEST} at the most; pass 'LBFGS'."
            )
        if not objective.loss.exact_curvature:
            raise TrainingError("opt='LM' needs the curvature of the loss, and a function has none; pass opt='LBFGS'.")
        self.objective, self._first = objective, damping
        self.vector = objective.parameters.read()
        self.restart()

    def restart(self) -> None:
        """The objective has changed."""
        self._damping = Damping(self._first)
        self.now: Evaluation = self.objective(self.vector)
        self.arrived = False

    def feed(self) -> None:
        """The objective has other rows."""
        self.now, self.arrived = self.objective(self.vector), False

    def step(self) -> Evaluation:
        if self.arrived:
            return self.now
        before = self.now.value
        for _ in range(ITERATIONS):
            if not self._iterate():
                break
        self.arrived = before - self.now.value <= ARRIVED * abs(self.now.value)
        return self.now

    def _iterate(self, trials: int = 12) -> bool:
        """Whether a lower point was found."""
        free = self.objective.parameters.free
        curvature = curvature_matrix(self.objective, self.vector, self.now)
        gradient = self.now.gradient[free]
        for _ in range(trials):
            solved = damped_step(curvature, gradient, self._damping.value)
            if solved is not None:
                step, promised = solved
                point = self.vector.clone()
                point[free] += step
                found = self.objective(point)
                drop = self.now.value - found.value
                if math.isfinite(found.value) and drop > 0:
                    self._damping.succeed(drop / max(promised, 1e-300))
                    self.vector, self.now = point, found
                    return True
            self._damping.fail()
        return False


def curvature_matrix(
    objective: Objective, vector: Float[Tensor, " parameters"], now: Evaluation
) -> Float[Tensor, "free free"]:
    """The curvature of the objective at `vector`, over what is free to move; never negative."""
    passes = objective.forward(vector, moments=True)
    total = vector.new_zeros(len(vector), len(vector))
    rows = objective.inputs.shape[1]
    tops = _pulled(objective, passes)
    width = max(1, _PIECE // (len(vector) * len(tops[-1][0])))
    for start in range(0, rows, width):
        j = torch.cat([_jacobian(objective, l, p, *tops[l], slice(start, start + width)) for l, p in enumerate(passes)])
        total.addmm_(j, j.T, alpha=1 / rows)
    if now.stiffness is not None:
        first = 0
        for p, stiffness, shapes in zip(passes, now.stiffness, objective.parameters.shapes, strict=True):
            size = shapes[0].numel()
            covariance = p.design.covariance
            assert covariance is not None
            block = total[first : first + size, first : first + size].view(*shapes[0], *shapes[0])
            same_edge = block.diagonal(dim1=0, dim2=3).diagonal(dim1=1, dim2=3)
            same_edge += covariance.to(total.dtype).permute(1, 2, 0)[..., None] * stiffness
            first += sum(shape.numel() for shape in shapes)
    free = objective.parameters.free
    return total if bool(free.all()) else total[free][:, free]


def _pulled(objective: Objective, passes: list[Pass]) -> list[tuple[Tensor, Tensor, Tensor]]:
    """For every layer the effects, a probe and row each, of nodes, of subnodes after their affine, and of sums."""
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    nodes = probes(objective)
    for l in reversed(range(len(passes))):
        p = passes[l]
        inner = objective.nodes[l].pull_inner(p.values, p.inner, nodes)
        sums = inner if objective.nodes[l].plain else inner * p.values.subnode_scale[:, None]
        found.append((nodes, inner, sums))
        if l:
            nodes = backward_edges(p, sums, None)
    return found[::-1]


def _jacobian(
    objective: Objective, l: int, p: Pass, nodes: Tensor, inner: Tensor, sums: Tensor, piece: slice
) -> Float[Tensor, "parameters probes_and_rows"]:
    """One row a parameter of the layer: its effect on every probe of every row."""
    values, sums = p.design.values[..., piece], sums[..., piece]
    edges = torch.einsum("itn,qsn->itsqn", values, sums).flatten(0, 2).flatten(1)
    if objective.nodes[l].plain:
        affine = edges.new_zeros(2 * (sums.shape[1] + nodes.shape[1]), edges.shape[1])
    else:
        nodes, inner = nodes[..., piece], inner[..., piece]
        parts = [inner * p.sums[:, piece], inner, nodes * p.products[:, piece], nodes]
        affine = torch.cat([part.transpose(0, 1).flatten(1) for part in parts])
    return torch.cat([edges, affine])
