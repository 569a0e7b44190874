"""Integrated gradients and occlusion of an image beside Captum's, on ResNet-18."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import torch
from examples.resnet18 import resnet18
from torch import Tensor, nn

from ascribe import Adaptive, GaussLegendre, IntegratedGradients, Occlusion, Saliency, explain
from benchmarks.contenders import OURS
from benchmarks.machine import Peaks
from benchmarks.memory import peaks as memory
from benchmarks.report import Scale, Section, Table, Work, number, seconds, times
from benchmarks.timing import Job, alternate, ratio, threads

TEXT = """\
One image of 224 x 224, float32, random weights with batch statistics of random images, two threads, wall time. The gap
is what the values' sum misses of the difference of the outputs, as a part of it; ours uses the known difference to
correct the entries, so that its gap is rounding and the error beside it is the figure to read: the largest entry's
distance from 800 nodes, as a part of the largest entry. A call of ours looks at one row first, to learn the form of the
output, and where rows are large at one more, to learn how many go together: of the saliency of a single image the first
is half the work."""

CAPTUM = "Captum"


def run(scale: Scale, peaks: Peaks) -> Section:
    section = Section("images", "An image, ResNet-18", TEXT)
    if find_spec("captum") is None:
        section.notes.append("Captum is not installed.")
        return section
    with threads(2), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _times(section, scale)
        _convergence(section, scale)
    _memory(section, scale)
    return section


def network(size: int) -> tuple[nn.Module, Tensor]:
    """ResNet-18 with random weights whose batch norms have seen images of the kind of the one that is explained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = resnet18(classes=1000)
        images = nn.functional.interpolate(torch.randn(16, 3, 14, 14), size=(size, size), mode="bicubic")
        with torch.no_grad():
            for _ in range(10):
                net.train()(images)
    return net.eval(), images[:1]


def _times(section: Section, scale: Scale) -> None:
    from captum import attr

    net, x = network(scale.of(224, 32))
    nodes, table = scale.of(50, 4), []
    integrated, saliency, occlusion = attr.IntegratedGradients(net), attr.Saliency(net), attr.Occlusion(net)
    window, step = (3, x.shape[-1] // 7, x.shape[-1] // 7), (3, x.shape[-1] // 7, x.shape[-1] // 7)

    def compare(job: str, ours: Job, theirs: Job, target: bool = True) -> None:
        runs = alternate({OURS: ours, CAPTUM: theirs}, scale.of(5, 2), seconds=scale.of(20, 1))
        found = ratio(runs[CAPTUM], runs[OURS], "wall")
        table.append([job, seconds(runs[OURS].median("wall")), seconds(runs[CAPTUM].median("wall")), times(found)])
        if not target:
            return
        work = Work("images_" + "".join(c if c.isalnum() else "_" for c in job.lower()), ours, repeats=1)
        section.goals.append(scale.goal(f"ResNet-18: {job}, against Captum", times(found), "1.00x", found >= 1, work))

    compare(
        "saliency",
        lambda: explain(net, x, Saliency(), target=3),
        lambda: saliency.attribute(x, target=3, abs=False),
        False,
    )
    rule = IntegratedGradients(GaussLegendre(nodes))
    compare(
        f"integrated gradients, {nodes} nodes",
        lambda: explain(net, x, rule, target=3),
        lambda: integrated.attribute(x, target=3, n_steps=nodes, internal_batch_size=10),
    )
    compare(
        "occlusion, 7 x 7 patches",
        lambda: explain(net, x, Occlusion(window=window, strides=step), target=3),
        lambda: occlusion.attribute(x, window, strides=step, target=3, perturbations_per_eval=8),
    )
    section.tables.append(Table(["", OURS, CAPTUM, "Captum over ours"], table))


def _convergence(section: Section, scale: Scale) -> None:
    """Evaluations, gap and error of integrated gradients."""
    from captum.attr import IntegratedGradients as Peer

    net, x = network(scale.of(224, 32))
    exact = explain(net, x, IntegratedGradients(GaussLegendre(scale.of(800, 20))), target=3).values
    table: list[list[str]] = []
    third = 50 // 3

    def add(name: str, evaluations: int, values: Tensor, gap: Tensor, whole: Tensor) -> float:
        part = float((gap / whole).abs())
        error = float((values - exact).abs().max() / exact.abs().max())
        table.append([name, str(evaluations), number(part), number(error)])
        return part

    a = explain(net, x, IntegratedGradients(Adaptive(limit=third)), target=3)
    whole = a.output - a.reference
    part = add("ours, one panel of 15 nodes", a.evaluations, a.values, a.gap, whole)
    b = explain(net, x, IntegratedGradients(), target=3)
    add("ours, to 1% of the largest entry", b.evaluations, b.values, b.gap, whole)
    for steps in (15, 50):
        values, gap = Peer(net).attribute(
            x, target=3, n_steps=steps, internal_batch_size=10, return_convergence_delta=True
        )
        add(f"Captum, {steps} nodes", steps + 2, values, gap, whole)
    section.tables.append(Table(["", "evaluations", "gap", "largest error"], table, "Integrated gradients"))
    section.goals.append(
        scale.goal(
            f"ResNet-18: integrated gradients to a 1% gap with {third + 2} evaluations",
            f"{number(part)} with {a.evaluations}",
            "0.01",
            part <= 0.01 and a.evaluations <= third + 2,
        )
    )


def _memory(section: Section, scale: Scale) -> None:
    size = scale.of(224, 32)
    found = memory("benchmarks.images:job", [["ours", size], ["captum", size]], ["ours", 32])
    if found is not None:
        cells = [f"{peak.mebibytes:,.0f} MiB" for peak in found]
        section.tables.append(
            Table(["peak memory of a default call", OURS, CAPTUM], [["integrated gradients, 1 image", *cells]])
        )


def job(who: str, size: int) -> Job:
    """A call with 50 nodes and defaults else."""
    net, x = network(size)
    if who == "ours":
        return lambda: explain(net, x, IntegratedGradients(GaussLegendre(50)), target=3)
    from captum.attr import IntegratedGradients as Peer

    return lambda: Peer(net).attribute(x, target=3)
