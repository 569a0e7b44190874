"""GuidedBackprop and Deconvolution: every rectifier, however it is called; Captum's numbers where it sees them all."""

import warnings

import captum.attr
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ascribe.core.explain import explain
from ascribe.core.target import Neuron
from ascribe.errors import MethodError
from ascribe.methods.deconvolution import Deconvolution
from ascribe.methods.guided_backprop import GuidedBackprop
from reference.rectified import rectified

METHODS = [
    (GuidedBackprop(), captum.attr.GuidedBackprop, "guided"),
    (Deconvolution(), captum.attr.Deconvolution, "deconvolved"),
]
each_method = pytest.mark.parametrize(("method", "peer", "kind"), METHODS, ids=lambda m: getattr(m, "name", None))


def points(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def layers(dtype: torch.dtype = torch.float64) -> list[nn.Linear]:
    torch.manual_seed(0)
    return [nn.Linear(inputs, outputs).to(dtype) for inputs, outputs in ((6, 20), (20, 10), (10, 1))]


class Rectified(nn.Module):
    """The same perceptron with its rectifier called in one way or another."""

    def __init__(self, rectifier) -> None:
        super().__init__()
        self.layers, self.rectifier = nn.ModuleList(layers()), rectifier

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            x = self.rectifier(layer(x))
        return last(x)


def _through_a_view(h: Tensor) -> Tensor:
    half = h.shape[1] // 2
    left, right = h[:, :half], h[:, half:]
    left.relu_()
    F.relu(right, inplace=True)
    return h


FORMS = {
    "a module used twice": nn.ReLU(),
    "in place": nn.ReLU(inplace=True),
    "torch": torch.relu,
    "functional": F.relu,
    "functional, by name": lambda h: F.relu(input=h),
    "in-place function": torch.relu_,
    "method": Tensor.relu,
    "clamp": lambda h: h.clamp(min=0),
    "clamp_min": lambda h: torch.clamp_min(h, 0.0),
    "clamp in place": lambda h: h.clamp_(0),
    "threshold": lambda h: F.threshold(h, 0, 0),
    "relu6, below 6": F.relu6,
    "aten": torch.ops.aten.relu.default,
    "views written over": _through_a_view,
    "checkpointed": lambda h: checkpoint(torch.relu, h, use_reentrant=False),
    "compiled": torch.compile(nn.ReLU(), backend="eager"),
}


@each_method
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_of_a_rectifier(form, method, peer, kind) -> None:
    net, x = Rectified(form), points(5, 6)
    weights, biases = zip(*[(layer.weight.detach(), layer.bias.detach()) for layer in layers()], strict=True)
    expected = torch.stack([rectified(weights, biases, row, kind) for row in x])
    torch.testing.assert_close(explain(net, x, method).values, expected)


@each_method
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_captum_on_modules(dtype: torch.dtype, method, peer, kind) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(16, 3),
    ).to(dtype).eval()  # fmt: skip
    x = points(4, 2, 10, 10, dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = peer(net).attribute(x, target=1)
        inside = (captum.attr.NeuronGuidedBackprop if kind == "guided" else captum.attr.NeuronDeconvolution)(
            net, net[4]
        )
        neuron = inside.attribute(x, (1, 1, 1))
    torch.testing.assert_close(explain(net, x, method, target=1).values, expected.detach())
    torch.testing.assert_close(explain(net, x, method, target=Neuron("4", (1, 1, 1))).values, neuron.detach())


@each_method
def test_rectifiers_inside_recurrent_and_attention_layers(method, peer, kind) -> None:
    """A layer that rectifies inside equals the same layer written out."""
    torch.manual_seed(0)
    layer = nn.RNN(4, 5, nonlinearity="relu", batch_first=True).double()

    def written(x: Tensor) -> Tensor:
        h = x.new_zeros(len(x), 5)
        for step in x.unbind(1):
            h = F.relu(step @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h @ layer.weight_hh_l0.T + layer.bias_hh_l0)
        return h

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x)[0][:, -1]

    x = points(3, 6, 4)
    torch.testing.assert_close(
        explain(Last(), x, method, target=1).values, explain(written, x, method, target=1).values
    )
    block = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).double().eval()
    plain = explain(block, x, method, target=(0, 1))
    block.activation = lambda h: h.clamp_min(0)
    torch.testing.assert_close(plain.values, explain(block, x, method, target=(0, 1)).values)


@each_method
def test_every_output_in_one_pass(method, peer, kind) -> None:
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 3)).double(), points(5, 6)
    every = explain(net, x, method, target="all")
    assert every.evaluations == explain(net, x, method, target=0).evaluations
    for k in range(3):
        torch.testing.assert_close(every.values[k], explain(net, x, method, target=k).values)


@each_method
def test_hidden_rectifiers_are_refused(method, peer, kind) -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        scripted = torch.jit.trace(Rectified(torch.relu), points(5, 6))
    with pytest.raises(MethodError, match="scripted"):
        explain(scripted, points(5, 6), method)
    with pytest.raises(MethodError, match="no gradient"):
        explain(lambda x: x.detach().relu(), points(5, 1), method)


@each_method
def test_pieces_of_memory_and_a_cut(method, peer, kind) -> None:
    net, x = Rectified(F.relu), points(50, 6)
    whole = explain(net, x, method)
    pieces = explain(net, x, method, memory="8 KB")
    torch.testing.assert_close(whole.values, pieces.values)
    assert pieces.calls > whole.calls
    inside = explain(net, x, method, at="layers.1")
    assert inside.values.shape == (50, 10)
    assert bool((inside.values[inside.inputs < 0] == 0).all()) == (kind == "guided")
