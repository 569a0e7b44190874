"""All functions on all edges at once are what each would be alone, and leave the network as it was."""

from __future__ import annotations

import math

import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan.network import KAN
from ascribe.kan.symbolic.candidates import candidates, functions_of
from ascribe.maths.affine import fit_affine

LIB = ["x", "x^2", "sin", "exp", "log", "gaussian"]


def network() -> tuple[KAN, torch.Tensor]:
    kan = KAN([2, [2, 1], 1], grid=4, seed=3, dtype=torch.float64)
    kan.fix(0, 0, 1, "sin", (2.0, 0.3, 1.5, -0.2))
    kan.layers[0].remove(1, 2)
    x = 2 * torch.rand(150, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 1
    return kan, x


def test_every_edge_that_is_there_is_fitted_as_if_alone() -> None:
    kan, x = network()
    before = {name: value.clone() for name, value in kan.state_dict().items() if isinstance(value, torch.Tensor)}
    found = candidates(kan, lib=LIB, x=x)
    assert (0, 1, 2) not in found.edges
    assert len(found.edges) == kan.n_edge
    nodes = kan.activations(x).nodes
    for place, (l, i, j) in enumerate(found.edges):
        curve = kan.layers[l].curves(nodes[l])[:, i, j].detach()
        alone = fit_affine(nodes[l][None, :, i].detach(), curve[None], functions_of(LIB))
        torch.testing.assert_close(found.error[place], alone.error[0], rtol=1e-3, atol=1e-9)
        assert float(found.spread[place]) == pytest.approx(float(curve.std(correction=0)))
    assert all(torch.equal(before[name], value) for name, value in kan.state_dict().items() if name in before)


def test_a_symbolic_edge_is_read_back() -> None:
    kan, x = network()
    best = candidates(kan, [(0, 0, 1)], x=x).of(0, 0, 1).best
    assert best.name in ("sin", "cos")
    assert best.error < 1e-20
    assert best.affine[0] == pytest.approx(2.0)
    assert abs(best.affine[2]) == pytest.approx(1.5)


def test_domains_hold() -> None:
    kan, x = network()
    found = candidates(kan, [(0, 0, 0)], ["log", "x^0.5", "1/x", "arcsin"], x=x)
    u = found.affine[0, :, :1] * x[:, 0] + found.affine[0, :, 1:2]
    assert (u[:2] >= 0).all()
    assert (u[2].sign() == u[2, 0].sign()).all()
    assert (u[3].abs() <= 1).all()
    narrow = candidates(kan, [(0, 0, 0)], ["log", "x"], a_range=(1, 2), b_range=(-0.1, 0.1), x=x)
    assert narrow.affine[0, 0].isnan().all()
    assert [each.name for each in narrow.of(0, 0, 0).ranked] == ["x"]


def test_float32_networks_and_many_rows() -> None:
    kan = KAN([3, 2], seed=1)
    found = candidates(kan, lib=LIB, x=torch.rand(20_000, 3))
    assert found.error.dtype == torch.float64
    assert found.affine.shape == (6, 6, 4)
    assert (found.error < 1).any(1).all()


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"edges": [(0, 5, 0)]}, "no edge"), ({"lib": ["sinn"]}, "sin"), ({"lib": []}, "no function"),
     ({"a_range": (1, 2, 3)}, "no range")],
)  # fmt: skip
def test_what_cannot_be_is_said(asked: dict, said: str) -> None:
    kan, x = network()
    with pytest.raises(InputError, match=said):
        candidates(kan, x=x, **asked)
    with pytest.raises(InputError, match="no data"):
        candidates(KAN([2, 1]))


def test_nan_data_is_refused() -> None:
    kan, x = network()
    with pytest.raises(InputError, match="NaN"):
        candidates(kan, x=x * math.nan)
