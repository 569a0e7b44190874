"""The spline operation in Triton: its laws on a GPU or in Triton's interpreter, and that its kernels compile.

Where there is a GPU the laws run there; they run in the interpreter, on the CPU, in a process of its own where Triton
can be imported. Both are skipped, and say why, where they cannot run: a skipped law has not been shown. Nothing here
measures speed.
"""

from __future__ import annotations

import importlib.util
import math
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from ascribe import KAN
from ascribe.maths import kernels
from ascribe.maths.kernels import Basis, Form, Moments, Weights, cuda, edge_sum, pieces, plain
from ascribe.maths.splines import extend_knots

float64 = torch.float64
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
ON_GPU = torch.cuda.is_available() and not INTERPRETED
DEVICE = "cuda" if ON_GPU else "cpu"
HAS_TRITON = importlib.util.find_spec("triton") is not None

needs_triton = pytest.mark.skipif(not HAS_TRITON, reason="Triton is not installed")
law = pytest.mark.skipif(
    not HAS_TRITON or not (ON_GPU or INTERPRETED), reason="needs Triton, and a GPU or TRITON_INTERPRET=1"
)
on_gpu = pytest.mark.skipif(not HAS_TRITON or not ON_GPU, reason="needs Triton and a GPU")


@pytest.fixture
def _through_triton(monkeypatch):
    """On a GPU tensors go to Triton by themselves; in the interpreter those of the CPU are sent there."""
    if INTERPRETED:
        for module in ("edge_sum", "design"):
            monkeypatch.setattr(sys.modules[f"ascribe.maths.kernels.{module}"], "form_for", lambda *_: cuda)


def case(order: int, n: int = 9, inputs: int = 2, outputs: int = 3, cells: int = 4, dtype: torch.dtype = float64):
    """Unequal knots; data on both sides beyond them and on each of the first input's; random weights, scales, masks."""
    generator = torch.Generator().manual_seed(order)
    grid = torch.rand(inputs, cells + 1, generator=generator, dtype=float64).sort(1).values * 2 - 1
    knots = extend_knots(grid, order).to(dtype)
    x = torch.rand(n, inputs, generator=generator, dtype=float64).to(dtype) * 4 - 2
    on = min(n, knots.shape[1])
    x[:on, 0] = knots[0, :on]
    drawn = [torch.randn(inputs, outputs, generator=generator, dtype=float64).to(dtype) for _ in range(2)]
    coef = torch.randn(inputs, outputs, cells + order, generator=generator, dtype=float64).to(dtype)
    mask = torch.ones(inputs, outputs, dtype=dtype)
    mask[0, 1:] = 0
    weights = Weights(drawn[0], coef, drawn[1], mask)
    return x.to(DEVICE), knots.to(DEVICE), Weights(*(t.to(DEVICE) for t in weights if t is not None))


def agrees(x, basis, weights, **tolerance):
    """Sums, moments and every gradient against plain torch on the CPU: alone, of statistics too, into given memory."""
    home = Weights(*(None if t is None else t.cpu() for t in weights))
    found, expected = (
        everything(form, t, Basis(t_knots, basis.order, basis.base, basis.extrapolate), w)
        for form, t, t_knots, w in ((cuda, x, basis.knots, weights), (plain, x.cpu(), basis.knots.cpu(), home))
    )
    assert len(found) == len(expected)
    for here, there in zip(found, expected, strict=True):
        torch.testing.assert_close(here.cpu(), there, **tolerance)


def everything(form, x, basis, weights):
    y, moments = form.forward(x, basis, weights, moments=True)
    gy, pull, (centre, deviation) = torch.sin(y + 1), torch.cos(weights.base), form.deviations(x)
    held = [torch.empty_like(t) for t in (y, *moments, x, *weights[:3])]
    form.forward(x, basis, weights, moments=True, y=held[0], into=Moments(*held[1:3]))
    form.backward(gy, x, basis, weights, pull, moments, into=(held[3], Weights(*held[4:])))
    gx, gw = form.backward(gy, x, basis, weights)
    statistics = form.backward(gy, x, basis, weights, drift=deviation + 1, centre=centre, to_weights=False)[0]
    alone = form.backward(gy, x, basis, weights, pull, moments, to_x=False)[1]
    return [y, *moments, *held, form.spreads(weights, moments, 0.1), gx, *gw[:3], statistics, *alone[:3]]


def test_the_form_keeps_the_interface():
    assert isinstance(cuda, Form)


def test_without_triton_the_kernels_are_text():
    """A fresh process where Triton cannot be imported."""
    program = (
        "import sys; sys.modules['triton'] = None\n"
        "from ascribe.maths.kernels import cuda, triton_kernels\n"
        "assert not cuda.available() and callable(triton_kernels.design_kernel)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


@needs_triton
@pytest.mark.skipif(INTERPRETED, reason="runs the laws, of which this process runs one")
def test_the_laws_hold_in_the_interpreter():
    environment = {**os.environ, "TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", str(Path(__file__))]
    run = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=280, check=False)
    passed = re.search(r"(\d+) passed", run.stdout)
    assert run.returncode == 0, run.stdout[-4000:]
    assert passed is not None
    assert int(passed[1]) > 30


@needs_triton
@pytest.mark.skipif(INTERPRETED, reason="the interpreter compiles nothing")
@pytest.mark.parametrize("architecture", [80, 90])
@pytest.mark.parametrize("dtype", ["fp32", "fp64"])
@pytest.mark.parametrize("linear", [True, False])
def test_the_kernels_compile_without_a_gpu(architecture, dtype, linear, tmp_path, monkeypatch):
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from ascribe.maths.kernels.triton_kernels import design_kernel, slope_kernel

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    tiny = torch.finfo(torch.float32 if dtype == "fp32" else float64).tiny
    # A size of 1 is compiled for itself, as Triton does with arguments.
    for known in ({}, {"n": 1, "inputs": 1, "bases": 1}):
        constants = {"ORDER": 3, "LINEAR": linear, "HALVINGS": 3, "TINY": tiny, "ROWS": 128, **known}
        for kernel, own in ((design_kernel, {"DERIVATIVE": 2}), (slope_kernel, {})):
            given = {**constants, **own}
            sizes = {"n": "i32", "inputs": "i32", "bases": "i32"}
            signature = {
                name: "constexpr" if name in given else sizes.get(name, f"*{dtype}") for name in kernel.arg_names
            }
            places = {(kernel.arg_names.index(name),): value for name, value in given.items()}
            made = triton.compile(
                ASTSource(kernel, signature, constexprs=places),
                target=GPUTarget("cuda", architecture, 32),
                options={"enable_fp_fusion": True},
            )
            assert made.asm["cubin"]
            # Single precision is worked in single precision.
            assert (".f64" in made.asm["ptx"]) == (dtype == "fp64")


@on_gpu
@pytest.mark.parametrize("dtype", [torch.float32, float64, torch.bfloat16])
def test_a_gpu_takes_what_triton_can_do(dtype):
    basis = Basis(torch.linspace(-1, 1, 9, device=DEVICE)[None], 3)
    form = kernels.form_for(torch.zeros(1, 1, device=DEVICE, dtype=dtype), basis)
    assert form is (plain if dtype is torch.bfloat16 else cuda)


@law
@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_designs_and_their_derivatives(order, extrapolate):
    x, knots, _ = case(order, inputs=1, n=14)
    basis = Basis(knots, order, "silu", extrapolate)
    for derivative in (0, 1, order, order + 1):
        found = cuda.design(x, basis, derivative)
        expected = plain.design(x.cpu(), Basis(knots.cpu(), order, "silu", extrapolate), derivative)
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-9, atol=1e-9)


@law
@pytest.mark.parametrize("order", [0, 3])
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_sums_moments_and_gradients(order, extrapolate):
    x, knots, weights = case(order)
    agrees(x, Basis(knots, order, "silu", extrapolate), weights, rtol=1e-9, atol=1e-9)


@law
def test_single_precision_agrees_to_its_rounding():
    x, knots, weights = case(3, dtype=torch.float32)
    agrees(x, Basis(knots, 3), weights, rtol=1e-5, atol=1e-5)


@law
def test_a_block_and_some_rows():
    x, knots, weights = case(2, n=131, inputs=1)
    agrees(x, Basis(knots, 2, "identity"), weights, rtol=1e-9, atol=1e-9)


@law
def test_pieces_make_no_difference(monkeypatch):
    x, knots, weights = case(1, inputs=1)
    basis = Basis(knots, 1, "zero")
    monkeypatch.setattr(pieces, "_PIECE", 5 * basis.terms)
    assert [len(x[rows]) for rows in pieces._pieces(x, basis)] == [5, 4]
    agrees(x, basis, weights, rtol=1e-9, atol=1e-9)


@law
def test_any_strides():
    x, knots, weights = case(2)
    spread_out = [torch.stack([t, t], -1)[..., 0] for t in weights]
    turned = torch.cat([x, x]).T.contiguous().T[::2]
    knots = torch.stack([knots, knots], 1)[:, 0]
    agrees(turned, Basis(knots, 2), Weights(*spread_out), rtol=1e-9, atol=1e-9)


@law
@pytest.mark.parametrize("n", [0, 1])
def test_no_rows_and_one_row(n):
    x, knots, weights = case(2, n=n)
    agrees(x, Basis(knots, 2), weights)


@law
@pytest.mark.parametrize("order", [0, 2, 3])
@pytest.mark.parametrize("grid", [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.5, 0.5, 0.5, 1.0]])
def test_repeated_knots(order, grid):
    knots = torch.cat([torch.full((order,), grid[0]), torch.tensor(grid), torch.full((order,), grid[-1])])[None]
    x = torch.tensor([-2.0, -1.0, 0.0, 0.3, 0.5, 1.0, 2.0])[:, None]
    x, knots, one = x.to(DEVICE), knots.to(DEVICE), torch.ones(1, 1, device=DEVICE)
    coef = torch.arange(knots.shape[1] - order - 1.0, device=DEVICE)[None, None]
    agrees(x, Basis(knots, order), Weights(one, coef, one), rtol=1e-5, atol=1e-5)


@law
# The interpreter computes in numpy, which warns of the infinities that are asked for here.
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_finite_stays_in_its_row(value, extrapolate):
    x, knots, weights = case(3, n=4)
    x = x.clamp(-0.5, 0.5)
    x[2, 1] = value
    basis = Basis(knots, 3, "silu", extrapolate)
    y, _ = cuda.forward(x, basis, weights)
    gx, _ = cuda.backward(torch.ones_like(y), x, basis, weights, to_weights=False)
    kept = [0, 1, 3]
    assert not y[2].isfinite().any()
    if math.isnan(value):
        assert gx[2, 1].isnan()
        assert extrapolate == "zero" or cuda.design(x, basis)[1, 1:, 2].isnan().any()
    assert y[kept].isfinite().all()
    assert gx[kept].isfinite().all()


@law
def test_the_same_bits_twice():
    x, knots, weights = case(3, n=5000 if ON_GPU else 3, outputs=65)
    once, again = (everything(cuda, x, Basis(knots, 3), weights) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))


@law
@pytest.mark.usefixtures("_through_triton")
@pytest.mark.parametrize("spread", [False, True])
def test_gradients_are_those_of_differences(spread):
    x, knots, weights = case(2, n=2, inputs=1, outputs=1, cells=2)
    x = torch.linspace(-1.3, 0.2, 2, dtype=float64, device=DEVICE)[:, None].requires_grad_()
    coef = weights.coef.requires_grad_()

    def function(x, coef):
        y, s = edge_sum(x, Basis(knots, 2), Weights(weights.base, coef), spread)
        return (y, s) if spread else y

    assert torch.autograd.gradcheck(function, (x, coef), fast_mode=True)
    assert spread or torch.autograd.gradgradcheck(function, (x, coef), fast_mode=True)


@on_gpu
def test_compiled_in_one_piece():
    """In a process of its own: torch.compile cannot look through the type checks of this one."""
    program = """
        import torch
        from ascribe import KAN
        network = KAN([2, 3, 1], device="cuda")
        x = torch.randn(20, 2, device="cuda")
        compiled = torch.compile(network, fullgraph=True)
        torch.testing.assert_close(compiled(x), network(x))
        compiled(x).sum().backward()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=280)


@law
def test_a_network_answers_and_learns_as_on_the_cpu(request):
    x = torch.linspace(-1.5, 1.5, 10, dtype=float64).view(5, 2)

    def learned(device):
        network = KAN([2, 1, 1], grid=2, k=2, seed=3, dtype=float64).to(device)
        y = network(x.to(device))
        y.square().sum().backward()
        return [y.detach().cpu(), *(p.grad.cpu() for p in network.parameters() if p.grad is not None)]

    expected = learned("cpu")
    request.getfixturevalue("_through_triton")
    torch.testing.assert_close(learned(DEVICE), expected, rtol=1e-9, atol=1e-9)


@on_gpu
def test_fit_on_a_gpu_ends_where_the_cpu_does():
    x = torch.rand(200, 2, generator=torch.Generator().manual_seed(0), dtype=float64) * 2 - 1
    y = (x[:, :1] * 2).sin() + x[:, 1:].square()
    losses = []
    for device in ("cpu", DEVICE):
        network = KAN([2, 3, 1], grid=3, k=3, seed=0, dtype=float64).to(device)
        history = network.fit((x.to(device), y.to(device)), steps=5, progress=False)
        losses.append(history["train_loss"][-1])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
