"""The written-out backward pass against autograd through the network itself, in float64."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ascribe.kan import KAN
from ascribe.kan.fit.curvature import Curvature
from ascribe.kan.fit.dataset import Rows
from ascribe.kan.fit.loss import AnyLoss, CrossEntropy, Loss, SquaredError
from ascribe.kan.fit.metric import EdgeMetric
from ascribe.kan.fit.objective import Objective
from ascribe.kan.fit.penalty import Penalty
from ascribe.kan.regularization import METRICS, regularization

layers = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)).filter(any).map(list), min_size=1, max_size=2)


def network(inputs: int, above: list[list[int]], arity: int, order: int, affine: bool, seed: int) -> KAN:
    kan = KAN([inputs, *above], mult_arity=arity, k=order, affine_trainable=affine, seed=seed, dtype=torch.float64)
    with torch.no_grad():
        for affines in (kan.subnode_scale, kan.subnode_bias, kan.node_scale, kan.node_bias):
            for a in affines:
                a.add_(0.1 * torch.arange(1, len(a) + 1))
        if inputs > 1:  # a network that is quite dead says nothing about gradients
            kan.layers[0].mask[0, 0] = 0
    return kan


def data(kan: KAN, seed: int, rows: int = 30) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x = 3 * torch.rand(rows, kan.columns, dtype=torch.float64, generator=draw) - 1.5
    return x, torch.randn(rows, kan.nodes(kan.depth), dtype=torch.float64, generator=draw)


def truth(kan: KAN, x: Tensor, y: Tensor, loss: Loss, penalty: Penalty) -> Tensor:
    """The objective as a user would write it."""
    seen = kan.activations(x)
    if isinstance(loss, CrossEntropy):
        value = torch.nn.functional.cross_entropy(seen.output, y)
    else:
        value = (seen.output - y).square().mean()
    p = penalty
    return value + p.lamb * regularization(kan, seen, p.metric, p.l1, p.entropy, p.coef, p.coefdiff)


def gradient_by_autograd(objective: Objective, kan: KAN, value: Tensor) -> Tensor:
    """From gradients in the parameters to the folded vector: coefficients, scale_base and affines are its chart."""
    value.backward()
    scales = objective.parameters.scale_vector()
    parts = []
    for l, layer in enumerate(kan.layers):
        parts.append(torch.cat([layer.scale_base.grad[:, None], layer.coef.grad.mT], 1).flatten())
        for a in (kan.subnode_scale[l], kan.subnode_bias[l], kan.node_scale[l], kan.node_bias[l]):
            parts.append(torch.zeros_like(a) if a.grad is None else a.grad)
    return torch.where(scales != 0, torch.cat(parts) / torch.where(scales != 0, scales, 1), 0)


@given(
    inputs=st.integers(1, 3),
    above=layers,
    arity=st.integers(1, 3),
    order=st.integers(1, 3),
    affine=st.booleans(),
    metric=st.sampled_from(sorted(METRICS)),
    seed=st.integers(0, 1000),
)
def test_value_and_gradient(
    inputs: int, above: list[list[int]], arity: int, order: int, affine: bool, metric: str, seed: int
):
    kan = network(inputs, above, arity, order, affine, seed)
    x, y = data(kan, seed)
    penalty = Penalty(0.1, 1.0, 2.0, 0.3, 0.2, metric)
    objective = Objective(kan, Rows(x, y.T.contiguous()), SquaredError(), penalty)
    # The kinks of the regulariser are smoothed by a millionth; here by nothing.
    with patch("ascribe.kan.fit.penalty.SMOOTHING", 1e-12), patch("ascribe.kan.fit.pressure.SMOOTHING", 1e-12):
        found = objective(objective.parameters.read())
    expected = truth(kan, x, y, SquaredError(), penalty)
    assert found.value == pytest.approx(expected.item(), abs=1e-7)
    assert found.loss + penalty.lamb * found.penalty == pytest.approx(found.value)
    wanted = gradient_by_autograd(objective, kan, expected)
    torch.testing.assert_close(found.gradient, wanted, atol=1e-6, rtol=1e-6)


@given(
    hidden=st.lists(st.integers(1, 9), max_size=2),
    order=st.integers(0, 4),
    lamb=st.sampled_from([0.0, 0.1]),
    twice=st.booleans(),
    rows=st.sampled_from([1, 2, 30, 1000]),
    seed=st.integers(0, 1000),
)
def test_one_call_of_the_kernels_is_the_way_step_by_step(
    hidden: list[int], order: int, lamb: float, twice: bool, rows: int, seed: int
):
    dtype = torch.float64 if twice else torch.float32
    kan = KAN([3, *hidden, 2], k=order, seed=seed, dtype=dtype)
    kan.layers[0].mask[0, 0] = 0
    kan.layers[-1].scale_base.requires_grad_(False)
    x, y = (t.to(dtype) for t in data(kan, seed, rows))
    objective = Objective(kan, Rows(x, y.T.contiguous()), SquaredError(), Penalty(lamb))
    vector = objective.parameters.read()
    for _ in range(2):
        wanted = objective.step_by_step(vector)
        found = objective(vector)
        tolerance = 1e-9 if twice else 1e-4
        for a, b in zip(found[:-1], wanted[:-1], strict=True):
            torch.testing.assert_close(torch.as_tensor(a), torch.as_tensor(b), atol=tolerance, rtol=tolerance)
        torch.testing.assert_close(found.stiffness, wanted.stiffness, atol=tolerance, rtol=10 * tolerance)
        assert not found.gradient[~objective.parameters.free].any()
        again = objective(vector)
        assert again.value == found.value
        assert torch.equal(again.gradient, found.gradient)
        vector = vector + 0.1 * torch.randn(len(vector), generator=torch.Generator().manual_seed(seed)).to(dtype)


@given(above=layers, arity=st.integers(1, 3), metric=st.sampled_from(sorted(METRICS)), seed=st.integers(0, 1000))
def test_the_gradient_is_that_of_the_value(above: list[list[int]], arity: int, metric: str, seed: int):
    kan = network(2, above, arity, 3, True, seed)
    x, y = data(kan, seed)
    objective = Objective(kan, Rows(x, y.T.contiguous()), SquaredError(), Penalty(0.1, metric=metric))
    vector = objective.parameters.read()
    draw = torch.Generator().manual_seed(seed)
    direction = torch.randn(len(vector), dtype=torch.float64, generator=draw) * objective.parameters.free
    h = 1e-6
    slope = (objective(vector + h * direction).value - objective(vector - h * direction).value) / (2 * h)
    assert float(objective(vector).gradient @ direction) == pytest.approx(slope, rel=1e-4, abs=1e-5)


@given(classes=st.integers(2, 5), seed=st.integers(0, 100))
def test_cross_entropy(classes: int, seed: int):
    kan = network(2, [[3, 0], [classes, 0]], 2, 3, False, seed)
    x, _ = data(kan, seed)
    label = torch.randint(classes, (len(x),), generator=torch.Generator().manual_seed(seed))
    objective = Objective(kan, Rows(x, label), CrossEntropy(), Penalty())
    found = objective(objective.parameters.read())
    expected = truth(kan, x, label, CrossEntropy(), Penalty())
    assert found.value == pytest.approx(expected.item())
    torch.testing.assert_close(found.gradient, gradient_by_autograd(objective, kan, expected))
    mine = AnyLoss(torch.nn.functional.cross_entropy)
    value, gradient = mine(objective.output, label)
    torch.testing.assert_close(gradient, CrossEntropy()(objective.output, label)[1])
    assert value.item() == pytest.approx(found.value)


@given(classes=st.integers(1, 4), seed=st.integers(0, 50))
def test_factors_give_the_hessian_of_the_loss(classes: int, seed: int):
    output = torch.randn(classes, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    for loss, label in (
        (SquaredError(), torch.zeros(classes, 1, dtype=torch.float64)),
        (CrossEntropy(), torch.tensor([0])),
    ):
        factor = torch.cat([loss.factor(output, z[:, None]) for z in torch.eye(classes, dtype=torch.float64)], 1)
        h = 1e-6
        columns = [
            (loss(output + h * e[:, None], label)[1] - loss(output - h * e[:, None], label)[1]) / (2 * h)
            for e in torch.eye(classes, dtype=torch.float64)
        ]
        torch.testing.assert_close(factor @ factor.T, torch.cat(columns, 1), atol=1e-8, rtol=1e-6)


@settings(max_examples=8)
@given(above=layers, arity=st.integers(1, 3), affine=st.booleans(), seed=st.integers(0, 100))
def test_the_curvature_of_squared_errors_is_gauss_newton(above: list[list[int]], arity: int, affine: bool, seed: int):
    kan = network(2, above, arity, 3, affine, seed)
    x, y = data(kan, seed, rows=12)
    objective = Objective(kan, Rows(x, y.T.contiguous()), SquaredError(), Penalty())
    vector, free = objective.parameters.read(), objective.parameters.free

    def outputs(v: Tensor) -> Tensor:
        objective.traces(v)
        return objective.output.flatten().clone()

    h = 1e-6
    steps = [h * e for e in torch.eye(len(vector), dtype=torch.float64)[free]]
    jacobian = torch.stack([(outputs(vector + s) - outputs(vector - s)) / (2 * h) for s in steps])
    wanted = (jacobian @ jacobian.T * (2 / jacobian.shape[1])).tril()
    found = Curvature(objective)(vector, objective(vector)).tril()
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-5)


@settings(max_examples=8)
@given(above=layers, affine=st.booleans(), seed=st.integers(0, 100))
def test_the_curvature_of_the_regulariser_holds_every_edge_back_by_itself(
    above: list[list[int]], affine: bool, seed: int
):
    kan = network(2, above, 2, 2, affine, seed)
    x, y = data(kan, seed)
    rows = Rows(x, y.T.contiguous())
    free, held = (Objective(kan, rows, SquaredError(), Penalty(lamb)) for lamb in (0.0, 0.1))
    vector = free.parameters.read()
    now = held(vector)
    found = Curvature(held)(vector, now) - Curvature(free)(vector, free(vector))
    wanted = torch.zeros(len(vector), len(vector), dtype=torch.float64)
    numbers = held.parameters.split(torch.arange(len(vector)))
    traces = held.traces(vector, moments=True)
    for part, trace, stiffness in zip(numbers, traces, held.of_edges(now.stiffness), strict=True):
        for i, j in torch.cartesian_prod(*map(torch.arange, stiffness.shape)).view(-1, 2).tolist():
            edge = part.weight[i, :, j]
            wanted[edge[:, None], edge] = trace.moments.covariance[i] * stiffness[i, j]
    moves = held.parameters.free
    torch.testing.assert_close(found.tril(), wanted[moves][:, moves].tril(), atol=1e-9, rtol=1e-7)


def test_the_parabolas_of_coefficients_touch_them_and_lie_above():
    draw = torch.Generator().manual_seed(0)
    weight, move = torch.randn(2, 3, 6, 2, dtype=torch.float64, generator=draw)
    weight[1, 2, 0] = 0
    scale = torch.rand(3, 1, 2, dtype=torch.float64, generator=draw) + 0.5
    scale[0, 0, 1] = 0  # a masked edge
    penalty = Penalty(1.0, coef=0.7, coefdiff=0.4)
    value, gradient = penalty.coefficients(weight, scale)
    curvature = penalty.stiffness(weight, scale)
    torch.testing.assert_close(torch.einsum("iotu,iuo->ito", curvature, weight), gradient)
    for size in (1e-7, 1e-4, 0.1, 3.0):
        d = size * move
        parabola = value + float((gradient * d).sum() + torch.einsum("ito,iotu,iuo->", d, curvature, d) / 2)
        assert penalty.coefficients(weight + d, scale)[0] <= parabola + 1e-12


def test_the_curvature_holds_coefficients_edge_by_edge():
    kan = network(2, [[1, 1], [1, 0]], 2, 3, True, 0)
    x, y = data(kan, 0)
    rows = Rows(x, y.T.contiguous())
    free, held = (Objective(kan, rows, SquaredError(), Penalty(0.1, 0.0, 0.0, coef, coef / 2)) for coef in (0.0, 1.0))
    vector = free.parameters.read()
    found = Curvature(held)(vector, held(vector)) - Curvature(free)(vector, free(vector))
    wanted = torch.zeros(len(vector), len(vector), dtype=torch.float64)
    split, scales = held.parameters.split, held.parameters.scales
    for place, part, scale in zip(split(torch.arange(len(vector))), split(vector), scales, strict=True):
        own = 0.1 * held.penalty.stiffness(part.weight, scale)
        for i, j in torch.cartesian_prod(*map(torch.arange, own.shape[:2])).view(-1, 2).tolist():
            edge = place.weight[i, :, j]
            wanted[edge[:, None], edge] = own[i, j]
    moves = held.parameters.free
    assert not moves.all()  # a masked edge
    torch.testing.assert_close(found.tril(), wanted[moves][:, moves].tril(), atol=1e-9, rtol=1e-7)


@given(above=layers, affine=st.booleans(), coef=st.sampled_from([0.0, 1.0]), seed=st.integers(0, 100))
def test_the_metric_is_symmetric_positive_and_keeps_what_is_frozen(
    above: list[list[int]], affine: bool, coef: float, seed: int
):
    kan = network(2, above, 2, 3, affine, seed)
    kan.layers[0].scale_base.requires_grad_(False)
    x, y = data(kan, seed)
    objective = Objective(kan, Rows(x, y.T.contiguous()), SquaredError(), Penalty(1e-2, coef=coef, coefdiff=coef / 2))
    vector = objective.parameters.read()
    metric = EdgeMetric(objective)
    metric.look(vector, objective(vector))
    free = objective.parameters.free
    draw = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, len(vector), dtype=torch.float64, generator=draw) * free
    assert float(a @ metric(b)) == pytest.approx(float(b @ metric(a)), rel=1e-6, abs=1e-9)
    assert float(a @ metric(a)) >= 0
    assert not metric(a)[~free].any()


def test_read_and_write_are_inverse_and_leave_the_frozen_to_the_bit():
    kan = network(3, [[2, 1], [1, 0]], 2, 3, False, 0)
    kan.layers[1].coef.requires_grad_(False)
    before = {name: value.clone() for name, value in kan.state_dict().items()}
    objective = Objective(
        kan, Rows(*(t if i == 0 else t.T.contiguous() for i, t in enumerate(data(kan, 0)))), SquaredError(), Penalty()
    )
    parameters = objective.parameters
    vector = parameters.read()
    parameters.write(vector)
    for name, value in kan.state_dict().items():
        torch.testing.assert_close(value, before[name])
    parameters.write(vector + 1)
    assert torch.equal(kan.layers[1].coef, before["act_fun.1.coef"])
    assert torch.equal(kan.layers[0].coef[0, 0], before["act_fun.0.coef"][0, 0])  # its edge is masked
    assert not torch.equal(kan.layers[0].coef[0, 1], before["act_fun.0.coef"][0, 1])
    torch.testing.assert_close(parameters.read()[parameters.free], (vector + 1)[parameters.free])
