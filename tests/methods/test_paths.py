"""Any path from the baseline: complete, right against its own definition, refused where it does not arrive."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ascribe.core.explain import explain
from ascribe.errors import InputError, MethodError
from ascribe.maths.paths import Curve, Path, Polyline, Straight
from ascribe.maths.quadrature import Adaptive, GaussLegendre, Riemann
from ascribe.methods import Conductance, IntegratedGradients
from ascribe.testing import check_method
from reference.integrated_gradients import mean_gradient, path_gradients


def _parabola(t: Tensor, z0: Tensor, z: Tensor) -> Tensor:
    return z0 + t**2 * (z - z0) + t * (1 - t)


@pytest.fixture
def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 12), nn.Tanh(), nn.Linear(12, 6), nn.Tanh(), nn.Linear(6, 1)).double()


X, X0 = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(5)).double()
CORNERS = torch.randn(2, 4, generator=torch.Generator().manual_seed(6)).double()
PATHS: list[Path] = [Straight(), Polyline((CORNERS[0], CORNERS[1:])), Curve(_parabola)]


def _point(path: Path, t: float, x: Tensor, x0: Tensor) -> Tensor:
    if isinstance(path, Curve):
        return path.point(torch.tensor(t).double(), x0, x)
    marks = [x0, *(CORNERS if isinstance(path, Polyline) else ()), x]
    leg = min(int(t * (len(marks) - 1)), len(marks) - 2)
    return marks[leg] + (t * (len(marks) - 1) - leg) * (marks[leg + 1] - marks[leg])


@pytest.mark.parametrize("rule", [Adaptive(1e-6), GaussLegendre(40)], ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: type(path).__name__)
def test_every_path_is_integrated_and_complete(net: nn.Module, path: Path, rule: Adaptive | GaussLegendre) -> None:
    truth = torch.stack([path_gradients(net, lambda t, k=k: _point(path, t, X[k], X0[k]), 1200) for k in range(len(X))])
    a = explain(net, X, IntegratedGradients(rule, path), baseline=X0)
    torch.testing.assert_close(a.values, truth, rtol=0, atol=1e-5)
    assert float(a.gap.abs().max()) < 1e-8


@pytest.mark.parametrize("rule", [Adaptive(1e-6), GaussLegendre(40)], ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: type(path).__name__)
def test_local_is_the_mean_gradient(net: nn.Module, path: Path, rule: Adaptive | GaussLegendre) -> None:
    truth = torch.stack([mean_gradient(net, lambda t, k=k: _point(path, t, X[k], X0[k]), 600) for k in range(len(X))])
    a = explain(net, X, IntegratedGradients(rule, path, local=True), baseline=X0)
    torch.testing.assert_close(a.values, truth, rtol=0, atol=1e-5)


def test_local_times_the_way_is_the_straight_attribution() -> None:
    """Also with kinks, where the slope along the path corrects gradients that are no terms of it."""
    net = nn.Sequential(nn.Linear(4, 40), nn.ReLU(), nn.Linear(40, 1)).double()
    local = explain(net, X, IntegratedGradients(Adaptive(1e-3), local=True), baseline=X0)
    whole = explain(net, X, IntegratedGradients(Adaptive(1e-5, 10**5)), baseline=X0)
    off = (local.values * (X - X0) - whole.values).abs().amax(1)
    assert bool((off < 5e-3 * whole.values.abs().amax(1)).all())


@pytest.mark.parametrize("rule", [Adaptive(1e-6), Riemann(2000, "trapezoid")], ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: type(path).__name__)
def test_conductance_on_any_path_is_complete(net: nn.Module, path: Path, rule: Adaptive | Riemann) -> None:
    a = explain(net, X, Conductance(rule, path), at="1", baseline=X0)
    assert float(a.gap.abs().max()) < (1e-9 if isinstance(rule, Adaptive) else 1e-2)
    tight = explain(net, X, Conductance(Adaptive(1e-8, 10**5), path), at="1", baseline=X0)
    torch.testing.assert_close(a.values, tight.values, rtol=0, atol=5e-3)


def test_corners_are_given_as_baselines_are(net: nn.Module) -> None:
    pair = lambda a, b: net(torch.cat([a, b], 1))  # noqa: E731
    whole = explain(net, X, IntegratedGradients(path=Polyline((0.5, CORNERS[:1]))), baseline=X0)
    corner = (CORNERS[:1, :3], CORNERS[:1, 3:])
    split = explain(
        pair,
        (X[:, :3], X[:, 3:]),
        IntegratedGradients(path=Polyline((0.5, corner))),
        baseline=(X0[:, :3], X0[:, 3:]),
    )
    torch.testing.assert_close(torch.cat(split.values, 1), whole.values)
    inside = explain(net, X, IntegratedGradients(path=Polyline((torch.ones(1, 12).double(),))), at="1", baseline=X0)
    assert float(inside.gap.abs().max()) < 1e-9


def test_every_output_walks_the_same_path() -> None:
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    for path in (Polyline((X0 + 1,)), Curve(_parabola)):
        every = explain(net, X, IntegratedGradients(path=path), baseline=X0, target="all")
        one = explain(net, X, IntegratedGradients(path=path), baseline=X0, target=2)
        torch.testing.assert_close(every.values[2], one.values)


@pytest.mark.parametrize("method", [IntegratedGradients(local=True), IntegratedGradients(GaussLegendre(9), local=True)])
def test_local_gradients_keep_their_laws(method: IntegratedGradients) -> None:
    assert "complete" not in method.laws
    check_method(method)


def test_paths_that_do_not_arrive_are_refused(net: nn.Module) -> None:
    for short in (lambda t, z0, z: z0 + 0.9 * t * (z - z0), lambda t, z0, z: (z0 + t * (z - z0))[:, :2]):
        with pytest.raises(MethodError, match=r"at t=[01]"):
            explain(net, X, IntegratedGradients(path=Curve(short)), baseline=X0)
    with pytest.raises(InputError, match="through"):
        explain(net, X, IntegratedGradients(path=Polyline((torch.ones(7),))))
    with pytest.raises(InputError, match="a point of the path has 2 rows"):
        explain(net, X, IntegratedGradients(path=Polyline((torch.ones(2, 4),))))
