"""A compiled network computes what the network computes: every width, grid, order, mask, affine, range and form."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.serve import compiled
from ascribe.maths.kernels.native import native

FORMS = ["torch"] if native() is None else ["torch", "native"]
# Of the largest output. The tests' curves are steep, and a steep curve magnifies the rounding of what goes into it.
ROUNDING = {torch.float32: 1e-5, torch.float64: 1e-11}


@pytest.fixture(params=FORMS)
def form(request, monkeypatch):
    """Both ways to the same numbers: torch's operations, and the compiled kernel where there is one."""
    with pytest.MonkeyPatch.context() as patch:
        choose(request.param, patch)
        yield request.param


def choose(form: str, patch: pytest.MonkeyPatch) -> None:
    if form == "torch":
        patch.setattr(compiled, "native", lambda: None)


def network(width, grid, k, arity=2, seed=0, dtype=torch.float64, masked=0.0, **settings) -> KAN:
    """Grids of their own for every input, edges with curves, affines everywhere, a share of the edges masked."""
    generator = torch.Generator().manual_seed(seed)
    kan = KAN(width, grid=grid, k=k, mult_arity=arity, noise_scale=2.0, seed=seed, dtype=dtype, **settings)
    kan.update_grid(torch.randn(300, kan.columns, dtype=dtype, generator=generator), float("inf"))
    for affine in (*kan.subnode_scale, *kan.subnode_bias, *kan.node_scale, *kan.node_bias):
        affine.data += 0.3 * torch.randn(affine.shape, dtype=dtype, generator=generator)
    for layer in kan.layers:
        layer.mask[torch.rand(layer.mask.shape, generator=generator) < masked] = 0
    return kan


def samples(n: int, columns: int, dtype=torch.float64, spread=1.0, seed=1) -> torch.Tensor:
    return spread * torch.randn(n, columns, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def exact(kan: KAN, x: torch.Tensor) -> torch.Tensor:
    """The network's own numbers, in float64."""
    with torch.no_grad():
        return copy.deepcopy(kan).double()(x.double())


def assert_same(kan: KAN, x: torch.Tensor, dtype=torch.float64) -> None:
    y, found = exact(kan, x), kan.compiled()(x)
    assert found.dtype == dtype
    assert float((found.double() - y).abs().max()) <= ROUNDING[dtype] * float(y.abs().max())


PRODUCTS = ([4, [3, 2], [2, 1], 2], [[], [2, 3], [3], []])


@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
@pytest.mark.parametrize("base_fun", ["silu", "identity", "zero"])
@pytest.mark.parametrize("k", range(6))
def test_every_order_and_base(form, k, base_fun, extrapolate):
    width, arity = PRODUCTS
    kan = network(width, 5, k, arity, masked=0.3, base_fun=base_fun, extrapolate=extrapolate)
    assert_same(kan, samples(300, 4, spread=2.0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", [[8, 16, 1], [3, 5, 5, 2], [1, 1], [70, 40, 3], [2, [0, 3], 1]])
@pytest.mark.parametrize("grid", [1, 5, 14, 30, 50])
def test_every_size_of_grid_and_width(form, grid, width, dtype):
    kan = network(width, grid, 3, dtype=dtype)
    assert_same(kan, samples(400, width[0], dtype, 0.7), dtype)


@pytest.mark.parametrize("form", FORMS)
@given(
    grid=st.integers(1, 50),
    k=st.integers(0, 5),
    inputs=st.integers(1, 9),
    hidden=st.integers(1, 40),
    products=st.integers(0, 3),
    rows=st.integers(1, 300),
    masked=st.sampled_from([0.0, 0.2, 0.9, 1.0]),
    extrapolate=st.sampled_from(["linear", "zero"]),
    seed=st.integers(0, 5),
)
def test_random_networks(form, grid, k, inputs, hidden, products, rows, masked, extrapolate, seed):
    arity = [[], [1 + (seed + p) % 3 for p in range(products)], []]
    width = [inputs, [hidden, products], 2]
    kan = network(width, grid, k, arity, seed, masked=masked, extrapolate=extrapolate)
    with pytest.MonkeyPatch.context() as patch:
        choose(form, patch)
        assert_same(kan, samples(rows, inputs, spread=1.5, seed=seed))


@pytest.mark.parametrize("width", [[8, 16, 1], [4, [3, 2], 1], [50, 20, 5]])
@pytest.mark.parametrize("grid", [3, 5, 20])
def test_single_precision_errs_by_less_than_a_millionth_of_the_spread_and_than_twice_the_network(form, grid, width):
    kan = KAN(width, grid=grid, seed=3)
    x = samples(1000, width[0], torch.float32, 0.4)
    y = exact(kan, x)
    error, own = kan.compiled()(x).double() - y, kan(x).detach().double() - y
    assert float((error.square().mean(0).sqrt() / y.std(0)).max()) < 1e-6
    assert float(error.abs().max()) < 2 * float(own.abs().max())


@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
@pytest.mark.parametrize("k", [0, 1, 3])
def test_repeated_knots_and_the_knots_themselves(form, k, extrapolate):
    kan = KAN([2, 3, 1], grid=6, k=k, noise_scale=2.0, extrapolate=extrapolate, dtype=torch.float64)
    knots = kan.layers[0].grid
    knots[0, k + 2 : k + 4] = knots[0, k + 3]
    knots[1, k : k + 2] = knots[1, k]
    knots[1, k + 5] = knots[1, k + 6]
    assert_same(kan, knots.T.contiguous())
    assert_same(kan, samples(200, 2))


def test_cells_narrower_than_any_reciprocal(form):
    kan = KAN([1, 1], grid=3, k=2, noise_scale=2.0)
    kan.layers[0].grid[0, 3] = 1e-45
    kan.layers[0].grid[0, 4] = 2e-45
    x = torch.linspace(-1, 1, 101)[:, None]
    assert bool(kan.compiled()(x).isfinite().all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_far_outside_the_grids(form, extrapolate, dtype):
    kan = network([3, 20, 2], 5, 3, dtype=dtype, extrapolate=extrapolate)
    x = samples(50, 3, dtype, 1e12)
    y = exact(kan, x)
    torch.testing.assert_close(kan.compiled()(x).double(), y, rtol=1e-5, atol=1e-5 * float(y.abs().max()))


@pytest.mark.parametrize("k", [0, 1, 3])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_a_number_stays_so_and_in_its_row(form, bad, k):
    kan = network([3, 20, 2], 5, k, base_fun="zero")
    x = samples(200, 3)
    x[::7, 1] = bad
    found, rest = kan.compiled()(x), torch.arange(200) % 7 != 0
    assert not bool(found[~rest].isfinite().any()) or bad != bad or k == 0
    assert bad == bad or bool(found[~rest].isnan().all())
    torch.testing.assert_close(found[rest], exact(kan, x)[rest])


def test_no_rows_leading_dimensions_and_strides(form):
    kan = network([3, 4, 2], 5, 3)
    fast = kan.compiled()
    assert fast(torch.zeros(0, 3, dtype=torch.float64)).shape == (0, 2)
    assert fast(torch.zeros(3, dtype=torch.float64)).shape == (2,)
    x = samples(60, 3).view(4, 15, 3)
    torch.testing.assert_close(fast(x), exact(kan, x))
    across = samples(3, 60).T
    torch.testing.assert_close(fast(across), exact(kan, across))
    wide = samples(50, 9)
    for some in (wide[:, 1:9:3], wide[::2, :3], wide.flip(1)[:, :3], wide[:1, :3].expand(20, 3)):
        torch.testing.assert_close(fast(some), exact(kan, some))


def test_other_dtypes_are_taken_as_the_network_takes_them(form):
    kan = network([3, 4, 2], 5, 3, dtype=torch.float32)
    x = samples(20, 3)
    torch.testing.assert_close(kan.compiled()(x), kan(x).detach())


@pytest.mark.parametrize("x", [torch.zeros(5, 4), torch.zeros(5), torch.zeros(5, 2, dtype=torch.int32)])
def test_wrong_inputs_get_the_networks_sentence(x):
    kan = KAN([2, 1])
    with pytest.raises(InputError) as theirs:
        kan(x)
    with pytest.raises(InputError) as ours:
        kan.compiled()(x)
    assert str(ours.value) == str(theirs.value)


def test_pruned_and_refined_networks(form):
    kan = network([5, [4, 1], 1], 3, 3)
    x = samples(300, 5, spread=0.5)
    kan.remember(x)
    small = kan.prune(edge_th=0.1).prune_input(active_inputs=[0, 2, 3]).refine(7)
    assert_same(small, x)
    assert small.compiled().columns == 5


def test_what_no_edge_reads_is_not_looked_at(form):
    kan = network([4, [3, 2], 2], 5, 3)
    kan.layers[0].mask[1] = 0
    kan.layers[1].mask[2] = 0
    kan.layers[1].mask[4] = 0
    fast = kan.compiled()
    assert fast.input_id.tolist() == [0, 2, 3]
    assert [tuple(layer.weight.shape[::2]) for layer in fast.layers] == [(3, 4), (3, 2)]
    x = samples(100, 4)
    expected = exact(kan, x)
    x[:, 1] = torch.nan
    torch.testing.assert_close(fast(x), expected)


def test_a_network_without_edges_is_a_constant(form):
    kan = network([2, 3, 2], 3, 3, masked=1.0)
    assert_same(kan, samples(10, 2))


def test_rows_outside_are_refused_where_the_network_refuses_them(form):
    kan = KAN([3, 2, 1], extrapolate="error", noise_scale=0.1)
    fast = kan.compiled()
    x = torch.tensor([[1.0, -1.0, 0.5], [torch.nan, 0.0, 0.0]])
    torch.testing.assert_close(fast(x), kan(x).detach(), equal_nan=True)
    x[0, 1] = -1.001
    with pytest.raises(InputError, match=r"input 1 leaves its grid \[-1, 1\]"):
        fast(x)


def test_the_network_may_change_afterwards(form):
    kan = network([3, 4, 2], 5, 3)
    x = samples(20, 3)
    fast, y = kan.compiled(), exact(kan, x)
    for tensor in (*kan.parameters(), *kan.buffers()):
        tensor.data.zero_()
    torch.testing.assert_close(fast(x), y)


def test_a_module_like_any_other(form):
    kan, other = network([3, [4, 2], 2], 5, 3), network([3, [4, 2], 2], 5, 3, seed=3)
    x = samples(20, 3)
    y, fast, second = exact(kan, x), kan.compiled(), other.compiled()
    assert list(fast.parameters()) == []
    assert not fast.training
    second(x)
    second.load_state_dict(fast.state_dict())
    for twin in (second, copy.deepcopy(fast), pickle.loads(pickle.dumps(fast))):
        torch.testing.assert_close(twin(x), y)
    single = fast.float()(x)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), y, rtol=1e-4, atol=1e-4)


def test_gradients_of_its_input(form):
    kan = network([3, [4, 2], 2], 5, 3)
    x, twin = samples(20, 3).requires_grad_(), samples(20, 3).requires_grad_()
    kan.compiled()(x).square().sum().backward()
    kan(twin).square().sum().backward()
    torch.testing.assert_close(x.grad, twin.grad)


def test_batches_of_a_stream_keep_their_kind(form, tmp_path):
    kan = network([3, 4, 2], 5, 3, dtype=torch.float32)
    fast, x = kan.compiled(), samples(100, 3, torch.float32)
    np.save(tmp_path / "x.npy", x.numpy())
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    arrays = list(fast.stream(mapped[i : i + 30] for i in range(0, 100, 30)))
    assert [type(a) for a in arrays] == [np.ndarray] * 4
    tensors = list(fast.stream(x.split(30)))
    assert all(torch.is_grad_enabled() for _ in fast.stream(x.split(30)))
    assert torch.equal(torch.cat(tensors), torch.from_numpy(np.concatenate(arrays)))
    torch.testing.assert_close(torch.cat(tensors), fast(x))
    assert not any(t.requires_grad for t in tensors)


def test_the_result_does_not_depend_on_the_other_rows(form):
    """In float32 and to the last bit: what is served in one batch equals what is served one by one."""
    fast = network([5, 20, 3], 5, 3, dtype=torch.float32).compiled()
    x = samples(700, 5, torch.float32)
    whole = fast(x)
    for rows in (slice(0, 1), slice(3, 20), slice(511, 700)):
        torch.testing.assert_close(
            fast(x[rows]), whole[rows], rtol=0 if form == "native" else 1e-5, atol=0 if form == "native" else 1e-6
        )


@pytest.mark.skipif("native" not in FORMS, reason="there is no compiled kernel")
def test_any_number_of_threads_gives_the_same_bits():
    fast = network([8, 16, 1], 5, 3, dtype=torch.float32).compiled()
    x = samples(200_001, 8, torch.float32)
    y, before = fast(x), torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            assert torch.equal(fast(x), y)
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif("native" not in FORMS, reason="there is no compiled kernel")
@pytest.mark.parametrize("grid", [5, 20, 40, 80])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_instruction_set(grid, dtype):
    """Whatever registers hold: tables of one, of two, of four, or rows of coefficients in memory."""
    kernel = native()
    kan = network([3, [17, 1], 2], grid, 3, dtype=dtype)
    x, before = samples(300, 3, dtype, 0.7), kernel.isa()
    try:
        for isa in kernel.available():
            kernel.use(isa)
            assert_same(kan, x, dtype)
    finally:
        kernel.use(before)


@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_exports_without_any_operation_of_ours(extrapolate):
    kan = network([4, [3, 2], 2], 5, 3, dtype=torch.float32, extrapolate=extrapolate)
    x = samples(30, 4, torch.float32)
    rows = torch.export.Dim("rows", min=1)
    program = torch.export.export(kan.compiled(), (x,), dynamic_shapes=({0: rows},))
    called = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert all(name.startswith("aten.") or "getitem" in name for name in called), called
    for n in (1, 7, 300):
        other = samples(n, 4, torch.float32, seed=n)
        torch.testing.assert_close(program.module()(other).double(), exact(kan, other), rtol=1e-5, atol=1e-5)


def test_an_exported_program_gives_not_a_number_where_the_network_raises():
    kan = KAN([2, 1], extrapolate="error")
    x = torch.tensor([[0.0, 0.5], [0.0, 1.5]])
    program = torch.export.export(kan.compiled(), (x,))
    assert program.module()(x).isnan()[:, 0].tolist() == [False, True]


@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")  # torch's own
@pytest.mark.parametrize("extrapolate", ["linear", "zero"])
def test_onnx_gives_the_same_in_another_runtime(extrapolate):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    kan = KAN([4, [3, 2], 2], grid=5, mult_arity=[[], [2, 3], []], noise_scale=0.5, extrapolate=extrapolate)
    fast, x = kan.compiled(), samples(30, 4, torch.float32)
    rows = torch.export.Dim("rows", min=1)
    program = torch.onnx.export(fast, (x,), dynamo=True, dynamic_shapes=({0: rows},), verbose=False)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for n in (1, 7, 300):
        other = samples(n, 4, torch.float32, seed=n)
        (found,) = session.run(None, {session.get_inputs()[0].name: other.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), fast(other), rtol=1e-6, atol=1e-6)


def test_compiles_whole():
    """In a process of its own: torch.compile cannot look through the type checks of this one."""
    program = """if True:
        import torch
        from ascribe.kan import KAN
        fast, x = KAN([4, [3, 2], 2]).compiled(), torch.linspace(-2, 2, 120).view(30, 4)
        traced = torch.compile(fast, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(traced(x), fast(x))
        torch.testing.assert_close(traced(x[:7]), fast(x[:7]))
    """
    subprocess.run([sys.executable, "-c", program], check=True)
