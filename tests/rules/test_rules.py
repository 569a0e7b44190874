"""Every rule carries differences exactly: multipliers times differences sum to the difference of the outputs."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ascribe.errors import MethodError
from ascribe.maths.kernels import Basis, Weights, edge_sum
from ascribe.rules.multipliers import contrast
from ascribe.rules.recurrent import RULES
from ascribe.rules.table import RULES as TABLE

ROWS = 3


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def multipliers(network, x: Tensor, x0: Tensor) -> Tensor:
    return contrast(network, x, x0).multipliers


def linear(inputs: int = 4, outputs: int = 4) -> nn.Linear:
    layer = nn.Linear(inputs, outputs).double()
    with torch.no_grad():
        layer.weight.copy_(numbers(outputs, inputs, seed=7))
        layer.bias.copy_(numbers(outputs, seed=8))
    return layer


def gap(network, x: Tensor, x0: Tensor) -> float:
    """The largest completeness gap of a row; the score of a row is a mix of all its outputs."""

    def score(z: Tensor) -> Tensor:
        values = network(z).flatten(1)
        return (values * torch.linspace(0.5, 1.5, values.shape[1], dtype=values.dtype)).sum(1)

    with torch.no_grad():
        difference = score(x.clone()) - score(x0.clone())
    credit = (multipliers(score, x, x0) * (x - x0)).flatten(1).sum(1)
    return float((credit - difference).detach().abs().max())


def check(network, *shape: int) -> None:
    assert gap(network, numbers(ROWS, *shape, seed=1), numbers(ROWS, *shape, seed=2)) < 1e-9


def check_module(network: nn.Module, *shape: int) -> None:
    """In both precisions; parameters and all."""
    check(network.double().eval(), *shape)
    assert gap(network.float(), numbers(ROWS, *shape, seed=1).float(), numbers(ROWS, *shape, seed=2).float()) < 1e-4


ACTIVATIONS = [
    nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(True), nn.LeakyReLU(0.1, True), nn.PReLU(), nn.PReLU(4), nn.RReLU(),
    nn.ELU(inplace=True), nn.SELU(), nn.CELU(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(True), nn.Mish(), nn.Softplus(),
    nn.Sigmoid(), nn.LogSigmoid(), nn.Tanh(), nn.Softsign(), nn.Tanhshrink(), nn.Hardtanh(inplace=True), nn.Hardswish(),
    nn.Hardsigmoid(), nn.Hardshrink(), nn.Softshrink(), nn.Threshold(0.1, 2.0), nn.GLU(), nn.Softmax(-1),
    nn.LogSoftmax(1), nn.Softmin(1), nn.LayerNorm(4), nn.RMSNorm(4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Identity(),
]  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_activations(activation: nn.Module) -> None:
    network = nn.Sequential(linear(), copy.deepcopy(activation), nn.Flatten()).double().eval()
    check(network, 4)


CLASSES = numbers(4, 4, seed=3)

FUNCTIONS = {
    "power": lambda h: h**3,
    "square": lambda h: h**2,
    "two to the": lambda h: 2**h,
    "one over": lambda h: 1 / (h.abs() + 1),
    "sqrt and log": lambda h: h.abs().sqrt() + h.exp().log1p(),
    "waves": lambda h: torch.sin(h) * torch.cos(h) + torch.atan(h),
    "product": lambda h: h * h.tanh(),
    "square by product": lambda h: h * h,
    "quotient": lambda h: h / (1 + h.exp()),
    "in-place power": lambda h: (h * 1).pow_(2),
    "in-place operator": lambda h: _operators(h * 1),
    "in-place product": lambda h: h.mul_(h.sigmoid()),
    "in-place quotient": lambda h: h.div_(1 + h.exp()),
    "in-place chain": lambda h: h.relu().add_(h.exp()).relu_(),
    "writing into a buffer": lambda h: _buffered(h),
    "writing into a view": lambda h: _halves(h * 1),
    "maximum along": lambda h: h.max(1)[0][:, None],
    "maximum of two": lambda h: torch.maximum(h, h.flip(1)) - torch.min(h, h.exp()),
    "amin": lambda h: h.amin((1,), True),
    "amax over two": lambda h: h.reshape(-1, 2, 2).amax((1, 2))[:, None],
    "clamp": lambda h: h.clamp(-0.3, 0.5) + torch.clip(h, max=0.1),
    "clamp to itself": lambda h: torch.clamp(h, h.flip(1), h.exp()),
    "prod": lambda h: h.prod(-1, keepdim=True),
    "norm": lambda h: h.norm(dim=1, keepdim=True) + torch.linalg.vector_norm(h, 3, dim=1, keepdim=True),
    "normalize": lambda h: F.normalize(h),
    "cosine": lambda h: F.cosine_similarity(h, h.exp(), dim=1)[:, None],
    "distances": lambda h: torch.cdist(h[:, None], CLASSES)[:, 0],
    "variance": lambda h: h.var(1, keepdim=True) + h.std(1, False, True) + h.var((1,), correction=2, keepdim=True),
    "scattered": lambda h: h.scatter(1, torch.zeros(3, 1, dtype=torch.long), h[:, 2:3].exp()),
    "divided with a rounding mode": lambda h: torch.div(h, 1 + h.exp(), rounding_mode=None),
    "logsumexp": lambda h: torch.logsumexp(h, 1, keepdim=True) + torch.logaddexp(h, h.exp()),
    "logsumexp without overflow": lambda h: torch.logsumexp(1000 * h, 1, keepdim=True) / 1000,
    "einsum": lambda h: torch.einsum("bi,bj->bij", h, h.exp()),
    "matmul": lambda h: h[:, None] @ h.exp()[:, :, None],
    "masked attention": lambda h: h.masked_fill(torch.tensor([False, True, False, False]), -torch.inf).softmax(1),
    "where": lambda h: torch.where(torch.tensor([True, False, True, False]), h, h.exp()),
    "pieces": lambda h: torch.cat([torch.stack(h.chunk(2, 1)).sum(0), h[:, [0, 3]], h.unfold(1, 2, 2).mean(2)], 1),
    "steps": lambda h: h.floor() + torch.round(h, decimals=1) + h % 1 + h // 0.3 + h.sign(),
    "aten": lambda h: torch.ops.aten.gelu.default(h) * torch.ops.aten._softmax.default(h, -1, False),
    "checkpointed": lambda h: checkpoint(torch.sigmoid, h, use_reentrant=False),
    "spectrum": lambda h: torch.fft.rfft(h).real ** 2,
    "a step that is the same on both": lambda h: h * (h > -100),
}  # fmt: skip


def _operators(h: Tensor) -> Tensor:
    h **= 2
    h %= 3
    h += h.exp()
    h /= 2
    return h


def _buffered(h: Tensor) -> Tensor:
    buffer = torch.zeros(h.shape[0], 5, dtype=h.dtype)
    buffer[:, 0] = h[:, 1].exp()
    buffer[:, 1:] = h
    return buffer.mul_(2).tanh()


def _halves(h: Tensor) -> Tensor:
    left, right = h[:, :2], h[:, 2:]
    left.mul_(right.exp())
    return h.tanh() + left.sin().repeat(1, 2)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_functions(function) -> None:
    layer = linear()
    check(lambda z: function(layer(z)), 4)


def test_a_small_convolutional_network() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(True), nn.MaxPool2d(2, padding=1), nn.Conv2d(3, 4, 3),
        nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.SiLU(), nn.AdaptiveMaxPool2d(2), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(4, 2), nn.Softmax(1),
    )  # fmt: skip
    check_module(network, 2, 11, 11)


def test_overlapping_pools_in_one_dimension() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv1d(2, 3, 3), nn.Tanh(), nn.MaxPool1d(3, 1), nn.AdaptiveMaxPool1d(4), nn.Softmax(1))
    check_module(network, 2, 12)


RECURRENT = [
    nn.LSTM(4, 5, 2, bidirectional=True), nn.LSTM(4, 5, batch_first=True, proj_size=3), nn.GRU(4, 5, 2, bias=False),
    nn.GRU(4, 3, bidirectional=True), nn.RNN(4, 5, nonlinearity="relu"), nn.RNN(4, 5, batch_first=True),
]  # fmt: skip


@pytest.mark.parametrize("layer", RECURRENT, ids=repr)
def test_recurrent_layers(layer: nn.Module) -> None:
    layer = layer.double().eval()

    def network(z: Tensor) -> Tensor:
        outputs, last = layer(z if layer.batch_first else z.transpose(0, 1))
        last = last if isinstance(last, Tensor) else last[1]
        return (outputs if layer.batch_first else outputs.transpose(0, 1)).flatten(1).cos().sum(1) + last.sum((0, 2))

    check(lambda z: network(z)[:, None], 6, 4)


def test_recurrent_cells() -> None:
    torch.manual_seed(0)
    lstm, gru = nn.LSTMCell(4, 3).double(), nn.GRUCell(4, 3).double()
    check(lambda z: lstm(z)[0] * gru(z), 4)


def test_written_out_recurrence_computes_what_the_layer_does() -> None:
    layer = nn.LSTM(4, 5, 2, bidirectional=True, proj_size=2).double().eval()
    x = numbers(6, ROWS, 4)
    weights = [weight for weight in layer._flat_weights if weight is not None]
    start = (torch.zeros(4, ROWS, 2, dtype=x.dtype), torch.zeros(4, ROWS, 5, dtype=x.dtype))
    output, hidden, memory = RULES["lstm"].form(x, start, weights, True, 2, 0.0, False, True, False)
    expected, (expected_hidden, expected_memory) = layer(x)
    torch.testing.assert_close((output, hidden, memory), (expected, expected_hidden, expected_memory))


@pytest.mark.parametrize("norm_first", [False, True])
def test_transformer_encoder(norm_first: bool) -> None:
    torch.manual_seed(0)
    block = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True, norm_first=norm_first)
    check_module(nn.TransformerEncoder(block, 2, enable_nested_tensor=False), 5, 8)


def test_masked_multi_head_attention() -> None:
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(8, 2).double().eval()
    padding = torch.tensor([[False, False, False, False, True]] * ROWS)
    later = torch.ones(5, 5, dtype=torch.bool).triu(1)

    def network(z: Tensor) -> Tensor:
        tokens = z.transpose(0, 1)
        mixed, weights = attention(tokens, tokens, tokens, key_padding_mask=padding, attn_mask=later)
        return mixed.transpose(0, 1).flatten(1) + weights.flatten(1).sum(1, keepdim=True)

    check(network, 5, 8)


def test_scaled_dot_product_attention() -> None:
    def network(z: Tensor) -> Tensor:
        heads = z[:, None]
        mask = torch.ones(5, 5, dtype=torch.bool).tril()
        causal = F.scaled_dot_product_attention(heads, heads.exp(), heads, is_causal=True)
        return causal + F.scaled_dot_product_attention(heads, heads, heads.tanh(), attn_mask=mask, scale=0.3)

    check(network, 5, 8)


def folded(weight: Tensor) -> Weights:
    """One weight a term, (inputs, outputs, terms)."""
    return Weights(weight[..., 0], weight[..., 1:])


def test_spline_edges() -> None:
    knots = torch.linspace(-1.8, 1.8, 10, dtype=torch.float64).repeat(4, 1)
    weight = numbers(4, 3, 9)
    for order in (1, 2, 3):
        check(lambda z, k=order: edge_sum(z, Basis(knots, k), folded(weight[..., : 10 - k]))[0], 4)


def test_spline_edges_credit_each_edge_by_its_own_difference() -> None:
    knots = torch.linspace(-2.8, 2.8, 10, dtype=torch.float64).repeat(4, 1)
    weight = numbers(4, 3, 8)
    x, x0 = numbers(ROWS, 4, seed=1), numbers(ROWS, 4, seed=2)
    credit = multipliers(lambda z: edge_sum(z, Basis(knots, 2), folded(weight))[0].sum(1), x, x0) * (x - x0)
    for i in range(4):
        alone = torch.zeros_like(weight)
        alone[i] = weight[i]
        rise = [edge_sum(point, Basis(knots, 2), folded(alone))[0].sum(1) for point in (x, x0)]
        torch.testing.assert_close(credit[:, i], rise[0] - rise[1])


def test_exported_programs() -> None:
    torch.manual_seed(0)
    image = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(True), nn.MaxPool2d(2), nn.AdaptiveMaxPool2d(2), nn.Flatten()
    )
    text = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True)
    for network, shape in ((image, (2, 8, 8)), (text, (5, 8))):
        program = torch.export.export(network.double().eval(), (numbers(ROWS, *shape),))
        check(program.module(), *shape)


@pytest.mark.parametrize("kind", ["relu", "softmax", "gelu", "exp", "layer_norm"])
def test_near_ties_have_the_derivative(kind: str) -> None:
    """A step of 1e-12, and none at all: the multipliers are the gradient, not the rounding of a quotient."""
    function = {"layer_norm": lambda h: F.layer_norm(h, (4,)), "exp": torch.exp}.get(kind, getattr(F, kind, None))

    def network(z: Tensor) -> Tensor:
        return (function(z, 1) if kind == "softmax" else function(z))[:, 1]

    x = numbers(ROWS, 4).requires_grad_()
    (slope,) = torch.autograd.grad(network(x).sum(), x)
    for step in (0.0, 1e-12):
        torch.testing.assert_close(multipliers(network, x.detach(), x.detach() + step), slope, rtol=1e-3, atol=1e-3)


def test_float32_near_ties_are_smooth() -> None:
    x = torch.linspace(-2, 2, 41)[:, None]
    for step in (1e-6, 1e-4, 1e-3, 1e-2):
        found = multipliers(lambda z: torch.sigmoid(z)[:, 0], x, x + step)
        exact = (torch.sigmoid(x.double() + step) - torch.sigmoid(x.double())) / ((x + step).double() - x.double())
        slope = torch.sigmoid(x.double()) * torch.sigmoid(-x.double())
        torch.testing.assert_close(found.double(), exact if step > 1e-3 else slope, rtol=0, atol=2 * step + 2e-5)


class _Exponential(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.exp()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


REFUSED = {
    "sort": (lambda h: h.sort(1)[0], "no rule"),
    "topk": (lambda h: h.topk(2)[0], "no rule"),
    "mask": (lambda h: h * (h > 0), "constants differs"),
    "where": (lambda h: torch.where(h > 0, h, 0.1 * h), "constants differs"),
    "item": (lambda h: h * h.max().item(), "constants differs"),
    "index": (lambda h: h[torch.arange(3), h.argmax(1)][:, None], "constants differs"),
    "detach": (lambda h: h * h.detach(), "constants differs"),
    "noise": (lambda h: h + torch.randn(4), "constants differs"),
    "dropout": (lambda h: F.dropout(h), "training mode"),
    "batch norm": (lambda h: F.batch_norm(h, None, None, training=True), "training mode"),
    "two in a power": (lambda h: h.exp() ** h, "2 of its arguments"),
    "three in an einsum": (lambda h: torch.einsum("bi,bi,bi->b", h, h, h)[:, None], "three of its factors"),
    "scattered product": (lambda h: h.scatter(1, torch.zeros(3, 1).long(), h.exp(), reduce="multiply"), "multiplies"),
    "complex": (lambda h: torch.fft.rfft(h).abs(), "complex"),
    "custom autograd": (_Exponential.apply, "cannot see"),
    "re-entrant checkpoint": (lambda h: checkpoint(torch.sigmoid, h, use_reentrant=True), "cannot see"),
    "numpy": (lambda h: torch.from_numpy(h.detach().numpy()), "leaves autograd"),
    "branch": (lambda h: h.relu() if h[0, 0] > 0 else h.tanh(), "same computation"),
    "longer": (lambda h: h.relu() if h[0, 0] > 0 else h.relu().relu(), "same computation"),
}


@pytest.mark.parametrize(("function", "why"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("swap", [False, True])
def test_refusals_name_the_operation_and_its_place(function, why: str, swap: bool) -> None:
    layer = linear()
    x, x0 = numbers(ROWS, 4, seed=1), numbers(ROWS, 4, seed=2)
    with pytest.raises(MethodError, match=why) as refusal:
        multipliers(lambda z: function(layer(z)).sum(1), *((x0, x) if swap else (x, x0)))
    if why != "leaves autograd":
        assert "test_rules.py" in str(refusal.value)


def test_compiled_code_runs_as_it_was_written() -> None:
    network = torch.compile(nn.Sequential(linear(), nn.Sigmoid()), backend="eager")
    check(network, 4)


def test_a_residual_network_with_one_activation_in_many_places() -> None:
    class Block(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
            self.norm, self.relu = nn.BatchNorm2d(channels), nn.ReLU(inplace=True)

        def forward(self, x: Tensor) -> Tensor:
            y = self.norm(self.second(self.relu(self.norm(self.first(x)))))
            y += x
            return self.relu(y)

    torch.manual_seed(0)
    check_module(nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(True), Block(4), Block(4), nn.Flatten()), 2, 7, 7)


def test_a_backward_hook_of_the_user_is_no_hindrance() -> None:
    network = nn.Sequential(linear(), nn.Sigmoid(), nn.Sequential(nn.Tanh(), linear())).double()
    seen: list[int] = []
    for module in network.modules():
        module.register_full_backward_hook(lambda module, before, after: seen.append(1))
    check(network, 4)
    assert len(seen) == 6


def test_scripted_code_is_refused() -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        network = torch.jit.trace(nn.Sequential(linear(), nn.Sigmoid()), numbers(ROWS, 4))
    with pytest.raises(MethodError, match="SigmoidBackward"):
        multipliers(lambda z: network(z).sum(1), numbers(ROWS, 4, seed=1), numbers(ROWS, 4, seed=2))


def test_refusals_name_the_module() -> None:
    class Sorting(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.sort(1)[0]

    network = nn.Sequential(linear(), nn.Sequential(nn.ReLU(), Sorting()))
    with pytest.raises(MethodError, match=r"sort \(Sorting at '1\.1', test_rules\.py:\d+\)"):
        multipliers(lambda z: network(z).sum(1), numbers(ROWS, 4, seed=1), numbers(ROWS, 4, seed=2))


def test_rows_do_not_meet() -> None:
    """A batch that is transposed and folded into the heads gives what each row gives alone."""
    torch.manual_seed(0)
    network = nn.TransformerEncoderLayer(8, 2, 16).double().eval()
    x, x0 = numbers(ROWS, 5, 8, seed=1), numbers(ROWS, 5, 8, seed=2)

    def score(z: Tensor) -> Tensor:
        return network(z.transpose(0, 1))[0, :, 0]

    together = multipliers(score, x, x0)
    alone = torch.cat([multipliers(score, x[[row]], x0[[row]]) for row in range(ROWS)])
    torch.testing.assert_close(together, alone)


def test_the_network_and_its_inputs_are_left_alone() -> None:
    network = nn.Sequential(nn.ReLU(inplace=True), linear(), nn.BatchNorm1d(4).eval()).double()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x, x0 = numbers(ROWS, 4, seed=1), numbers(ROWS, 4, seed=2)
    kept = x.clone(), x0.clone()
    multipliers(lambda z: network(z).sum(1), x, x0)
    torch.testing.assert_close((x, x0), kept)
    assert not x.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in network.parameters())


def test_every_rule_is_for_a_function_that_exists() -> None:
    rooms = (torch, torch.Tensor, F, torch._C._nn, torch._VF, torch.ops.aten)
    forms = [("{}", rooms), ("__{}__", (torch.Tensor,)), ("_{}", rooms), ("special_{}", (torch._C._special,))]
    forms += [("{}", (torch._C._linalg, torch._C._fft))]

    def exists(name: str) -> bool:
        return any(hasattr(room, form.format(name)) for form, places in forms for room in places)

    assert [name for name in TABLE if "." not in name and not exists(name)] == []
