"""The classes behind Captum's names take Captum's arguments and give Captum's numbers."""

from __future__ import annotations

import runpy
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import captum.attr as captum
import pytest
import torch
from torch import Tensor, nn

import ascribe.compat.captum as ours
from ascribe.compat.captum import attr
from ascribe.core.explain import explain
from ascribe.errors import InputError, LayerError, MethodError
from ascribe.maths.quadrature import GaussLegendre
from ascribe.methods.expected_gradients import ExpectedGradients
from ascribe.methods.integrated_gradients import IntegratedGradients as NativeIntegratedGradients
from ascribe.methods.smooth_grad import SmoothGrad

SHARED = Path(__file__).parents[2].parent / "shared"


@pytest.fixture(autouse=True)
def _captum_warns_of_its_hooks() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="captum")
        warnings.filterwarnings("ignore", message="Input Tensor 0|Setting forward")
        yield


class Net(nn.Module):
    """The shape of the house-price network, with as many outputs as asked for."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.lin1, self.relu1 = nn.Linear(8, 20), nn.ReLU()
        self.lin2, self.relu2 = nn.Linear(20, 10), nn.ReLU()
        self.lin3 = nn.Linear(10, outputs)

    def forward(self, x: Tensor, scale: float = 1.0) -> Tensor:
        return self.lin3(self.relu2(self.lin2(self.relu1(self.lin1(x * scale)))))


@pytest.fixture(params=[1, 3], ids=["one output", "three outputs"])
def net(request: pytest.FixtureRequest) -> Net:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net(request.param).eval()


def points(rows: int, seed: int = 0) -> Tensor:
    return torch.randn(rows, 8, generator=torch.Generator().manual_seed(seed))


def target(net: Net) -> int | None:
    return None if net.lin3.out_features == 1 else 2


def close(found: Any, expected: Any) -> None:
    """To 1e-5 of the largest value, and to rounding where all are zero."""
    largest = max(
        float(part.abs().max()) for part in (expected if isinstance(expected, (tuple, list)) else (expected,))
    )
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * largest + 1e-8)


POINT = ["IntegratedGradients", "DeepLift", "FeatureAblation", "ShapleyValues"]


@pytest.mark.parametrize("name", [*POINT, "Saliency", "InputXGradient"])
def test_exact_methods_are_equal(name: str, net: Net) -> None:
    x = points(3)
    if name == "ShapleyValues":  # Captum walks all orders: five players are enough
        mask = torch.tensor([[0, 1, 2, 3, 4, 4, 4, 1]])
        expected = captum.ShapleyValues(net).attribute(
            x, target=target(net), feature_mask=mask, perturbations_per_eval=9
        )
        close(ours.ShapleyValues(net).attribute(x, target=target(net), feature_mask=mask), expected)
        return
    expected = getattr(captum, name)(net).attribute(x, target=target(net))
    close(getattr(ours, name)(net).attribute(x, target=target(net)), expected.detach())


@pytest.mark.parametrize("baselines", [0.5, points(1, 1), points(9, 1)], ids=["number", "row", "rows"])
@pytest.mark.parametrize("name", POINT[:3])
def test_baselines(name: str, baselines: float | Tensor, net: Net) -> None:
    x = points(9)
    expected = getattr(captum, name)(net).attribute(x, baselines, target=target(net))
    close(getattr(ours, name)(net).attribute(x, baselines, target=target(net)), expected.detach())


@pytest.mark.parametrize("method", ["gausslegendre", "riemann_left", "riemann_right", "riemann_middle"])
@pytest.mark.parametrize("name", ["IntegratedGradients", "LayerIntegratedGradients", "LayerConductance"])
def test_quadratures(name: str, method: str, net: Net) -> None:
    x, given = points(9), {"n_steps": 20, "method": method, "target": target(net)}
    layer = () if name == "IntegratedGradients" else (net.lin2,)
    close(
        getattr(ours, name)(net, *layer).attribute(x, points(1, 1), **given),
        getattr(captum, name)(net, *layer).attribute(x, points(1, 1), **given).detach(),
    )


@pytest.mark.parametrize("at_input", [False, True])
@pytest.mark.parametrize("name", ["LayerConductance", "LayerIntegratedGradients", "LayerActivation"])
def test_layers(name: str, at_input: bool, net: Net) -> None:
    x = points(9)
    given = {"attribute_to_layer_input": at_input} | ({} if name == "LayerActivation" else {"target": target(net)})
    expected = getattr(captum, name)(net, net.lin3).attribute(x, **given)
    close(getattr(ours, name)(net, net.lin3).attribute(x, **given), expected.detach())


def test_activations_of_a_list_of_layers(net: Net) -> None:
    found = ours.LayerActivation(net, [net.lin1, net.relu2]).attribute(points(9))
    close(found, captum.LayerActivation(net, [net.lin1, net.relu2]).attribute(points(9)))


def test_targets_of_every_form() -> None:
    net = Net(3).eval()
    x = points(4)
    for form in (1, torch.tensor(1), torch.tensor([1]), (1,), [0, 1, 2, 0], torch.tensor([0, 1, 2, 0]), [(0,)] * 4):
        expected = captum.DeepLift(net).attribute(x, target=form)
        close(ours.DeepLift(net).attribute(x, target=form), expected.detach())


@pytest.mark.parametrize("name", ["IntegratedGradients", "DeepLift", "LayerConductance", "LayerIntegratedGradients"])
def test_deltas(name: str, net: Net) -> None:
    layer = (net.lin2,) if name.startswith("Layer") else ()
    given = {"target": target(net), "return_convergence_delta": True}
    given |= {} if name == "DeepLift" else {"n_steps": 5}
    method, expected = (getattr(room, name)(net, *layer) for room in (ours, captum))
    assert method.has_convergence_delta()
    found = method.attribute(points(9), **given)
    assert isinstance(found, tuple)
    torch.testing.assert_close(found[1], expected.attribute(points(9), **given)[1], rtol=1e-3, atol=1e-5)


def test_tuples_come_back_as_tuples(net: Net) -> None:
    both = (points(9)[:, :3], points(9)[:, 3:])

    def whole(a: Tensor, b: Tensor) -> Tensor:
        return net(torch.cat([a, b], 1))

    for name in ("IntegratedGradients", "FeatureAblation", "Saliency", "InputXGradient"):
        expected = getattr(captum, name)(whole).attribute(both, target=target(net))
        found = getattr(ours, name)(whole).attribute(both, target=target(net))
        assert isinstance(found, tuple)
        close(found, tuple(part.detach() for part in expected))
    masks = (torch.tensor([[0, 0, 1]]), torch.tensor([[1, 2, 2, 3, 3]]))
    expected = captum.FeatureAblation(whole).attribute(both, target=target(net), feature_mask=masks)
    close(ours.FeatureAblation(whole).attribute(both, target=target(net), feature_mask=masks), expected)


def test_more_arguments_of_the_model(net: Net) -> None:
    expected = captum.IntegratedGradients(net).attribute(points(9), target=target(net), additional_forward_args=0.3)
    found = ours.IntegratedGradients(net).attribute(points(9), target=target(net), additional_forward_args=(0.3,))
    close(found, expected.detach())
    layer = ours.LayerActivation(net, net.lin1).attribute(points(9), 0.3)
    close(layer, captum.LayerActivation(net, net.lin1).attribute(points(9), 0.3))
    scales = torch.linspace(0.5, 2, 9)[:, None]  # one for each row, which goes with its row
    expected = captum.IntegratedGradients(net).attribute(points(9), target=target(net), additional_forward_args=scales)
    found = ours.IntegratedGradients(net).attribute(points(9), target=target(net), additional_forward_args=scales)
    close(found, expected.detach())


def test_distributions(net: Net) -> None:
    x, background = points(5), points(30, 1)
    expected = captum.DeepLiftShap(net).attribute(x, background, target=target(net))
    for baselines in (background, lambda: background, lambda inputs: background.to(inputs)):
        close(ours.DeepLiftShap(net).attribute(x, baselines, target=target(net)), expected.detach())


def standard_error(samples: Tensor) -> Tensor:
    return samples.std(0) / len(samples) ** 0.5


def test_gradient_shap_is_within_four_standard_errors(net: Net) -> None:
    x, background = points(4), points(12, 1)
    each = [
        captum.IntegratedGradients(net).attribute(x, row[None], target=target(net), n_steps=200) for row in background
    ]
    truth = torch.stack(each).mean(0).detach()
    native = explain(net, x, ExpectedGradients(draws=600), target=target(net), background=background)
    found, delta = ours.GradientShap(net).attribute(
        x, background, n_samples=600, target=target(net), return_convergence_delta=True
    )
    assert ((found - truth).abs() < 4 * native.error + 1e-6).all()
    close(delta, torch.zeros(4 * 600))


def test_gradient_shap_with_noise(net: Net) -> None:
    torch.manual_seed(0)
    x, background, given = points(4), points(12, 1), {"stdevs": 0.4, "target": target(net)}
    theirs = torch.stack([captum.GradientShap(net).attribute(x, background, 20, **given).detach() for _ in range(60)])
    found = ours.GradientShap(net).attribute(x, background, 1200, **given)
    assert ((found - theirs.mean(0)).abs() < 4 * 2**0.5 * standard_error(theirs) + 1e-6).all()


@pytest.mark.parametrize(("inner", "steps"), [("IntegratedGradients", {"n_steps": 20}), ("Saliency", {})])
def test_noise_tunnel_is_within_four_standard_errors(inner: str, steps: dict[str, int], net: Net) -> None:
    """Also around Saliency, where the sizes of the gradients are averaged, not the gradients."""
    torch.manual_seed(0)
    x, given, draws = points(4), {"stdevs": 0.5, "target": target(net)} | steps, 80
    tunnel = captum.NoiseTunnel(getattr(captum, inner)(net))
    theirs = torch.stack([tunnel.attribute(x, nt_samples=1, **given).detach() for _ in range(draws)])
    found = ours.NoiseTunnel(getattr(ours, inner)(net)).attribute(x, nt_samples=draws, **given)
    assert ((found - theirs.mean(0)).abs() < 4 * 2**0.5 * standard_error(theirs) + 1e-6).all()


def test_shapley_sampling(net: Net) -> None:
    found = ours.ShapleyValueSampling(net).attribute(points(4), points(1, 1), target=target(net), n_samples=40)
    exact = ours.ShapleyValues(net).attribute(points(4), points(1, 1), target=target(net))
    close(found, exact)


def test_unknown_arguments_are_named(net: Net) -> None:
    with pytest.raises(MethodError, match=r"DeepLift\.attribute: .*'steps'; it takes \(inputs, baselines=None"):
        ours.DeepLift(net).attribute(points(2), steps=3)
    with pytest.raises(MethodError, match="Saliency: missing a required argument"):
        ours.Saliency()
    with pytest.raises(MethodError, match="method='simpson'"):
        ours.IntegratedGradients(net).attribute(points(2), method="simpson")
    with pytest.raises(MethodError, match="nt_type='median'"):
        ours.NoiseTunnel(ours.Saliency(net)).attribute(points(2), nt_type="median")
    with pytest.raises(MethodError, match="for 1 inputs"):
        ours.NoiseTunnel(ours.Saliency(net)).attribute(points(2), stdevs=(1.0, 2.0))
    with pytest.raises(LayerError, match="no part of the network"):
        ours.LayerActivation(net, nn.Linear(1, 1)).attribute(points(2))


def test_the_house_price_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The program as it is, and again with Captum's import: the same numbers, the sampled ones aside."""
    program, weights = SHARED / "seeds/programs/s1_house_prices.py", SHARED / "data/california_mlp.safetensors"
    if not (program.exists() and weights.exists()):
        pytest.skip("the house prices are not beside this checkout")
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(SHARED / "data/scikit_learn_data"))
    monkeypatch.setenv("WEIGHTS", str(weights))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    other = tmp_path / "captum_house_prices.py"
    other.write_text(program.read_text().replace("from ascribe.compat.captum", "from captum.attr"))
    found, expected = runpy.run_path(str(program)), runpy.run_path(str(other))
    assert found["err"] == pytest.approx(0.65797454, abs=1e-7)
    for name in ("Int Grads", "DeepLift", "Feature Ablation"):
        theirs = expected["attributions"][name].detach()
        size = theirs.abs().max()
        torch.testing.assert_close(found["attributions"][name], theirs, rtol=1e-4, atol=1e-5 * float(size))
    theirs = expected["lc_attr_test"].detach()
    torch.testing.assert_close(found["lc_attr_test"], theirs, rtol=1e-4, atol=1e-5 * float(theirs.abs().max()))
    check_sampled(found["model"], found["X_test"][:5], found["X_train"])


def check_sampled(model: nn.Module, x: Tensor, background: Tensor) -> None:
    """Four standard errors of the exact mean; where there is none, of the difference from as many of Captum's draws."""
    torch.manual_seed(0)
    draws, rows, many = 100, len(x), len(background)
    pairs = x.repeat_interleave(many, 0), background.repeat(rows, 1)
    exact = captum.IntegratedGradients(model).attribute(*pairs, n_steps=25, internal_batch_size=50_000).detach()
    error = explain(model, x, ExpectedGradients(draws), background=background).error
    found = ours.GradientShap(model).attribute(x, background, draws)
    assert ((found - exact.reshape(rows, many, -1).mean(1)).abs() <= 4 * error).all()
    theirs = captum.NoiseTunnel(captum.IntegratedGradients(model)).attribute(x, nt_samples=draws, n_steps=10)
    error = explain(model, x, SmoothGrad(NativeIntegratedGradients(GaussLegendre(10)), 1.0, draws)).error
    found = ours.NoiseTunnel(ours.IntegratedGradients(model)).attribute(x, nt_samples=draws, n_steps=10)
    assert ((found - theirs).abs() <= 4 * 2**0.5 * error).all()


@pytest.mark.parametrize(
    "mask", [torch.tensor([[0, 0, 1]]), [0, 0, 1, 1], torch.tensor([[0, 1, 2, 3]] * 4)], ids=["short", "list", "rows"]
)
def test_masks_that_do_not_fit_one_row_are_named(mask: object) -> None:
    with pytest.raises(InputError, match=r"pass \(1, 4\)"):
        attr.FeatureAblation(nn.Linear(4, 1)).attribute(torch.ones(5, 4), feature_mask=mask)


def test_a_tunnel_needs_something_to_smooth() -> None:
    with pytest.raises(MethodError, match="nothing to smooth"):
        attr.NoiseTunnel(nn.Linear(4, 1)).attribute(torch.ones(5, 4))
