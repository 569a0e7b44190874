"""What runs before a cut gives the same in every evaluation of a data row: it is kept, and not run again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor, nn

from ascribe.core.cut import Cut


@final
@dataclass(frozen=True)
class Before:
    """Modules that are through before any cut, and what each gave for all data rows.

    Only torch's own modules are passed over: they do nothing but give their value, while the code of others may leave
    something behind that is needed later.
    """

    modules: tuple[nn.Module, ...] = ()
    outputs: list[list[Tensor]] = field(default_factory=list[list[Tensor]])

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Keep what the modules give while the network runs on the next of the data rows."""

        def keep(place: int) -> Any:
            def hook(_: nn.Module, __: Any, output: Tensor) -> None:
                # A copy, as what follows may write over it.
                self.outputs[place].append(output.detach().clone())

            return hook

        if not self.outputs:
            self.outputs.extend([] for _ in self.modules)
        sizes = [len(kept) for kept in self.outputs]
        handles = [module.register_forward_hook(keep(place)) for place, module in enumerate(self.modules)]
        try:
            yield
        except BaseException:
            # The piece may be tried again in halves.
            for kept, size in zip(self.outputs, sizes, strict=True):
                del kept[size:]
            raise
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def passing_over(self, rows: Int[Tensor, " n"]) -> Iterator[None]:
        """While the network runs on these data rows, the modules give what was kept of them."""
        for kept in self.outputs:
            if len(kept) > 1:
                kept[:] = [torch.cat(kept)]
        done: list[nn.Module] = []
        try:
            for module, (kept,) in zip(self.modules, self.outputs, strict=True):
                vars(module)["forward"] = lambda *_, kept=kept, **__: kept[rows.to(kept.device)]
                done.append(module)
            yield
        finally:
            for module in done:
                del vars(module)["forward"]


@contextmanager
def through(network: nn.Module, cuts: Sequence[Cut | None]) -> Iterator[list[tuple[nn.Module, int]]]:
    """While the network runs on one row: its modules that are through before any cut, and the bytes that each gave.

    The outermost of those that may be passed over: torch's own, called once, giving one tensor with the row in front,
    without hooks of the user.
    """
    found: list[tuple[nn.Module, int]] = []
    calls: dict[nn.Module, int] = {}
    ended: dict[nn.Module, Any] = {}
    cut = {place.module: place for place in cuts if place is not None}
    passed = False

    def begin(module: nn.Module, _: Any) -> None:
        nonlocal passed
        calls[module] = calls.get(module, 0) + 1
        passed = passed or (module in cut and cut[module].side == "in")

    def end(module: nn.Module, _: Any, output: Any) -> None:
        nonlocal passed
        passed = passed or module in cut
        if not passed:
            ended[module] = output

    hooked = {m for m in network.modules() if m._forward_hooks or m._forward_pre_hooks}
    handles = [h for m in network.modules() for h in (m.register_forward_pre_hook(begin), m.register_forward_hook(end))]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
    plain = [m for m, output in ended.items() if _may_be_passed_over(m, output, hooked) and calls[m] == 1]
    inner = {part for m in plain for part in m.modules() if part is not m}
    found += [(m, ended[m].numel() * ended[m].element_size()) for m in plain if m not in inner]


def _may_be_passed_over(module: nn.Module, output: Any, hooked: set[nn.Module]) -> bool:
    if not isinstance(output, Tensor) or output.ndim == 0 or len(output) != 1 or "forward" in vars(module):
        return False
    return all(
        type(part).__module__.startswith("torch.nn.modules.") and part not in hooked for part in module.modules()
    )
