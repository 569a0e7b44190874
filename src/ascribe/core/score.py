"""A score: one number a row, as a function of the tensor that a method varies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from ascribe.core.budget import Budget
from ascribe.core.cut import Cut
from ascribe.core.footprint import Footprint
from ascribe.core.inputs import Inputs
from ascribe.core.players import Players
from ascribe.core.points import Points
from ascribe.core.site import Site
from ascribe.core.state import network_of
from ascribe.core.target import Pick, output_tensor
from ascribe.errors import InputError, LayerError


@final
@dataclass(eq=False)
class Score:
    """$f(z)$: the picked output of a model, one number a row.

    Row k of `z` stands for data row `rows[k]`: for its target and, where the network is cut, for the inputs that run
    up to the cut. With a `site`, `z` takes the place of the values there; without, it is the input. `record` also
    gives the value at the `cut`.

    Where every output is explained there are several rows for a data row, one after the other: row k is output
    `k % outputs` of data row `k // outputs`. Those at the same point go through the network once.
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
    site: Site | None = None
    outputs: int = 1
    known: list[tuple[Tensor, int, Tensor]] = field(default_factory=list[tuple[Tensor, int, Tensor]])

    @property
    def rows(self) -> int:
        """The number of rows: of data rows, times the outputs of each that are explained."""
        return self.inputs.rows * self.outputs

    @property
    def form(self) -> Inputs:
        """The inputs, or the values at the site, in whose form `z` is packed."""
        return self.inputs if self.site is None else self.site.form

    @property
    def module(self) -> nn.Module | None:
        """The network, where there is one."""
        return network_of(self.model)

    @property
    def every(self) -> Int[Tensor, " rows"]:
        """All rows in order."""
        return torch.arange(self.rows, device=self.sample.device)

    def representatives(self) -> tuple[Int[Tensor, " kinds"], Int[Tensor, " rows"]]:
        """Rows of which equal `z` score differently, and for every row the one of them that it equals."""
        if self.site is not None or self.inputs.given.by_row:
            return self.every, self.every
        kinds = self.pick.kinds(self.rows).to(self.sample.device)
        _, kinds = torch.unique(kinds, return_inverse=True)
        first = kinds.new_zeros(int(kinds.max()) + 1).index_copy_(0, kinds.flip(0), self.every.flip(0))
        return first, kinds

    @property
    def obstacle(self) -> str | None:
        """Why there is no gradient to be had, if that is known beforehand."""
        if self.site is not None or not self.inputs.whole:
            return None
        layers = [] if self.module is None else self.module.named_modules()
        embedding = next((name for name, layer in layers if isinstance(layer, nn.Embedding)), "embedding")
        return (
            "an input is of whole numbers (token ids, categories), which have no gradient; "
            f"explain at their embedding, at='{embedding}', or use Shapley() or Ablation()"
        )

    def require_gradient(self) -> None:
        """Raises InputError where it is known beforehand that there is none."""
        if self.obstacle is not None:
            raise InputError(self.obstacle)

    def __call__(self, z: Float[Tensor, "n *shape"], rows: Int[Tensor, " n"] | None = None) -> Float[Tensor, " n"]:
        rows = self._rows(z, rows)
        points = self.points(z, rows)
        return self.at(z if points is None else z[points.first], rows, points)

    def data(self, rows: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
        """The data rows of these rows."""
        return rows if self.outputs == 1 else rows // self.outputs

    def points(self, z: Float[Tensor, "n *shape"], rows: Int[Tensor, " n"]) -> Points | None:
        """Which of these evaluations are at one point; nothing where each has its own."""
        return Points.joined(z, self.data(rows)) if self.outputs > 1 else None

    def at(
        self, z: Float[Tensor, "points *shape"], rows: Int[Tensor, " n"], points: Points | None
    ) -> Float[Tensor, " n"]:
        """The scores of these rows, whose points are joined in `z`."""
        data = self.data(rows)
        if points is None:
            return self._scores(self.run(z, data), rows)
        output = self.run(z, data[points.first])
        return self._scores(output_tensor(output, len(z))[points.member], rows)

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

        rows = self._rows(x, rows)
        with self.cut.seeing(differentiable) as seen:
            scores = self._scores(self.run(x, self.data(rows)), rows)
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

    def run(self, z: Float[Tensor, "n *shape"], data: Int[Tensor, " n"]) -> Any:
        """The model's output (or the layer with the neuron), `z` standing for these data rows; a call is counted."""
        if self.site is None:
            output = output_of(self.model, self.inputs, self.inputs.unpack(z), data, self.neuron)
        else:
            with self.site.holding(z, self.inputs.take(data), data) as parts:
                output = output_of(self.model, self.inputs, parts, data, self.neuron)
        self.budget.count(len(z))
        return output

    def _scores(self, output: Any, rows: Int[Tensor, " n"]) -> Shaped[Tensor, " n"]:
        scores = self.pick(output, rows)
        return scores if scores.is_floating_point() else scores.to(self.sample.dtype)


def output_of(
    model: Callable[..., Any],
    inputs: Inputs,
    parts: Sequence[Tensor],
    rows: Int[Tensor, " n"],
    neuron: Cut | None,
) -> Any:
    """The model's output on these parts of data rows, or the value of the layer that holds the neuron.

    An error of the model goes on with a note that says what it was given.
    """
    try:
        if neuron is None:
            return inputs.call(model, parts, rows)
        with neuron.seeing() as seen:
            inputs.call(model, parts, rows)
        return seen[0]
    except Exception as error:
        if not getattr(error, "__notes__", None):
            given = ", ".join(f"{tuple(part.shape)} {str(part.dtype).removeprefix('torch.')}" for part in parts)
            error.add_note(f"while the model was run on {given}")
        raise
