"""Shapley values and ablation beside Captum, in one process: CPU milliseconds, the least of several runs, and ratios.

The network of the house prices: 8-100-50-10-1, 180 rows, random weights (times do not depend on them, errors do).
Run: python benchmarks/games.py
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import torch
from captum.attr import FeatureAblation, ShapleyValues, ShapleyValueSampling
from torch import Tensor, nn

from ascribe import Ablation, Shapley, explain


def least(job: Callable[[], object], runs: int = 7) -> float:
    """CPU milliseconds."""
    times: list[float] = []
    for _ in range(runs):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return 1e3 * min(times)


def line(job: str, ours: float, theirs: float) -> None:
    print(f"{job:58s} {ours:9.1f} {theirs:9.1f} {theirs / ours:9.1f}x")


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    sizes = [8, 100, 50, 10, 1]
    layers = [nn.Sequential(nn.Linear(n, m), nn.ReLU()) for n, m in itertools.pairwise(sizes)]
    net = nn.Sequential(*layers[:-1], nn.Linear(10, 1)).eval()
    x, many = torch.randn(180, 8), torch.randn(20_000, 8)
    truth = explain(net, x, Shapley()).values

    def error(values: Tensor) -> float:
        return float((values - truth).square().mean().sqrt())

    print(f"{'CPU ms':58s} {'ascribe':>9s} {'captum':>9s} {'ratio':>10s}")
    exact = least(lambda: explain(net, x[:1], Shapley()))
    line("exact Shapley values, 1 row", exact, least(lambda: ShapleyValues(net).attribute(x[:1]), 1))
    sampling = ShapleyValueSampling(net)
    theirs = least(lambda: sampling.attribute(x, n_samples=25, perturbations_per_eval=8))
    line("180 rows: ours exact, theirs 25 orders", least(lambda: explain(net, x, Shapley())), theirs)
    ours = least(lambda: explain(net, x, Shapley(budget=100)))
    line("180 rows: ours budget=100, theirs 25 orders", ours, theirs)
    # Errors of sampling fall with the square root of the work.
    our_error = sum(error(explain(net, x, Shapley(budget=100, seed=seed)).values) for seed in range(10)) / 10
    their_error = sum(error(sampling.attribute(x, n_samples=25)) for _ in range(10)) / 10
    line("180 rows: the same, theirs run on to our error", ours, theirs * (their_error / our_error) ** 2)
    line(
        "ablation, 180 rows",
        least(lambda: explain(net, x, Ablation())),
        least(lambda: FeatureAblation(net).attribute(x, perturbations_per_eval=8)),
    )
    line(
        "ablation, 20,000 rows",
        least(lambda: explain(net, many, Ablation())),
        least(lambda: FeatureAblation(net).attribute(many)),
    )


if __name__ == "__main__":
    main()
