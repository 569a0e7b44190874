"""pykan's functions with a bound, from its definitions; and what avoids singularities in a network."""

from __future__ import annotations

import math

import pytest
import sympy
import torch

from ascribe.compat.pykan import KAN, SYMBOLIC_LIB, add_symbolic, utils
from ascribe.compat.pykan.compiler import next_nontrivial_operation
from ascribe.compat.pykan.Symbolic_KANLayer import Symbolic_KANLayer
from ascribe.kan.symbolic.library import LIBRARY

# The function where it is itself, how far from its pole (or past which point) it is not, and its values there.
DEFINITIONS = {
    **{
        f"f_inv{p if p > 1 else ''}": (
            lambda x, p=p: x**-p,
            lambda y, p=p: y ** (-1 / p),
            lambda x, y, p=p: y ** (1 + 1 / p) * x if p % 2 else y,
        )
        for p in (1, 2, 3, 4, 5)
    },
    "f_sqrt": (lambda x: math.copysign(abs(x) ** 0.5, x), lambda y: y**-2, lambda x, y: y * x),
    "f_invsqrt": (lambda x: abs(x) ** -0.5, lambda y: y**-2, lambda x, y: y),
    "f_log": (lambda x: math.log(abs(x)), lambda y: math.exp(-y), lambda x, y: -y),
}


@pytest.mark.parametrize("bound", [3.0, torch.tensor(3.0)], ids=["number", "tensor"])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_near_a_pole_it_is_a_line_or_the_bound(name, bound):
    function, edge, inside = DEFINITIONS[name]
    at = float(getattr(utils, name)(torch.zeros(1), bound)[0])
    assert at == pytest.approx(edge(3.0))
    x = at * torch.tensor([-50.0, -2.0, -1.01, -0.7, 0.0, 0.3, 1.01, 5.0, 90.0], dtype=torch.float64)
    expected = [inside(u, 3.0) if abs(u) < at else function(u) for u in x.tolist()]
    torch.testing.assert_close(getattr(utils, name)(x, bound)[1], torch.tensor(expected, dtype=torch.float64))


def test_functions_that_end_go_on():
    x = torch.tensor([-2.0, -1.0, -0.5, 0.5, 1.0, 3.0], dtype=torch.float64)
    inside = x.clamp(-1, 1)
    torch.testing.assert_close(utils.f_arcsin(x, 10.0)[1], inside.arcsin())
    torch.testing.assert_close(utils.f_arccos(x, 10.0)[1], inside.arccos())
    torch.testing.assert_close(utils.f_arctanh(x, 2.0)[1], inside.arctanh().clamp(-2, 2))
    torch.testing.assert_close(utils.f_exp(x, 2.0)[1], x.exp().clamp(max=2.0))
    torch.testing.assert_close(utils.f_power1d5(x, 2.0)[1], x.abs() ** 1.5)


NAMES = [name for name in vars(utils) if name.startswith("f_")]


@pytest.mark.parametrize("name", NAMES)
def test_everywhere_there_is_a_number_within_reach_and_no_jump(name):
    x = torch.cat([torch.linspace(-4, 4, 80_001, dtype=torch.float64), torch.tensor([math.pi / 2, 1.0, 0.0])])
    x = x.sort().values.requires_grad_()
    y = getattr(utils, name)(x, 3.0)[1]
    assert bool(y.isfinite().all())
    slopes = torch.autograd.grad(y.sum(), x)[0]
    assert bool(slopes.isfinite().all())
    # The steepest is artanh at its bound, with cosh(3)^2; a step is 1e-4.
    assert float(y.detach().diff().abs().max()) < 2 * math.cosh(3) ** 2 * 1e-4


def test_tan_falls_through_its_poles():
    delta, y = utils.f_tan(torch.tensor([math.pi / 2, -math.pi / 2, 0.3, 10.0], dtype=torch.float64), 7.0)
    assert float(delta) == pytest.approx(math.pi / 2 - math.atan(7))
    torch.testing.assert_close(y, torch.tensor([0, 0, math.tan(0.3), math.tan(10.0)], dtype=torch.float64))


def test_every_function_has_such_a_form():
    x = torch.linspace(-3, 3, 61)
    for name, (function, _, _, protected) in SYMBOLIC_LIB.items():
        y, within = function(x), protected(x, 100.0)[1]
        assert bool(within.isfinite().all()), name
        same = y.isfinite() & (y.abs() < 50)
        torch.testing.assert_close(within[same], y[same])


def test_a_network_avoids_singularities():
    kan = KAN([1, 1])
    kan.fix(0, 0, 0, "log", [2.0, 0.0, 3.0, 1.0])
    x = torch.tensor([[0.5], [0.0], [-0.05]])
    held = kan(x, singularity_avoiding=True, y_th=2.0)[:, 0]
    torch.testing.assert_close(held, torch.tensor([1.0, 1 - 6.0, 1 - 6.0]))
    alone, every = Symbolic_KANLayer.of(kan.layers[0])(x, singularity_avoiding=True, y_th=2.0)
    assert torch.equal(alone[:, 0], held)
    assert torch.equal(every[:, 0, 0], held)


def test_ones_own_function_brings_its_own_form():
    name = "one over"
    add_symbolic(name, lambda u: 1 / u, c=3, fun_singularity=lambda u, y_th: ((), u * 0 + y_th))
    try:
        assert SYMBOLIC_LIB[name][3](torch.zeros(2), 4.0)[1].tolist() == [4, 4]
        kan = KAN([1, 1])
        kan.fix_symbolic(0, 0, 0, name, fit_params_bool=False)
        assert kan(torch.zeros(1, 1), singularity_avoiding=True, y_th=4.0).item() == 4
    finally:
        from ascribe.compat.pykan._protected import PROTECTED

        del LIBRARY[name], PROTECTED[name]


def test_what_is_left_of_an_expression_without_its_numbers():
    a, b = sympy.symbols("a b")
    for expr in (3 * (2 * (sympy.sin(a) + b) - 1) + 7, a, 2 * a, a - 5, -sympy.exp(a * b), 4 * (a + 1) * b):
        part, scale, bias = next_nontrivial_operation(expr)
        assert sympy.expand(scale * part + bias - expr) == 0
        assert next_nontrivial_operation(part)[1:] == (1, 0)
    assert next_nontrivial_operation(sympy.Integer(3)) == (3, 1, 0)
