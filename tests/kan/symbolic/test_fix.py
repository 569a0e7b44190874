"""Edges become functions and splines again; nothing else changes."""

from __future__ import annotations

import pytest
import torch

from ascribe.errors import InputError
from ascribe.kan.network import KAN
from ascribe.kan.symbolic.fix import fix_symbolic, set_mode, unfix_symbolic, unfix_symbolic_all
from ascribe.kan.symbolic.library import LIBRARY

X = 2 * torch.rand(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 1


@pytest.fixture
def kan() -> KAN:
    return KAN([2, 2, 1], grid=4, seed=2, dtype=torch.float64)


@pytest.fixture
def library():
    before = dict(LIBRARY)
    yield
    for name in set(LIBRARY) - set(before):
        del LIBRARY[name]


def curves(kan: KAN, l: int) -> torch.Tensor:
    return kan.layers[l].curves(kan.activations(X).nodes[l]).detach()


def test_r2_is_that_of_the_edge_before_and_after(kan: KAN) -> None:
    before = curves(kan, 0)
    r2 = fix_symbolic(kan, 0, 1, 1, "sin", x=X)
    after = curves(kan, 0)
    left = (after - before)[:, 1, 1]
    assert kan.mode(0, 1, 1) == "s"
    assert r2 == pytest.approx(1 - float(left.square().mean() / before[:, 1, 1].var(correction=0)), abs=1e-9)
    others = torch.ones(2, 2, dtype=torch.bool)
    others[1, 1] = False
    assert torch.equal(after[:, others], before[:, others])
    assert kan.history[-1].endswith("fix_symbolic")


def test_unfix_gives_the_spline_back(kan: KAN) -> None:
    before = kan(X)
    fix_symbolic(kan, 0, 0, 0, "tanh", x=X)
    fix_symbolic(kan, 1, 1, 0, "x^2", x=X)
    assert not torch.allclose(kan(X), before)
    assert unfix_symbolic(kan, 0, 0, 0) is kan
    assert unfix_symbolic_all(kan) is kan
    assert torch.equal(kan(X), before)
    with pytest.raises(InputError, match="not symbolic"):
        unfix_symbolic(kan, 0, 0, 0)


def test_without_a_fit_the_numbers_are_plain(kan: KAN) -> None:
    assert fix_symbolic(kan, 0, 1, 0, "exp", fit_params=False, log_history=False) is None
    torch.testing.assert_close(curves(kan, 0)[:, 1, 0], X[:, 1].exp())


def test_a_function_of_ones_own(kan: KAN, library: None) -> None:
    def cubed(u: torch.Tensor) -> torch.Tensor:
        return u**3 + u

    kan.fix(0, 0, 0, "x^3", (1, 0, 1, 0))
    r2 = fix_symbolic(kan, 0, 0, 0, cubed, x=X)
    assert r2 is not None
    assert r2 > 0.99
    assert kan.layers[0].symbolic.names == ("cubed",)
    fix_symbolic(kan, 0, 1, 0, cubed, x=X)
    assert kan.layers[0].symbolic.names == ("cubed", "cubed")
    fix_symbolic(kan, 0, 1, 1, lambda u: u.sin(), x=X)
    assert "function" in kan.layers[0].symbolic.names


def test_modes(kan: KAN) -> None:
    spline = curves(kan, 0)[:, 0, 0]
    fix_symbolic(kan, 0, 0, 0, "x", fit_params=False)
    for mode, expected in (("ns", spline + X[:, 0]), ("s", X[:, 0]), ("n", spline), ("", 0 * spline)):
        set_mode(kan, 0, 0, 0, mode)
        assert kan.mode(0, 0, 0) == mode
        torch.testing.assert_close(curves(kan, 0)[:, 0, 0], expected)
    with pytest.raises(InputError, match="no function"):
        set_mode(kan, 0, 0, 0, "s")
    with pytest.raises(InputError, match="not known"):
        set_mode(kan, 0, 0, 0, "purple")


def test_what_cannot_be_is_said(kan: KAN) -> None:
    with pytest.raises(InputError, match="no data"):
        fix_symbolic(kan, 0, 0, 0, "sin")
    with pytest.raises(InputError, match="inside its domain"):
        fix_symbolic(kan, 0, 0, 0, "log", a_range=(1, 2), b_range=(0, 0.5), x=X)
    with pytest.raises(InputError, match="no edge"):
        fix_symbolic(kan, 0, 0, 7, "sin", x=X)
    assert kan.mode(0, 0, 0) == "n"


def test_what_is_made_in_inference_mode_is_trained_later(kan: KAN) -> None:
    with torch.inference_mode():
        fix_symbolic(kan, 0, 0, 0, "sin", x=X)
        unfix_symbolic(kan, 0, 0, 0)
        fix_symbolic(kan, 0, 1, 0, "x^2", x=X)
    kan(X).sum().backward()
    assert kan.layers[0].symbolic.affine.grad is not None
    kan.copy().load_state_dict(kan.state_dict())
