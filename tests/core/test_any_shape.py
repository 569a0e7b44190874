"""Whatever the shapes of input and output, the dtype and the form of the target: values are shaped and typed as x."""

from __future__ import annotations

from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from ascribe.core.explain import explain
from ascribe.core.method import Method
from ascribe.errors import TargetError
from ascribe.maths.quadrature import GaussLegendre
from ascribe.methods import Ablation, InputXGradient, IntegratedGradients, Saliency

METHODS: list[Method] = [Saliency(), InputXGradient(), IntegratedGradients(GaussLegendre(3)), Ablation()]
SHAPES = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)
DTYPES = st.sampled_from([torch.float32, torch.float64])


class Shaped(nn.Module):
    """A smooth network from rows of one shape to rows of another."""

    def __init__(self, shape: tuple[int, ...], out: tuple[int, ...]) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(prod(shape) + 7 * prod(out))
        self.out = out
        self.weight = nn.Parameter(torch.randn(prod(shape), prod(out), generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x.flatten(1) @ self.weight).reshape(len(x), *self.out)


def asked(shape: tuple[int, ...], out: tuple[int, ...], rows: int, dtype: torch.dtype) -> tuple[nn.Module, Tensor]:
    x = torch.randn(rows, *shape, generator=torch.Generator().manual_seed(rows), dtype=dtype)
    return Shaped(shape, out).to(dtype), x


@given(SHAPES, st.lists(st.integers(1, 3), max_size=2).map(tuple), st.integers(1, 4), DTYPES, st.data())
def test_values_are_shaped_and_typed_as_x(
    shape: tuple[int, ...], out: tuple[int, ...], rows: int, dtype: torch.dtype, data: st.DataObject
) -> None:
    net, x = asked(shape, out, rows, dtype)
    index = tuple(data.draw(st.integers(0, size - 1)) for size in out)
    target = index if len(index) > 1 else (index[0] if index else None)
    for method in METHODS:
        a = explain(net, x, method, target=target)
        assert (a.values.shape, a.values.dtype) == (x.shape, dtype)
        torch.testing.assert_close(a.output, net(x)[(slice(None), *index)].detach())
        torch.testing.assert_close(a.gap, a.output - a.reference - a.values.flatten(1).sum(1))


@given(SHAPES, st.integers(2, 4), st.integers(1, 4), DTYPES, st.data())
def test_every_form_of_a_target_means_the_same(
    shape: tuple[int, ...], outputs: int, rows: int, dtype: torch.dtype, data: st.DataObject
) -> None:
    net, x = asked(shape, (outputs,), rows, dtype)
    target = data.draw(st.integers(0, outputs - 1))
    expected = explain(net, x, InputXGradient(), target=target).values
    same = [(target,), [target] * rows, torch.full((rows,), target), lambda output: output[:, target]]
    for form in same:
        assert torch.equal(explain(net, x, InputXGradient(), target=form).values, expected)
    every = explain(net, x, InputXGradient(), target="all").values
    assert every.shape == (outputs, *x.shape)
    torch.testing.assert_close(every[target], expected)
    for row, largest in enumerate(net(x).argmax(1).tolist()):
        predicted = explain(net, x, InputXGradient(), target="predicted").values
        torch.testing.assert_close(predicted[row], every[largest, row])


@given(st.integers(2, 4), st.integers(1, 3))
def test_a_target_out_of_range_is_refused(outputs: int, beyond: int) -> None:
    net, x = asked((2,), (outputs,), 3, torch.float32)
    for target in (outputs - 1 + beyond, [outputs - 1 + beyond] * 3):
        with pytest.raises(TargetError, match=str(outputs)):
            explain(net, x, Saliency(), target=target)
