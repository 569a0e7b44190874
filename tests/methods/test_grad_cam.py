"""GradCAM and GuidedGradCAM against the replica and Captum, in every layout of a layer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ascribe.core.explain import explain
from ascribe.errors import LayerError, MethodError
from ascribe.maths.interpolation import upsampled
from ascribe.methods import GradCAM, GuidedBackprop, GuidedGradCAM
from ascribe.testing import check_method
from reference.grad_cam import channel_maps, grad_cam, repeated

LAYER = "3"


@pytest.fixture
def net() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(5, 4, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * 3 * 4, 3),
    ).double()


X = torch.randn(4, 2, 6, 8, generator=torch.Generator().manual_seed(1)).double()


class Tokens(nn.Module):
    """A class token and six tokens in two rows of three, channels last; the head sees all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(5, 4)
        self.head = nn.Linear(28, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).relu().flatten(1))


def test_it_is_the_replicas_map(net: nn.Sequential) -> None:
    h = net[:4](X)
    behind = lambda v: net[4:](v)[:, 1]  # noqa: E731
    a = explain(net, X, GradCAM(), at=LAYER, target=1)
    torch.testing.assert_close(a.values, torch.stack([grad_cam(behind, row) for row in h]))
    channels = torch.stack([channel_maps(behind, row) for row in h])
    signed = explain(net, X, GradCAM(relu=False), at=LAYER, target=1).values
    torch.testing.assert_close(signed, channels.sum(1, keepdim=True))
    assert float(signed.min()) < 0
    every = explain(net, X, GradCAM(relu=False, summed=False), at=LAYER, target=1).values
    torch.testing.assert_close(every, channels)
    guided = explain(net, X, GuidedBackprop(), target=1).values
    fine = torch.stack([repeated(grad_cam(behind, row), 6, 8) for row in h])
    torch.testing.assert_close(explain(net, X, GuidedGradCAM(), at=LAYER, target=1).values, guided * fine)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("summed", [True, False])
def test_it_equals_captums_map(net: nn.Sequential, dtype: torch.dtype, relu: bool, summed: bool) -> None:
    captum = pytest.importorskip("captum.attr")
    net, x = net.to(dtype), X.to(dtype)
    theirs = captum.LayerGradCam(net, net[3]).attribute(x, target=2, relu_attributions=relu, attr_dim_summation=summed)
    ours = explain(net, x, GradCAM(relu=relu, summed=summed), at=LAYER, target=2).values
    torch.testing.assert_close(ours, theirs.detach())
    flat = captum.LayerGradCam(net, net[6]).attribute(x, target=2, relu_attributions=relu, attr_dim_summation=summed)
    torch.testing.assert_close(explain(net, x, GradCAM(relu, summed), at="6", target=2).values, flat.detach())


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "area"])
def test_guided_equals_captums(net: nn.Sequential, dtype: torch.dtype, mode: str) -> None:
    captum = pytest.importorskip("captum.attr")
    net, x = net.to(dtype), X.to(dtype).requires_grad_()
    theirs = captum.GuidedGradCam(net, net[3]).attribute(x, target=0, interpolate_mode=mode)
    ours = explain(net, x.detach(), GuidedGradCAM(mode), at=LAYER, target=0).values
    torch.testing.assert_close(ours, theirs.detach())
    if mode == "bilinear":
        same = explain(net, x.detach(), GuidedGradCAM("linear"), at=LAYER, target=0).values
        torch.testing.assert_close(same, ours)


def test_channels_may_come_last() -> None:
    """The same network with its channels last, as rows of tokens, gives the same map."""
    net, x = Tokens().double(), torch.randn(3, 7, 5).double()
    h = net.body(x).detach().requires_grad_()
    slope = torch.autograd.grad(net.head(h.relu().flatten(1))[:, 1].sum(), h)[0]
    every = explain(net, x, GradCAM(relu=False, channels=-1), at="body", target=1).values
    torch.testing.assert_close(every, (h * slope.mean(1, keepdim=True)).sum(2)[:, None].detach())
    places = explain(net, x, GradCAM(relu=False, channels=-1, grid=(2, 3)), at="body", target=1).values
    on_grid = (h * slope[:, 1:].mean(1, keepdim=True)).sum(2)[:, 1:].reshape(3, 1, 2, 3).detach()
    torch.testing.assert_close(places, on_grid)


def test_every_output_and_any_pieces(net: nn.Sequential) -> None:
    for method in (GradCAM(), GuidedGradCAM()):
        every = explain(net, X, method, at=LAYER, target="all")
        assert every.values.shape[:2] == (3, 4)
        one = explain(net, X, method, at=LAYER, target=2)
        torch.testing.assert_close(every.values[2], one.values)
        torch.testing.assert_close(explain(net, X, method, at=LAYER, target=2, memory="4 KB").values, one.values)


def test_one_forward_pass(net: nn.Sequential) -> None:
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    handle = net.register_forward_hook(count)
    explain(net, X, GradCAM(), at=LAYER, target=1)
    handle.remove()
    assert calls <= 5  # one for the map; what the others are for, the layer's form and the output, is not this method's


def test_an_input_without_places_gets_nan(net: nn.Sequential) -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, image: Tensor, facts: Tensor) -> Tensor:
            return self.net(image)[:, 0] + facts.sum(1)

    facts = torch.randn(4, 3).double()
    image, rest = explain(Both(), (X, facts), GuidedGradCAM(), at="net.3").values
    torch.testing.assert_close(image, explain(net, X, GuidedGradCAM(), at=LAYER, target=0).values)
    assert bool(rest.isnan().all())


def test_a_map_without_places_counts_everywhere(net: nn.Sequential) -> None:
    a = explain(net, X, GuidedGradCAM(), at="6", target=0)
    weight = explain(net, X, GradCAM(), at="6", target=0).values
    torch.testing.assert_close(a.values, explain(net, X, GuidedBackprop(), target=0).values * weight[:, :, None, None])


def test_what_does_not_fit_is_refused(net: nn.Sequential) -> None:
    with pytest.raises(LayerError, match='at="layer"'):
        explain(net, X, GradCAM(), target=0)
    with pytest.raises(LayerError, match="no dimension 7 of channels"):
        explain(net, X, GradCAM(channels=7), at=LAYER, target=0)
    with pytest.raises(LayerError, match="takes the last 12"):
        explain(net, X, GradCAM(grid=(3, 4)), at=LAYER, target=0)
    with pytest.raises(MethodError, match="fits no input"):
        explain(
            Tokens().double(), torch.randn(3, 7, 5).double(), GuidedGradCAM("bilinear", -1, (2, 3)), at="body", target=0
        )


def test_upsampling() -> None:
    values = torch.arange(6.0).reshape(1, 1, 2, 3)
    torch.testing.assert_close(upsampled(values, (4, 6))[0], repeated(values[0], 4, 6))
    line = torch.tensor([[[0.0, 4.0]]])
    torch.testing.assert_close(upsampled(line, (4,), "linear"), torch.tensor([[[0.0, 1.0, 3.0, 4.0]]]))
    for shape, mode in (((4,), "nearest"), ((4, 6), "trilinear")):
        with pytest.raises(ValueError, match=r"must agree|does not fit"):
            upsampled(values, shape, mode)


def test_laws_of_every_channels_map() -> None:
    check_method(GradCAM(relu=False, summed=False))
