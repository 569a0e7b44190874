"""The regulariser of the edges at one point, and what its gradient adds on the way back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.holds import Drift, Hold, Statistics
from ascribe.kan.fit.penalty import SMOOTHING, Deviations, Penalty
from ascribe.kan.fit.sparsity import sparsity
from ascribe.kan.fit.stages import Stage, Trace
from ascribe.kan.structure import Network


@dataclass(frozen=True)
class Pressure:
    """All with lamb, but the value; one entry a stage."""

    value: float
    layers: list[Hold]
    stiffness: Float[Tensor, " edges"]  # the part of it that holds edges back: curvature in units of C_i
    sums: list[Drift]  # empty where the metric does not look at them

    @classmethod
    def at(
        cls, traces: list[Trace], stages: list[Stage], first: Statistics, penalty: Penalty, network: Network
    ) -> Pressure:
        """The pressure at a pass up that has moments; `first` are the statistics of the first stage's inputs."""
        rows = traces[0].inputs.shape[1]
        found = [stages[l].form.deviations(t.inputs.T) if l else first for l, t in enumerate(traces)]
        roots: list[Tensor] = []
        whole: list[Tensor | None] = []
        for trace, stage in zip(traces, stages, strict=True):
            root, centred = _roots(trace, stage, penalty.counts_symbols)
            roots.append(root)
            whole.append(centred)
        if penalty.normalises:
            return cls._usual(stages, roots, whole, found, penalty, rows)
        sums = [s.form.deviations(t.sums.T) for s, t in zip(stages, traces, strict=True)] if penalty.looks_back else []
        seen = Deviations(
            [deviation for _, deviation in found],
            [deviation for _, deviation in sums],
            [root.double() - SMOOTHING for root in roots],
            stages[-1].form.deviations(traces[-1].nodes.T)[1],
        )
        value, slopes = penalty.pull(network, seen)
        pulls = [(g * penalty.lamb).to(root).div_(root) for g, root in zip(slopes.edges, roots, strict=True)]
        drifts = [Drift.of(g * penalty.lamb, s, rows) for g, s in zip(slopes.nodes, found, strict=True)]
        return cls(
            value,
            [_hold(*parts, rows) for parts in zip(stages, pulls, drifts, whole, strict=True)],
            torch.cat([pull.clamp(min=0).flatten() for pull in pulls]),
            [Drift.of(g * penalty.lamb, s, rows) for g, s in zip(slopes.subnodes, sums, strict=True)],
        )

    @classmethod
    def _usual(
        cls,
        stages: list[Stage],
        roots: list[Float[Tensor, "_ _"]],
        whole: list[Tensor | None],
        found: list[Statistics],
        penalty: Penalty,
        rows: int,
    ) -> Pressure:
        """Of the metrics that see every layer by itself."""
        layers = [
            sparsity(root, deviation, penalty.l1, penalty.entropy, penalty.lamb, SMOOTHING)
            for root, (_, deviation) in zip(roots, found, strict=True)
        ]
        drifts = [Drift.of(layer.slope, statistics, rows) for layer, statistics in zip(layers, found, strict=True)]
        pulls = [layer.pull for layer in layers]
        return cls(
            sum(layer.value for layer in layers),
            [_hold(*parts, rows) for parts in zip(stages, pulls, drifts, whole, strict=True)],
            torch.cat([layer.stiffness.flatten() for layer in layers]),
            [],
        )


def _roots(trace: Trace, stage: Stage, symbols: bool) -> tuple[Float[Tensor, "_ _"], Float[Tensor, "edges n"] | None]:
    """The smoothed spread of every edge; where symbolic parts count, the values of their edges about the mean, too."""
    if trace.moments is not None:
        root = stage.form.spreads(stage.weights, trace.moments, SMOOTHING)
    else:
        root = torch.full_like(stage.weights.base, SMOOTHING)
    if stage.symbols is None or not symbols:
        return root, None
    values = stage.whole(trace)
    centred = values - values.mean(1, keepdim=True)
    variance = centred.square().sum(1) / max(1, values.shape[1] - 1)
    root[stage.symbols.source, stage.symbols.subnode] = (variance + SMOOTHING**2).sqrt()
    return root, centred


def _hold(stage: Stage, pull: Float[Tensor, "_ _"], inputs: Drift, centred: Tensor | None, rows: int) -> Hold:
    if stage.symbols is None or centred is None:
        return Hold(pull, inputs)
    edges = stage.symbols.source, stage.symbols.subnode
    whole = centred * (pull[edges] / max(1, rows - 1))[:, None]
    pull = pull.clone()
    pull[edges] = 0
    return Hold(pull, inputs, whole)
