"""The curvature of the objective as one dense matrix: Gauss and Newton's for the loss, and the regulariser's own."""

from __future__ import annotations

from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.metric import probes
from ascribe.kan.fit.objective import Evaluation, Objective
from ascribe.kan.fit.stages import Trace
from ascribe.maths.levenberg import add_gram

_PIECE = 20_000_000  # numbers of the Jacobian that are held at a time


class _Effects(NamedTuple):
    """How much the loss moves, a probe and row each, with nodes, subnodes after their affine, and sums."""

    nodes: Float[Tensor, "probes nodes n"]
    inner: Float[Tensor, "probes subnodes n"]
    sums: Float[Tensor, "probes subnodes n"]

    def of(self, rows: slice) -> _Effects:
        return _Effects(*(effect[..., rows] for effect in self))


@final
class Curvature:
    r"""The matrix over all that may move, never negative: $J^\top J$ of the loss, and the regulariser's stiffness."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self.free = objective.parameters.free.nonzero()[:, 0]
        # Of every stage which of its numbers are free, None where all are; the affines of plain nodes never.
        self._chosen: list[Tensor | None] = []
        self._counts: list[int] = []
        for stage, free in zip(objective.stages, objective.parameters.split(objective.parameters.free), strict=True):
            parts = [part.flatten() for part in (free[:1] if stage.nodes.plain else free[:-1])]
            mine = torch.cat([*(parts if stage.numeric else parts[1:]), free.symbolic.flatten()])
            self._chosen.append(None if bool(mine.all()) else mine.nonzero()[:, 0])
            self._counts.append(int(mine.sum()))

    def __call__(self, vector: Float[Tensor, " parameters"], now: Evaluation) -> Float[Tensor, "free free"]:
        """The lower triangle at `vector`, of which `now` is the evaluation; what stands above it means nothing."""
        objective = self._objective
        traces = objective.traces(vector, moments=len(now.stiffness) > 0)
        effects = self._effects(traces)
        count, rows = len(self.free), objective.inputs.shape[1]
        among = len(effects[-1].nodes)
        width = min(rows, max(1, _PIECE // max(1, count * among)))
        total = vector.new_zeros(count, count)
        jacobian = vector.new_empty(count, among, width)
        for start in range(0, rows, width):
            piece = slice(start, min(rows, start + width))
            part = jacobian[..., : piece.stop - piece.start]
            for l, out in enumerate(part.split(self._counts)):
                self._write(l, traces[l], effects[l].of(piece), piece, out)
            add_gram(total, part.flatten(1), 1 / rows)
        if len(now.stiffness):
            self._stiffen(total, traces, objective.of_edges(now.stiffness))
        if objective.penalty.on_coefficients:
            self._hold_coefficients(total, vector)
        return total

    def _effects(self, traces: list[Trace]) -> list[_Effects]:
        found: list[_Effects] = []
        nodes = probes(self._objective)
        for l in reversed(range(len(traces))):
            stage = self._objective.stages[l]
            inner = stage.nodes.pull_inner(stage.values, traces[l].inner, nodes)
            sums = inner if stage.nodes.plain else inner * stage.values.subnode_scale[:, None]
            found.append(_Effects(nodes, inner, sums))
            if l:
                nodes = stage.to_inputs(traces[l], sums)
        return found[::-1]

    def _write(
        self, l: int, trace: Trace, effects: _Effects, rows: slice, out: Float[Tensor, "numbers probes n"]
    ) -> None:
        """One row a number of the stage: its effect on every probe of every row."""
        stage, chosen = self._objective.stages[l], self._chosen[l]
        sums = effects.sums.transpose(0, 1)
        found: list[Tensor] = []
        if stage.numeric:
            terms = stage.form.design(trace.inputs[:, rows].T, stage.basis)
            shape = *terms.shape[:2], *sums.shape
            if chosen is None and stage.nodes.plain and stage.symbols is None:
                torch.mul(terms[:, :, None, None], sums, out=out.view(shape))
                return
            found.append(torch.mul(terms[:, :, None, None], sums).flatten(0, 2))
        if not stage.nodes.plain:
            nodes, inner = effects.nodes.transpose(0, 1), effects.inner.transpose(0, 1)
            found += [inner * trace.sums[:, None, rows], inner, nodes * trace.products[:, None, rows], nodes]
        if stage.symbols is not None and trace.symbols is not None:
            columns = stage.symbols.columns(stage.values.symbolic, trace.symbols.of(rows))
            found.append((columns[:, :, None] * sums[stage.symbols.subnode][:, None]).flatten(0, 1))
        jacobian = torch.cat(found)
        out.copy_(jacobian if chosen is None else jacobian[chosen])

    def _stiffen(self, total: Tensor, traces: list[Trace], stiffness: list[Tensor]) -> None:
        first = 0
        for l, (trace, stiff) in enumerate(zip(traces, stiffness, strict=True)):
            count = self._counts[l]
            place = total[first : first + count, first : first + count]
            numbers = self._objective.stages[l].values
            if trace.moments is not None:
                covariance = trace.moments.covariance.to(total.dtype)
                self._add_to_edges(place, l, covariance.permute(1, 2, 0)[..., None] * stiff)
            if self._objective.penalty.counts_symbols and numbers.symbolic.numel():
                self._stiffen_symbols(place, l, trace, stiff)
            first += count

    def _hold_coefficients(self, total: Tensor, vector: Float[Tensor, " parameters"]) -> None:
        """What holds coefficients one by one, as parabolas that touch it."""
        penalty, parameters, first = self._objective.penalty, self._objective.parameters, 0
        for l, (part, scale) in enumerate(zip(parameters.split(vector), parameters.scales, strict=True)):
            count = self._counts[l]
            if self._objective.stages[l].numeric:
                own = penalty.stiffness(part.weight, scale).permute(2, 3, 0, 1) * penalty.lamb
                self._add_to_edges(total[first : first + count, first : first + count], l, own)
            first += count

    def _add_to_edges(self, place: Tensor, l: int, own: Float[Tensor, "terms terms inputs outputs"]) -> None:
        """To the part of a stage, a block for every edge."""
        _, terms, inputs, outputs = own.shape
        chosen, size = self._chosen[l], inputs * terms * outputs
        block = place[:size, :size] if chosen is None else place.new_zeros(size, size)
        same_edge = block.view(inputs, terms, outputs, inputs, terms, outputs)
        same_edge = same_edge.diagonal(dim1=0, dim2=3).diagonal(dim1=1, dim2=3)
        same_edge += own
        if chosen is not None:
            edges = chosen[chosen < size]
            place[: len(edges), : len(edges)] += block[edges][:, edges]

    def _stiffen_symbols(self, place: Tensor, l: int, trace: Trace, stiff: Float[Tensor, "inputs subnodes"]) -> None:
        """The symbolic edges' numbers are the last of a stage."""
        stage, count = self._objective.stages[l], self._counts[l]
        assert stage.symbols is not None
        assert trace.symbols is not None
        columns = stage.symbols.columns(stage.values.symbolic, trace.symbols)
        columns = columns - columns.mean(2, keepdim=True)
        share = stiff[stage.symbols.source, stage.symbols.subnode] / max(1, columns.shape[2] - 1)
        block = torch.block_diag(*(columns @ columns.mT * share[:, None, None]))
        free = self._objective.parameters.split(self._objective.parameters.free)[l].symbolic.flatten()
        mine = int(free.sum())
        place[count - mine :, count - mine :] += block[free][:, free]
