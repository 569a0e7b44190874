"""Recurrent layers, written out step by step with the cell's own products and squashings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ascribe.errors import MethodError
from ascribe.rules.parts import gated
from ascribe.rules.rule import Rule, Written

State = tuple[Tensor, ...]
Cell = Callable[[Tensor, State, Sequence[Tensor | None]], State]


def _lstm_step(drive: Tensor, state: State, weights: Sequence[Tensor | None]) -> State:
    (hidden, memory), (recurrent, bias, projection) = state, weights
    enter, forget, candidate, out = (drive + F.linear(hidden, _given(recurrent), bias)).chunk(4, -1)
    memory = gated(memory, forget.sigmoid()) + gated(candidate.tanh(), enter.sigmoid())
    hidden = gated(memory.tanh(), out.sigmoid())
    return hidden if projection is None else F.linear(hidden, projection), memory


def _gru_step(drive: Tensor, state: State, weights: Sequence[Tensor | None]) -> State:
    (hidden,), (recurrent, bias, _) = state, weights
    reset, update, candidate = drive.chunk(3, -1)
    reset_h, update_h, candidate_h = F.linear(hidden, _given(recurrent), bias).chunk(3, -1)
    candidate = (candidate + gated(candidate_h, (reset + reset_h).sigmoid())).tanh()
    keep = (update + update_h).sigmoid()
    return (gated(candidate, 1 - keep) + gated(hidden, keep),)


def _plain_step(squash: Callable[[Tensor], Tensor]) -> Cell:
    def step(drive: Tensor, state: State, weights: Sequence[Tensor | None]) -> State:
        return (squash(drive + F.linear(state[0], _given(weights[0]), weights[1])),)

    return step


def _given(weight: Tensor | None) -> Tensor:
    assert weight is not None
    return weight


def _run(
    step: Cell, inputs: Tensor, state: State, weights: Sequence[Tensor | None], backwards: bool
) -> tuple[Tensor, State]:
    """One direction of one layer over (steps, batch, features); the input enters all steps by one product."""
    drives = F.linear(inputs, _given(weights[0]), weights[2]).unbind(0)
    hidden: list[Tensor] = []
    for drive in reversed(drives) if backwards else drives:
        state = step(drive, state, (weights[1], weights[3], weights[4]))
        hidden.append(state[0])
    return torch.stack(hidden[::-1] if backwards else hidden), state


def _layers(params: Sequence[Tensor], has_biases: bool, runs: int) -> list[list[Tensor | None]]:
    """(input, recurrent, input bias, recurrent bias, projection) of every direction of every layer."""
    size = len(params) // runs
    groups = [list(params[run * size : (run + 1) * size]) for run in range(runs)]
    return [
        [*group[:2], *(group[2:4] if has_biases else [None, None]), *(group[4:] if has_biases else group[2:]), None][:5]
        for group in groups
    ]


def _recurrent(step: Cell, states: int) -> Callable[..., Any]:
    def forward(
        input: Tensor,
        hx: Tensor | Sequence[Tensor],
        params: Sequence[Tensor] | bool,
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> tuple[Tensor, ...]:
        if isinstance(params, bool):
            raise MethodError(
                "there is no rule for a recurrent layer over a packed sequence; pass it a padded tensor, or use "
                "IntegratedGradients()."
            )
        directions = 2 if bidirectional else 1
        weights = _layers(params, has_biases, num_layers * directions)
        starts = [hx] if isinstance(hx, Tensor) else list(hx)
        values = input.transpose(0, 1) if batch_first else input
        ends: list[State] = []
        for layer in range(num_layers):
            outputs: list[Tensor] = []
            for direction in range(directions):
                run = layer * directions + direction
                output, end = _run(step, values, tuple(s[run] for s in starts), weights[run], direction == 1)
                outputs.append(output)
                ends.append(end)
            values = torch.cat(outputs, -1) if bidirectional else outputs[0]
            if dropout > 0 and layer + 1 < num_layers:
                values = F.dropout(values, dropout, train)
        last = tuple(torch.stack([end[part] for end in ends]) for part in range(states))
        return (values.transpose(0, 1) if batch_first else values, *last)

    return forward


def _cell(step: Cell) -> Callable[..., Any]:
    def forward(
        input: Tensor,
        hx: Tensor | Sequence[Tensor],
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None = None,
        b_hh: Tensor | None = None,
    ) -> Tensor | State:
        state = step(F.linear(input, w_ih, b_ih), (hx,) if isinstance(hx, Tensor) else tuple(hx), (w_hh, b_hh, None))
        return state[0] if isinstance(hx, Tensor) else state

    return forward


_STEPS: dict[str, tuple[Cell, int]] = {
    "lstm": (_lstm_step, 2),
    "gru": (_gru_step, 1),
    "rnn_tanh": (_plain_step(torch.tanh), 1),
    "rnn_relu": (_plain_step(torch.relu), 1),
}

RULES: dict[str, Rule] = {
    **{name: Written(_recurrent(step, states)) for name, (step, states) in _STEPS.items()},
    **{f"{name}_cell": Written(_cell(step)) for name, (step, _) in _STEPS.items()},
}
