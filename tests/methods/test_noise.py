"""SmoothGrad, SmoothGrad-squared and VarGrad: their formulas, their standard errors, and when they stop."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ascribe.core.explain import explain
from ascribe.errors import MethodError
from ascribe.maths.moments import Moments
from ascribe.methods import (
    Ablation,
    Conductance,
    ExpectedGradients,
    IntegratedGradients,
    Saliency,
    SmoothGrad,
    SmoothGradSquared,
    VarGrad,
)
from ascribe.methods.noise import Noisy
from reference import noise

WRAPPERS: list[type[Noisy]] = [SmoothGrad, SmoothGradSquared, VarGrad]


@pytest.fixture
def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1)).double()


class Scaled(nn.Module):
    """A network with an argument besides x that differs from row to row."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        return self.net(x) * scale[:, None]


X = torch.randn(4, 3, generator=torch.Generator().manual_seed(2)).double()


def test_moments_are_those_of_the_samples() -> None:
    samples = torch.randn(50, 4, generator=torch.Generator().manual_seed(3)).double() ** 2 + 1e6
    moments = Moments.of(samples[:1])
    for batch in samples[1:].split([1, 30, 2, 16]):
        moments = moments.joined(Moments.of(batch))
    away = samples - samples.mean(0)
    for found, power in ((moments.second, 2), (moments.third, 3), (moments.fourth, 4)):
        torch.testing.assert_close(found, (away**power).sum(0), rtol=1e-6, atol=0)
    torch.testing.assert_close(moments.mean, samples.mean(0))


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_draws_are_the_same_in_any_pieces(net: nn.Module, wrapper: type[Noisy]) -> None:
    for inner in (Saliency(), IntegratedGradients(), ExpectedGradients(draws=8)):
        method = wrapper(inner, 0.3, 6)
        given = {"background": torch.stack([X[0], X[1] + 1]), "given": {"scale": X[:, 0]}}
        model = Scaled(net)
        whole = explain(model, X, method, **given)
        torch.testing.assert_close(explain(model, X, method, memory="4 KB", **given).values, whole.values)
        one = explain(model, X[1:2], method, background=given["background"], given={"scale": X[1:2, 0]})
        torch.testing.assert_close(one.values[0], whole.values[1])


@pytest.mark.parametrize("sigma", [0.4, (0.1, 0.0, 0.7)])
def test_they_are_the_replicas_formulas(net: nn.Module, sigma: float | tuple[float, ...]) -> None:
    found = noise.draws(lambda z: explain(net, z, Saliency()).values, X, torch.tensor(sigma).double(), 9, seed=7)
    knobs = {"sigma": sigma, "draws": 9, "seed": 7}
    for method, truth in (
        (SmoothGrad(Saliency(), **knobs), noise.smooth_grad(found)),
        (SmoothGradSquared(Saliency(), **knobs), noise.smooth_grad_squared(found)),
        (VarGrad(Saliency(), **knobs), noise.var_grad(found, unbiased=True)),
        (VarGrad(Saliency(), **knobs, unbiased=False), noise.var_grad(found, unbiased=False)),
    ):
        torch.testing.assert_close(explain(net, X, method).values, truth)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_standard_errors_tell_the_truth(net: nn.Module, wrapper: type[Noisy]) -> None:
    truth = explain(net, X[:1], wrapper(Saliency(), 0.5, 6000, seed=99)).values
    runs = [explain(net, X[:1], wrapper(Saliency(), 0.5, 100, seed)) for seed in range(30)]
    z = torch.stack([(a.values - truth) / a.error for a in runs])
    assert 0.75 < float(z.square().mean().sqrt()) < 1.35


@pytest.mark.parametrize(("kind", "wrapper"), [("smoothgrad", SmoothGrad), ("smoothgrad_sq", SmoothGradSquared)])
def test_they_agree_with_captums_noise_tunnel(net: nn.Module, kind: str, wrapper: type[Noisy]) -> None:
    captum = pytest.importorskip("captum.attr")
    x = X.clone().requires_grad_()
    tunnel = captum.NoiseTunnel(captum.Saliency(net))
    theirs = tunnel.attribute(x, nt_type=kind, nt_samples=4000, stdevs=0.5, abs=False)
    ours = explain(net, X, wrapper(Saliency(), 0.5, 1000))
    assert float(((ours.values - theirs) / ours.error).abs().max()) < 4.5


def test_the_biased_variance_is_captums(net: nn.Module) -> None:
    captum = pytest.importorskip("captum.attr")
    x = X.clone().requires_grad_()
    # Four draws make the difference between n and n - 1 large; the mean over many runs shows it.
    tunnel = captum.NoiseTunnel(captum.Saliency(net))
    theirs = [tunnel.attribute(x, nt_type="vargrad", nt_samples=4, stdevs=0.5, abs=False) for _ in range(300)]
    runs = [explain(net, X, VarGrad(Saliency(), 0.5, 4, seed, unbiased=False)).values for seed in range(150)]
    ratio = torch.stack(runs).mean() / torch.stack(theirs).mean()
    assert 0.9 < float(ratio) < 1.1


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_they_run_until_the_error_is_small(net: nn.Module, wrapper: type[Noisy]) -> None:
    a = explain(net, X, wrapper(Saliency(), 0.5, draws=8, until=0.05))
    worst, largest = a.error.amax(1), a.values.abs().amax(1)
    assert bool((worst <= 0.05 * largest).all())
    few = explain(net, X, wrapper(Saliency(), 0.5, draws=8))
    assert a.evaluations > few.evaluations
    # A row stops by its own error, not by its company's.
    for k in range(len(X)):
        alone = explain(net, X[k : k + 1], wrapper(Saliency(), 0.5, draws=8, until=0.05))
        torch.testing.assert_close(alone.values[0], a.values[k])
    limited = explain(net, X, wrapper(Saliency(), 0.5, draws=8, until=1e-6, limit=12))
    torch.testing.assert_close(limited.values, explain(net, X, wrapper(Saliency(), 0.5, draws=12)).values)


def test_every_input_has_its_own_noise(net: nn.Module) -> None:
    pair = lambda a, b: net(torch.cat([a, b], 1))  # noqa: E731
    whole = explain(net, X, SmoothGrad(Saliency(), (0.2, 0.2, 0.0), draws=5))
    split = explain(pair, (X[:, :2], X[:, 2:]), SmoothGrad(Saliency(), (0.2, 0.0), draws=5))
    torch.testing.assert_close(torch.cat(split.values, 1), whole.values)
    for sigma in ((0.1, 0.2), (0.1,) * 4):
        with pytest.raises(MethodError, match="one for each of 3 entries"):
            explain(net, X, SmoothGrad(Saliency(), sigma))


def test_they_hand_on_what_the_inner_method_is(net: nn.Module) -> None:
    for wrapper in WRAPPERS:
        for inner in (Saliency(), Conductance(), IntegratedGradients(), Ablation()):
            outer = wrapper(inner)
            for trait in ("reference", "space", "yields", "gradients", "batchwise"):
                assert getattr(outer, trait) == getattr(inner, trait)
            assert outer.laws <= inner.laws
            assert outer.name == f"{wrapper.__name__} {inner.name}"
    assert explain(net, X, VarGrad(Conductance(), draws=2), at="1").values.shape == (4, 16)


def test_one_draw_has_no_error(net: nn.Module) -> None:
    for method in (SmoothGrad(Saliency(), draws=1), SmoothGradSquared(Saliency(), draws=1)):
        assert explain(net, X, method).error is None
    assert float(explain(net, X, VarGrad(Saliency(), draws=1, unbiased=False)).values.abs().max()) == 0


def test_noise_at_a_layer_meets_what_is_before_it(net: nn.Module) -> None:
    """What runs before the cut, and beside it, stands for its own row in every repetition."""

    class Beside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.side = net, nn.Linear(3, 1).double()

        def forward(self, x: Tensor) -> Tensor:
            side = self.side(x)
            return self.net(x) * side

    model = Beside()
    a = explain(model, X, SmoothGrad(Saliency(), 0.0, draws=3), at="net.1")
    torch.testing.assert_close(a.values, explain(model, X, Saliency(), at="net.1").values)


def test_without_noise_nothing_varies(net: nn.Module) -> None:
    plain: Tensor = explain(net, X, Saliency()).values
    torch.testing.assert_close(explain(net, X, SmoothGradSquared(Saliency(), 0.0, 3)).values, plain**2)
    assert float(explain(net, X, VarGrad(Saliency(), 0.0, 3)).values.abs().max()) < 1e-12


@pytest.mark.parametrize(
    "knobs",
    [
        {"draws": 0},
        {"sigma": -1.0},
        {"sigma": (0.1, -0.1)},
        {"sigma": ()},
        {"until": 0.0},
        {"until": 0.1, "draws": 3},
        {"until": 0.1, "draws": 64, "limit": 32},
    ],
)
def test_knobs_out_of_range_are_refused(knobs: dict[str, object]) -> None:
    for wrapper in WRAPPERS:
        with pytest.raises(MethodError, match="pass"):
            wrapper(Saliency(), **knobs)
    with pytest.raises(MethodError, match="unbiased=False"):
        VarGrad(Saliency(), draws=1)
