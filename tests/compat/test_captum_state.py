"""No class leaves a hook, a mode, a gradient flag or a moved random stream behind, also after an exception."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import captum.attr as captum
import pytest
import torch
from torch import Tensor, nn

from ascribe.compat.captum import attr
from ascribe.compat.captum._utils.models.linear_model import SkLearnRidge
from compat.captum_door import captums_warnings_aside
from networks.cnn import CNN, cnn, images

NAMES = sorted(
    name
    for name, kind in vars(captum).items()
    if inspect.isclass(kind)
    and issubclass(kind, captum.Attribution)
    and name
    not in ("Attribution", "GradientAttribution", "PerturbationAttribution", "LayerAttribution", "NeuronAttribution")
    and "LLM" not in name
)
FEW = torch.arange(4).reshape(1, 2, 2, 1).repeat_interleave(4, 2).expand(1, 2, 8, 8)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with captums_warnings_aside():
        yield


class Failing(nn.Module):
    """A network that fails after so many calls."""

    def __init__(self, inner: CNN, calls: float) -> None:
        super().__init__()
        self.inner, self.calls = inner, calls

    def forward(self, x: Tensor) -> Tensor:
        self.calls -= 1
        if self.calls < 0:
            raise ZeroDivisionError("the network fails")
        return self.inner(x)[:, 1]


def ask(name: str, net: Failing, x: Tensor) -> Any:
    """The class, asked with as little as it takes."""
    kind = getattr(attr, name)
    if name == "NoiseTunnel":
        return kind(attr.IntegratedGradients(net)).attribute(x, n_steps=3)
    if name == "DataLoaderAttribution":
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=2)
        return kind(attr.FeatureAblation(net)).attribute(loader, feature_mask=FEW)
    if name == "LimeBase":
        draw = lambda x, **_: torch.rand(x.shape)  # noqa: E731 - from the global stream, as users do
        back = lambda sample, *_, **__: sample.flatten(1)  # noqa: E731
        return kind(net, SkLearnRidge(), lambda *_, **__: 1.0, draw, False, None, back).attribute(x[:1], n_samples=5)
    layer = [net.inner.conv2] if "layer" in inspect.signature(kind).parameters else []
    takes, given = inspect.signature(kind.attribute).parameters, {}
    given |= {"neuron_selector": (1, 0, 1)} if "neuron_selector" in takes else {}
    given |= {"feature_mask": FEW} if "feature_mask" in takes else {}
    given |= {"sliding_window_shapes": (2, 4, 4), "strides": 4} if "sliding_window_shapes" in takes else {}
    given |= {"n_steps": 3} if "n_steps" in takes else {}
    if "baselines" in takes and takes["baselines"].default is inspect.Parameter.empty:
        given["baselines"] = images(2, 5)
    return kind(net, *layer).attribute(x, **given)


def state(net: nn.Module) -> list[Any]:
    """Everything that a call might change."""
    hooks = [
        len(table)
        for module in net.modules()
        for name, table in vars(module).items()
        if name.endswith("_hooks") and isinstance(table, dict)
    ]
    return [
        hooks,
        [sorted(vars(module)) for module in net.modules()],
        [module.training for module in net.modules()],
        [parameter.requires_grad for parameter in net.parameters()],
        [parameter.grad is None for parameter in net.parameters()],
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
    ]


@pytest.mark.parametrize("fails", [False, True], ids=["runs", "fails"])
@pytest.mark.parametrize("name", NAMES)
def test_everything_is_given_back(name: str, fails: bool) -> None:
    net = Failing(cnn(), 1 if fails else float("inf"))
    net.train()
    net.inner.relu1.eval()
    net.inner.conv1.weight.requires_grad_(False)
    net.inner.conv1.register_forward_hook(lambda *_: None)
    x = images(3)
    before, weights = state(net), [parameter.clone() for parameter in net.parameters()]
    stream, data = torch.get_rng_state(), x.clone()
    if fails:
        with pytest.raises(ZeroDivisionError):
            ask(name, net, x)
    else:
        ask(name, net, x)
    assert state(net) == before
    assert torch.equal(torch.get_rng_state(), stream)
    assert all(torch.equal(now, then) for now, then in zip(net.parameters(), weights, strict=True))
    assert torch.equal(x, data)
    assert not x.requires_grad
    assert x.grad is None


def test_rules_of_modules_stay() -> None:
    """Captum takes the rules off the modules after the first call."""
    from ascribe.compat.captum.attr._utils.lrp_rules import GammaRule

    net = cnn()
    net.fc.rule = rule = GammaRule()
    first = attr.LRP(net).attribute(images(2), target=1)
    assert net.fc.rule is rule
    assert torch.equal(attr.LRP(net).attribute(images(2), target=1), first)
