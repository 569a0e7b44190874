"""The kernels' regulariser against the plain one, and that against autograd."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.kan import regularization
from ascribe.kan.fit.sparsity import Sparsity, sparsity


def both(root: torch.Tensor, deviation: torch.Tensor, *factors: float) -> tuple[Sparsity, Sparsity]:
    mine = sparsity(root, deviation, *factors)
    with patch("ascribe.kan.fit.sparsity.native", lambda: None):
        return mine, sparsity(root, deviation, *factors)


@given(
    inputs=st.integers(1, 6),
    outputs=st.integers(1, 6),
    l1=st.floats(0, 2),
    entropy=st.floats(0, 3),
    twice=st.booleans(),
    seed=st.integers(0, 99),
)
def test_the_gradient_is_that_of_the_regulariser(
    inputs: int, outputs: int, l1: float, entropy: float, twice: bool, seed: int
):
    draw = torch.Generator().manual_seed(seed)
    dtype = torch.float64 if twice else torch.float32
    root = (torch.rand(outputs, inputs, generator=draw, dtype=torch.float64) + 1e-6).to(dtype).T
    deviation = torch.rand(inputs, generator=draw, dtype=torch.float64)
    spread, below = root.double().clone().requires_grad_(), deviation.clone().requires_grad_()
    value = regularization.sparsity((spread - 1e-6) / (below + 0.1)[:, None], l1, entropy)
    at_spread, at_below = torch.autograd.grad(value, (spread, below))
    for found in both(root, deviation, l1, entropy, 0.3, 1e-6):
        # Plain torch stays in the precision of the spreads.
        assert found.value == pytest.approx(value.item(), rel=1e-12 if twice else 1e-5, abs=1e-12 if twice else 1e-6)
        pull = (0.3 * at_spread / root).to(dtype)
        near = {} if twice else {"rtol": 1e-4, "atol": 1e-5}
        torch.testing.assert_close(found.pull, pull, **near)
        torch.testing.assert_close(found.stiffness, pull.clamp(min=0), **near)
        torch.testing.assert_close(found.slope, 0.3 * at_below, **near)
