"""The run at the input."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor

from ascribe.rules.calls import Call, Function
from ascribe.rules.rule import Replaced, Rule
from ascribe.rules.table import RULES
from ascribe.rules.tape import Entry, constants_of
from ascribe.rules.tracing import Tracing


class Recording(Tracing):
    """Gives every function that the input reaches a backward of its rule, still open, and keeps a tape of the calls."""

    method = "DeepLift"
    rules = RULES

    def __init__(self, start: Tensor) -> None:
        super().__init__(start)
        self.tape: list[Entry] = []

    def meet(self, function: Function) -> Entry:
        self.tape.append(Entry(function))
        return self.tape[-1]

    def note(self, entry: Any, call: Call, rule: Rule | None, flat: list[Any]) -> None:
        met = cast("Entry", entry)
        met.rule, met.depends = rule, call.depends
        met.constants = self.hold(constants_of(flat, call.depends))
        met.call = call if isinstance(rule, Replaced) else None

    def settle(self, call: Call, rule: Replaced, inputs: list[Tensor], output: Tensor, noted: Any) -> list[Tensor]:
        call.values = self.hold([*call.values, output.detach()])
        return inputs
