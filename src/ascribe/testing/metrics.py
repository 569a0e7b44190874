"""The law suite of metrics: `check_metric(m)` proves what a metric promises on random scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from ascribe.core.asking import asked
from ascribe.core.score import Score
from ascribe.metrics.metric import Metric

_PLAYERS = 4  # so few that sampling metrics ask about all coalitions
_ROWS, _DRAWS = 5, 3


def check_metric(metric: Metric, seed: int = 0) -> None:
    """Prove the laws that a metric declares, and those of every metric, on random scores in float64.

    Every metric: float64, a figure for each attribution and row; the same in any pieces, in any company of attributions
    and rows, and again; the global random stream untouched. "truth" and "symmetric" where it declares them.

    Raises AssertionError that names the law.

    >>> from ascribe.metrics.completeness import Completeness
    >>> check_metric(Completeness())
    """
    generator = torch.Generator().manual_seed(seed)
    _check_every(metric, generator)
    if "truth" in metric.laws:
        _check_truth(metric, generator)
    if "symmetric" in metric.laws:
        _check_symmetric(metric, generator)


@contextmanager
def _asking(
    model: Callable[[Tensor], Tensor], x: Tensor, background: Tensor, memory: str = "256 MiB"
) -> Iterator[tuple[Score, Tensor, Tensor]]:
    with asked(model, x, background=background, memory=memory) as question:
        place = question.place
        yield replace(place.f, known=[]), place.z, place.background


def _normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _curved(generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    inner, outer = _normal(generator, _PLAYERS, 6), _normal(generator, 6)
    return lambda z: (z @ inner).tanh() @ outer


def _check_every(metric: Metric, generator: torch.Generator) -> None:
    model, values = _curved(generator), _normal(generator, 2, _ROWS, _PLAYERS)
    x, background = _normal(generator, _ROWS, _PLAYERS), _normal(generator, _DRAWS, _PLAYERS)
    stream = torch.get_rng_state()
    with _asking(model, x, background) as (f, z, z0):
        figures = metric(f, values, z, z0)
        assert figures.dtype == torch.float64, f"{metric}: figures are {figures.dtype}, not float64"
        assert figures.shape == (2, _ROWS), (
            f"{metric}: {tuple(figures.shape)} figures for 2 attributions of {_ROWS} rows"
        )
        alone = torch.stack([metric(f, one, z, z0) for one in values])
        assert torch.allclose(alone, figures), f"{metric}: a figure depends on the other attributions"
        assert torch.equal(metric(f, values, z, z0), figures), f"{metric}: the same question got another figure"
    with _asking(model, x, background, memory="1 KB") as (f, z, z0):
        assert torch.allclose(metric(f, values, z, z0), figures), f"{metric}: a figure depends on the pieces"
    with _asking(model, x[:2], background) as (f, z, z0):
        assert torch.allclose(metric(f, values[:, :2], z, z0), figures[:, :2]), f"{metric}: rows depend on one another"
    assert torch.equal(torch.get_rng_state(), stream), f"{metric}: the global random stream moved"


def _check_truth(metric: Metric, generator: torch.Generator) -> None:
    r"""On $f = w^\top x + b$ no attribution is better than $w_i (x_i - E x_{0i})$."""
    weight = _normal(generator, _PLAYERS)
    x, background = _normal(generator, _ROWS, _PLAYERS), _normal(generator, _DRAWS, _PLAYERS)
    truth = (x - background.mean(dim=0)) * weight
    others = torch.stack([-truth, truth.flip(1), _normal(generator, _ROWS, _PLAYERS), torch.zeros_like(truth)])
    with _asking(lambda z: z @ weight + 1, x, background) as (f, z, z0):
        best, worse = metric(f, truth, z, z0), metric(f, others, z, z0)
    if metric.best == "low":
        assert bool((best.abs() < 1e-12).all()), (
            f"{metric}: the truth about an affine score gets {best.tolist()}, not 0"
        )
        best, worse = -best, -worse
    assert bool((best >= worse - 1e-12).all()), f"{metric}: something is better than the truth about an affine score"


def _check_symmetric(metric: Metric, generator: torch.Generator) -> None:
    """Naming the players in another order changes nothing."""
    model, values = _curved(generator), _normal(generator, _ROWS, _PLAYERS)
    x, background = _normal(generator, _ROWS, _PLAYERS), _normal(generator, _DRAWS, _PLAYERS)
    order = torch.randperm(_PLAYERS, generator=generator)
    with _asking(model, x, background) as (f, z, z0):
        figures = metric(f, values, z, z0)
    with _asking(lambda z: model(z[:, order.argsort()]), x[:, order], background[:, order]) as (f, z, z0):
        renamed = metric(f, values[:, order], z, z0)
    assert torch.allclose(renamed, figures), f"{metric}: the figure depends on the order in which players are named"
