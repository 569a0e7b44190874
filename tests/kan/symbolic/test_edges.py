"""Symbolic edges: what they compute, and that nothing of them is lost in a file, a copy or a smaller network."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ascribe.errors import AscribeError, InputError
from ascribe.kan import KAN
from ascribe.kan.symbolic.library import LIBRARY, add_symbolic, function_named


@pytest.fixture
def kan() -> KAN:
    """A spline, a sine, a power, and an exponential on top of a spline; products of three."""
    made = KAN([3, [2, 1], 2], seed=1, mult_arity=3, dtype=torch.float64)
    made.fix(0, 1, 2, "sin", [2.0, 0.5, 3.0, 1.0])
    made.fix(1, 0, 1, "x^2", [1.0, 0.0, 1.0, 0.0])
    made.layers[0].symbolic.put(0, 0, "exp", torch.tensor([0.1, 0.0, 1.0, 0.0], dtype=torch.float64))
    made.names = ["wind", "sun", "rain"]
    return made


@pytest.fixture
def x() -> Tensor:
    return torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_an_edge_is_its_function(kan: KAN, x: Tensor) -> None:
    curves = kan.layers[0].curves(x)
    assert torch.allclose(curves[:, 1, 2], 3 * torch.sin(2 * x[:, 1] + 0.5) + 1)
    kan.unfix(0, 0, 0)
    assert torch.allclose(curves[:, 0, 0] - kan.layers[0].curves(x)[:, 0, 0], torch.exp(0.1 * x[:, 0]))


def test_sums_and_spreads_are_those_of_whole_edges(kan: KAN, x: Tensor) -> None:
    seen = kan.activations(x)
    curves = kan.layers[0].curves(x)
    assert torch.allclose(curves.sum(1), seen.subnodes[0])
    assert torch.allclose(curves.std(0), seen.spreads[0])
    assert seen.splines[0][1, 2] == 0
    assert torch.equal(kan(x), seen.output)


def test_modes(kan: KAN) -> None:
    assert [kan.mode(*edge) for edge in [(0, 1, 2), (0, 0, 0), (0, 0, 1)]] == ["s", "ns", "n"]
    edges = kan.n_edge
    kan.layers[0].remove(1, 2)
    assert (kan.mode(0, 1, 2), kan.n_edge) == ("", edges - 1)


def test_copies_files_and_states_have_them(kan: KAN, x: Tensor, tmp_path: Path) -> None:
    expected = kan(x)
    other = KAN([3, [2, 1], 2], seed=2, mult_arity=3, dtype=torch.float64)
    other.load_state_dict(kan.state_dict())
    kan.save(tmp_path / "kan.safetensors")
    for made in (other, copy.deepcopy(kan), pickle.loads(pickle.dumps(kan)), KAN.load(tmp_path / "kan.safetensors")):
        assert torch.equal(made(x), expected)
        assert made.names == ["wind", "sun", "rain"]
    other.load_state_dict(KAN([3, [2, 1], 2], mult_arity=3, dtype=torch.float64).state_dict())
    assert (other.mode(0, 1, 2), other.names) == ("n", None)


def test_a_smaller_network_keeps_the_edges_it_has(kan: KAN, x: Tensor) -> None:
    kept = kan.prune_node(active_neurons_id=[[1, 2]], x=x)
    assert kept.mode(0, 1, 1) == "s"
    assert torch.allclose(kept.layers[0].curves(x)[:, 1, 1], kan.layers[0].curves(x)[:, 1, 2])


def test_pruned_edges_are_gone_whatever_they_are(kan: KAN, x: Tensor) -> None:
    with pytest.warns(UserWarning, match="strongest path"):
        bare = kan.prune_edge(float("inf"), x=x)
    assert bare.n_edge < kan.n_edge
    assert all(len(layer.symbolic) <= 2 for layer in bare.layers)
    assert bare(x).isfinite().all()


def test_gradients_reach_the_affine(kan: KAN, x: Tensor) -> None:
    affine = kan.layers[0].symbolic.affine
    assert affine is not None

    def sums(numbers: Tensor) -> Tensor:
        with torch.no_grad():
            affine.copy_(numbers)
        return kan(x).square().sum()

    start = affine.detach().clone()
    sums(start).backward()
    assert affine.grad is not None
    step = 1e-6
    for entry in range(affine.numel()):
        change = torch.zeros_like(start).flatten()
        change[entry] = step
        slope = (sums(start + change.view_as(start)) - sums(start - change.view_as(start))) / (2 * step)
        assert torch.allclose(affine.grad.flatten()[entry], slope, rtol=1e-5)


def test_a_compiled_program_computes_the_same(kan: KAN, x: Tensor) -> None:
    with torch.no_grad():
        program = torch.export.export(kan, (x,)).module()
        assert torch.allclose(program(x), kan(x))


def test_mistakes_are_said(kan: KAN) -> None:
    with pytest.raises(InputError, match=r"no function is named 'sine'; near it are .*'sin'"):
        kan.fix(0, 0, 0, "sine", [1, 0, 1, 0])
    with pytest.raises(InputError, match="layer 2 has no edges"):
        kan.fix(2, 0, 0, "sin", [1, 0, 1, 0])
    with pytest.raises(InputError, match="no edge from node 3"):
        kan.unfix(0, 3, 0)
    with pytest.raises(AscribeError, match="2 entries for 3 columns"):
        kan.names = ["a", "b"]


def test_a_function_of_your_own(x: Tensor) -> None:
    own = add_symbolic("ramp", torch.relu, c=2)
    try:
        kan = KAN([3, 1], dtype=torch.float64)
        kan.fix(0, 0, 0, own, [1.0, -0.5, 1.0, 0.0])
        assert torch.equal(kan.layers[0].curves(x)[:, 0, 0], torch.relu(x[:, 0] - 0.5))
        with pytest.raises(InputError, match="already"):
            add_symbolic("ramp", torch.relu)
        with pytest.raises(InputError, match="one of the same shape"):
            add_symbolic("wrong", torch.sum)
    finally:
        del LIBRARY["ramp"]


@pytest.mark.parametrize(("name", "power"), [("x^2.5", 2.5), ("1/x^7", -7), ("x^(1/3)", 1 / 3), ("1/x^0.5", -0.5)])
def test_every_power_can_be_named(name: str, power: float) -> None:
    u = torch.tensor([0.5, 2.0], dtype=torch.float64)
    assert torch.allclose(function_named(name).torch(u), u**power)
    assert function_named(function_named(name).name) is function_named(name)


def test_functions_are_copied_and_pickled_by_name() -> None:
    for name in ("sin", "x^2.5", "1/x^7"):
        function = function_named(name)
        assert copy.deepcopy(function) is function
        assert pickle.loads(pickle.dumps(function)) is function
