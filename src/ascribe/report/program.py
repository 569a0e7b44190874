"""A `torch.export` program as a network: a list of calls, run one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class Name:
    """An argument that is the result of an earlier call."""

    name: str


@dataclass(frozen=True)
class Call:
    function: Callable[..., Any]
    positional: tuple[Any, ...]
    keywords: dict[str, Any]
    results: tuple[Any, ...]  # names, or a list of names for an operator that returns a list


class Program(nn.Module):
    """The network in a `.pt2` file: (rows, columns) in, one tensor out.

    A program that was exported for a fixed number of rows is given that many at a time.
    """

    def __init__(
        self,
        calls: list[Call],
        tensors: dict[str, tuple[str, Tensor]],
        source: str,
        result: str,
        rows: int | None,
        columns: int,
    ) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns
        self.calls, self.source, self.result = calls, source, result
        self.places = {name: f"tensor_{place}" for place, name in enumerate(tensors)}
        self.names = {place: tensors[name][0] for name, place in self.places.items()}
        for name, (_, tensor) in tensors.items():
            self.register_buffer(self.places[name], tensor)

    def forward(self, x: Float[Tensor, "rows columns"]) -> Tensor:
        if self.rows is None or len(x) == self.rows:
            return self.run(x)
        short = -len(x) % self.rows
        filled = torch.cat([x, x[-1:].expand(short, -1)]) if short else x
        return torch.cat([self.run(piece) for piece in filled.split(self.rows)])[: len(x)]

    def run(self, x: Tensor) -> Tensor:
        # An operator that works in place must not reach the caller's data.
        values: dict[str, Any] = {self.source: x.clone()}
        values.update({name: getattr(self, place) for name, place in self.places.items()})
        for call in self.calls:
            positional = [given(argument, values) for argument in call.positional]
            keywords = {name: given(argument, values) for name, argument in call.keywords.items()}
            bind(call.results, call.function(*positional, **keywords), values)
        return values[self.result]

    def tensors(self) -> dict[str, Tensor]:
        """The program's parameters and buffers by their own names."""
        return {self.names[place]: tensor for place, tensor in self.named_buffers()}


def given(argument: Any, values: dict[str, Any]) -> Any:
    """An argument with earlier results filled in."""
    if isinstance(argument, Name):
        return values[argument.name]
    return [given(item, values) for item in argument] if isinstance(argument, list) else argument


def bind(names: tuple[Any, ...], results: Any, values: dict[str, Any]) -> None:
    """Keep what a call returned under the names that later calls use."""
    for name, result in zip(names, (results,) if len(names) == 1 else results, strict=False):
        if isinstance(name, tuple):
            values.update(zip(name, result, strict=True))
        elif name:
            values[name] = result
