"""Gradient and propagation methods beside Captum's, on the network for house prices."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from ascribe import Conductance, DeepLift, ExpectedGradients, GaussLegendre, IntegratedGradients, Saliency, explain
from benchmarks.contenders import OURS
from benchmarks.house_prices import BACKGROUND, network, rows
from benchmarks.machine import Peaks
from benchmarks.memory import peaks as memory
from benchmarks.report import Scale, Section, Table, Work, number, seconds, times
from benchmarks.timing import Job, alternate, ratio, threads

TEXT = """\
One thread, CPU time, float32, Captum 0.9.0 in the same process. A path method's error is that to the same integral over
2,000 nodes, as a part of its largest entry; a sampled one's is its distance from the mean of many draws. Where both use
the same rule and the same number of nodes they give the same numbers; where they sample, Captum's time is that for our
error, as errors of sampling fall with the square root of the work."""

CAPTUM = "Captum"


def run(scale: Scale, peaks: Peaks) -> Section:
    section = Section("gradients", "Gradients and propagation, 8-100-50-10-1", TEXT)
    if find_spec("captum") is None:
        section.notes.append("Captum is not installed.")
        return section
    with threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        _times(section, scale)
    _memory(section, scale)
    return section


def _times(section: Section, scale: Scale) -> None:
    from captum import attr

    net, x, background = network(), rows(), rows(BACKGROUND, seed=2)
    one, fifty = x[:1], IntegratedGradients(GaussLegendre(50))
    table: list[list[str]] = []

    def compare(job: str, ours: Job, theirs: Job, target: float | None, more: float = 1.0) -> None:
        """`more` times their work gives our error."""
        runs = alternate({OURS: ours, CAPTUM: theirs}, scale.of(15, 3), seconds=scale.of(6, 1))
        found = more * ratio(runs[CAPTUM], runs[OURS], "cpu")
        table.append([job, seconds(runs[OURS].median("cpu")), seconds(more * runs[CAPTUM].median("cpu")), times(found)])
        if target is None:
            return
        work = Work("gradients_" + "".join(c if c.isalnum() else "_" for c in job.lower()), ours)
        section.goals.append(scale.goal(f"{job}, against Captum", times(found), times(target), found >= target, work))

    saliency, lift = attr.Saliency(net), attr.DeepLift(net)
    for where, z, target in (("180 rows", x, 1), ("1 row", one, None)):
        compare(
            f"saliency, {where}",
            lambda z=z: explain(net, z, Saliency()),
            lambda z=z: saliency.attribute(z, abs=False),
            target,
        )
        compare(f"DeepLift, {where}", lambda z=z: explain(net, z, DeepLift()), lambda z=z: lift.attribute(z), target)
    integrated = attr.IntegratedGradients(net)
    compare(
        "integrated gradients, 50 nodes, 180 rows", lambda: explain(net, x, fifty), lambda: integrated.attribute(x), 3
    )
    compare(
        "integrated gradients, 50 nodes, 1 row",
        lambda: explain(net, one, fifty),
        lambda: integrated.attribute(one),
        None,
    )
    conductance, hundred = attr.LayerConductance(net, net.lin2), Conductance(GaussLegendre(101))
    compare(
        "conductance of lin2, 100 steps, 180 rows",
        lambda: explain(net, x, hundred, at="lin2"),
        lambda: conductance.attribute(x, n_steps=100),
        3,
    )
    shap, draws = attr.GradientShap(net), 50
    more = _more(net, x, background, shap, draws, scale)
    compare(
        f"GradientShap, {draws} draws of {BACKGROUND} rows, 180 rows",
        lambda: explain(net, x, ExpectedGradients(draws=draws), background=background),
        lambda: shap.attribute(x, baselines=background, n_samples=draws),
        3,
        more,
    )
    section.notes.append(f"GradientShap: Captum's mean square error is {number(more)} times ours with as many draws.")
    few = background[: scale.of(BACKGROUND, 20)]
    mean = attr.DeepLiftShap(net)
    compare(
        f"DeepLiftShap, {len(few)} references, 180 rows",
        lambda: explain(net, x, DeepLift(), background=few),
        lambda: mean.attribute(x, baselines=few),
        3,
    )
    section.tables.append(Table(["", OURS, CAPTUM, "Captum over ours"], table))
    section.tables.append(_accuracy(net, x, integrated))


def _more(net: torch.nn.Module, x: Tensor, background: Tensor, shap: Any, draws: int, scale: Scale) -> float:
    """Captum's mean square error over ours, with as many draws."""
    truth = explain(net, x, ExpectedGradients(draws=scale.of(40_000, 2_000), seed=99), background=background).values

    def square(values: Tensor) -> float:
        return float((values - truth).square().mean())

    seeds = range(scale.of(10, 2))
    ours = [explain(net, x, ExpectedGradients(draws, seed=seed), background=background).values for seed in seeds]
    theirs = [shap.attribute(x, baselines=background, n_samples=draws) for _ in seeds]
    return sum(map(square, theirs)) / sum(map(square, ours))


def _accuracy(net: torch.nn.Module, x: Tensor, integrated: Any) -> Table:
    """What integrated gradients cost and miss: Captum's default and ours."""
    exact = explain(net.double(), x.double(), IntegratedGradients(GaussLegendre(2000))).values
    net.float()
    table: list[list[str]] = []

    def add(name: str, values: Tensor, evaluations: float, gap: Tensor) -> None:
        part = (values - exact).abs().amax(1) / exact.abs().amax(1)
        table.append(
            [
                name,
                number(evaluations),
                number(float(part.median())),
                number(float(part.max())),
                number(float(gap.abs().max())),
            ]
        )

    a = explain(net, x, IntegratedGradients())
    add("ours, to 1%", a.values, a.evaluations / len(x), a.gap)
    b = explain(net, x, IntegratedGradients(GaussLegendre(50)))
    add("ours, 50 nodes", b.values, b.evaluations / len(x), b.gap)
    values, gap = integrated.attribute(x, return_convergence_delta=True)
    add("Captum, 50 nodes", values, 52, gap)
    return Table(
        ["", "evaluations a row", "median error", "largest error", "largest gap"],
        table,
        "Integrated gradients, 180 rows",
    )


def _memory(section: Section, scale: Scale) -> None:
    """The default call on 2,000 x 256 inputs, over the model's own."""
    size = [scale.of(2000, 200), 256]
    found = memory("benchmarks.gradients:wide", [["ours", *size], ["captum", *size]], ["ours", 20, 256])
    if found is None:
        section.notes.append("This system keeps no peak of memory that can be reset.")
        return
    ours, theirs = found
    row = [f"integrated gradients, {size[0]:,} x 256", f"{ours.mebibytes:,.0f} MiB", f"{theirs.mebibytes:,.0f} MiB"]
    section.tables.append(Table(["peak memory of a default call", OURS, CAPTUM], [row]))
    section.goals.append(
        scale.goal("memory of integrated gradients, 2,000 x 256", row[1], "200 MB", ours.mebibytes * 2**20 < 200e6)
    )


def wide(who: str, count: int, features: int) -> Job:
    """A default call of integrated gradients on a network of 256 inputs."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(features, 256), torch.nn.ReLU(), torch.nn.Linear(256, 1)).eval()
    x = torch.randn(count, features)
    if who == "ours":
        return lambda: explain(net, x, IntegratedGradients())
    from captum.attr import IntegratedGradients as Peer

    return lambda: Peer(net).attribute(x)
