"""LRP against the pair-by-pair rules of the papers, against Captum where that is right, and its own promises."""

import warnings

import captum.attr
import pytest
import torch
import torch.nn.functional as F
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule, IdentityRule
from torch import Tensor, nn

import ascribe.rules
from ascribe.core.explain import explain
from ascribe.errors import MethodError
from ascribe.kan.network import KAN
from ascribe.methods.lrp import LRP
from ascribe.rules import (
    AlphaBeta,
    Composite,
    Epsilon,
    Flat,
    Gamma,
    Identity,
    WSquare,
    ZBox,
    ZPlus,
    epsilon_alpha2_beta1_flat,
    epsilon_gamma_box,
    epsilon_plus,
)
from ascribe.testing import check_method
from networks.resnet18 import resnet18
from networks.transformer import transformer
from reference import lrp as replica

SHARED = Epsilon(1e-6, "shared")


def points(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def layers() -> list[nn.Linear]:
    torch.manual_seed(0)
    return [nn.Linear(inputs, outputs).double() for inputs, outputs in ((6, 7), (7, 5), (5, 1))]


def perceptron() -> nn.Sequential:
    first, second, third = layers()
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), third)


RULES = [
    (Epsilon(0.3), replica.epsilon(0.3)),
    (Epsilon(0.0), replica.epsilon(0.0)),
    (Epsilon(0.3, "shared"), replica.epsilon(0.3, "shared")),
    (Epsilon(0.3, "ignored"), replica.epsilon(0.3, "ignored")),
    (Gamma(0.5, 0.0), replica.gamma(0.5)),
    (Gamma(0.5, 0.0, "kept"), replica.gamma(0.5, "kept")),
    (AlphaBeta(2.0, 1.0, 0.0), replica.alpha_beta(2, 1)),
    (AlphaBeta(1.0, 0.0, 0.0), replica.alpha_beta(1, 0)),
    (ZPlus(0.0), replica.z_plus()),
    (ZBox(-3.0, 4.0, 0.0), replica.z_box(-3, 4)),
    (WSquare(), replica.w_square()),
    (Flat(), replica.flat()),
]


@pytest.mark.parametrize(("rule", "share"), RULES, ids=lambda rule: repr(rule) if not callable(rule) else "")
def test_every_rule_pair_by_pair(rule, share) -> None:
    """On a perceptron, in every layer and only in the first; as a convolution of one point, and as a product."""
    net, x = perceptron(), points(4, 6)
    weights, biases = zip(*[(layer.weight.detach(), layer.bias.detach()) for layer in layers()], strict=True)
    everywhere = torch.stack([replica.lrp(weights, biases, [share] * 3, row) for row in x])
    torch.testing.assert_close(explain(net, x, LRP(rule)).values, everywhere)
    first = torch.stack([replica.lrp(weights, biases, [share] + [replica.epsilon(1e-6)] * 2, row) for row in x])
    torch.testing.assert_close(explain(net, x, LRP(Composite(first=rule))).values, first)

    def convolved(z: Tensor) -> Tensor:
        h = F.conv1d(z[:, :, None], weights[0][:, :, None], biases[0]).relu()
        h = F.conv2d(h[..., None], weights[1][:, :, None, None], biases[1]).relu()
        return F.conv_transpose1d(h[..., 0], weights[2].T[:, :, None], biases[2])[:, :, 0]

    torch.testing.assert_close(explain(convolved, x, LRP(rule)).values, everywhere)


def test_one_function_in_many_forms() -> None:
    """Functional and reused activations, products for layers, and what only moves entries."""
    net, x = perceptron(), points(4, 6)
    first, second, third = (layer.requires_grad_(False) for layer in layers())
    relu = nn.ReLU(inplace=True)

    def written(z: Tensor) -> Tensor:
        h = relu(torch.einsum("ni,oi->no", z.flip(1).flip(1), first.weight) + first.bias)
        h = torch.addmm(second.bias, h[:, None].squeeze(1), second.weight.T)
        h = torch.stack(list(relu(h).unbind(1)), 1)
        return torch.matmul(third.weight, h.T).T + third.bias

    expected = explain(net, x, LRP(Epsilon(0.0))).values
    torch.testing.assert_close(explain(written, x, LRP(Epsilon(0.0))).values, expected)


class Image(nn.Module):
    """What Captum's LRP can do: convolutions, pooling, stored statistics, dropout, dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.ReLU(),
            nn.AvgPool2d(2), nn.Dropout(),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).flatten(1))


def image(dtype: torch.dtype) -> Image:
    torch.manual_seed(0)
    net = Image().to(dtype).eval()
    nn.init.normal_(net.body[1].running_mean)
    nn.init.uniform_(net.body[1].running_var, 0.5, 2)
    return net


def as_captum(**named) -> LRP:
    exact = Epsilon(1e-9)
    return LRP(Composite(exact, sums=exact, fold=False, named={k.replace("_", "."): rule for k, rule in named.items()}))


CAPTUM = {
    "default": ({}, {}),
    "epsilon": ({"body.4": EpsilonRule(0.1)}, {"body_4": Epsilon(0.1)}),
    "gamma": ({"body.0": GammaRule(0.25), "head.0": GammaRule(0.3)},
              {"body_0": Gamma(0.25, 1e-9, "kept"), "head_0": Gamma(0.3, 1e-9, "kept")}),
    "gamma without bias": ({"body.0": GammaRule(0.25, True)}, {"body_0": Gamma(0.25, 1e-9, "ignored")}),
    "alpha 1": ({"body.4": Alpha1_Beta0_Rule()}, {"body_4": ZPlus(1e-9, "kept")}),
    "alpha 1 without bias": ({"body.4": Alpha1_Beta0_Rule(True)}, {"body_4": ZPlus(1e-9, "ignored")}),
    "identity": ({"body.1": IdentityRule()}, {"body_1": Identity()}),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("theirs", "ours"), CAPTUM.values(), ids=CAPTUM)
def test_equals_captum(theirs, ours, dtype: torch.dtype) -> None:
    net, x = image(dtype), points(4, 2, 10, 10, dtype=dtype)
    for name, rule in theirs.items():
        net.get_submodule(name).rule = rule
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected, delta = captum.attr.LRP(net).attribute(x, target=1, return_convergence_delta=True)
        for name, rule in theirs.items():
            net.get_submodule(name).rule = rule
        inside = captum.attr.LayerLRP(net, net.body[3]).attribute(x, target=1)
    found = explain(net, x, as_captum(**ours), target=1)
    close = {"rtol": 1e-5, "atol": 1e-5 * float(expected.detach().abs().max())}
    torch.testing.assert_close(found.values, expected.detach(), **close)
    torch.testing.assert_close(found.gap, delta.detach(), **close)
    layer = explain(net, x, as_captum(**ours), target=1, at="body.3")
    torch.testing.assert_close(layer.values, inside.detach(), rtol=1e-5, atol=1e-5 * float(inside.detach().abs().max()))


NETWORKS = {
    "resnet18": (lambda dtype: resnet18(dtype=dtype), (3, 32, 32)),
    "encoder layers": (lambda dtype: transformer("module", dtype=dtype), (5, 8)),
    "attention function": (lambda dtype: transformer("function", dtype=dtype), (5, 8)),
}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-10)])
@pytest.mark.parametrize(("build", "shape"), NETWORKS.values(), ids=NETWORKS)
def test_nothing_is_lost(build, shape, dtype: torch.dtype, tolerance: float) -> None:
    """What biases and epsilon take is shared: the sum is the score."""
    found = explain(build(dtype), points(3, *shape, seed=1, dtype=dtype), LRP(Epsilon(1e-3, "shared")), target="all")
    assert found.gap.abs().max() < tolerance
    assert found.output.abs().max() > 0.1
    assert found.values.dtype == dtype


def test_nothing_is_lost_without_biases() -> None:
    net, x = resnet18(dtype=torch.float64), points(2, 3, 32, 32, seed=1)
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.bias.copy_(layer.running_mean * layer.weight * torch.rsqrt(layer.running_var + layer.eps))
        net.head.bias.zero_()
    for rule in (Epsilon(0.0), Composite(Epsilon(0.0), first=Flat(), sums=Epsilon(0.0)), epsilon_plus(0.0)):
        assert explain(net, x, LRP(rule), target=1).gap.abs().max() < 1e-9


def test_a_normalisation_is_one_with_the_layer_before_it() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4),
                        nn.BatchNorm1d(4), nn.Linear(4, 2)).double().eval()  # fmt: skip
    for norm in (net[1], net[5]):
        nn.init.normal_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    folded = nn.Sequential(
        nn.utils.fuse_conv_bn_eval(net[0], net[1]), nn.ReLU(), nn.Flatten(),
        nn.utils.fuse_linear_bn_eval(net[4], net[5]), net[6],
    )  # fmt: skip
    x = points(3, 2, 4, 4)
    for rule in (Epsilon(0.1), Gamma(0.5), epsilon_alpha2_beta1_flat()):
        expected = explain(folded, x, LRP(rule), target=1).values
        torch.testing.assert_close(explain(net, x, LRP(rule), target=1).values, expected)
    apart = explain(net, x, LRP(Composite(fold=False)), target=1).values
    assert not torch.allclose(apart, explain(net, x, LRP(Composite()), target=1).values)


def test_composites_by_place_kind_and_name() -> None:
    net, x = image(torch.float64), points(4, 2, 10, 10).clamp(-2, 2)
    box = explain(net, x, LRP(epsilon_gamma_box(-2.0, 2.0)), target=1).values
    by_name = Composite(named={"body.[4]": Gamma(), "head": Epsilon(), "body.0": ZBox(-2.0, 2.0)})
    torch.testing.assert_close(explain(net, x, LRP(by_name), target=1).values, box)
    other = Composite(named={"body.0": ZBox(-2.0, 2.0), "body": Gamma(0.9)})
    assert not torch.allclose(explain(net, x, LRP(other), target=1).values, box)


def test_names_that_fit_nothing_are_refused() -> None:
    misspelt = LRP(Composite(named={"body.0": Gamma(), "haed.*": Flat()}))
    with pytest.raises(MethodError, match=r"'haed\.\*'.*there are 'body'"):
        explain(image(torch.float64), points(4, 2, 10, 10), misspelt, target=1)
    with pytest.raises(MethodError, match=r"no torch\.nn\.Module"):
        explain(lambda z: z.sum(1), points(4, 2), misspelt)


def test_softmax_passes_its_taylor_term() -> None:
    x = points(3, 4)
    found = explain(lambda z: z.softmax(1)[:, 2], x, LRP(Epsilon(0.0))).values
    expected = [replica.softmax_relevance(row, torch.eye(4)[2] * row.softmax(0)[2]) for row in x]
    torch.testing.assert_close(found, torch.stack(expected))


def test_attention_entry_by_entry() -> None:
    query, key, value = (points(2, 4, 3, seed=seed) for seed in range(3))

    def score(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v)[:, 1, 2]

    found = explain(score, (query, key, value), LRP(Epsilon(0.0)))
    for row in range(2):
        relevance = torch.zeros(4, 3, dtype=torch.float64)
        relevance[1, 2] = found.output[row]
        expected = replica.attention_relevance(query[row], key[row], value[row], relevance)
        torch.testing.assert_close(tuple(part[row] for part in found.values), expected)


def test_layer_norm_entry_by_entry() -> None:
    torch.manual_seed(0)
    norm = nn.LayerNorm(5).double()
    nn.init.normal_(norm.weight, 1, 0.3)
    nn.init.normal_(norm.bias, 0, 0.3)
    x = points(3, 5)
    found = explain(nn.Sequential(nn.Identity(), norm), x, LRP(Epsilon(0.0)), target=2, at="0")
    for row in range(3):
        relevance = torch.eye(5)[2] * found.output[row]
        expected = replica.layer_norm_relevance(x[row], norm.weight.detach(), norm.bias.detach(), relevance)
        torch.testing.assert_close(found.values[row], expected)


def test_products_are_split_and_masks_take_nothing() -> None:
    x = points(3, 4, 6)
    halves = explain(lambda z: (z[:, :, :3] @ z[:, :, 3:].transpose(1, 2)).sum((1, 2)), x, LRP(Epsilon(0.0))).values
    torch.testing.assert_close(halves[..., :3].sum((1, 2)), halves[..., 3:].sum((1, 2)))
    gate = explain(lambda z: (z[:, 0] * z[:, 1].tanh()).sum(1), x, LRP(Epsilon(0.0))).values
    torch.testing.assert_close(gate[:, 0], gate[:, 1])
    later = torch.full((4, 4), -torch.inf, dtype=torch.float64).triu(1)

    def causal(z: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(z, z, z, attn_mask=later)[:, 1].sum(1)

    masked = explain(causal, x, LRP(SHARED)).values
    assert bool((masked[:, 2:] == 0).all())
    torch.testing.assert_close(masked.sum((1, 2)), causal(x))


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_keep_what_they_are_given(kind) -> None:
    torch.manual_seed(0)

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = kind(4, 5, 2, batch_first=True, bidirectional=True), nn.Linear(10, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.layer(x)[0][:, -1])

    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-4)):
        found = explain(Last().to(dtype), points(3, 6, 4, dtype=dtype), LRP(SHARED), target="all")
        assert found.gap.abs().max() < tolerance


def test_lstm_step_by_step() -> None:
    torch.manual_seed(0)
    layer = nn.LSTM(4, 3, batch_first=True).double()

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x)[0][:, -1]

    x = points(2, 5, 4)
    weights = [getattr(layer, f"{name}_l0").detach() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    found = explain(Last(), x, LRP(Epsilon(0.05)), target=1)
    for row, output, values in zip(x, found.output, found.values, strict=True):
        expected = replica.lstm_relevance(*weights, row, torch.eye(3)[1] * output, 0.05)
        torch.testing.assert_close(values, expected)


MOVES = {
    "cat": lambda h: torch.cat([h[:, 2:], h[:, :2].relu()], 1),
    "maximum": lambda h: h.max(1, keepdim=True)[0] + torch.maximum(h, h.flip(1)),
    "pooling": lambda h: F.max_pool1d(h[:, None], 2)[:, 0] + F.adaptive_avg_pool1d(h[:, None], 2)[:, 0],
    "sorted": lambda h: h.sort(1)[0][:, 1:],
    "topk": lambda h: h.topk(2)[0],
    "in place": lambda h: h.clone().add_(h.exp()).relu_(),
    "buffer": lambda h: _buffered(h),
    "where": lambda h: torch.where(h > 0, h, 0.1 * h),
    "less": lambda h: 3 * h - h.flip(1) * 2 + torch.rsub(h, 1.0, alpha=2),
    "mean": lambda h: h.mean(1, keepdim=True) + h.cumsum(1),
    "quotient": lambda h: h / (1 + h.exp()) + 1 / (2 + h.exp()),
    "norms": lambda h: F.layer_norm(h, (4,)) + F.normalize(h) + F.rms_norm(h, (4,)) + F.group_norm(h, 2),
    "log softmax": lambda h: h.log_softmax(1) + torch.logsumexp(h, 1, keepdim=True),
    "activations": lambda h: F.gelu(h) + F.silu(h) + h.tanh() + F.elu(h) + h**3 + h.clamp(-0.5, 0.5) + h.exp(),
    "gates": lambda h: F.glu(h) + (h * h.sigmoid())[:, :2] + h.prod(1, keepdim=True),
    "scattered": lambda h: h.index_add(1, torch.tensor([0, 0]), h[:, 2:]).scatter_add(1, h.detach().long() * 0, h),
    "interpolate": lambda h: F.interpolate(h[:, None], size=7, mode="linear")[:, 0],
    "lerp": lambda h: torch.lerp(h, h.exp(), 0.3) + torch.addcmul(h, h.tanh(), h, value=0.5),
}  # fmt: skip


def _buffered(h: Tensor) -> Tensor:
    buffer = torch.zeros(h.shape[0], 5, dtype=h.dtype)
    buffer[:, 0] = h[:, 1].exp()
    buffer[:, 1:] += h
    return buffer.mul_(2).tanh()


@pytest.mark.parametrize("function", MOVES.values(), ids=MOVES)
def test_every_function_keeps_relevance(function) -> None:
    layer = nn.Linear(4, 4).double().requires_grad_(False)
    found = explain(lambda z: function(layer(z)).sum(1), points(3, 4), LRP(Epsilon(1e-9, "shared")))
    assert found.gap.abs().max() < 1e-6


REFUSED = {
    "spectrum": (lambda h: torch.fft.rfft(h).real, "fft_rfft"),
    "inverse": (lambda h: torch.linalg.inv(h.reshape(-1, 2, 2)).flatten(1), "linalg_inv"),
    "three factors": (lambda h: torch.einsum("bi,bi,bi->bi", h, h, h), "einsum"),
    "training": (lambda h: F.dropout(h), "training mode"),
}


@pytest.mark.parametrize(("function", "what"), REFUSED.values(), ids=REFUSED)
def test_refusals_name_the_operation_and_its_place(function, what: str) -> None:
    with pytest.raises(MethodError, match=f"LRP cannot pass through .*{what}.*|.*{what}") as refusal:
        explain(lambda z: function(z * 2.0)[:, 0], points(3, 4), LRP())
    assert "test_lrp.py" in str(refusal.value)


def test_hidden_code_is_refused_and_hooks_are_no_hindrance() -> None:
    net, x = perceptron(), points(4, 6)
    with pytest.warns(DeprecationWarning, match=r"torch\.jit"):
        scripted = torch.jit.trace(net, x)
    with pytest.raises(MethodError, match=r"LRP cannot see how .*plain module"):
        explain(lambda z: scripted(z), x, LRP())
    expected = explain(net, x, LRP()).values
    net[1].register_full_backward_hook(lambda module, before, after: None)
    torch.testing.assert_close(explain(net, x, LRP()).values, expected)
    compiled = torch.compile(net, backend="eager")
    torch.testing.assert_close(explain(compiled, x, LRP()).values, expected)


KNOBS = [
    lambda: Epsilon(-1.0), lambda: Gamma(-1.0), lambda: AlphaBeta(2.0, 2.0), lambda: ZBox(0.0, 1.0, float("nan")),
]  # fmt: skip


@pytest.mark.parametrize("knobs", KNOBS)
def test_knobs_out_of_range(knobs) -> None:
    with pytest.raises(MethodError):
        knobs()


def test_identity_needs_the_same_shape() -> None:
    with pytest.raises(MethodError, match="as many outputs"):
        explain(nn.Linear(3, 1), torch.ones(2, 3), LRP(Identity()))


def test_what_users_choose_from() -> None:
    assert set(ascribe.rules.__all__) == {
        "AlphaBeta", "Composite", "Epsilon", "Flat", "Gamma", "Identity", "WSquare", "ZBox", "ZPlus",
        "epsilon_alpha2_beta1_flat", "epsilon_gamma_box", "epsilon_plus",
    }  # fmt: skip
    assert len({LRP(), LRP(Epsilon()), LRP(Composite()), LRP(Composite(named={"a": Gamma()})), LRP(epsilon_plus())}) > 2


def test_a_kan_is_shared_edge_by_edge() -> None:
    kan = KAN([4, 3, 2], grid=5, noise_scale=1.0, dtype=torch.float64)
    assert explain(kan, points(5, 4), LRP(Epsilon(1e-9, "shared")), target="all").gap.abs().max() < 1e-6


def test_token_ids_layers_tuples_and_pieces() -> None:
    net = transformer(words=11, dtype=torch.float64)
    ids = torch.randint(11, (3, 5), generator=torch.Generator().manual_seed(1))
    inside = explain(net, ids, LRP(SHARED), target=1, at="embedding")
    torch.testing.assert_close(explain(net, ids, LRP(SHARED), target=1).values, inside.values.sum(2))
    for at in ("encoder.layers.0", "norm:in"):
        assert explain(net, ids, LRP(SHARED), target=1, at=at).gap.abs().max() < 1e-10
    pair = explain(lambda a, b: (a * b.exp()).sum(1), (points(3, 4), points(3, 4, seed=1)), LRP(SHARED))
    torch.testing.assert_close(pair.values[0], pair.values[1])
    x = points(20, 6)
    pieces = explain(perceptron(), x, LRP(), memory="8 KB")
    torch.testing.assert_close(pieces.values, explain(perceptron(), x, LRP()).values)
    assert pieces.calls > 1


def test_before_the_first_layer_units_do_not_matter() -> None:
    """A network that standardises its input itself explains it as one that is given it so."""
    net, x = perceptron(), points(4, 6)
    own = explain(lambda z: net((z - 3.0) / 2), 2 * x + 3, LRP(Epsilon(0.0))).values
    torch.testing.assert_close(own, explain(net, x, LRP(Epsilon(0.0))).values)


@pytest.mark.parametrize(
    "rule", [SHARED, Gamma(bias="shared"), AlphaBeta(bias="shared"), ZPlus(bias="shared"), Flat(), WSquare(),
             epsilon_plus(), Composite(Epsilon(), first=ZBox(-3.0, 3.0))], ids=repr,
)  # fmt: skip
def test_laws(rule) -> None:
    check_method(LRP(rule))
