"""What splines cannot tell apart is settled by exact fits: the law comes out, not a function that looks like it."""

from __future__ import annotations

import pytest
import sympy
import torch

from ascribe.kan import KAN
from ascribe.kan.symbolic.exchange import exchanged
from ascribe.kan.symbolic.reading import Choice, loss_of, refitted


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_parabola_is_no_cosine_of_a_small_angle(noise: float) -> None:
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(400, 2, generator=generator, dtype=torch.float64) - 1
    y = torch.exp(torch.sin(torch.pi * x[:, :1]) + x[:, 1:] ** 2)
    y = y + noise * torch.randn(y.shape, generator=generator, dtype=torch.float64)
    kan = KAN([2, 1, 1], dtype=torch.float64)
    kan.fix(0, 0, 0, "sin", [3.14, 0.0, 1.0, 0.0])
    kan.fix(0, 1, 0, "cos", [0.2, 0.0, -50.0, 50.0])
    kan.fix(1, 0, 0, "sinh", [1.0, 5.0, 0.01347, 0.0])
    choices = [Choice((0, 0, 0), "sin", 1.0), Choice((0, 1, 0), "cos", 1.0), Choice((1, 0, 0), "sinh", 1.0)]
    found, made = exchanged(refitted(kan, (x, y)), choices, (x, y), None, (-10, 10), (-10, 10), 0.2, 1e-24)
    became = {choice.edge: choice.function for choice in made}
    assert (became[0, 1, 0], became[1, 0, 0]) == ("x^2", "exp")
    assert became[0, 0, 0] in ("sin", "cos")
    assert loss_of(found, (x, y)) < (1e-24 if noise == 0 else 2 * noise**2)
    assert kan.layers[0].symbolic.names == ("cos", "sin")


def test_a_network_of_single_precision_gives_the_law() -> None:
    generator = torch.Generator().manual_seed(2)
    x = 2 * torch.rand(1000, 2, generator=generator) - 1
    y = torch.exp(torch.sin(torch.pi * x[:, :1]) + x[:, 1:] ** 2)
    kan = KAN([2, 5, 1], grid=3, seed=2)
    kan.fit((x, y), steps=30, lamb=1e-3, progress=False)
    kan = kan.prune()
    kan.fit((x, y), steps=10, progress=False)
    a, b = sympy.symbols("x_1 x_2")
    assert sympy.simplify(kan.auto_symbolic(verbose=0).formula - sympy.exp(sympy.sin(sympy.pi * a) + b**2)) == 0
