r"""The regulariser inside the objective: its value, and its gradient in what a forward pass has seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import TrainingError
from ascribe.kan.activations import Activations
from ascribe.kan.regularization import METRICS, NORMALISED, sparsity
from ascribe.kan.structure import Network

# The spread of an edge has a kink where the edge vanishes, which is where the regulariser drives most of them;
# sqrt(variance + SMOOTHING^2) - SMOOTHING is smooth there, 0 as well, and wrong by less than a millionth
# (relative to the 1e-4 that backward scores add to spreads, by a hundredth).
SMOOTHING = 1e-6


class Deviations(NamedTuple):
    """The standard deviations, layer by layer, that the regulariser is computed from; or its gradient in them."""

    nodes: list[Float[Tensor, " _"]]
    subnodes: list[Float[Tensor, " _"]]  # empty where the metric does not look at them
    edges: list[Float[Tensor, "_ _"]]
    outputs: Float[Tensor, " outputs"]


@dataclass(frozen=True)
class Penalty:
    r"""$\lambda\,(\lambda_1 \sum v + \lambda_H H(v) + \lambda_c |c| + \lambda_d |\Delta c|)$, see `regularization`."""

    lamb: float = 0.0
    l1: float = 1.0
    entropy: float = 2.0
    coef: float = 0.0
    coefdiff: float = 0.0
    metric: str = "edge_forward_spline_n"

    def __post_init__(self) -> None:
        strengths = (self.lamb, self.l1, self.entropy, self.coef, self.coefdiff)
        if not all(0 <= strength < math.inf for strength in strengths):
            raise TrainingError(
                f"lamb, lamb_l1, lamb_entropy, lamb_coef, lamb_coefdiff = {strengths}; each must be finite and >= 0."
            )
        if self.metric not in METRICS:
            raise TrainingError(
                f"reg_metric={self.metric!r} is not known; pass one of {', '.join(map(repr, METRICS))}."
            )

    @property
    def on_edges(self) -> bool:
        return bool(self.lamb and (self.l1 or self.entropy))

    @property
    def normalises(self) -> bool:
        """Whether the kernels know the metric: it sees the spread of an edge over that of its input."""
        return self.metric in NORMALISED

    @property
    def looks_back(self) -> bool:
        """Whether the metric hands scores back from the outputs, which takes the deviations of subnodes."""
        return self.metric.endswith("backward")

    @property
    def counts_symbols(self) -> bool:
        """Whether the spread of an edge has its symbolic part in it."""
        return self.metric != "edge_forward_spline_n"

    @property
    def on_coefficients(self) -> bool:
        return bool(self.lamb and (self.coef or self.coefdiff))

    def pull(self, network: Network, seen: Deviations) -> tuple[float, Deviations]:
        """Value and gradient of the part on edges, without `lamb`."""
        depth = len(seen.edges)
        leaves = [t.detach().requires_grad_() for t in (*seen.edges, *seen.nodes, *seen.subnodes)]
        edges, nodes, subnodes = leaves[:depth], leaves[depth : 2 * depth], leaves[2 * depth :]
        with torch.enable_grad():
            # The metric that sees splines alone is one of those that normalise, and is found without a graph.
            live = Activations(
                tuple(map(_two_rows, nodes)),
                tuple(map(_two_rows, subnodes)),
                tuple(edges),
                _two_rows(seen.outputs),
                tuple(edges),
            )
            total = torch.stack([sparsity(v, self.l1, self.entropy) for v in METRICS[self.metric](network, live)]).sum()
        g = torch.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True)
        return total.item(), Deviations(
            list(g[depth : 2 * depth]), list(g[2 * depth :]), list(g[:depth]), torch.zeros_like(seen.outputs)
        )

    def coefficients(
        self, weight: Float[Tensor, "inputs terms outputs"], scale: Float[Tensor, "inputs 1 outputs"]
    ) -> tuple[float, Float[Tensor, "inputs terms outputs"]]:
        """The part on coefficients without `lamb`, and its gradient in the folded weight; masked edges count 0."""
        moves = scale != 0
        inverse = torch.where(moves, 1 / torch.where(moves, scale, 1), 0)
        leaf = weight.detach().requires_grad_()
        with torch.enable_grad():
            c = leaf[:, 1:] * inverse
            smooth = (c.square() + SMOOTHING**2).sqrt() - SMOOTHING
            jumps = (c.diff(dim=1).square() + SMOOTHING**2).sqrt() - SMOOTHING
            total = self.coef * smooth.mean(2).sum() + self.coefdiff * jumps.mean(2).sum()
        (gradient,) = torch.autograd.grad(total, leaf)
        return total.item(), gradient

    def stiffness(
        self, weight: Float[Tensor, "inputs terms outputs"], scale: Float[Tensor, "inputs 1 outputs"]
    ) -> Float[Tensor, "inputs outputs terms terms"]:
        r"""The curvature of the parabolas $c^2 / 2|c_0|$ that touch `coefficients` at a weight and lie above it."""
        moves = scale != 0
        inverse = torch.where(moves, 1 / torch.where(moves, scale, 1), 0).mT[..., None]
        c = weight[:, 1:].permute(0, 2, 1) * inverse[..., 0]
        found = torch.diag_embed(self.coef / (c.square() + SMOOTHING**2).sqrt())
        if self.coefdiff:
            jumps = torch.eye(c.shape[2], dtype=c.dtype, device=c.device).diff(dim=0)
            found = (
                found
                + (jumps.T * (self.coefdiff / (c.diff(dim=2).square() + SMOOTHING**2).sqrt())[..., None, :]) @ jumps
            )
        return torch.nn.functional.pad(found * inverse.square() / weight.shape[2], (1, 0, 1, 0))


def _two_rows(deviation: Float[Tensor, " columns"]) -> Float[Tensor, "2 columns"]:
    """The least data with this deviation: the regulariser sees of n rows nothing else."""
    half = deviation / 2**0.5
    return torch.stack([half, -half])
