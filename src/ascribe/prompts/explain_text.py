"""`explain_text`: which parts of a text is this function's output due to?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor

from ascribe.core.attribution import Attribution
from ascribe.core.explain import explain
from ascribe.core.method import Method
from ascribe.core.state import network_of
from ascribe.errors import MethodError
from ascribe.prompts.prompt import Prompt, check_method, checked, codes_of
from ascribe.prompts.words import Words


def explain_text(
    model: Callable[[list[Any]], Any],
    prompt: Any,
    method: Method,
    *,
    target: Any = None,
    background: Any = None,
    groups: Any = None,
    memory: int | str = "256 MiB",
    progress: bool = False,
) -> Attribution:
    """Attribute what any function of texts gives (a classifier, a judge, an embedding's similarity) to their parts.

    `model` takes a list of filled prompts, texts for all but `Tokens` and `MaskedImage`, and gives a row for each of
    them. `prompt` is as in `explain_prompt`, but that a text means its words. `method` is one of players. The other
    arguments are those of `explain`, and of `explain_prompt` for `background`. The result has one row.

    Raises InputError, TargetError and MethodError.

    >>> from ascribe.methods.ablation import Ablation
    >>> found = explain_text(lambda texts: torch.tensor([float(len(t)) for t in texts]), "so it goes", Ablation())
    >>> dict(zip(found.names, found.values[0].tolist()))
    {'so': 3.0, 'it': 3.0, 'goes': 5.0}
    """
    prompt = checked(Words(prompt) if isinstance(prompt, str) else prompt)
    codes = codes_of(prompt, background)
    check_method(method, len(codes))
    if method.gradients:
        raise MethodError(f"{method!r} needs gradients, and a text has none; take Shapley() or Ablation(), say")
    return explain(
        _Filling(model, prompt),
        torch.ones(1, len(prompt.names), dtype=torch.float64),
        method,
        target=target,
        background=codes.double(),
        groups=groups,
        names=prompt.names,
        memory=memory,
        progress=progress,
    )


class _Filling(torch.nn.Module):
    """The function of texts as one of codes; a network's state is borrowed with it."""

    def __init__(self, model: Callable[[list[Any]], Any], prompt: Prompt) -> None:
        super().__init__()
        self.model, self.prompt = model, prompt
        self.network = network_of(model)

    def forward(self, codes: Shaped[Tensor, "n players"]) -> Any:
        return self.model([self.prompt.filled(row) for row in codes.detach().round().long().cpu()])
