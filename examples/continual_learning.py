"""Continual learning: five peaks, shown one after the other; who still knows the first when the last has been learnt?

A spline changes only where it sees data, so a KAN of one edge learns the new and keeps the old. A network whose every
parameter acts everywhere forgets. So does a deeper KAN: there the peaks share the edges above.
"""

import torch
from torch import nn

from ascribe import KAN

PEAKS, POINTS = 5, 100
centres = 2 / PEAKS * (torch.arange(PEAKS) - (PEAKS - 1) / 2)
x = torch.linspace(-1, 1, PEAKS * POINTS)[:, None]
y = torch.exp(-300 * (x - centres).square()).sum(1, keepdim=True)
phases = list(zip(x.split(POINTS), y.split(POINTS), strict=True))


def errors(net: nn.Module) -> list[float]:
    """The root mean square error on every peak."""
    with torch.no_grad():
        return [float((net(inputs) - labels).square().mean().sqrt()) for inputs, labels in phases]


def show(name: str, table: list[list[float]]) -> None:
    print(f"{name}: error on each peak after every phase")
    for phase, row in enumerate(table):
        print(f"  {phase + 1}:", "  ".join(f"{error:.1e}" for error in row))


def learn_kan(width: list[int]) -> list[list[float]]:
    # No base function, which would act everywhere, and grids that stay where they are.
    net = KAN(width, grid=200, k=3, noise_scale=0.01, base_fun="zero", sb_trainable=False, seed=0)
    table = []
    for inputs, labels in phases:
        net.fit((inputs, labels), steps=10, update_grid=False, progress=False)
        table.append(errors(net))
    return table


def teach(net: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> None:
    optimiser = torch.optim.LBFGS(net.parameters(), max_iter=150, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = (net(inputs) - labels).square().mean()
        loss.backward()
        return loss

    optimiser.step(closure)


def learn_mlp() -> list[list[float]]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(1, 30), nn.Tanh(), nn.Linear(30, 30), nn.Tanh(), nn.Linear(30, 1))
    table = []
    for inputs, labels in phases:
        teach(net, inputs, labels)
        table.append(errors(net))
    return table


shallow, deep, mlp = learn_kan([1, 1]), learn_kan([1, 5, 1]), learn_mlp()
show("KAN [1, 1]", shallow)
show("KAN [1, 5, 1]", deep)
show("MLP", mlp)
print("worst of all peaks at the end:", *(f"{max(table[-1]):.1e}" for table in (shallow, deep, mlp)))
