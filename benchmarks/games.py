"""Shapley values and ablation beside Captum's, on a network of the size of that for house prices."""

from __future__ import annotations

import itertools
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from ascribe import Ablation, Shapley, explain
from benchmarks.contenders import OURS
from benchmarks.machine import Peaks
from benchmarks.report import Scale, Section, Table, seconds, times
from benchmarks.timing import Job, alternate, ratio, threads

TEXT = """\
One thread, CPU time. No floor is given: the time is that of the network's calls, few large ones or many small ones."""

CAPTUM = "Captum"


def network() -> nn.Module:
    """8-100-50-10-1 with random weights: times do not depend on them, errors do."""
    sizes = [8, 100, 50, 10, 1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Sequential(nn.Linear(n, m), nn.ReLU()) for n, m in itertools.pairwise(sizes)]
        return nn.Sequential(*layers[:-1], nn.Linear(10, 1)).eval()


def run(scale: Scale, peaks: Peaks) -> Section:
    section = Section(
        "games",
        "Shapley values and ablation, 8-100-50-10-1",
        TEXT,
    )
    if find_spec("captum") is None:
        section.notes.append("Captum is not installed.")
        return section
    with threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        _measure(section, scale)
    return section


def _measure(section: Section, scale: Scale) -> None:
    from captum.attr import FeatureAblation, ShapleyValues, ShapleyValueSampling

    net, x, many = network(), torch.randn(180, 8), torch.randn(scale.of(20_000, 2_000), 8)
    exact, sampling, ablation = ShapleyValues(net), ShapleyValueSampling(net), FeatureAblation(net)
    truth = explain(net, x, Shapley()).values

    def error(values: Tensor) -> float:
        return float((values - truth).square().mean().sqrt())

    def sampled(orders: int = 25) -> Tensor:
        return sampling.attribute(x, n_samples=orders, perturbations_per_eval=8)

    seeds = range(scale.of(10, 2))
    our_error = sum(error(explain(net, x, Shapley(budget=100, seed=seed)).values) for seed in seeds) / len(seeds)
    their_error = sum(error(sampled()) for _ in seeds) / len(seeds)
    rows: list[list[str]] = []

    def compare(job: str, ours: Job, theirs: Job, more: float = 1.0) -> None:
        """`more` times their work gives our error."""
        runs = alternate({OURS: ours, CAPTUM: theirs}, scale.of(9, 3), seconds=scale.of(6, 1))
        found = more * ratio(runs[CAPTUM], runs[OURS], "cpu")
        rows.append([job, seconds(runs[OURS].median("cpu")), seconds(more * runs[CAPTUM].median("cpu")), times(found)])

    if not scale.quick:
        # Their 8! orders take seconds: once is enough.
        compare("exact Shapley values, 1 row", lambda: explain(net, x[:1], Shapley()), lambda: exact.attribute(x[:1]))
    compare("Shapley values, 180 rows: ours exact, theirs 25 orders", lambda: explain(net, x, Shapley()), sampled)
    # Errors of sampling fall with the square root of the work.
    more = (their_error / our_error) ** 2
    few = lambda: explain(net, x, Shapley(budget=100))  # noqa: E731
    compare("Shapley values, 180 rows: both sampled, at our error with 100 calls", few, sampled, more)
    compare(
        "ablation, 180 rows",
        lambda: explain(net, x, Ablation()),
        lambda: ablation.attribute(x, perturbations_per_eval=8),
    )
    compare(f"ablation, {len(many):,} rows", lambda: explain(net, many, Ablation()), lambda: ablation.attribute(many))
    section.tables.append(Table(["", OURS, CAPTUM, "Captum over ours"], rows))
