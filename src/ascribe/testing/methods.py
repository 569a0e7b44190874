"""The law suite of attribution methods: `check_method(m)` proves what a method promises on random networks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from ascribe.core.attribution import Attribution
from ascribe.core.explain import explain
from ascribe.core.method import Method

_FEATURES, _ROWS, _DRAWS = 4, 5, 3


def check_method(method: Method, seed: int = 0) -> None:
    """Prove the laws that a method declares, and those of every method, on a random network in float64.

    Every method: shape and dtype kept; the same again, in any pieces of memory and, where it is not `batchwise`, in any
    company of rows; of all outputs together what it says of one; the network's modes, parameters, buffers and hooks and
    the global random stream as before, also after an exception.
    A statement holds within four of the method's own errors, where it gives errors, and rounding.

    Raises AssertionError that names the law.

    >>> from ascribe.methods.input_x_gradient import InputXGradient
    >>> check_method(InputXGradient())
    """
    unknown = method.laws - LAWS.keys()
    assert not unknown, f"{method!r} declares {sorted(unknown)}; the laws are {', '.join(LAWS)}"
    for law in (_keeps_form, _repeats, _every_output, _gives_state_back):
        law(method, torch.Generator().manual_seed(seed))
    if not method.batchwise:
        _rows_are_independent(method, torch.Generator().manual_seed(seed))
    for name, law in LAWS.items():
        if name in method.laws:
            law(method, torch.Generator().manual_seed(seed))


def _normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _linear(generator: torch.Generator, inputs: int, outputs: int) -> nn.Linear:
    # An empty layer, filled from the generator: the layer's own initialisation would draw from the global stream.
    layer: Any = nn.utils.skip_init(nn.Linear, inputs, outputs, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(_normal(generator, outputs, inputs) / inputs**0.5)
        layer.bias.copy_(_normal(generator, outputs) / 2)
    return layer


def _body(generator: torch.Generator, inputs: int = _FEATURES) -> nn.Sequential:
    return nn.Sequential(_linear(generator, inputs, 6), nn.Tanh())


def _head(generator: torch.Generator) -> nn.Sequential:
    return nn.Sequential(_linear(generator, 6, 5), nn.ReLU(), _linear(generator, 5, 1))


def _weight(layers: nn.Sequential) -> Tensor:
    """The first layer's weight, to be read and written."""
    return next(layers.parameters()).detach()


def _bias(layers: nn.Sequential) -> Tensor:
    return list(layers.parameters())[1].detach()


class _Net(nn.Module):
    """A body that may look at some features only, and a head; methods of layers explain the body."""

    def __init__(self, body: nn.Module, head: Callable[[Tensor], Tensor], seen: list[int] | None = None) -> None:
        super().__init__()
        self.body, self.head = body, head
        self.seen = list(range(_FEATURES)) if seen is None else seen

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x[:, self.seen]))


def _data(generator: torch.Generator) -> dict[str, Tensor]:
    return {"x": _normal(generator, _ROWS, _FEATURES), "background": _normal(generator, _DRAWS, _FEATURES)}


def _run(method: Method, model: nn.Module, data: dict[str, Tensor], **more: Any) -> Attribution:
    at = "body" if method.space == "input" else None
    return explain(model, data["x"], method, background=data["background"], at=at, **more)


def _agree(
    law: str, method: Method, left: Tensor, right: Tensor, *errors: Tensor | None, rounding: float = 1e-8
) -> None:
    allowed = rounding * (1 + left.abs().max()) + 4 * sum((e for e in errors if e is not None), torch.zeros(()))
    worst = float(((left - right).abs() - allowed).max())
    assert worst <= 0, f"{method!r} breaks {law}: off by {float((left - right).abs().max()):.3g}, {worst:.3g} too much"


def _keeps_form(method: Method, generator: torch.Generator) -> None:
    body, data = _body(generator), _data(generator)
    network = _Net(body, _head(generator))
    form = (6,) if method.space == "input" and method.yields == "place" else (_FEATURES,)
    shape = (_ROWS, *form, *form) if method.yields == "pairs" else (_ROWS, *form)
    for dtype in (torch.float64, torch.float32):
        a = _run(method, network.to(dtype), {name: value.to(dtype) for name, value in data.items()})
        fits = len(a.values) == _ROWS if method.yields == "map" else a.values.shape == shape
        assert fits, f"{method!r}: values are {tuple(a.values.shape)}, not {shape}"
        assert a.values.dtype == dtype, f"{method!r}: values are {a.values.dtype} for inputs of {dtype}"
        assert not a.values.requires_grad, f"{method!r}: values hold on to the graph"
        assert a.error is None or bool((a.error >= 0).all()), f"{method!r}: an error is negative or NaN"


def _repeats(method: Method, generator: torch.Generator) -> None:
    data = _data(generator)
    network = _Net(_body(generator), _head(generator))
    before = {name: value.clone() for name, value in data.items()}
    first = _run(method, network, data)
    assert torch.equal(_run(method, network, data).values, first.values), f"{method!r}: twice asked, twice answered"
    _agree("independence of pieces", method, _run(method, network, data, memory="4 KB").values, first.values)
    assert all(torch.equal(data[name], before[name]) for name in data), f"{method!r}: the user's data was written to"


def _every_output(method: Method, generator: torch.Generator) -> None:
    data, body = _data(generator), _body(generator)
    network = _Net(body, nn.Sequential(_linear(generator, 6, 5), nn.ReLU(), _linear(generator, 5, 2)))
    every = _run(method, network, data, target="all")
    for target in range(2):
        one = _run(method, network, data, target=target)
        _agree("all outputs at once", method, every.values[target], one.values, one.error)


def _rows_are_independent(method: Method, generator: torch.Generator) -> None:
    data = _data(generator)
    network = _Net(_body(generator), _head(generator))
    whole = _run(method, network, data)
    part = _run(method, network, data | {"x": data["x"][1:3]})
    _agree("independence of rows", method, part.values, whole.values[1:3])


class _OnPurposeError(Exception):
    """What a fragile network raises."""


class _Fragile(nn.Module):
    """A network in training mode with everything that could be disturbed; it can be made to fail at a call."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.body = nn.Sequential(_linear(generator, _FEATURES, 6), nn.BatchNorm1d(6).double(), nn.Dropout(0.5))
        self.head = _head(generator)
        self.head[0].weight.requires_grad_(False)
        self.calls, self.fails_at = 0, -1

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if self.calls == self.fails_at:
            raise _OnPurposeError
        torch.rand(1)
        return self.head(self.body(x))

    def state(self) -> list[Any]:
        hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in self.modules()]
        parameters = [(p.requires_grad, p.grad is None) for p in self.parameters()]
        buffers = [b.tolist() for b in self.buffers()]
        return [hooks, parameters, buffers, [m.training for m in self.modules()], torch.get_rng_state().tolist()]


def _gives_state_back(method: Method, generator: torch.Generator) -> None:
    network, data = _Fragile(generator), _data(generator)
    before = network.state()
    _run(method, network, data)
    assert network.state() == before, f"{method!r}: the network's state is not given back"
    calls = network.calls
    for fails_at in {1, calls // 2, calls}:
        network.calls, network.fails_at = 0, fails_at
        survived = True
        with suppress(_OnPurposeError):
            _run(method, network, data)
            survived = False
        assert survived, f"{method!r}: an error of the network was swallowed"
        assert network.state() == before, f"{method!r}: the network's state is not given back after an exception"


def _complete(method: Method, generator: torch.Generator) -> None:
    """The values of a row add up to what the score differs from the reference's."""
    a = _run(method, _Net(_body(generator), _head(generator)), _data(generator))
    error = None if a.error is None else a.error.flatten(1).sum(1)
    _agree("completeness", method, a.values.flatten(1).sum(1), a.output - a.reference, error)


def _dummy(method: Method, generator: torch.Generator) -> None:
    """What the score does not look at gets nothing, and neither do its pairs."""
    a = _run(method, _Net(_body(generator, 3), _head(generator), seen=[0, 1, 3]), _data(generator))
    _agree(
        "dummy", method, a.values[:, 2], torch.zeros_like(a.values[:, 2]), None if a.error is None else a.error[:, 2]
    )


def _is_linear(method: Method, generator: torch.Generator) -> None:
    """A sum of scores is due to what its terms are due to."""
    body, data = _body(generator), _data(generator)
    f, g = _head(generator), _head(generator)
    one, other = _run(method, _Net(body, f), data), _run(method, _Net(body, g), data)
    both = _run(method, _Net(body, lambda h: 2 * f(h) - 3 * g(h)), data)
    errors = (a.error * factor for a, factor in ((both, 1), (one, 2), (other, 3)) if a.error is not None)
    _agree("linearity", method, both.values, 2 * one.values - 3 * other.values, *errors)


def _affine(method: Method, generator: torch.Generator) -> None:
    """Of w x + b, each entry gets its own term of w (x - mean of the background), and no pair anything."""
    layer, data = _linear(generator, _FEATURES, 1), _data(generator)
    a = _run(method, layer, data)
    truth = layer.weight.detach() * (data["x"] - data["background"].mean(0))
    truth = truth.diag_embed() if method.yields == "pairs" else truth
    _agree("affine", method, a.values, truth, a.error)


def _symmetric(method: Method, generator: torch.Generator) -> None:
    """Two features that do the same, with the same values, get the same, by themselves and with every other."""
    body, data = _body(generator), _data(generator)
    for value in (_weight(body), *data.values()):
        value[:, 1] = value[:, 0]
    a = _run(method, _Net(body, _head(generator)), data)
    swapped = [1, 0, 2, 3]
    mirrored = a.values[:, swapped][:, :, swapped] if method.yields == "pairs" else a.values[:, swapped]
    _agree("symmetry", method, a.values, mirrored, None if a.error is None else a.error.amax())


def _implementation_invariant(method: Method, generator: torch.Generator) -> None:
    """Networks that compute the same get the same, however they do it."""
    body, head, data = _body(generator), _head(generator), _data(generator)
    # Every hidden unit twice, with half its weight forward, and the units in another order.
    twice, halved = _linear(generator, _FEATURES, 12), _linear(generator, 12, 5)
    with torch.no_grad():
        twice.weight.copy_(_weight(body).repeat(2, 1).flip(0))
        twice.bias.copy_(_bias(body).repeat(2).flip(0))
        halved.weight.copy_(_weight(head).repeat(1, 2).flip(1) / 2)
        halved.bias.copy_(_bias(head))
    other = _Net(nn.Sequential(twice, nn.Tanh()), nn.Sequential(halved, *head[1:]))
    one, two = _run(method, _Net(body, head), data), _run(method, other, data)
    _agree("implementation invariance", method, one.values, two.values, one.error, two.error)


LAWS: dict[str, Callable[[Method, torch.Generator], None]] = {
    "complete": _complete,
    "dummy": _dummy,
    "linear": _is_linear,
    "affine": _affine,
    "symmetric": _symmetric,
    "implementation_invariant": _implementation_invariant,
}
