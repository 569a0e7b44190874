"""InternalInfluence and NeuronConductance against slow sums, Captum, and what they must add up to."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ascribe.core.explain import explain
from ascribe.errors import LayerError, MethodError
from ascribe.maths.paths import Curve, Polyline
from ascribe.maths.quadrature import Adaptive, GaussLegendre
from ascribe.methods import Conductance, IntegratedGradients, InternalInfluence, NeuronConductance
from ascribe.testing import check_method
from reference.integrated_gradients import internal_influence, neuron_conductance

X, X0 = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(5)).double()
TIGHT = Adaptive(1e-6, 10**5)


def _net(activation: type[nn.Module]) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 9), activation(), nn.Linear(9, 6), activation(), nn.Linear(6, 1)).double()


@pytest.mark.parametrize("rule", [TIGHT, GaussLegendre(30)], ids=lambda rule: type(rule).__name__)
def test_they_are_the_replicas_sums(rule: Adaptive | GaussLegendre) -> None:
    net = _net(nn.Tanh)
    pairs = list(zip(X, X0, strict=True))
    truth = torch.stack([internal_influence(net[:2], net[2:], x, x0, 800) for x, x0 in pairs])
    a = explain(net, X, InternalInfluence(rule), at="1", baseline=X0)
    torch.testing.assert_close(a.values, truth, rtol=0, atol=1e-5)
    truth = torch.stack([neuron_conductance(net[:2], net[2:], x, x0, 4, 800) for x, x0 in pairs])
    a = explain(net, X, NeuronConductance(4, rule), at="1", baseline=X0)
    torch.testing.assert_close(a.values, truth, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_they_equal_captums(dtype: torch.dtype) -> None:
    captum = pytest.importorskip("captum.attr")
    net, x, x0 = _net(nn.ReLU).to(dtype), X.to(dtype), X0.to(dtype)
    theirs = captum.InternalInfluence(net, net[1]).attribute(x, x0, n_steps=30)
    ours = explain(net, x, InternalInfluence(GaussLegendre(30)), at="1", baseline=x0).values
    torch.testing.assert_close(ours, theirs.to(dtype).detach(), rtol=1e-5, atol=1e-6)
    theirs = captum.NeuronConductance(net, net[1]).attribute(x, 4, x0, n_steps=30, method="gausslegendre")
    ours = explain(net, x, NeuronConductance(4, GaussLegendre(30)), at="1", baseline=x0).values
    torch.testing.assert_close(ours, theirs.to(dtype).detach(), rtol=1e-5, atol=1e-6)
    local = captum.NeuronConductance(net, net[1], multiply_by_inputs=False)
    theirs = local.attribute(x, 4, x0, n_steps=30, method="gausslegendre")
    ours = explain(net, x, NeuronConductance(4, GaussLegendre(30), local=True), at="1", baseline=x0).values
    torch.testing.assert_close(ours, theirs.to(dtype).detach(), rtol=1e-5, atol=1e-6)


def _bent(t: Tensor, z0: Tensor, z: Tensor) -> Tensor:
    return z0 + t**2 * (z - z0) + t * (1 - t)


@pytest.mark.parametrize("path", [Polyline((0.5,)), Curve(_bent)], ids=lambda path: type(path).__name__)
def test_neurons_share_what_the_inputs_and_the_layer_get(path: Polyline | Curve) -> None:
    """All neurons of a bottleneck together give integrated gradients; each adds up to its own conductance."""
    net = _net(nn.Tanh)
    each = torch.stack(
        [explain(net, X, NeuronConductance(j, TIGHT, path), at="1", baseline=X0).values for j in range(9)]
    )
    whole = explain(net, X, IntegratedGradients(TIGHT, path), baseline=X0).values
    torch.testing.assert_close(each.sum(0), whole, rtol=0, atol=1e-5)
    layer = explain(net, X, Conductance(TIGHT, path), at="1", baseline=X0).values
    torch.testing.assert_close(each.sum(2).T, layer, rtol=0, atol=1e-5)
    some = explain(net, X, NeuronConductance((slice(2, 5),), TIGHT, path), at="1", baseline=X0).values
    torch.testing.assert_close(some, each[2:5].sum(0), rtol=0, atol=1e-5)
    everything = explain(net, X, NeuronConductance((), TIGHT, path), at="1", baseline=X0).values
    torch.testing.assert_close(everything, whole, rtol=0, atol=1e-5)


def test_kinks_are_met_by_the_tolerance() -> None:
    """The known change of the score corrects gradients that are no terms of it."""
    net = nn.Sequential(nn.Linear(4, 30), nn.ReLU(), nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 1)).double()
    x, x0 = torch.randn(2, 24, 4, dtype=torch.float64)
    for build in (InternalInfluence, lambda rule: NeuronConductance((slice(0, 9),), rule)):
        truth = explain(net, x, build(Adaptive(1e-5, 10**5)), at="1", baseline=x0).values
        found = explain(net, x, build(Adaptive(1e-2)), at="1", baseline=x0).values
        missed = (found - truth).abs().amax(1) / truth.abs().amax(1)
        # The error of a panel with a kink is an estimate: half the rows are better than it, some a few times worse.
        assert float(missed.median()) <= 1e-2


def test_embedded_tokens_have_conductance() -> None:
    class Bag(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(10, 3)
            self.hidden = nn.Linear(3, 4)

        def forward(self, ids: Tensor) -> Tensor:
            return self.hidden(self.embedding(ids).mean(1)).tanh().sum(1)

    ids = torch.tensor([[1, 4, 2], [0, 3, 3]])
    net = Bag().double()
    a = explain(net, ids, NeuronConductance((), GaussLegendre(20)), at="hidden", baseline=torch.zeros_like(ids))
    assert a.values.shape == ids.shape
    torch.testing.assert_close(a.values.sum(1), a.output - a.reference)


@pytest.mark.parametrize("method", [InternalInfluence(GaussLegendre(9)), NeuronConductance(2, GaussLegendre(9))])
def test_fixed_rules_keep_their_laws(method: InternalInfluence | NeuronConductance) -> None:
    check_method(method)


def test_conductance_through_attention() -> None:
    """Its fused form has no second derivative; as matrix products it has, and the choice is given back."""
    net = nn.Sequential(nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True), nn.Flatten())
    net = nn.Sequential(net, nn.Linear(12, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    before = torch.backends.cuda.flash_sdp_enabled()
    a = explain(net, torch.randn(2, 3, 4).double(), Conductance(), at="1")
    assert float(a.gap.abs().max()) < 1e-9
    assert torch.backends.cuda.flash_sdp_enabled() == before


def test_what_is_not_there_is_refused() -> None:
    net = _net(nn.Tanh)
    with pytest.raises(LayerError, match=r"\(9,\), which have no neuron \(9,\)"):
        explain(net, X, NeuronConductance(9), at="1")
    for method in (NeuronConductance(), InternalInfluence()):
        with pytest.raises(LayerError, match='at="layer"'):
            explain(net, X, method)
    for build in (InternalInfluence, lambda rule: NeuronConductance(0, rule)):
        with pytest.raises(MethodError, match="pass steps"):
            build(GaussLegendre(0))
