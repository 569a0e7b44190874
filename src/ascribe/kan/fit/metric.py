r"""The size of a change of every edge: what makes a step of L-BFGS or Levenberg-Marquardt well scaled.

A change d of the weight of edge (i, j) changes the objective, in second order, by about $(c_j + r_{ij})\, d^\top
M_i\, d$. Here $c_j$ is the mean squared effect of subnode j on the loss; $r_{ij}$ the curvature of the regulariser,
large where an edge has almost vanished; and $M_i = C_i + n_{in} \mu_i \mu_i^\top$ with covariance C and mean $\mu$ of
the design of input i. Every edge can represent a constant, so a move along constants is made by all $n_{in}$ edges of
a node at once: hence the factor.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.objective import Evaluation, Objective, Pass, backward_edges
from ascribe.kan.fit.parameters import LayerValues

# Directions of a design that no sample reaches have no scale; this share of the mean one keeps them from running off.
_RIDGE = 1e-3
# A subnode that nothing listens to (yet) counts as this share of the loudest: it must not run off either.
_QUIET = 1e-3
# Outputs whose effects are followed one by one; more of them are mixed by random signs.
_PROBES = 8


class EdgeMetric:
    """The inverse of the block-diagonal curvature at one vector; the regulariser's part follows every evaluation."""

    def __init__(self, objective: Objective, vector: Float[Tensor, " parameters"]) -> None:
        self._parameters = objective.parameters
        passes = objective.forward(vector, moments=True)
        self._effects = effects(objective, passes)
        self._inverses = [_inverse(p, vector.dtype) for p in passes]
        self._blocks: list[Tensor] = []
        self._affine = [
            (
                s * p.sums.square().mean(1),
                s,
                n * p.products.square().mean(1),
                n,
            )
            for p, (s, n) in zip(passes, self._effects, strict=True)
        ]
        self.follow(None)

    def follow(self, evaluation: Evaluation | None) -> None:
        """Take the regulariser's curvature from an evaluation."""
        stiffness = None if evaluation is None else evaluation.stiffness
        self._blocks = [
            1 / (subnodes[None] + (0 if stiffness is None else stiffness[l]))
            for l, (subnodes, _) in enumerate(self._effects)
        ]

    def __call__(self, gradient: Float[Tensor, " parameters"]) -> Float[Tensor, " parameters"]:
        parts: list[LayerValues] = []
        for v, inverse, block, affine in zip(
            self._parameters.split(gradient), self._inverses, self._blocks, self._affine, strict=True
        ):
            scaled = torch.bmm(inverse, v.weight).mul_(block[:, None])
            rest = (v.subnode_scale, v.subnode_bias, v.node_scale, v.node_bias)
            parts.append(LayerValues(scaled, *(g / a for g, a in zip(rest, affine, strict=True))))
        return self._parameters.join(parts)


def effects(objective: Objective, passes: list[Pass]) -> list[tuple[Float[Tensor, " _"], Float[Tensor, " _"]]]:
    """For every layer, the mean squared effect of its sums and of its nodes on the loss, never quite 0."""
    found: list[tuple[Tensor, Tensor]] = []
    pulled = probes(objective)
    for l in reversed(range(len(passes))):
        p = passes[l]
        at_nodes = pulled.square().sum(0).mean(1)
        pulled = objective.nodes[l].pull(p.values, p.inner, pulled)
        at_sums = pulled.square().sum(0).mean(1)
        found.append((_floored(at_sums), _floored(at_nodes)))
        if l:
            pulled = backward_edges(p, pulled, None)
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
    return torch.stack([objective.loss.factor(output, z[:, None]) for z in signs])


def _floored(effect: Tensor) -> Tensor:
    """A subnode that nothing listens to (yet) would get steps without bound."""
    return effect.clamp(min=float(effect.max()) * _QUIET + torch.finfo(effect.dtype).tiny)


def _inverse(p: Pass, dtype: torch.dtype) -> Float[Tensor, "inputs terms terms"]:
    covariance, mean = p.design.covariance, p.design.mean
    assert covariance is not None
    assert mean is not None
    exact = mean.double()
    gram = covariance + len(mean) * exact[:, :, None] * exact[:, None]
    ridge = gram.diagonal(dim1=1, dim2=2).mean(1).clamp(min=1e-12) * _RIDGE
    eye = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
    factor = torch.linalg.cholesky(gram + ridge[:, None, None] * eye)
    return torch.cholesky_inverse(factor).to(dtype)
