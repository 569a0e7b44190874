"""KAN layers inside other networks: a recurrent cell, a transformer block; compiled, exported, and trained by many."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ascribe.kan import KAN, KANLayer
from ascribe.maths.families import FAMILIES

TESTS = Path(__file__).parents[1]
quiet_onnx = pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")  # torch's own


class KANCell(nn.Module):
    """An LSTM cell whose gates are sums of edge functions of input and state."""

    def __init__(self, inputs: int, hidden: int, edge: str = "bspline"):
        super().__init__()
        self.hidden = hidden
        self.gates = KANLayer(inputs + hidden, 4 * hidden, num=3, edge=edge)

    def forward(self, x: Tensor) -> Tensor:
        """(n, steps, inputs) to the last state, (n, hidden)."""
        h = c = x.new_zeros(x.shape[0], self.hidden)
        for step in x.unbind(1):
            i, f, g, o = self.gates(torch.cat([step, h], 1)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h


class Block(nn.Module):
    """A transformer block with KAN layers for its feed-forward part."""

    def __init__(self, size: int, edge: str = "bspline"):
        super().__init__()
        self.attention = nn.MultiheadAttention(size, 2, batch_first=True)
        self.before, self.between = nn.LayerNorm(size), nn.LayerNorm(size)
        self.feed = nn.Sequential(
            KANLayer(size, 2 * size, num=3, edge=edge), KANLayer(2 * size, size, num=3, edge=edge)
        )

    def forward(self, x: Tensor) -> Tensor:
        normal = self.before(x)
        x = x + self.attention(normal, normal, normal, need_weights=False)[0]
        return x + self.feed(self.between(x))


def networks(edge: str = "bspline") -> list[nn.Module]:
    torch.manual_seed(0)
    fixed = KANLayer(4, 3, edge=edge)
    fixed.fix(0, 1, "sin", [2.0, 0.0, 1.0, 0.0])
    fixed.fix(3, 1, "exp", [0.5, 0.0, 1.0, 0.0])
    return [KANCell(4, 3, edge), Block(4, edge), nn.Sequential(nn.Linear(4, 4), fixed)]


NAMES = ["cell", "block", "symbolic"]


def data(n: int = 5) -> Tensor:
    return torch.randn(n, 6, 4, generator=torch.Generator().manual_seed(n))


@pytest.fixture(autouse=True)
def global_stream():
    with torch.random.fork_rng():
        yield


@pytest.mark.parametrize("which", range(3), ids=NAMES)
@pytest.mark.parametrize("edge", ["bspline", *sorted(FAMILIES)])
def test_it_learns(which, edge):
    net, x = networks(edge)[which], data(30)
    target = torch.sin(3 * x[:, 0, :1])

    def loss() -> Tensor:
        y = net(x)
        return (y.flatten(1)[:, :1] - target).square().mean()

    optimiser, first = torch.optim.Adam(net.parameters(), 1e-2), float(loss().detach())
    for _ in range(25):
        optimiser.zero_grad()
        loss().backward()
        assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in net.parameters())
        optimiser.step()
    assert float(loss().detach()) < 0.8 * first


@pytest.mark.parametrize("which", range(3), ids=NAMES)
def test_copies_states_and_low_precision(which):
    net, x = networks()[which], data()
    y = net(x)
    assert torch.equal(copy.deepcopy(net)(x), y)
    other = networks()[which]
    for p in other.parameters():
        p.data.zero_()
    other.load_state_dict(net.state_dict())
    assert torch.equal(other(x), y)
    for dtype in (torch.bfloat16, torch.float16):
        low = copy.deepcopy(net).to(dtype)
        z = low(x.to(dtype))
        assert z.dtype == dtype
        torch.testing.assert_close(z.float(), y, atol=0.1, rtol=0.1)


@quiet_onnx
@pytest.mark.parametrize("which", range(3), ids=NAMES)
def test_exports_and_onnx_gives_the_same(which):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    net, x, other = networks()[which].eval(), data()[:, :2], data(9)[:, :2]
    rows = torch.export.Dim("rows", min=2)
    program = torch.export.export(net, (x,), dynamic_shapes=({0: rows},))
    torch.testing.assert_close(program.module()(other), net(other))
    if which == 0:
        return  # unrolled over its steps it is many times the same
    program = torch.onnx.export(net, (x,), dynamo=True, dynamic_shapes=({0: rows},), verbose=False)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: other.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), net(other).detach(), atol=1e-5, rtol=1e-5)


# What checks shapes in tests is no graph: the compiler sees the package as users have it.
_COMPILED = """
import torch
from kan.test_layer_inside import data, networks

for net in networks():
    torch._dynamo.reset()
    compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
    gradients = []
    for function in (net, compiled):
        net.zero_grad()
        y = function(data())
        y.square().sum().backward()
        gradients.append((y.detach(), *(p.grad.clone() for p in net.parameters())))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected)
print("compiled")
"""


def test_compiles_into_one_graph():
    ran = subprocess.run([sys.executable, "-c", _COMPILED], capture_output=True, text=True, timeout=250, cwd=TESTS)
    assert ran.stdout == "compiled\n", ran.stderr


# Two processes, each with every second row; the gradients must be those of one process with all of them.
_PARALLEL = """
import sys
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from kan.test_layer_inside import data, networks

rank, where = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{where}", rank=rank, world_size=2)
x = data(8)
for net, alone in zip(networks(), networks(), strict=True):
    alone(x).square().mean().backward()
    parallel = DistributedDataParallel(net)  # raises where a parameter is not used
    for _ in range(2):
        parallel.zero_grad()
        parallel(x[rank::2]).square().mean().backward()
    for p, q in zip(net.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad)
dist.barrier()
dist.destroy_process_group()
print("equal")
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without distributed")
def test_two_processes_give_the_gradients_of_one(tmp_path):
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", _PARALLEL, str(rank), str(tmp_path / "meeting")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TESTS,
        )
        for rank in range(2)
    ]  # fmt: skip
    for rank in ranks:
        out, err = rank.communicate(timeout=250)
        assert out == "equal\n", err


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("gradients", [True, False])
def test_a_trace_computes_the_same_for_other_rows(gradients):
    compiled = KAN([4, 3, 2], seed=1).compiled()
    for net in (networks()[1].eval(), networks()[2], compiled, KAN([4, 3, 2], seed=1).eval()):
        with torch.set_grad_enabled(gradients):
            trace = torch.jit.trace(net, data(3), check_trace=False)
            torch.testing.assert_close(trace(data(7)), net(data(7)))
