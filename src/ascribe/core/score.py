"""A score: one number a row, as a function of the tensor that a method varies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from ascribe.core.budget import Budget
from ascribe.core.cut import Cut
from ascribe.core.footprint import Footprint
from ascribe.core.inputs import Inputs
from ascribe.core.players import Players
from ascribe.core.state import network_of
from ascribe.core.target import Pick
from ascribe.errors import InputError, LayerError


@final
@dataclass(eq=False)
class Score:
    """$f(z)$: the picked output of a model, one number a row.

    Row k of `z` stands for data row `rows[k]`: for its target and, where the network is cut, for the inputs that run
    up to the cut. With `space="layer"` and a cut, `z` takes the place of the value there; with `space="input"` it is
    the input, and `record` also gives the value at the cut.
    """

    model: Callable[..., Any]
    inputs: Inputs
    pick: Pick
    players: Players
    budget: Budget
    sample: Float[Tensor, "1 *shape"]
    footprint: Footprint
    cut: Cut | None = None
    neuron: Cut | None = None
    space: Literal["layer", "input"] = "layer"
    known: list[tuple[Tensor, int, Tensor]] = field(default_factory=list[tuple[Tensor, int, Tensor]])

    @property
    def rows(self) -> int:
        """The number of data rows."""
        return self.inputs.rows

    @property
    def module(self) -> nn.Module | None:
        """The network, where there is one."""
        return network_of(self.model)

    @property
    def every(self) -> Int[Tensor, " rows"]:
        """All data rows in order."""
        return torch.arange(self.rows, device=self.sample.device)

    @property
    def replaces(self) -> bool:
        """Whether `z` is the value at a cut."""
        return self.cut is not None and self.space == "layer"

    def representatives(self) -> tuple[Int[Tensor, " kinds"], Int[Tensor, " rows"]]:
        """Data rows of which equal `z` score differently, and for every data row the one of them that it equals."""
        if self.replaces:
            return self.every, self.every
        kinds = self.pick.kinds(self.rows).to(self.sample.device)
        _, kinds = torch.unique(kinds, return_inverse=True)
        first = kinds.new_zeros(int(kinds.max()) + 1).index_copy_(0, kinds.flip(0), self.every.flip(0))
        return first, kinds

    @property
    def obstacle(self) -> str | None:
        """Why there is no gradient to be had, if that is known beforehand."""
        if self.replaces or not self.inputs.whole:
            return None
        layers = [] if self.module is None else self.module.named_modules()
        embedding = next((name for name, layer in layers if isinstance(layer, nn.Embedding)), "embedding")
        return (
            "an input is of whole numbers (token ids, categories), which have no gradient; "
            f"explain at their embedding, at='{embedding}', or use Shapley() or Ablation()"
        )

    def __call__(self, z: Float[Tensor, "n *shape"], rows: Int[Tensor, " n"] | None = None) -> Float[Tensor, " n"]:
        if not self.replaces:
            return self._score(self.inputs.unpack(z), self._rows(z, rows))
        assert self.cut is not None
        rows = self._rows(z, rows)
        with self.cut.seeing(lambda _: z):
            return self._score(self.inputs.take(rows), rows)

    def record(
        self, x: Float[Tensor, "n *input"], rows: Int[Tensor, " n"] | None = None
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "*layer"]]:
        """The scores of inputs `x` and the value at the cut, from which the graph to the scores begins at the latest.

        Raises LayerError without a cut.
        """
        if self.cut is None:
            raise LayerError('this method explains a layer; say which with at="layer"')

        def differentiable(value: Tensor) -> Tensor:
            begins = torch.is_grad_enabled() and not value.requires_grad
            return value.detach().requires_grad_() if begins else value

        with self.cut.seeing(differentiable) as seen:
            scores = self._score(self.inputs.unpack(x), self._rows(x, rows))
        return scores, seen[0]

    def recall(self, z: Tensor) -> Tensor | None:
        """What was remembered of this very tensor, if it has not been written to since."""
        return next((scores for key, version, scores in self.known if key is z and key._version == version), None)

    def remember(self, z: Tensor, scores: Tensor) -> Tensor:
        """Keep the last few answers about whole tensors, so that nothing is evaluated twice in a call."""
        self.known[:] = [*self.known[-3:], (z, z._version, scores)]
        return scores

    def _rows(self, z: Tensor, rows: Int[Tensor, " n"] | None) -> Int[Tensor, " n"]:
        if rows is None and len(z) != self.rows:
            raise InputError(
                f"{len(z)} rows came for {self.rows} data rows; say which data row each stands for: f(z, rows)"
            )
        return self.every if rows is None else rows

    def _score(self, parts: tuple[Tensor, ...], rows: Int[Tensor, " n"]) -> Shaped[Tensor, " n"]:
        scores = self.pick(run(self.model, self.inputs, parts, self.neuron), rows)
        self.budget.count(len(rows))
        return scores if scores.is_floating_point() else scores.to(self.sample.dtype)


def run(model: Callable[..., Any], inputs: Inputs, parts: tuple[Tensor, ...], neuron: Cut | None) -> Any:
    """The model's output on these parts, or the value of the layer that holds the neuron.

    An error of the model goes on with a note that says what it was given.
    """
    try:
        if neuron is None:
            return inputs.call(model, parts)
        with neuron.seeing() as seen:
            inputs.call(model, parts)
        return seen[0]
    except Exception as error:
        if not getattr(error, "__notes__", None):
            given = ", ".join(f"{tuple(part.shape)} {str(part.dtype).removeprefix('torch.')}" for part in parts)
            error.add_note(f"while the model was run on {given}")
        raise
