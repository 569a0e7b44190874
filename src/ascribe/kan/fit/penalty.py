r"""The regulariser inside the objective: its value, and its gradient in what a forward pass has seen."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.errors import TrainingError
from ascribe.kan.activations import Activations
from ascribe.kan.regularization import METRICS, sparsity
from ascribe.kan.structure import Network

# The spread of an edge has a kink where the edge vanishes, which is where the regulariser drives most of them;
# sqrt(variance + SMOOTHING^2) is smooth there, and wrong by less than a millionth.
SMOOTHING = 1e-6


@dataclass(frozen=True)
class Pull:
    """The gradient of the regulariser in everything it was computed from; None where nothing depends."""

    value: float
    nodes: list[Tensor | None]
    subnodes: list[Tensor | None]
    spreads: list[Tensor]


@dataclass(frozen=True)
class Penalty:
    r"""$\lambda\,(\lambda_1 \sum v + \lambda_H H(v) + \lambda_c |c| + \lambda_d |\Delta c|)$, as `regularization` defines it."""

    lamb: float = 0.0
    l1: float = 1.0
    entropy: float = 2.0
    coef: float = 0.0
    coefdiff: float = 0.0
    metric: str = "edge_forward_spline_n"

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise TrainingError(
                f"reg_metric={self.metric!r} is not known; pass one of {', '.join(map(repr, METRICS))}."
            )

    @property
    def on_edges(self) -> bool:
        return bool(self.lamb and (self.l1 or self.entropy))

    @property
    def on_coefficients(self) -> bool:
        return bool(self.lamb and (self.coef or self.coefdiff))

    def pull(self, network: Network, seen: Activations) -> Pull:
        """Value and gradient of the part on edges, without `lamb`."""
        leaves = [t.detach().requires_grad_() for t in (*seen.nodes, *seen.subnodes, *seen.spreads)]
        depth = len(seen.spreads)
        nodes, subnodes, spreads = leaves[:depth], leaves[depth : 2 * depth], leaves[2 * depth :]
        with torch.enable_grad():
            live = Activations(tuple(nodes), tuple(subnodes), tuple(spreads), seen.output)
            terms = [sparsity(v, self.l1, self.entropy) for v in METRICS[self.metric](network, live)]
            total = torch.stack(terms).sum()
        found = torch.autograd.grad(total, leaves, allow_unused=True)
        flat = [torch.zeros_like(s) if g is None else g for s, g in zip(spreads, found[2 * depth :], strict=True)]
        return Pull(total.item(), list(found[:depth]), list(found[depth : 2 * depth]), flat)

    def coefficients(
        self, weight: Float[Tensor, "inputs terms outputs"], scale: Float[Tensor, "inputs 1 outputs"]
    ) -> tuple[float, Float[Tensor, "inputs terms outputs"]]:
        """Value and gradient in the folded weight of the part on coefficients, without `lamb`; masked edges count nothing."""
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
