"""The spline operation as torch sees it: registered, differentiated both ways, mapped, compiled and exported."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.autograd import forward_ad

from ascribe.kan.layer import KANLayer
from ascribe.maths.kernels import Basis, Weights, design, edge_sum
from ascribe.maths.splines import extend_knots

float64 = torch.float64
# torch itself builds its forward-mode rules with the compiler that it deprecates.
forward_mode = pytest.mark.filterwarnings("ignore:.torch.jit.script.:DeprecationWarning")


def case(order: int = 3, n: int = 6, outputs: int = 2, extrapolate="linear"):
    """Leaves: x, base, coef, scale; and the rest."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(3, 5, generator=generator, dtype=float64).cumsum(1) - 1.2
    basis = Basis(extend_knots(points, order), order, "silu", extrapolate)
    shapes = (3, outputs), (3, outputs, basis.bases), (3, outputs)
    x = 4 * torch.rand(n, 3, generator=generator, dtype=float64) - 2
    leaves = [torch.randn(s, generator=generator, dtype=float64) for s in shapes]
    mask = torch.ones(3, outputs, dtype=float64)
    mask[1, 0] = 0
    return [t.requires_grad_() for t in (x, *leaves)], basis, mask


@forward_mode
@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
@pytest.mark.parametrize("order", [0, 2, 3])
def test_derivatives_both_ways_and_of_derivatives(order, extrapolate, spread):
    leaves, basis, mask = case(order, extrapolate=extrapolate)

    def function(x, base, coef, scale):
        y, s = edge_sum(x, basis, Weights(base, coef, scale, mask), spread)
        return (y, s) if spread else y

    assert torch.autograd.gradcheck(function, leaves, check_forward_ad=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(function, leaves)


def test_derivatives_in_the_knots():
    (x, *weights), basis, mask = case(3)

    def function(points):
        moved = Basis(extend_knots(points, 3), 3, "silu")
        return edge_sum(x.detach(), moved, Weights(*weights, mask), True)

    assert torch.autograd.gradcheck(function, [basis.knots[:, 3:-3].clone().requires_grad_()])


@forward_mode
def test_every_derivative_of_the_design_is_the_next():
    (x, *_), basis, _ = case(5)
    for derivative in range(4):
        assert torch.autograd.gradcheck(lambda z, d=derivative: design(z, basis, d), [x], check_forward_ad=True)


@forward_mode
def test_hessians_and_maps():
    (x, *weights), basis, mask = case(3)
    x, weights = x.detach(), Weights(*(w.detach() for w in weights), mask)

    def total(row):
        return edge_sum(row[None], basis, weights)[0].square().sum()

    expected = torch.stack([torch.autograd.functional.hessian(total, row) for row in x])
    torch.testing.assert_close(torch.func.vmap(torch.func.hessian(total))(x), expected)
    torch.testing.assert_close(torch.func.vmap(torch.func.jacrev(torch.func.jacrev(total)))(x), expected)
    # Ensembles: the weights of many layers on the same rows.
    many = Weights(*(torch.stack([w, 2 * w]) for w in weights[:3]), torch.stack([mask, mask]))
    y = torch.func.vmap(lambda *w: edge_sum(x, basis, Weights(*w))[0])(*many)
    torch.testing.assert_close(y[0], edge_sum(x, basis, weights)[0])
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, torch.ones_like(x))
        tangent = forward_ad.unpack_dual(edge_sum(dual, basis, weights)[0]).tangent
    torch.testing.assert_close(tangent, torch.einsum("nit,ijt->nj", design(x, basis, 1), weights.folded()))


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("n", [0, 5])
def test_torch_checks_the_operations(n, spread):
    (x, *weights), basis, mask = case(3, n=n)
    recipe = basis.recipe
    call = (x, basis.knots, *weights, mask, *recipe, spread)
    torch.library.opcheck(torch.ops.ascribe.edge_sum.default, call)
    call = (x, basis.knots, *(w.float() for w in weights[:2]), None, None, *recipe, spread)
    torch.library.opcheck(torch.ops.ascribe.design.default, (x, basis.knots, *recipe, 1))
    y, *seen = torch.ops.ascribe.edge_sum(
        x.detach(), basis.knots, *(w.detach() for w in weights), mask, *recipe, spread
    )
    pulled = torch.ones_like(y), torch.ones_like(seen[0]) if spread else None
    call = (*pulled, x.detach(), basis.knots, *(w.detach() for w in weights), mask, *seen, *recipe, True, True)
    torch.library.opcheck(torch.ops.ascribe.edge_sum_backward.default, call)


# What checks shapes in tests is no graph: the compiler sees the package as users have it.
_COMPILED = """
import torch
from ascribe.kan.layer import KANLayer
from ascribe.maths.kernels import edge_sum

torch.manual_seed(0)
net = torch.nn.Sequential(KANLayer(3, 4), torch.nn.Tanh(), KANLayer(4, 2))
for dynamic in (False, True):
    torch._dynamo.reset()
    compiled = torch.compile(net, fullgraph=True, dynamic=dynamic, backend="aot_eager")
    for n in (5, 8):
        x = torch.randn(n, 3)
        gradients = []
        for function in (net, compiled):
            y = function(x)
            net.zero_grad()
            y.square().sum().backward()
            gradients.append((y.detach(), *(p.grad.clone() for p in net.parameters())))
        for found, expected in zip(*gradients, strict=True):
            torch.testing.assert_close(found, expected)

layer = net[0]
weights = layer.weights().detach()
batch = torch.randn(2, 5, 3)
mapped = torch.compile(
    lambda b: torch.func.vmap(lambda r: edge_sum(r, layer.basis, weights)[0])(b), fullgraph=True, backend="aot_eager"
)
torch.testing.assert_close(mapped(batch), torch.stack([edge_sum(r, layer.basis, weights)[0] for r in batch]))
seen = torch.compile(lambda r: layer.edges(r, spread=True)[1].sum(), fullgraph=True, backend="aot_eager")
torch.testing.assert_close(seen(batch[0]), layer.edges(batch[0], spread=True)[1].sum())
print("compiled")
"""


def test_compiles_into_one_graph():
    ran = subprocess.run([sys.executable, "-c", _COMPILED], capture_output=True, text=True, timeout=250)
    assert ran.stdout == "compiled\n", ran.stderr


def test_exports_with_any_number_of_rows():
    layer = KANLayer(3, 4)
    rows = torch.export.Dim("rows", min=2)
    program = torch.export.export(layer, (torch.randn(5, 3),), dynamic_shapes=({0: rows},))
    x = torch.randn(9, 3)
    torch.testing.assert_close(program.module()(x), layer(x))


def test_fake_tensors_go_through():
    with torch._subclasses.FakeTensorMode() as mode:
        layer = KANLayer(3, 4)
        y, s = layer.edges(mode.from_tensor(torch.zeros(7, 3)), spread=True)
    assert y.shape == (7, 4)
    assert s.shape == (3, 4)
