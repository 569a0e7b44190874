"""DeepLift against the chain of multipliers of the paper, against Captum where that is right, and its own promises."""

import warnings
from itertools import pairwise

import captum.attr
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ascribe.core.explain import explain
from ascribe.errors import InputError, MethodError
from ascribe.kan.network import KAN
from ascribe.methods.deep_lift import DeepLift
from ascribe.methods.saliency import Saliency
from networks.resnet18 import resnet18
from networks.transformer import transformer
from reference.deep_lift import deep_lift


def network(*widths: int, activation: type[nn.Module] = nn.ReLU, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1]).to(dtype).eval()


def points(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.SiLU])
def test_equals_the_chain_of_multipliers(activation: type[nn.Module]) -> None:
    net = network(6, 20, 10, 1, activation=activation)
    x, baseline = points(5, 6), points(1, 6, seed=1)
    linears = [layer for layer in net if isinstance(layer, nn.Linear)]
    weights, biases = [layer.weight.detach() for layer in linears], [layer.bias.detach() for layer in linears]
    expected = torch.stack([deep_lift(weights, biases, activation(), row, baseline[0]) for row in x])
    torch.testing.assert_close(explain(net, x, DeepLift(), baseline=baseline).values, expected)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.ELU, nn.Sigmoid, nn.Softplus])
def test_equals_captum_on_module_activations(activation: type[nn.Module]) -> None:
    net = network(6, 20, 10, 3, activation=activation, dtype=torch.float32)
    x, baseline = points(9, 6, dtype=torch.float32), points(1, 6, seed=1, dtype=torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = captum.attr.DeepLift(net).attribute(x, baseline, target=1)
        many = captum.attr.DeepLiftShap(net).attribute(x, x[:4], target=1)
    torch.testing.assert_close(explain(net, x, DeepLift(), target=1, baseline=baseline).values, expected.detach())
    torch.testing.assert_close(explain(net, x, DeepLift(), target=1, background=x[:4]).values, many.detach())


class Everything(nn.Module):
    """Functional and reused activations, a gate, a norm, attention over two halves, and a softmax head."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.mix, self.leave = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.relu, self.norm = nn.ReLU(inplace=True), nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        h = self.relu(self.mix(self.relu(self.enter(x)))) * torch.sigmoid(self.mix(F.gelu(self.enter(x))))
        halves = self.norm(h).unflatten(1, (2, 4))
        return self.leave(F.scaled_dot_product_attention(halves, halves, halves).flatten(1)).softmax(1)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-9)])
def test_is_complete_where_captum_is_not(dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)
    net = Everything().to(dtype)
    found = explain(net, points(9, 6, dtype=dtype), DeepLift(), target=1, background=points(3, 6, seed=1, dtype=dtype))
    assert found.gap.abs().max() < tolerance
    assert found.values.dtype == dtype


NETWORKS = {
    "resnet18": (lambda dtype: resnet18(dtype=dtype), (3, 32, 32)),
    "encoder layers": (lambda dtype: transformer("module", dtype=dtype), (5, 8)),
    "attention function": (lambda dtype: transformer("function", dtype=dtype), (5, 8)),
}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-10)])
@pytest.mark.parametrize(("build", "shape"), NETWORKS.values(), ids=NETWORKS)
def test_is_complete_on_whole_networks(build, shape, dtype: torch.dtype, tolerance: float) -> None:
    x, background = points(3, *shape, seed=1, dtype=dtype), points(2, *shape, seed=2, dtype=dtype)
    found = explain(build(dtype), x, DeepLift(), target="all", background=background)
    assert found.gap.abs().max() < tolerance
    assert found.values.dtype == dtype


@pytest.mark.parametrize("at", ["embedding", "encoder.layers.0", "encoder.layers.1.linear1:in", "norm:in", "head"])
def test_inside_a_model_of_token_ids(at: str) -> None:
    net = transformer(words=11, dtype=torch.float64)
    ids = torch.randint(11, (3, 5), generator=torch.Generator().manual_seed(1))
    inside = explain(net, ids, DeepLift(), target=1, at=at)
    assert inside.gap.abs().max() < 1e-10
    if at == "embedding":
        torch.testing.assert_close(explain(net, ids, DeepLift(), target=1).values, inside.values.sum(2))


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-10)])
def test_recurrent_layers_row_by_row(kind, dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = kind(4, 5, 2, batch_first=True, bidirectional=True), nn.Linear(10, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.layer(x)[0][:, -1])

    net, x = Last().to(dtype), points(4, 6, 4, dtype=dtype)
    found = explain(net, x, DeepLift(), target=1)
    assert found.gap.abs().max() < tolerance
    torch.testing.assert_close(found.values[1:2], explain(net, x[1:2], DeepLift(), target=1).values)


def test_multipliers_alone() -> None:
    net = network(6, 20, 10, 3)
    x, baseline, background = points(9, 6), points(1, 6, seed=1), points(4, 6, seed=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = captum.attr.DeepLift(net, multiply_by_inputs=False).attribute(x, baseline, target=1)
        many = captum.attr.DeepLiftShap(net, multiply_by_inputs=False).attribute(x, background, target=1)
    multipliers = DeepLift(local=True)
    torch.testing.assert_close(explain(net, x, multipliers, target=1, baseline=baseline).values, one.detach())
    torch.testing.assert_close(explain(net, x, multipliers, target=1, background=background).values, many.detach())


def test_nothing_is_evaluated_twice() -> None:
    """Scores come from the runs at the points and at the references themselves."""
    net, x, background = network(6, 20, 3), points(9, 6), points(4, 6, seed=1)
    found = explain(net, x, DeepLift(), target=1, background=background)
    assert found.evaluations == 2 * 9 * 4
    with torch.no_grad():
        torch.testing.assert_close(found.output, net(x)[:, 1])
        torch.testing.assert_close(found.reference, net(background)[:, 1].mean().expand(9))


def test_at_a_layer_and_at_its_input() -> None:
    net = network(6, 20, 10, 3, activation=nn.Tanh)
    x, baseline = points(9, 6), points(1, 6, seed=1)
    for at in ("2", "2:in", "3"):
        found = explain(net, x, DeepLift(), target=1, at=at, baseline=baseline)
        assert found.gap.abs().max() < 1e-9
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = captum.attr.LayerDeepLift(net, net[2])
        expected = layer.attribute(x, baseline, target=1, attribute_to_layer_input=True)
    found = explain(net, x, DeepLift(), target=1, at="2:in", baseline=baseline)
    torch.testing.assert_close(found.values, expected.detach())


def test_every_target() -> None:
    net = network(6, 20, 3, activation=nn.GELU)
    x = points(9, 6)
    every = explain(net, x, DeepLift(), target="all").values
    torch.testing.assert_close(every[2], explain(net, x, DeepLift(), target=2).values)
    loss = explain(net, x, DeepLift(), target=lambda output: -output.log_softmax(1)[:, 0])
    assert loss.gap.abs().max() < 1e-9


def test_pieces_and_references_do_not_change_it() -> None:
    net = network(6, 20, 3, activation=nn.GELU)
    x, background = points(9, 6), points(4, 6, seed=1)
    whole = explain(net, x, DeepLift(), target=1, background=background)
    pieces = explain(net, x, DeepLift(), target=1, background=background, memory=2000)
    torch.testing.assert_close(whole.values, pieces.values)
    assert pieces.calls > whole.calls
    each = [explain(net, x, DeepLift(), target=1, baseline=row[None]).values for row in background]
    torch.testing.assert_close(whole.values, torch.stack(each).mean(0))


def test_rules_that_hold_more_than_a_gradient_take_fewer_rows_together() -> None:
    net, x = network(8, 256, 256, 1, activation=nn.GELU), points(200, 8)
    taken: list[int] = []
    net.register_forward_pre_hook(lambda module, args: taken.append(len(args[0])))
    largest = {}
    for method in (Saliency(), DeepLift()):
        taken.clear()
        explain(net, x, method, memory="128 KB")
        largest[method.name] = max(taken)
    assert 1 < largest["DeepLift"] <= largest["Saliency"] // 2


def test_plain_functions_and_several_inputs() -> None:
    def score(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).tanh().sum(1) + a[:, 0] ** 2

    found = explain(score, (points(5, 3), points(5, 3, seed=1)), DeepLift())
    assert [part.shape for part in found.values] == [(5, 3), (5, 3)]
    assert found.gap.abs().max() < 1e-9


def test_whole_numbers_are_explained_at_their_embedding() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(12, 6), nn.Tanh(), nn.Linear(6, 1)).double()
    tokens = torch.tensor([[1, 2, 3], [4, 5, 6]])
    inside = explain(net, tokens, DeepLift(), at="0")
    assert inside.values.shape == (2, 3, 4)
    torch.testing.assert_close(explain(net, tokens, DeepLift()).values, inside.values.sum(2))
    with pytest.raises(InputError, match="embedding"):
        explain(lambda ids: net(ids), tokens, DeepLift())


@pytest.mark.parametrize("width", [[4, 5, 2], [4, [3, 2], [1, 1]]])
def test_a_kan_is_a_network_like_any_other(width: list[int | list[int]]) -> None:
    kan = KAN(width, grid=5, noise_scale=1.0, dtype=torch.float64)
    found = explain(kan, points(9, 4), DeepLift(), target=1, background=points(3, 4, seed=1))
    assert found.gap.abs().max() < 1e-9


def test_a_compiled_kan_is_refused_with_a_way_out() -> None:
    kan = KAN([4, 3, 2], grid=5, noise_scale=1.0, dtype=torch.float64).compiled()
    with pytest.raises(MethodError, match=r"CompiledKAN.*before it was compiled"):
        explain(kan, points(9, 4), DeepLift(), target=1, background=points(3, 4, seed=1))


def test_an_error_gives_the_state_back() -> None:
    class Sorted(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x).sort(1)[0]

    net = Sorted(nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 2)).double().train()
    with pytest.raises(MethodError, match="sort"):
        explain(net, points(3, 4), DeepLift(), target=0)
    assert net.training
    assert all(parameter.requires_grad for parameter in net.parameters())
    assert torch.is_grad_enabled()
