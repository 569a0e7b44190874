"""A transformer's attributions equal Captum's; what Captum gets wrong equals the slow replica of DeepLift."""

from __future__ import annotations

from collections.abc import Iterator

import captum.attr as captum
import pytest
import torch
from torch import Tensor, nn

from ascribe.compat.captum import attr
from compat.captum_door import captums_warnings_aside
from networks.transformer import transformer


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with captums_warnings_aside():
        yield


def sentences(rows: int, seed: int) -> Tensor:
    return torch.randn(rows, 5, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", ["IntegratedGradients", "InputXGradient", "LayerConductance", "NeuronGradient"])
def test_a_transformer(name: str) -> None:
    net = transformer("function").double().eval()
    x, x0 = sentences(2, 0), sentences(1, 1)
    layer = next(module for module in net.modules() if isinstance(module, nn.LayerNorm))
    built = (net, layer) if name[:5] in ("Layer", "Neuro") else (net,)
    asked = (x, (2, 3)) if name == "NeuronGradient" else (x, x0) if name != "InputXGradient" else (x,)
    given = {} if name == "NeuronGradient" else {"target": [1, 0]}
    found, expected = (getattr(room, name)(*built).attribute(*asked, **given) for room in (attr, captum))
    torch.testing.assert_close(found, expected.detach(), rtol=1e-5, atol=1e-7)


def test_softmax_of_a_row_is_that_rows() -> None:
    """Captum normalises over the whole batch; one row by itself shows what is meant."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3), nn.Softmax(1)).double()
    generator = torch.Generator().manual_seed(1)
    x, x0 = torch.randn(5, 4, generator=generator, dtype=torch.float64), torch.zeros(1, 4, dtype=torch.float64)
    found, delta = attr.DeepLift(net).attribute(x, x0, target=1, return_convergence_delta=True)
    alone = torch.cat([attr.DeepLift(net).attribute(row[None], x0, target=1) for row in x])
    torch.testing.assert_close(found, alone, rtol=1e-10, atol=1e-12)
    assert delta.abs().max() < 1e-12
    theirs = captum.DeepLift(net).attribute(x, x0, target=1).detach()
    assert not torch.allclose(theirs.sum(1), found.sum(1), atol=1e-3)


def test_functions_equal_the_slow_replica() -> None:
    """A chain of linear maps and functions, by the definition: differences out over differences in."""
    generator = torch.Generator().manual_seed(0)
    w1, w2 = (torch.randn(a, b, generator=generator, dtype=torch.float64) for a, b in ((4, 6), (6, 3)))

    def chain(x: Tensor) -> Tensor:
        return torch.nn.functional.gelu(x @ w1).exp() @ w2

    x, x0 = torch.randn(3, 4, generator=generator, dtype=torch.float64), torch.full((1, 4), 0.1, dtype=torch.float64)
    h, h0 = x @ w1, x0 @ w1
    rise = (torch.nn.functional.gelu(h).exp() - torch.nn.functional.gelu(h0).exp()) / (h - h0)
    expected = (x - x0) * ((rise * w2[:, 2]) @ w1.T)
    torch.testing.assert_close(attr.DeepLift(chain).attribute(x, x0, target=2), expected, rtol=1e-9, atol=1e-12)
