"""Training with symbolic edges: the written-out pass against autograd, and where it arrives."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ascribe.errors import TrainingError
from ascribe.kan import KAN
from ascribe.kan.fit.curvature import Curvature
from ascribe.kan.fit.dataset import Rows
from ascribe.kan.fit.loss import SquaredError
from ascribe.kan.fit.metric import EdgeMetric
from ascribe.kan.fit.objective import Evaluation, Objective
from ascribe.kan.fit.penalty import Penalty
from ascribe.kan.fit.symbols import Symbols
from ascribe.kan.regularization import METRICS, regularization
from ascribe.maths.kernels import plain

FUNCTIONS = ["sin", "x", "x^2", "exp", "tanh"]
layers = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)).filter(any).map(list), min_size=1, max_size=2)


def network(inputs: int, above: list[list[int]], arity: int, affine: bool, numeric: float, seed: int) -> KAN:
    """About a third of the edges numeric, symbolic and both; with `numeric` 0 all are symbolic."""
    kan = KAN([inputs, *above], mult_arity=arity, k=2, affine_trainable=affine, seed=seed, dtype=torch.float64)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for affines in (kan.subnode_scale, kan.subnode_bias, kan.node_scale, kan.node_bias):
            for a in affines:
                a.add_(0.1 * torch.arange(1, len(a) + 1))
    for layer in kan.layers:
        for i in range(layer.in_dim):
            for j in range(layer.out_dim):
                kind = float(torch.rand((), generator=draw))
                if numeric and kind < 0.33:
                    continue
                name = FUNCTIONS[int(torch.randint(len(FUNCTIONS), (), generator=draw))]
                put(
                    kan,
                    layer,
                    i,
                    j,
                    name,
                    torch.randn(4, dtype=torch.float64, generator=draw),
                    kind > 0.66 or not numeric,
                )
    return kan


def put(kan: KAN, layer, i: int, j: int, name: str, affine: Tensor, alone: bool) -> None:
    layer.symbolic.put(i, j, name, affine)
    if alone:
        layer.mask[i, j] = 0


def data(kan: KAN, seed: int, rows: int = 30) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x = 3 * torch.rand(rows, kan.columns, dtype=torch.float64, generator=draw) - 1.5
    return x, torch.randn(rows, kan.nodes(kan.depth), dtype=torch.float64, generator=draw)


def objective_of(kan: KAN, x: Tensor, y: Tensor, penalty: Penalty) -> Objective:
    return Objective(kan, Rows(x, y.T.contiguous()), SquaredError(), penalty)


def by_autograd(objective: Objective, kan: KAN, value: Tensor) -> Tensor:
    value.backward()
    parts = []
    for l, layer in enumerate(kan.layers):
        parts.append(torch.cat([layer.scale_base.grad[:, None], layer.coef.grad.mT], 1).flatten())
        affines = [kan.subnode_scale[l], kan.subnode_bias[l], kan.node_scale[l], kan.node_bias[l]]
        parts += [torch.zeros_like(a) if a.grad is None else a.grad for a in affines]
        if layer.symbolic.affine is not None:
            parts.append(layer.symbolic.affine.grad.flatten())
    scales = objective.parameters.scale_vector()
    return torch.where(scales != 0, torch.cat(parts) / torch.where(scales != 0, scales, 1), 0)


settled = {
    "inputs": st.integers(1, 3),
    "above": layers,
    "arity": st.integers(1, 3),
    "affine": st.booleans(),
    "seed": st.integers(0, 1000),
}
few = settings(max_examples=8)


@few
@given(metric=st.sampled_from(sorted(METRICS)), numeric=st.sampled_from([0.0, 1.0]), **settled)
def test_value_and_gradient_are_those_of_autograd(
    inputs: int, above: list[list[int]], arity: int, affine: bool, numeric: float, metric: str, seed: int
):
    kan = network(inputs, above, arity, affine, numeric, seed)
    x, y = data(kan, seed)
    penalty = Penalty(0.1, 1.0, 2.0, 0.3, 0.2, metric)
    objective = objective_of(kan, x, y, penalty)
    with patch("ascribe.kan.fit.penalty.SMOOTHING", 1e-12), patch("ascribe.kan.fit.pressure.SMOOTHING", 1e-12):
        found = objective(objective.parameters.read())
    seen = kan.activations(x)
    value = (seen.output - y).square().mean()
    value = value + 0.1 * regularization(kan, seen, metric, 1.0, 2.0, 0.3, 0.2)
    assert found.value == pytest.approx(value.item(), rel=1e-9, abs=1e-7)
    wanted = by_autograd(objective, kan, value)
    torch.testing.assert_close(found.gradient, wanted, atol=1e-6 * max(1.0, float(wanted.abs().max())), rtol=1e-6)


@few
@given(numeric=st.sampled_from([0.0, 1.0]), **settled)
def test_the_curvature_of_squared_errors_is_that_of_autograds_jacobian(
    inputs: int, above: list[list[int]], arity: int, affine: bool, numeric: float, seed: int
):
    kan = network(inputs, above, arity, affine, numeric, seed)
    x, y = data(kan, seed, rows=12)
    objective = objective_of(kan, x, y, Penalty())
    rows = [by_autograd_row(objective, kan, x, r, o) for r in range(len(x)) for o in range(y.shape[1])]
    jacobian = torch.stack(rows)[:, objective.parameters.free]
    wanted = (jacobian.T @ jacobian * (2 / len(jacobian))).tril()
    vector = objective.parameters.read()
    found = Curvature(objective)(vector, objective(vector)).tril()
    torch.testing.assert_close(found, wanted, atol=1e-9 * max(1.0, float(wanted.abs().max())), rtol=1e-7)


def by_autograd_row(objective: Objective, kan: KAN, x: Tensor, row: int, output: int) -> Tensor:
    kan.zero_grad()
    return by_autograd(objective, kan, kan.activations(x).output[row, output])


@settings(max_examples=5)
@given(metric=st.sampled_from(["edge_forward_sum", "edge_forward_spline_n"]), seed=st.integers(0, 100))
def test_the_regulariser_holds_a_symbolic_edge_back_where_it_counts_it(metric: str, seed: int):
    kan = network(2, [[2, 0], [1, 0]], 2, False, 1.0, seed)
    x, y = data(kan, seed)
    free, held = (objective_of(kan, x, y, Penalty(lamb, metric=metric)) for lamb in (0.0, 0.1))
    vector = free.parameters.read()
    now = held(vector)
    found = Curvature(held)(vector, now) - Curvature(free)(vector, free(vector))
    wanted = torch.zeros(len(vector), len(vector), dtype=torch.float64)
    numbers = held.parameters.split(torch.arange(len(vector)))
    seen = kan.activations(x)
    for layer, part, nodes, stiff in zip(kan.layers, numbers, seen.nodes, held.of_edges(now.stiffness), strict=True):
        design = plain.design(nodes.detach(), layer.basis)
        for i in range(layer.in_dim):
            for j in range(layer.out_dim):
                edge = part.weight[i, :, j]
                wanted[edge[:, None], edge] = design[i].cov() * stiff[i, j]
        if metric == "edge_forward_sum":
            for e, (i, j) in enumerate(zip(*places(layer), strict=True)):
                columns = torch.autograd.functional.jacobian(
                    lambda a, e=e, layer=layer, nodes=nodes: values(layer, a, e, nodes),
                    layer.symbolic.affine[e].detach(),
                )
                edge = part.symbolic[e]
                wanted[edge[:, None], edge] = columns.T.cov() * stiff[i, j]
    moves = held.parameters.free
    torch.testing.assert_close(found.tril(), wanted[moves][:, moves].tril(), atol=1e-8, rtol=1e-6)


def places(layer) -> tuple[list[int], list[int]]:
    edges = layer.symbolic
    return (edges.source.tolist(), edges.subnode.tolist()) if edges else ([], [])


def values(layer, affine: Tensor, e: int, nodes: Tensor) -> Tensor:
    from ascribe.kan.symbolic.library import function_named

    a, b, c, d = affine
    return c * function_named(layer.symbolic.names[e]).torch(a * nodes.detach()[:, layer.symbolic.source[e]] + b) + d


@given(
    numeric=st.sampled_from([0.0, 1.0]),
    metric=st.sampled_from(["edge_forward_sum", "edge_forward_spline_n"]),
    **settled,
)
def test_the_metric_is_symmetric_and_positive(
    inputs: int, above: list[list[int]], arity: int, affine: bool, numeric: float, metric: str, seed: int
):
    kan = network(inputs, above, arity, affine, numeric, seed)
    x, y = data(kan, seed)
    objective = objective_of(kan, x, y, Penalty(1e-2, metric=metric))
    vector = objective.parameters.read()
    found = EdgeMetric(objective)
    found.look(vector, objective(vector))
    free = objective.parameters.free
    a, b = torch.randn(2, len(vector), dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * free
    assert float(a @ found(b)) == pytest.approx(float(b @ found(a)), rel=1e-6, abs=1e-9)
    assert float(a @ found(a)) >= 0
    assert not found(a)[~free].any()


def waves(rows: int = 200, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    x = 2 * torch.rand(rows, 2, dtype=dtype, generator=torch.Generator().manual_seed(0)) - 1
    return x, torch.exp(torch.sin(torch.pi * x[:, :1]) + x[:, 1:] ** 2)


def error(kan: KAN, x: Tensor, y: Tensor) -> float:
    return float((kan(x) - y).detach().square().mean())


def formula(dtype: torch.dtype = torch.float64, away: float = 0.1, width: int = 1) -> KAN:
    """exp(sin(pi x) + y^2), with every number wrong by about `away`."""
    kan = KAN([2, width, 1], dtype=dtype)
    draw = torch.Generator().manual_seed(1)
    edges = [
        (0, 0, 0, "sin", [3.14, 0.0, 1.0, 0.0]),
        (0, 1, 0, "x^2", [1.0, 0, 1, 0]),
        (1, 0, 0, "exp", [1.0, 0, 1, 0]),
    ]
    for l, i, j, name, affine in edges:
        kan.fix(l, i, j, name, torch.tensor(affine) + away * torch.randn(4, generator=draw))
    return kan


@pytest.mark.parametrize("opt", ["LM", "LBFGS"])
def test_a_formula_with_the_right_functions_is_found_to_rounding(opt: str):
    x, y = waves()
    for away in (0.02, 0.1, 0.3):
        kan = formula(away=away)
        history = kan.fit((x, y), opt=opt, steps=20, progress=False)
        assert history["train_loss"][history.best] ** 2 < 1e-25
        assert error(kan, x, y) < 1e-25


def test_adam_trains_a_formula_and_every_kind_of_edge_at_once():
    x, y = waves(200)
    kan = formula(width=2)
    kan.layers[0].symbolic.put(0, 1, "tanh", torch.tensor([1.0, 0, 1, 0], dtype=torch.float64))
    assert [kan.mode(0, i, j) for i in (0, 1) for j in (0, 1)] == ["s", "ns", "s", "n"]
    before = [layer.symbolic.affine.detach().clone() for layer in kan.layers]
    for opt, steps, lr in (("Adam", 40, 0.03), ("LBFGS", 2, None), ("LM", 2, None)):
        start = error(kan, x, y)
        history = kan.fit((x, y), opt=opt, steps=steps, lr=lr, lamb=1e-6, reg_metric="edge_forward_sum", progress=False)
        assert error(kan, x, y) < 0.8 * start
        assert history["train_loss"][history.best] ** 2 == pytest.approx(error(kan, x, y), rel=1e-5)
    for layer, old in zip(kan.layers, before, strict=True):
        assert bool((layer.symbolic.affine != old).any(1).all())


@pytest.mark.parametrize("opt", ["LM", "LBFGS", "Adam"])
def test_a_step_out_of_a_functions_domain_is_taken_back(opt: str):
    x = torch.linspace(0.05, 1, 60, dtype=torch.float64)[:, None]
    y = torch.log(x - 0.049)
    kan = KAN([1, 1], dtype=torch.float64)
    kan.fix(0, 0, 0, "log", [1.0, 0.0, 1.0, 0.0])
    start, left = error(kan, x, y), 0

    def evaluate(symbols: Symbols, *given: Tensor | bool) -> tuple[Tensor, Tensor]:
        nonlocal left
        found = whole(symbols, *given)
        left += not bool(found[0].isfinite().all())
        return found

    whole = Symbols._evaluate
    with patch.object(Symbols, "_evaluate", evaluate):
        steps, lr = (100, 0.05) if opt == "Adam" else (20, None)
        history = kan.fit((x, y), opt=opt, steps=steps, lr=lr, progress=False)
    assert left > 0
    assert history["train_loss"][history.best] ** 2 < (0.5 * start if opt == "Adam" else 1e-15)


def test_an_edge_that_is_no_number_at_the_start_is_named():
    x, y = waves(50)
    kan = formula()
    kan.fix(0, 1, 0, "log", [1.0, 0.0, 1.0, 0.0])
    with pytest.raises(TrainingError, match=r"edge \(0, 1, 0\) is log, .* on \d+ of 50 rows; .*unfix\(0, 1, 0\)"):
        kan.fit((x, y), progress=False)


def test_a_root_at_zero_does_not_stop_a_training():
    x = torch.linspace(0, 1, 50, dtype=torch.float64)[:, None]
    kan = KAN([1, 1], dtype=torch.float64)
    kan.fix(0, 0, 0, "sqrt", [1.0, 0.0, 2.0, 0.3])
    history = kan.fit((x, x.sqrt()), opt="LM", steps=10, progress=False)
    # The step wants b below 0: a and b wait while c and d move on.
    assert history["train_loss"][history.best] < 1e-8


@pytest.mark.parametrize("opt", ["LM", "LBFGS", "Adam"])
def test_the_same_bits_again_and_frozen_affines_to_the_bit(opt: str):
    x, y = waves(100)
    first, second = formula(width=2), formula(width=2)
    for kan in (first, second):
        kan.layers[1].symbolic.affine.requires_grad_(False)
        kan.fit((x, y), opt=opt, steps=5, lamb=1e-4, reg_metric="edge_forward_sum", progress=False)
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert torch.equal(first.layers[1].symbolic.affine, formula().layers[1].symbolic.affine)
    assert not torch.equal(first.layers[0].symbolic.affine, formula().layers[0].symbolic.affine)


def test_an_interruption_leaves_the_best_formula():
    x, y = waves(100)
    kan, start = formula(), formula()

    def stop(step: int) -> None:
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kan.fit((x, y), opt="LBFGS", callback=stop, progress=False)
    assert error(kan, x, y) < 1e-3 * error(start, x, y)


def test_single_precision_is_written_back_as_it_was():
    x, y = waves(200, torch.float32)
    kan = formula(torch.float32)
    history = kan.fit((x, y), opt="LM", steps=5, progress=False)
    assert kan.layers[0].symbolic.affine.dtype == torch.float32
    assert history["train_loss"][history.best] < 1e-6


def test_a_formula_that_is_right_to_rounding_costs_next_to_nothing():
    x, y = waves()
    kan = formula(away=0.05)
    kan.fit((x, y), opt="LM", progress=False)
    calls = 0
    whole = Objective.__call__

    def counted(objective: Objective, vector: Tensor) -> Evaluation:
        nonlocal calls
        calls += 1
        return whole(objective, vector)

    with patch.object(Objective, "__call__", counted):
        history = kan.fit((x, y), opt="LM", steps=100, progress=False)
    assert calls <= 20
    assert history["train_loss"][-1] ** 2 < 1e-29


@pytest.mark.parametrize("opt", ["LM", "LBFGS"])
@pytest.mark.parametrize("affine", [True, False])
def test_products_of_formulas_are_found_to_rounding(opt: str, affine: bool):
    x, _ = waves(300)
    y = torch.sin(2 * x[:, :1]) * (x[:, 1:] ** 2 + 1)
    kan = KAN([2, [0, 1], 1], affine_trainable=affine, dtype=torch.float64)
    kan.fix(0, 0, 0, "sin", [1.8, 0.1, 1.2, 0.1])
    kan.fix(0, 1, 1, "x^2", [1.1, 0.1, 0.9, 0.8])
    kan.fix(1, 0, 0, "x", [1.0, 0.0, 0.9, 0.1])
    for i, j in ((0, 1), (1, 0)):
        kan.layers[0].remove(i, j)
    history = kan.fit((x, y), opt=opt, steps=20, progress=False)
    assert history["train_loss"][history.best] ** 2 < 1e-25
    assert torch.equal(kan.node_scale[0] != 1, torch.tensor([affine]))
