"""`explain`: what is this prediction due to?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from ascribe.core.asking import asked
from ascribe.core.attribution import Attribution
from ascribe.core.method import Method
from ascribe.errors import MethodError


def explain(
    model: Callable[..., Any],
    x: Any,
    method: Method,
    *,
    target: Any = None,
    at: str | nn.Module | Sequence[str | nn.Module] | None = None,
    baseline: Any = None,
    background: Any = None,
    groups: Any = None,
    names: Sequence[str] | None = None,
    given: Any = None,
    memory: int | str = "256 MiB",
    progress: bool = False,
) -> Attribution:
    r"""Attribute the model's output on every row of `x` to its features: values, their error, the completeness gap.

    - `model`: an `nn.Module`, or any function; a function gets what you gave (tensor, array, frame with these columns).
    - `x`: a tensor, array or DataFrame with the rows first; a tuple (positional arguments) or dict (keywords) of them.
      Token ids are explained at their embedding where the method needs gradients, with one value for each id.
    - `target`: nothing (one output only), an index, one index for each row, "predicted", "all" (outputs in front, all
      from one pass),
      `Neuron(layer, index)`, or a function of the output that gives one number a row.
    - `at`: explain a layer's output instead of the input: "encoder.2"; its input: "encoder.2:in"; the second call of a
      layer that is used again: "relu#1"; several together: ("user", "item"). Of a tuple, such as an LSTM's output, the
      first tensor.
    - `baseline`: what the rows are compared with: nothing (0), a number, one row, or one for each row. `background`:
      rows to average over. If only one is given, a method that needs the other takes the background's mean, or the
      baseline as the only background row. With `at`, both are inputs, and the layer's values there are compared.
    - `groups`: features that count as one: whole numbers of a row's shape, or a dict of lists of names or positions.
    - `given`: more arguments of the model, not explained: a tuple for the positions after x, or a dict of keywords.
      A tensor with as many entries as there are rows goes with its rows, everything else as it is.
    - `memory`: what the rows that go through the network together may take.

    The model runs in evaluation mode and without gradients for its parameters; its state and the global random stream
    are as before when this returns or raises.

    Raises InputError, TargetError, LayerError, MethodError: each says what came, what was needed and what to type.

    >>> import torch
    >>> from ascribe.methods.input_x_gradient import InputXGradient
    >>> explain(torch.nn.Linear(2, 1, bias=False), torch.eye(2), InputXGradient()).gap.abs().max().item() < 1e-6
    True
    """
    if not isinstance(method, Method):  # pyright: ignore[reportUnnecessaryIsInstance] - not every user runs a checker
        given = method.__name__ if isinstance(method, type) else type(method).__name__
        raise MethodError(
            f"method is {given}; pass a method of ascribe.methods with its knobs, such as IntegratedGradients()"
        )
    with asked(
        model,
        x,
        target=target,
        at=at,
        baseline=baseline,
        background=background,
        groups=groups,
        names=names,
        given=given,
        memory=memory,
        progress=progress,
    ) as question:
        return question.answer(method)
