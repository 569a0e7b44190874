"""Every form of the spline operation against the plain one and the slow replica; what each promises by itself."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.maths.kernels import Basis, Form, Weights, cpu, plain
from ascribe.maths.kernels.native import native
from ascribe.maths.splines import extend_knots
from reference import splines as reference

float64 = torch.float64
compiled = pytest.mark.skipif(native() is None, reason="the compiled kernel is not installed")
FORMS = [pytest.param(plain, id="plain"), pytest.param(cpu, id="cpu", marks=compiled)]


def random(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator, dtype=float64)


def grid(kind: str, inputs: int, cells: int, generator: torch.Generator) -> torch.Tensor:
    """Knots of the grid proper, from -1 to 1."""
    if kind == "one point":
        return torch.zeros(inputs, cells + 1, dtype=float64)
    points = torch.rand(inputs, cells + 1, generator=generator, dtype=float64).cumsum(1)
    points = 2 * (points - points[:, :1]) / (points[:, -1:] - points[:, :1]) - 1
    if kind == "repeated":  # every knot may stand for its neighbour as well
        again = torch.rand(inputs, cells + 1, generator=generator) < 0.4
        points = torch.where(again, points.roll(1, 1), points).sort(1).values
    return points


@st.composite
def layers(draw, dtype=float64):
    """x, basis, weights: any grid, any strides, masks and scales or none."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    order, cells = draw(st.integers(0, 5)), draw(st.sampled_from([1, 2, 3, 5, 8, 13, 50]))
    n, inputs = draw(st.sampled_from([0, 1, 2, 63, 65, 200])), draw(st.integers(1, 9))
    outputs = draw(st.sampled_from([1, 2, 5, 17, 40]))
    kind = draw(st.sampled_from(["random", "random", "repeated", "one point", "clamped"]))
    points = grid(kind, inputs, cells, generator)
    if kind == "clamped":
        knots = torch.cat([points[:, :1].expand(-1, order), points, points[:, -1:].expand(-1, order)], 1)
    else:
        knots = extend_knots(points, order)
    base, extrapolate = draw(st.sampled_from(["silu", "identity", "zero"])), draw(st.sampled_from(["linear", "zero"]))
    basis = Basis(knots.to(dtype).contiguous(), order, base, extrapolate)
    x = (3 * torch.rand(n, inputs, generator=generator, dtype=float64) - 1.5).to(dtype)
    if draw(st.booleans()):
        x = x.T.contiguous().T
    if draw(st.booleans()):
        return x, basis, Weights.of(random(generator, inputs, basis.terms, outputs).to(dtype))
    mask = (torch.rand(inputs, outputs, generator=generator) < 0.7).to(dtype)
    coef, scale = random(generator, inputs, outputs, basis.bases).to(dtype), random(generator, inputs, outputs)
    return x, basis, Weights(random(generator, inputs, outputs).to(dtype), coef, scale.to(dtype), mask)


def close(found, expected, tolerance=1e-9):
    """Relative to the largest number: far outside narrow cells all are large."""
    assert found.shape == expected.shape
    size = float(expected.abs().max()) if expected.numel() else 0.0
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance * max(size, 1e-3))


@pytest.mark.parametrize("form", FORMS)
@given(case=layers())
def test_sums_are_the_replicas(form, case):
    x, basis, weights = case
    assume(x.numel() < 200)
    y, moments = form.forward(x, basis, weights, moments=True)
    folded = weights.folded().numpy()
    edges = reference.edges(
        x.numpy(), basis.knots.numpy(), folded, basis.order, basis.base, basis.extrapolate == "linear"
    )
    assume(np.abs(edges).max(initial=0) < 1e6)  # the replica reads the last cell just inside its end
    close(y, torch.from_numpy(edges.sum(1)), 1e-8)
    if len(x) > 1:
        close(form.spreads(weights, moments), torch.from_numpy(edges.std(0, ddof=1)), 1e-6)


@compiled
@given(case=layers())
def test_the_compiled_form_is_the_plain_one(case):
    x, basis, weights = case
    (y, seen), (expected, moments) = (form.forward(x, basis, weights, moments=True) for form in (cpu, plain))
    close(y, expected)
    close(seen.mean, moments.mean)
    close(seen.covariance, moments.covariance)
    close(cpu.spreads(weights, moments, 1e-6), plain.spreads(weights, moments, 1e-6), 1e-7)
    for derivative in range(4):
        close(cpu.design(x, basis, derivative), plain.design(x, basis, derivative))
    for found, expected in zip(cpu.deviations(x), plain.deviations(x), strict=True):
        close(found, expected)


@compiled
@given(case=layers(), statistics=st.booleans(), seed=st.integers(0, 1000))
def test_the_compiled_gradients_are_the_plain_ones(case, statistics, seed):
    x, basis, weights = case
    generator = torch.Generator().manual_seed(seed)
    gy = random(generator, len(x), weights.base.shape[1])
    _, moments = plain.forward(x, basis, weights, moments=True)
    given = {}
    if statistics:
        pull = random(generator, *weights.base.shape)
        drift = random(generator, x.shape[1])
        given = {"pull": pull, "moments": moments, "drift": drift, "centre": plain.deviations(x)[0]}
    (gx, gw), (expected, expected_w) = (form.backward(gy, x, basis, weights, **given) for form in (cpu, plain))
    close(gx, expected)
    for found, wanted in zip(gw, expected_w, strict=True):
        assert (found is None) == (wanted is None)
        if found is not None:
            close(found, wanted)


@compiled
@given(case=layers(torch.float32))
def test_in_single_precision_it_is_as_exact_as_the_plain_one(case):
    x, basis, weights = case
    exact = Basis(basis.knots.double(), basis.order, basis.base, basis.extrapolate)
    widths = basis.knots.diff(dim=1)
    assume(not bool(((widths > 0) & (widths < 1e-2)).any()))
    expected, _ = plain.forward(x.double(), exact, Weights(*(None if w is None else w.double() for w in weights)))
    error, bound = (
        float((form.forward(x, basis, weights)[0].double() - expected).abs().max()) if len(x) else 0.0
        for form in (cpu, plain)
    )
    assert error <= 3 * bound + 2e-6 * (1 + float(expected.abs().max() if len(x) else 0))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("outputs", [2, 40])
@pytest.mark.parametrize("cells", [3, 90])
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_nan_and_infinity_stay_in_their_rows(form, outputs, cells, extrapolate):
    generator = torch.Generator().manual_seed(0)
    basis = Basis(extend_knots(grid("random", 3, cells, generator), 3), 3, "silu", extrapolate)
    weights = Weights.of(random(generator, 3, basis.terms, outputs))
    x = random(generator, 150, 3)
    clean, _ = form.forward(x, basis, weights)
    x[4, 1], x[70, 0], x[149, 2] = torch.nan, torch.inf, -torch.inf
    y, _ = form.forward(x, basis, weights)
    rows = (~y.isfinite()).any(1).nonzero()[:, 0].tolist()
    assert 4 in rows
    assert set(rows) <= {4, 70, 149}
    assert bool(y[4].isnan().all())
    good = [r for r in range(150) if r not in (4, 70, 149)]
    assert torch.equal(y[good], clean[good])
    gx, _ = form.backward(torch.ones_like(y), x, basis, weights, to_weights=False)
    assert bool(gx[4, 1].isnan())
    assert bool(gx[good].isfinite().all())


@pytest.mark.parametrize("form", FORMS)
def test_masked_edges_count_for_nothing(form: Form):
    generator = torch.Generator().manual_seed(0)
    basis = Basis(extend_knots(grid("random", 4, 5, generator), 3), 3)
    x, gy = random(generator, 100, 4), random(generator, 100, 30)
    mask = (torch.rand(4, 30, generator=generator) < 0.5).double()
    mask[2] = 0
    weights = Weights(random(generator, 4, 30), random(generator, 4, 30, basis.bases), random(generator, 4, 30), mask)
    loud = weights._replace(coef=torch.where(mask[..., None] == 0, 1e300, weights.coef))
    assert torch.equal(form.forward(x, basis, weights)[0], form.forward(x, basis, loud)[0])
    _, moments = form.forward(x, basis, weights, moments=True)
    gx, gw = form.backward(gy, x, basis, loud, random(generator, 4, 30), moments)
    assert all(bool((g[mask == 0] == 0).all()) for g in gw if g is not None)
    assert bool((gx[:, 2] == 0).all())


@compiled
def test_gradients_are_written_where_they_are_wanted():
    generator = torch.Generator().manual_seed(0)
    basis = Basis(extend_knots(grid("random", 4, 5, generator), 3), 3)
    x, gy = random(generator, 4, 100).T, random(generator, 6, 100).T
    folded = random(generator, 4, basis.terms, 6)
    for form in (plain, cpu):
        expected, weights = form.backward(gy, x, basis, Weights.of(folded))
        to, y = torch.full_like(folded, torch.nan), torch.empty(100, 6, dtype=float64)
        gx, _ = form.backward(gy, x, basis, Weights.of(folded), into=(torch.empty_like(x), Weights.of(to)))
        assert torch.equal(gx, expected)
        assert torch.equal(to[:, 0], weights.base)
        assert torch.equal(to[:, 1:], weights.coef.mT)
        assert form.forward(x, basis, Weights.of(folded), y=y)[0] is y


@compiled
@pytest.mark.parametrize("outputs", [3, 70])
def test_the_same_bits_every_time(outputs):
    generator = torch.Generator().manual_seed(0)
    basis = Basis(extend_knots(grid("random", 40, 5, generator), 3), 3)
    weights = Weights.of(random(generator, 40, basis.terms, outputs))
    x, gy = random(generator, 3000, 40), random(generator, 3000, outputs)
    before, runs = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 2):
            torch.set_num_threads(threads)
            y, moments = cpu.forward(x, basis, weights, moments=True)
            gx, gw = cpu.backward(gy, x, basis, weights)
            runs.append(((y, gx, gw.base, gw.coef), moments))
    finally:
        torch.set_num_threads(before)
    for numbers, _ in runs[1:]:  # whatever the number of threads
        assert all(torch.equal(a, b) for a, b in zip(numbers, runs[0][0], strict=True))
    assert all(torch.equal(a, b) for a, b in zip(runs[1][1], runs[2][1], strict=True))  # at the same number


@compiled
def test_every_instruction_set_gives_the_same_numbers():
    module = native()
    assert module is not None
    generator = torch.Generator().manual_seed(0)
    best, found = module.isa(), []
    for cells, outputs in ((5, 3), (5, 50), (90, 3)):
        basis = Basis(extend_knots(grid("random", 7, cells, generator), 3), 3)
        weights = Weights.of(random(generator, 7, basis.terms, outputs))
        x, gy = random(generator, 333, 7), random(generator, 333, outputs)
        try:
            for isa in module.available():
                module.use(isa)
                gx, gw = cpu.backward(gy, x, basis, weights)
                found.append((cpu.forward(x, basis, weights)[0], gx, gw.base, gw.coef))
        finally:
            module.use(best)
        for numbers in found[1:]:
            for a, b in zip(numbers, found[0], strict=True):
                close(a, b, 1e-12)
        found.clear()


@compiled
def test_memory_that_does_not_fit_is_refused():
    generator = torch.Generator().manual_seed(0)
    basis = Basis(extend_knots(grid("random", 4, 5, generator), 3), 3)
    x, weights = random(generator, 10, 4), Weights.of(random(generator, 4, basis.terms, 6))
    with pytest.raises(InputError, match=r"float32 on cpu, but the layer's numbers are torch.float64"):
        cpu.forward(x.float(), basis, weights)
    with pytest.raises(InputError, match=r"3 columns .*\(4, 12\)"):
        cpu.forward(x[:, :3], basis, weights)
    with pytest.raises(InputError, match=r"\(4, 6, 7\); \(4, 6, 8\) is needed"):
        cpu.backward(random(generator, 10, 6), x, basis, weights._replace(coef=weights.coef[..., 1:]))


_PEAK = """
import sys, torch
from ascribe.maths.kernels import Basis, Weights, edge_sum
from ascribe.maths.splines import uniform_knots

def peak():
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(lines["VmHWM"].split()[0]) / 1024

n, inputs, outputs, cells = int(sys.argv[1]), 20, int(sys.argv[2]), 20
basis = Basis(uniform_knots(torch.full((inputs,), -1.0), torch.full((inputs,), 1.0), cells, 3), 3)
weights = Weights(*(torch.randn(s, requires_grad=True) for s in ((inputs, outputs), (inputs, outputs, cells + 3))))
def step(n):
    x = torch.rand(n, inputs, requires_grad=True)
    y, s = edge_sum(x, basis, weights, True)
    (y.sum() + s.sum()).backward()
step(1000)
before = peak()
step(n)
print(peak() - before)
"""


@compiled
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize("outputs", [5, 40])
def test_a_step_needs_the_activations_alone(outputs):
    n = 200_000
    ran = subprocess.run(
        [sys.executable, "-c", _PEAK, str(n), str(outputs)], capture_output=True, text=True, check=True, timeout=200
    )
    activations = n * (2 * 20 + 3 * outputs) * 4 / 2**20  # x, y, their gradients, and a copy of the latter in tiles
    grids = n * 20 * 24 * 4 / 2**20
    assert float(ran.stdout) < 1.3 * activations + 30 < grids
