r"""The size of a change of every edge: what makes a step of L-BFGS or Levenberg-Marquardt well scaled.

A change d of the weight of edge (i, j) changes the objective, in second order, by about $(c_j + r_{ij})\, d^\top
M_i\, d$. Here $c_j$ is the mean squared effect of subnode j on the loss; $r_{ij}$ the curvature of the regulariser,
large where an edge has almost vanished (where coefficients are held one by one, theirs comes on top, and every edge has
a block of its own); and $M_i = C_i + n_{in} \mu_i \mu_i^\top$ with covariance C and mean $\mu$ of
the design of input i. Every edge can represent a constant, so a move along constants is made by all $n_{in}$ edges of
a node at once: hence the factor.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.objective import Evaluation, Objective
from ascribe.kan.fit.stages import Stage, Trace
from ascribe.maths.kernels.form import Moments

# Directions of a design that no sample reaches have no scale; this share of the mean one keeps them from running off.
_RIDGE = 1e-3
# And this share of the mean effect of an edge's a, b, c, d, which have scales of their own.
_IDLE = 1e-8
# A subnode that nothing listens to (yet) counts as this share of the loudest: it must not run off either.
_QUIET = 1e-3
# Outputs whose effects are followed one by one; more of them are mixed by random signs.
_PROBES = 8


class EdgeMetric:
    """The inverse of the block-diagonal curvature at one vector; the regulariser's part follows every evaluation.

    One for all vectors of an objective, until its knots change: `look` finds the curvature of the loss anew.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        parameters, point = objective.parameters, objective.parameters.read()
        self._scale, self._scaled, self._found = torch.ones(3, len(point), dtype=point.dtype, device=point.device)
        self._from = [part.weight for part in parameters.split(self._scaled)]
        self._to = [part.weight for part in parameters.split(self._found)]
        self._affines = parameters.split(self._scale)
        self._symbols = [
            (before.symbolic, after.symbolic)
            for before, after in zip(parameters.split(self._scaled), parameters.split(self._found), strict=True)
        ]
        self._factors: list[Tensor | None] = []
        # Every term of an edge has the scale of the edge: where each is, and among all edges which it belongs to.
        numbers = parameters.split(torch.arange(len(point), device=point.device))
        places, edges, first = list[Tensor](), list[Tensor](), 0
        for part, stage in zip(numbers, objective.stages, strict=True):
            inputs, _, outputs = part.weight.shape
            mine = first + torch.arange(inputs * outputs, device=point.device).view(inputs, 1, outputs)
            places.append(part.weight.flatten())
            edges.append(mine.expand_as(part.weight).flatten())
            if stage.symbols is not None:
                places.append(part.symbolic.flatten())
                edges.append(mine[stage.symbols.source, 0, stage.symbols.subnode].repeat_interleave(4))
            first += inputs * outputs
        self._places, self._edges = torch.cat(places), torch.cat(edges)

    def look(self, vector: Float[Tensor, " parameters"], now: Evaluation) -> None:
        """Take the curvature at `vector`, of which `now` is the evaluation."""
        objective = self._objective
        traces = objective.traces(vector, moments=True)
        found = effects(objective, traces)
        self._effects = torch.cat([sums.repeat(len(t.inputs)) for t, (sums, _) in zip(traces, found, strict=True)])
        self._grams = [None if t.moments is None else _gram(t.moments) for t in traces]
        self._inverses = [None if gram is None else _inverted(gram).to(vector.dtype) for gram in self._grams]
        self._of_symbols = [_of_symbols(stage, t) for stage, t in zip(objective.stages, traces, strict=True)]
        # The scale of an affine that is not free means nothing.
        for stage, part, t, (s, n) in zip(objective.stages, self._affines, traces, found, strict=True):
            if not stage.nodes.plain:
                part.subnode_scale.copy_(_moved(s * t.sums.square().mean(1)))
                part.subnode_bias.copy_(1 / s)
                part.node_scale.copy_(_moved(n * t.products.square().mean(1)))
                part.node_bias.copy_(1 / n)
        self.follow(vector, now)

    def follow(self, vector: Float[Tensor, " parameters"], now: Evaluation) -> None:
        """Take the regulariser's curvature at `vector`, of which `now` is the evaluation."""
        total = self._effects + now.stiffness if len(now.stiffness) else self._effects
        self._scale[self._places] = total.reciprocal()[self._edges]
        objective = self._objective
        if not objective.penalty.on_coefficients:
            return
        parts = zip(objective.parameters.split(vector), objective.parameters.scales, strict=True)
        held = [objective.penalty.stiffness(part.weight, scale) * objective.penalty.lamb for part, scale in parts]
        size = objective.of_edges(total)
        self._factors = [
            None if gram is None else torch.linalg.cholesky(edges[..., None, None] * gram[:, None] + block)
            for gram, edges, block in zip(self._grams, size, held, strict=True)
        ]

    def __call__(self, gradient: Float[Tensor, " parameters"]) -> Float[Tensor, " parameters"]:
        torch.mul(gradient, self._scale, out=self._scaled)
        self._found.copy_(self._scaled)
        for inverse, before, after in zip(self._inverses, self._from, self._to, strict=True):
            if inverse is not None:
                torch.bmm(inverse, before, out=after)
        if self._factors:
            parts = zip(self._factors, self._objective.parameters.split(gradient), self._to, strict=True)
            for factor, part, after in parts:
                if factor is not None:
                    after.copy_(torch.cholesky_solve(part.weight.mT[..., None], factor)[..., 0].mT)
        for inverse, (before, after) in zip(self._of_symbols, self._symbols, strict=True):
            if inverse is not None:
                torch.matmul(inverse, before[..., None], out=after[..., None])
        return self._objective.parameters.held(self._found)


def _moved(effect: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """One over the effects; what has none, as the scale of a node without edges, stays where it is."""
    return torch.where(effect > 0, effect, torch.inf).reciprocal()


def effects(objective: Objective, traces: list[Trace]) -> list[tuple[Float[Tensor, " _"], Float[Tensor, " _"]]]:
    """For every layer, the mean squared effect of its sums and of its nodes on the loss, never quite 0."""
    found: list[tuple[Tensor, Tensor]] = []
    pulled = probes(objective)
    for l in reversed(range(len(traces))):
        stage = objective.stages[l]
        at_nodes = pulled.square().sum(0).mean(1)
        pulled = stage.nodes.pull(stage.values, traces[l].inner, pulled)
        at_sums = pulled.square().sum(0).mean(1)
        found.append((_floored(at_sums), _floored(at_nodes)))
        if l:
            pulled = stage.to_inputs(traces[l], pulled)
    return found[::-1]


def probes(objective: Objective) -> Float[Tensor, "probes outputs n"]:
    """Vectors whose outer products sum to the curvature of the loss in the outputs, exactly up to 8 outputs."""
    output = objective.output
    count = len(output)
    if count <= _PROBES:
        signs = torch.eye(count, dtype=output.dtype, device=output.device)
    else:
        generator = torch.Generator().manual_seed(0)
        draws = torch.randint(0, 2, (_PROBES, count), generator=generator).to(output)
        signs = (2 * draws - 1) / _PROBES**0.5
    found = torch.stack([objective.loss.factor(output, z[:, None]) for z in signs])
    return found if objective.weight is None else found * objective.weight.sqrt()


def _floored(effect: Tensor) -> Tensor:
    """A subnode that nothing listens to (yet) would get steps without bound."""
    return effect.clamp(min=float(effect.max()) * _QUIET + torch.finfo(effect.dtype).tiny)


def _of_symbols(stage: Stage, trace: Trace) -> Float[Tensor, "edges 4 4"] | None:
    """The inverse of every symbolic edge's part for a unit effect; None where there are no such edges."""
    if stage.symbols is None or trace.symbols is None:
        return None
    columns = stage.symbols.columns(stage.values.symbolic, trace.symbols)
    mean = columns.mean(2)
    centred = columns - mean[..., None]
    # As among splines, constants move with those of all edges of the layer.
    gram = centred @ centred.mT / columns.shape[2] + len(trace.inputs) * mean[:, :, None] * mean[:, None]
    # A number with next to no effect must not run off.
    effect = gram.diagonal(dim1=1, dim2=2)
    size = effect.clamp(min=_IDLE * effect.mean(1, keepdim=True)).sqrt()
    scaled = gram / (size[:, :, None] * size[:, None])
    scaled.diagonal(dim1=1, dim2=2).add_(_RIDGE)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(scaled))
    return inverse / (size[:, :, None] * size[:, None])


def _gram(moments: Moments) -> Float[Tensor, "inputs terms terms"]:
    mean, covariance = moments
    gram = torch.baddbmm(covariance, mean[:, :, None], mean[:, None], alpha=len(mean))
    diagonal = gram.diagonal(dim1=1, dim2=2)
    diagonal.add_(diagonal.mean(1, keepdim=True).clamp(min=1e-12), alpha=_RIDGE)
    return gram


def _inverted(gram: Float[Tensor, "inputs terms terms"]) -> Float[Tensor, "inputs terms terms"]:
    return torch.cholesky_inverse(torch.linalg.cholesky(gram))
