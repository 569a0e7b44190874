"""The second derivative of a network's whole loss, and low-rank roots of its inverse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from ascribe.errors import MethodError
from ascribe.influence.batches import Batches, rows_from
from ascribe.influence.gradients import LossFunction, check_graph, is_separable, parameters_of, total_loss

Product = Callable[[Tensor], Tensor]

_MANY = 20_000  # parameters: in float64 a matrix of 3 GiB, and minutes to hours for its eigenvectors


@final
class Curvature:
    r"""$H = \nabla^2_\theta \sum_i L(f_\theta(x_i), y_i)$ over all examples, for the parameters of some layers."""

    def __init__(
        self, model: nn.Module, data: Batches, loss: LossFunction | None, layers: Sequence[str | nn.Module] | None
    ) -> None:
        self.model, self.data, self.loss = model, data, loss
        self.names = list(parameters_of(model, layers))

    @property
    def start(self) -> Float[Tensor, " parameters"]:
        """The parameters as one vector."""
        named = dict(self.model.named_parameters())
        return torch.cat([named[name].detach().flatten() for name in self.names])

    def product(self, v: Float[Tensor, " parameters"]) -> Float[Tensor, " parameters"]:
        """$Hv$: two backward passes over the data."""
        found = torch.zeros_like(v)
        for slope, leaves in self._slopes():
            found += _slope(slope @ v, leaves)
        return found

    def matrix(self) -> Float[Tensor, "parameters parameters"]:
        """$H$ itself: a backward pass over the data for every parameter."""
        size = len(self.start)
        found = self.start.new_zeros(size, size)
        for slope, leaves in self._slopes():
            for i in range(size):
                found[i] += _slope(slope[i], leaves)
        return (found + found.T) / 2

    def _slopes(self) -> Iterator[tuple[Tensor, list[Tensor]]]:
        """Every batch's gradient, with its graph, and what it is the gradient in."""
        held = {name: p.detach() for name, p in (*self.model.named_parameters(), *self.model.named_buffers())}
        for batch in self.data:
            leaves = {name: held[name].clone().requires_grad_() for name in self.names}
            with torch.enable_grad():
                # The fused kernels of attention have no second derivative.
                with sdpa_kernel(SDPBackend.MATH):
                    output = functional_call(self.model, (held | leaves), batch[:-1])
                total = _summed(output, batch[-1], self.loss)
                check_graph(total)
                slopes = torch.autograd.grad(
                    total, list(leaves.values()), create_graph=True, allow_unused=True, materialize_grads=True
                )
                yield torch.cat([slope.flatten() for slope in slopes]), list(leaves.values())


def _slope(number: Float[Tensor, ""], leaves: list[Tensor]) -> Float[Tensor, " parameters"]:
    if not number.requires_grad:
        return torch.zeros(sum(leaf.numel() for leaf in leaves), dtype=number.dtype, device=number.device)
    slopes = torch.autograd.grad(number, leaves, retain_graph=True, allow_unused=True, materialize_grads=True)
    return torch.cat([slope.flatten() for slope in slopes])


def _summed(output: Any, target: Any, loss: LossFunction | None) -> Float[Tensor, ""]:
    """The sum of the examples' own losses, whatever the loss makes of several together."""
    if is_separable(loss) or not isinstance(output, Tensor):
        return total_loss(output, target, loss)
    if isinstance(target, Tensor):
        try:
            return vmap(lambda out, y: total_loss(out.unsqueeze(0), y.unsqueeze(0), loss))(output, target).sum()
        except (RuntimeError, NotImplementedError, ValueError, TypeError):
            pass  # a loss that vmap cannot take; the same error comes again below where it is the loss's own
    rows = [rows_from((output, target), i, i + 1) for i in range(len(output))]
    return torch.stack([total_loss(out, y, loss) for out, y in rows]).sum()


@dataclass(frozen=True)
class Root(ABC):
    r"""$R$ with $R R^\top \approx (H + \lambda)^{-1}$ on the `rank` directions of the largest curvature.

    $\lambda$ is `regularization`; directions with $H + \lambda$ no larger than `tolerance` are left out.
    """

    rank: int | None = 50
    regularization: float = 1e-6
    tolerance: float = 1e-5

    def __post_init__(self) -> None:
        if self.rank is not None and self.rank < 1:
            raise MethodError(f"rank={self.rank}; pass at least 1, or None for all directions")

    @abstractmethod
    def __call__(self, curvature: Curvature) -> Float[Tensor, "parameters rank"]:
        """The root.  Raises MethodError where no direction has positive curvature."""

    def of(self, matrix: Float[Tensor, "n n"]) -> Float[Tensor, "n rank"]:
        """The root of a small symmetric matrix's inverse."""
        eye = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
        values, vectors = torch.linalg.eigh(matrix + self.regularization * eye)
        wanted = values > self.tolerance
        values, vectors = values[wanted], vectors[:, wanted]
        if self.rank is not None:
            values, vectors = values[-self.rank :], vectors[:, -self.rank :]
        if len(values) == 0:
            raise MethodError(
                f"the loss curves upwards by more than tolerance={self.tolerance} in no direction, so the "
                "curvature has no inverse; train the network further, or pass a larger regularization"
            )
        return vectors / values.sqrt()


@final
@dataclass(frozen=True)
class ExactRoot(Root):
    """From all eigenvectors of H: a backward pass over the data for every parameter, and their number squared."""

    def __call__(self, curvature: Curvature) -> Float[Tensor, "parameters rank"]:
        if len(curvature.start) > _MANY:
            raise MethodError(
                f"ExactRoot needs the square of {len(curvature.start)} parameters; pass root=KrylovRoot(), or name "
                "a few layers with layers=[...]"
            )
        return self.of(curvature.matrix())


@final
@dataclass(frozen=True)
class KrylovRoot(Root):
    r"""From H on the space of $b, Hb, H^2b, \ldots$ for a random b (from `seed`): for networks of any size.

    At most `steps` products with H, fewer where the space is exhausted: where what is new is shorter than `accuracy`.

    Source: Schioppa, Zablotskaia, Vilar & Sokolov (2022), "Scaling up influence functions"; for symmetric matrices
    Lanczos (1950), here with every vector made orthogonal to all before.
    """

    regularization: float = 1e-3
    tolerance: float = 1e-4
    steps: int = 200
    accuracy: float = 0.1
    seed: int = 0

    def __call__(self, curvature: Curvature) -> Float[Tensor, "parameters rank"]:
        basis, small = krylov(curvature.product, self._begin(curvature.start), self.steps, self.accuracy)
        return basis @ self.of(small)

    def _begin(self, like: Float[Tensor, " parameters"]) -> Float[Tensor, " parameters"]:
        generator = torch.Generator().manual_seed(self.seed)
        return torch.randn(like.shape, generator=generator, dtype=like.dtype).to(like.device)


def krylov(
    product: Product, start: Float[Tensor, " n"], steps: int, accuracy: float
) -> tuple[Float[Tensor, "n m"], Float[Tensor, "m m"]]:
    r"""An orthonormal basis Q of the span of $b, Hb, \ldots$, and $Q^\top H Q$, for a symmetric H.

    >>> h = torch.diag(torch.tensor([3.0, 2.0, 1.0]))
    >>> basis, small = krylov(lambda v: h @ v, torch.ones(3), 10, 1e-4)
    >>> [round(value, 4) for value in torch.linalg.eigvalsh(small).tolist()]
    [1.0, 2.0, 3.0]
    """
    basis = [start / start.norm()]
    images: list[Tensor] = []
    while True:
        v = product(basis[-1])
        images.append(v)
        if len(images) == min(steps, len(start)):
            break
        q = torch.stack(basis)
        # Twice is enough: what rounding leaves of the others the first time is gone after the second.
        v = v - q.T @ (q @ v)
        v = v - q.T @ (q @ v)
        if float(v.norm()) < accuracy:
            break
        basis.append(v / v.norm())
    q, image = torch.stack(basis, dim=1), torch.stack(images, dim=1)
    small = q.T @ image
    return q, (small + small.T) / 2
