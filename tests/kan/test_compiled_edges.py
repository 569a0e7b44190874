"""Compiled networks whose edges are no splines: other families by tables, named functions as they are."""

from __future__ import annotations

import pickle

import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.serve import cells, compiled
from ascribe.kan.serve.cells import family_cells
from ascribe.maths.families import FAMILIES
from ascribe.maths.kernels.native import native
from ascribe.maths.kernels.plain import design

float64 = torch.float64
FORMS = ["torch"] if native() is None else ["torch", "native"]
families = pytest.mark.parametrize("family", sorted(FAMILIES))


@pytest.fixture(params=FORMS)
def form(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr(compiled, "native", lambda: None)
    return request.param


def normal(n: int, columns: int, seed: int = 0, dtype=float64) -> torch.Tensor:
    return torch.randn(n, columns, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def network(width, dtype=float64, seed: int = 0, **settings) -> KAN:
    """Affines everywhere, some edges masked, grids on data of unit spread."""
    kan = KAN(width, noise_scale=2.0, seed=seed, dtype=dtype, **settings)
    generator = torch.Generator().manual_seed(seed)
    kan.update_grid(normal(300, kan.columns, seed, dtype), float("inf"))
    for affine in (*kan.subnode_scale, *kan.subnode_bias, *kan.node_scale, *kan.node_bias):
        affine.data += 0.3 * torch.randn(affine.shape, dtype=dtype, generator=generator)
    for layer in kan.layers:
        layer.mask[torch.rand(layer.mask.shape, generator=generator) < 0.2] = 0
    return kan


@families
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
@pytest.mark.parametrize("base_fun", ["silu", "identity", "zero"])
def test_every_family(form, family, extrapolate, base_fun):
    kan = network([3, [2, 2], 2], edge=family, extrapolate=extrapolate, base_fun=base_fun, mult_arity=[[], [2, 3], []])
    x = normal(400, 3, 1)
    y = kan(x).detach()
    assert float((kan.compiled()(x) - y).abs().max()) < 1e-10 * float(y.abs().max())


@families
def test_the_ends_of_a_range_are_inside(form, family):
    kan = KAN([1, 2], edge=family, extrapolate="zero", noise_scale=2.0, dtype=float64)
    low, high = kan.layers[0].range
    x = torch.stack([low, high, torch.nextafter(high, high + 1)])
    torch.testing.assert_close(kan.compiled()(x), kan(x).detach(), rtol=1e-11, atol=1e-11)


@families
def test_in_single_precision_it_is_as_exact_as_the_network(form, family):
    kan = network([3, 4, 1], torch.float32, edge=family)
    x = normal(500, 3, 1, torch.float32)
    own, found = kan(x).detach(), kan.compiled()(x)
    exact = kan.double()(x.double()).detach()
    scale = float(exact.abs().max())
    assert float((found - exact).abs().max()) < 2 * float((own - exact).abs().max()) + 1e-6 * scale


@families
@pytest.mark.parametrize("dtype", [torch.float32, float64])
def test_the_stated_error(family, dtype):
    layer = KAN([2, 3], grid=6, edge=family, noise_scale=2.0, dtype=dtype).layers[0]
    coefficients = layer.coef.detach().double()
    found_cells, powers = family_cells(layer.basis, coefficients)
    x = torch.linspace(-1, 0.999, 3001, dtype=float64)
    exact = design(x[:, None].expand(-1, 2), layer.double().basis)[:, 1:]
    worst = largest = 0.0
    for i in range(2):
        cell = (x[:, None] >= found_cells.breaks[i]).sum(1)
        u = (x - found_cells.starts[i, cell]) * found_cells.inverses[i, cell]
        found = sum(power[i][:, cell] * u**p for p, power in enumerate(powers))
        curves = coefficients[i] @ exact[i]
        worst = max(worst, float((coefficients[i] @ found - curves).abs().max()))
        largest = max(largest, float(curves.abs().max()))
    assert worst < 1.5 * (1e-8 if dtype is torch.float32 else 1e-12) * largest


def test_what_no_table_can_hold_is_refused(monkeypatch):
    monkeypatch.setattr(cells, "_MOST_CELLS", 4)
    kan = KAN([1, 1], grid=40, edge="fourier", noise_scale=2.0, dtype=float64)
    with pytest.raises(InputError, match=r"fourier edges with 43 functions.*torch\.export\.export\(kan"):
        kan.compiled()


def symbolic_network(family: str = "bspline", **settings) -> KAN:
    kan = network([3, [2, 1], 2], edge=family, mult_arity=2, **settings)
    kan.fix(0, 0, 0, "sin", [1.5, 0.2, -2.0, 0.5])
    kan.fix(0, 1, 3, "x^2", [1.0, -0.3, 0.7, 0.1])
    kan.fix(1, 2, 1, "exp", [0.5, 0.0, 1.0, 0.0])
    kan.layers[0].symbolic.put(2, 1, "cos", torch.tensor([1.0, 0.0, 1.0, 0.0], dtype=float64))  # and its spline
    return kan


@pytest.mark.parametrize("family", ["bspline", "rbf"])
def test_symbolic_edges(form, family):
    kan = symbolic_network(family)
    x = normal(300, 3, 1)
    fast = kan.compiled()
    assert list(fast.parameters()) == []
    torch.testing.assert_close(fast(x), kan(x).detach(), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(pickle.loads(pickle.dumps(fast))(x), fast(x))


def test_a_network_of_symbolic_edges_alone_reads_what_they_read():
    kan = KAN([3, 2, 1], dtype=float64)
    for layer in kan.layers:
        layer.mask.zero_()
    kan.fix(0, 1, 0, "sin", [2.0, 0.0, 1.0, 0.0])
    kan.fix(1, 0, 0, "exp", [1.0, 0.0, 1.0, 0.0])
    fast = kan.compiled()
    x = normal(50, 3)
    torch.testing.assert_close(fast(x)[:, 0], torch.exp(torch.sin(2 * x[:, 1])))
    assert fast.input_id.tolist() == [1]


def test_symbolic_edges_know_no_grid_to_leave():
    kan = KAN([2, 1], extrapolate="error", dtype=float64)
    kan.fix(0, 1, 0, "x^2", [1.0, 0.0, 1.0, 0.0])
    x = torch.tensor([[0.5, 7.0]], dtype=float64)
    torch.testing.assert_close(kan.compiled()(x), kan(x).detach())
    with pytest.raises(InputError, match="input 0 leaves its grid"):
        kan.compiled()(x.flip(1))


@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")  # torch's own
def test_exports_without_any_operation_of_ours():
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    kan = symbolic_network("chebyshev").float()
    fast, x = kan.compiled(), normal(30, 3, 1, torch.float32)
    rows = torch.export.Dim("rows", min=1)
    program = torch.export.export(fast, (x,), dynamic_shapes=({0: rows},))
    called = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert all(name.startswith("aten.") or "getitem" in name for name in called), called
    program = torch.onnx.export(fast, (x,), dynamo=True, dynamic_shapes=({0: rows},), verbose=False)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for n in (1, 7, 300):
        other = normal(n, 3, n, torch.float32)
        (found,) = session.run(None, {session.get_inputs()[0].name: other.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), fast(other), rtol=1e-5, atol=1e-5)
