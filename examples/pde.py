"""A partial differential equation: a KAN as the solution of Poisson's equation, trained on the equation alone.

u_xx + u_yy = f on the square [-1, 1]^2 with u = 0 on its border; for f = -2 pi^2 sin(pi x) sin(pi y) the solution is
u = sin(pi x) sin(pi y), which the training never sees. Second derivatives are taken through the network, and the
gradients of the loss through them once more.
"""

import math

import torch
from torch import Tensor

from ascribe import KAN

side = torch.linspace(-1, 1, 21, dtype=torch.float64)
square = torch.cartesian_prod(side, side)
at_border = (square.abs() == 1).any(1)
interior, border = square[~at_border].requires_grad_(), square[at_border]


def solution(x: Tensor) -> Tensor:
    return torch.sin(math.pi * x).prod(1)


def laplacian(u: Tensor, x: Tensor) -> Tensor:
    (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    second = [torch.autograd.grad(slope[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(x.shape[1])]
    return torch.stack(second).sum(0)


source = -2 * math.pi**2 * solution(interior).detach()


def residuals(kan: KAN) -> tuple[Tensor, Tensor]:
    """The mean squares of what is left of the equation inside, and of u on the border."""
    inside = laplacian(kan(interior)[:, 0], interior) - source
    return inside.square().mean(), kan(border).square().mean()


def train(kan: KAN, iterations: int) -> None:
    optimiser = torch.optim.LBFGS(kan.parameters(), max_iter=iterations, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        inside, outside = residuals(kan)
        # Second derivatives are far larger than values, and the border would not count beside them.
        loss = inside / 100 + 30 * outside
        loss.backward()
        return loss

    optimiser.step(closure)


def error(kan: KAN) -> float:
    """The root mean square distance from the solution, between the points of the training."""
    between = 2 * torch.rand(2000, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 1
    with torch.no_grad():
        return float((kan(between)[:, 0] - solution(between)).square().mean().sqrt())


def show(kan: KAN) -> None:
    inside, outside = (float(part.detach()) for part in residuals(kan))
    print(f"{kan.grid[0]:3} cells: equation {inside:.1e}, border {outside:.1e}, error of u {error(kan):.1e}")


# Order 4: what stands in the equation, second derivatives, is still smooth.
kan = KAN([2, 4, 1], grid=5, k=4, seed=1, dtype=torch.float64)
for _ in range(5):
    train(kan, 20)
    kan.update_grid(square)
show(kan)
coarse = error(kan)
kan = kan.refine(8)  # the same function on more cells, so the training goes on where it was
train(kan, 200)
show(kan)
