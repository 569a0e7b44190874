"""The regulariser of the edges at one point, and what its gradient adds on the way back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan.fit.penalty import SMOOTHING, Deviations, Penalty
from ascribe.kan.fit.sparsity import sparsity
from ascribe.kan.fit.stages import Stage, Trace
from ascribe.kan.structure import Network

Statistics = tuple[Float[Tensor, " _"], Float[Tensor, " _"]]  # mean and standard deviation of features


@dataclass(frozen=True)
class Drift:
    """The gradient in deviations over (n - 1) deviations, and the means: row r gets rate * (x_r - centre)."""

    rate: Float[Tensor, " features"]
    centre: Float[Tensor, " features"]

    @classmethod
    def of(cls, slope: Float[Tensor, " features"], statistics: Statistics, rows: int) -> Drift:
        """0 where a feature does not vary."""
        mean, deviation = statistics
        tiny = torch.finfo(deviation.dtype).tiny
        return cls(slope.to(deviation) / (deviation.clamp(min=tiny) * max(1, rows - 1)), mean)

    def on(self, x: Float[Tensor, "features n"]) -> Float[Tensor, "features n"]:
        """The gradient in x."""
        return (self.rate[:, None] * (x - self.centre[:, None])).to(x.dtype)


@dataclass(frozen=True)
class Pressure:
    """All with lamb, but the value; one entry a stage."""

    value: float
    pulls: list[Float[Tensor, "_ _"]]  # the gradient in the spread of every edge, over that spread
    stiffness: Float[Tensor, " edges"]  # the part of it that holds edges back: curvature in units of C_i
    inputs: list[Drift]
    sums: list[Drift]  # empty where the metric does not look at them

    @classmethod
    def at(
        cls, traces: list[Trace], stages: list[Stage], first: Statistics, penalty: Penalty, network: Network
    ) -> Pressure:
        """The pressure at a pass up that has moments; `first` are the statistics of the first stage's inputs."""
        rows = traces[0].inputs.shape[1]
        found = [stages[l].form.deviations(t.inputs.T) if l else first for l, t in enumerate(traces)]
        roots: list[Tensor] = []
        for trace, stage in zip(traces, stages, strict=True):
            assert trace.moments is not None
            roots.append(stage.form.spreads(stage.weights, trace.moments, SMOOTHING))
        if penalty.normalises:
            return cls._usual(roots, found, penalty, rows)
        sums = [s.form.deviations(t.sums.T) for s, t in zip(stages, traces, strict=True)] if penalty.looks_back else []
        seen = Deviations(
            [deviation for _, deviation in found],
            [deviation for _, deviation in sums],
            [root.double() - SMOOTHING for root in roots],
            stages[-1].form.deviations(traces[-1].nodes.T)[1],
        )
        value, slopes = penalty.pull(network, seen)
        pulls = [(g * penalty.lamb).to(root).div_(root) for g, root in zip(slopes.edges, roots, strict=True)]
        return cls(
            value,
            pulls,
            torch.cat([pull.clamp(min=0).flatten() for pull in pulls]),
            [Drift.of(g * penalty.lamb, s, rows) for g, s in zip(slopes.nodes, found, strict=True)],
            [Drift.of(g * penalty.lamb, s, rows) for g, s in zip(slopes.subnodes, sums, strict=True)],
        )

    @classmethod
    def _usual(
        cls, roots: list[Float[Tensor, "_ _"]], found: list[Statistics], penalty: Penalty, rows: int
    ) -> Pressure:
        """Of the metric that the kernels know, which sees every layer by itself."""
        layers = [
            sparsity(root, deviation, penalty.l1, penalty.entropy, penalty.lamb, SMOOTHING)
            for root, (_, deviation) in zip(roots, found, strict=True)
        ]
        return cls(
            sum(layer.value for layer in layers),
            [layer.pull for layer in layers],
            torch.cat([layer.stiffness.flatten() for layer in layers]),
            [Drift.of(layer.slope, statistics, rows) for layer, statistics in zip(layers, found, strict=True)],
            [],
        )
