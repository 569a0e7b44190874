"""The regulariser against its definition, and its gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.regularization import METRICS, sparsity
from reference import kan as reference

float64 = torch.float64


def network():
    kan = KAN([3, [2, 2], 2], mult_arity=[[], [2, 3], []], dtype=float64)
    for layer in kan.layers:
        layer.coef.data += torch.randn_like(layer.coef)
    kan.layers[0].mask[0, 1] = 0
    return kan, torch.randn(40, 3, dtype=float64)


@given(rows=st.integers(1, 5), columns=st.integers(1, 5), seed=st.integers(0, 99))
def test_sparsity_is_the_replica(rows, columns, seed):
    v = torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=float64, requires_grad=True)
    assert float(sparsity(v.detach(), 1.3, 0.7)) == pytest.approx(reference.sparsity(v.detach(), 1.3, 0.7))
    assert torch.autograd.gradcheck(lambda v: sparsity(v, 1.3, 0.7), (v,))


def values(kan, x, metric):
    seen = reference.edge_values(kan, x)
    if metric in ("edge_forward_spline_n", "edge_forward_sum"):
        return [edges.std(0) / (h.std(0) + 0.1)[:, None] for h, edges, _ in seen]
    if metric == "edge_forward_spline_u":
        return [edges.std(0) for _, edges, _ in seen]
    if metric == "edge_backward":
        return reference.scores(kan, x)[2]
    return [
        torch.stack([reference.attribution(kan, x, l, i) for i in range(kan.nodes(l))]) for l in range(1, kan.depth + 1)
    ]


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_its_definition(metric):
    kan, x = network()
    kan(x)
    expected = sum(reference.sparsity(v, 1.5, 0.5) for v in values(kan, x, metric))
    for layer in kan.layers:
        coef = (layer.coef * layer.mask[..., None]).detach()
        expected += 0.3 * float(coef.abs().mean(1).sum()) + 0.2 * float(coef.diff(dim=-1).abs().mean(1).sum())
    found = kan.regularization(metric, lamb_l1=1.5, lamb_entropy=0.5, lamb_coef=0.3, lamb_coefdiff=0.2)
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_has_gradients_in_parameters_and_inputs(metric):
    kan, x = network()
    weights = [p for p in kan.parameters() if p.requires_grad]

    def penalty(x, *values):
        for p, v in zip(weights, values, strict=True):
            p.data = v.clone()
        kan(x)
        total = kan.regularization(metric)
        return total.detach(), torch.autograd.grad(total, [x, *weights])

    x.requires_grad_()
    start = [p.detach().clone() for p in weights]
    _, grads = penalty(x, *start)
    generator = torch.Generator().manual_seed(0)
    for k, (value, gradient) in enumerate(zip([x.detach(), *start], grads, strict=True)):
        direction = torch.randn(value.shape, generator=generator, dtype=float64)
        ends = []
        for sign in (1, -1):
            moved = [v + sign * 1e-6 * direction if k == i else v for i, v in enumerate([x.detach(), *start])]
            ends.append(penalty(moved[0].requires_grad_(), *moved[1:])[0])
        slope = (ends[0] - ends[1]) / 2e-6
        assert float((gradient * direction).sum()) == pytest.approx(float(slope), rel=1e-4, abs=1e-6)


def test_gradients_reach_what_feeds_the_network():
    kan, _ = network()
    below = torch.nn.Linear(5, 3).double()
    kan(below(torch.randn(30, 5, dtype=float64)))
    kan.regularization().backward()
    assert float(below.weight.grad.abs().sum()) > 0


@pytest.mark.parametrize("metric", METRICS)
def test_one_pass_for_outputs_and_regulariser_is_the_same_as_two(metric):
    kan, x = network()
    weights = [p for p in kan.parameters() if p.requires_grad]
    y = kan(x)
    twice = torch.autograd.grad(y.square().mean() + kan.regularization(metric), weights)
    kan.see(x[:2])
    seen = kan.activations(x)
    assert kan.last_input() is x
    once = torch.autograd.grad(seen.output.square().mean() + kan.regularization(metric, seen=seen), weights)
    for a, b in zip(once, twice, strict=True):
        torch.testing.assert_close(a, b)


def test_masked_coefficients_are_free():
    kan, x = network()
    kan(x)
    kan.regularization(lamb_l1=0.0, lamb_entropy=0.0, lamb_coef=1.0).backward()
    assert bool((kan.layers[0].coef.grad[0, 1] == 0).all())
    assert bool((kan.layers[0].coef.grad[0, 0] != 0).all())


def test_edges_that_do_not_move_have_no_gradient_and_no_nan():
    kan, _ = network()
    kan(torch.ones(10, 3, dtype=float64))
    kan.regularization().backward()
    assert all(bool(p.grad.isfinite().all()) for p in kan.parameters() if p.grad is not None)


def test_an_unknown_metric_is_named():
    kan, x = network()
    kan(x)
    with pytest.raises(InputError, match=r"'spread'.*'edge_backward'"):
        kan.regularization("spread")
