"""Removal and games beside Captum, shap and shapiq, on the network for house prices."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor, nn

from ascribe import Ablation, KernelShap, Occlusion, Shapley, explain
from benchmarks.contenders import OURS
from benchmarks.house_prices import network, rows
from benchmarks.machine import Peaks
from benchmarks.report import Scale, Section, Table, Work, number, seconds, times
from benchmarks.timing import Job, alternate, ratio, threads

TEXT = """\
One thread, CPU time, float32, Captum 0.9.0, shap and shapiq in the same process; baseline 0. Errors are distances from
the exact Shapley values, root mean square over rows and features as a part of the values' own, and the mean of that
over seeds. Where both sample, Captum's time is that for our error, as errors of sampling fall with the square root of
the work. Of 12 features the network is 12-100-50-10-1."""

CAPTUM, SHAP, SHAPIQ = "Captum", "shap", "shapiq"
_BUDGETS = (64, 128, 256, 512, 1024)


def run(scale: Scale, peaks: Peaks) -> Section:
    section = Section("games", "Removal and Shapley values, 8-100-50-10-1", TEXT)
    missing = [name for name in ("captum", "shap", "shapiq") if find_spec(name) is None]
    if missing:
        section.notes.append(f"Not installed: {', '.join(missing)}.")
        return section
    with threads(1), torch.random.fork_rng(devices=[]), _global_stream(0), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(1)
        _times(section, scale)
        section.tables.append(_errors(section, scale, 8, tuple(b for b in _BUDGETS if b < 256)))
        section.tables.append(_errors(section, scale, 12, _BUDGETS))
    return section


@contextmanager
def _global_stream(seed: int) -> Iterator[None]:
    """numpy's global random stream, from which shap draws, and back."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _times(section: Section, scale: Scale) -> None:
    from captum import attr

    net, x, many = network(), rows(), rows(scale.of(20_000, 2_000))
    exact, sampling, kernel = attr.ShapleyValues(net), attr.ShapleyValueSampling(net), attr.KernelShap(net)
    ablation, occlusion = attr.FeatureAblation(net), attr.Occlusion(net)
    table: list[list[str]] = []

    def compare(job: str, ours: Job, theirs: Job, target: float, more: float = 1.0) -> None:
        """`more` times their work gives our error."""
        runs = alternate({OURS: ours, CAPTUM: theirs}, scale.of(15, 2), seconds=scale.of(8, 1))
        found = more * ratio(runs[CAPTUM], runs[OURS], "cpu")
        table.append([job, seconds(runs[OURS].median("cpu")), seconds(more * runs[CAPTUM].median("cpu")), times(found)])
        work = Work("games_" + "".join(c if c.isalnum() else "_" for c in job.lower()), ours)
        section.goals.append(scale.goal(f"{job}, against Captum", times(found), times(target), found >= target, work))

    for name, z in (("180 rows", x), (f"{len(many):,} rows", many)):
        for count in (1, 8):
            asked = "Captum's default" if count == 1 else f"Captum {count} features a call"
            compare(
                f"ablation, {name}, {asked}",
                lambda z=z: explain(net, z, Ablation()),
                lambda z=z, count=count: ablation.attribute(z, perturbations_per_eval=count),
                2,
            )
            compare(
                f"occlusion by windows of 3, {name}, {asked}",
                lambda z=z: explain(net, z, Occlusion(window=3)),
                lambda z=z, count=count: occlusion.attribute(
                    z, sliding_window_shapes=(3,), perturbations_per_eval=count
                ),
                2,
            )
    truth = explain(net, x, Shapley()).values
    seeds = range(scale.of(10, 2))

    def error(values: Tensor) -> float:
        return float((values.reshape(truth.shape) - truth).square().mean())

    def sampled(orders: int = 25) -> Tensor:
        return sampling.attribute(x, n_samples=orders, perturbations_per_eval=8)

    if not scale.quick:
        # Their 8! orders take seconds: once is enough.
        one = x[:1]
        compare("exact Shapley values, 1 row", lambda: explain(net, one, Shapley()), lambda: exact.attribute(one), 1000)
    compare("Shapley values, 180 rows: ours exact, theirs 25 orders", lambda: explain(net, x, Shapley()), sampled, 1)
    ours = sum(error(explain(net, x, Shapley(budget=100, seed=seed)).values) for seed in seeds)
    theirs = sum(error(sampled()) for _ in seeds)
    compare(
        "Shapley values, 180 rows: both sampled, to our error with 100 calls",
        lambda: explain(net, x, Shapley(budget=100)),
        sampled,
        10,
        theirs / ours,
    )
    calls = 200
    few = x if not scale.quick else x[:4]
    compare(
        f"KernelShap, {calls} calls, {len(few)} rows",
        lambda: explain(net, few, KernelShap(budget=calls)),
        lambda: kernel.attribute(few, n_samples=calls, perturbations_per_eval=calls),
        100,
    )
    section.tables.append(Table(["", OURS, CAPTUM, "Captum over ours"], table))
    for z in (x, many):
        pieces = z.repeat(z.shape[1] + 1, 1).split(3000)
        with torch.no_grad():
            bare = alternate({OURS: lambda p=pieces: [net(z) for z in p]}, scale.of(15, 2), seconds=2)[OURS]
        section.notes.append(
            f"Ablation, {len(z):,} rows: the network alone, on all that it is asked about, takes "
            f"{seconds(bare.median('cpu'))}."
        )


def _errors(section: Section, scale: Scale, features: int, budgets: tuple[int, ...]) -> Table:
    """Errors at the same number of calls of the model, those on nobody and everybody included."""
    net = network(features)
    x = rows(scale.of(10, 2), features=features)
    truth = explain(net, x, Shapley(budget=2**features)).values
    size = float(truth.square().mean().sqrt())
    seeds = range(scale.of(6, 1))

    def error(estimate: Callable[[int], Tensor]) -> float:
        found = [float((estimate(seed).reshape(truth.shape) - truth).square().mean().sqrt()) for seed in seeds]
        return sum(found) / len(found) / size

    table: list[list[str]] = []
    worst = 0.0
    for budget in budgets:
        kernel = error(lambda seed, b=budget: explain(net, x, KernelShap(budget=b - 2, seed=seed)).values)
        peers = [error(lambda seed, b=budget: _shap(net, x, b)), error(lambda seed, b=budget: _shapiq(net, x, b, seed))]
        captum = error(lambda seed, b=budget: _captum(net, x, b))
        worst = max(worst, kernel / min(peers))
        table.append([str(budget), *map(number, (kernel, *peers, captum))])
    section.goals.append(
        scale.goal(
            f"KernelShap's error, {features} features, against the better of shap and shapiq",
            f"{number(worst)} of theirs at most",
            "1.00",
            worst <= 1,
        )
    )
    columns = ["calls a row", OURS, SHAP, SHAPIQ, CAPTUM]
    return Table(columns, table, f"Error of Shapley values, {features} features")


def _function(net: nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    def predict(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return net(torch.from_numpy(np.asarray(x, dtype=np.float32)))[:, 0].numpy()

    return predict


def _shap(net: nn.Module, x: Tensor, budget: int) -> Tensor:
    import shap

    explainer = shap.KernelExplainer(_function(net), np.zeros((1, x.shape[1]), dtype=np.float32))
    # Its samples are those between nobody and everybody.
    return torch.from_numpy(
        explainer.shap_values(x.numpy(), nsamples=budget - 2, silent=True, l1_reg="num_features(99)")
    )


def _shapiq(net: nn.Module, x: Tensor, budget: int, seed: int) -> Tensor:
    import shapiq

    predict = _function(net)
    found = []
    for row in x.numpy():
        approximator = shapiq.KernelSHAP(n=len(row), random_state=seed)
        values = approximator.approximate(budget, lambda present, row=row: predict(np.where(present, row, 0)))
        found.append([values[(player,)] for player in range(len(row))])
    return torch.tensor(np.array(found))


def _captum(net: nn.Module, x: Tensor, budget: int) -> Tensor:
    from captum.attr import KernelShap as Peer

    return torch.cat([Peer(net).attribute(row[None], n_samples=budget, perturbations_per_eval=budget) for row in x])
