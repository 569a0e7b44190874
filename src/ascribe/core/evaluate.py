"""Batching, solved once: rows go through the network in pieces that fit a memory budget."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.points import slopes
from ascribe.core.score import Score
from ascribe.errors import InputError, MethodError

# Measured on small networks and on images: pieces that outgrow a core's second-level cache (by the estimates, which are
# generous without a tape) are slower, and so are more large rows than these.
_CACHE = {True: 2 * 2**20, False: 4 * 2**20}  # bytes, with a tape and without
_FEW_ROWS = {True: 4, False: 8}  # so many rows a call are worth it, however large they are
_DOUBT = 8  # a guess may be wrong by so much: functions such as an LSTM keep more than they return

_ROW = "row {} of x; leave such rows out"
_NOWHERE = "what x is compared with; pass another baseline= or background="


def sweep(f: Score, count: int, work: Callable[[Int[Tensor, " piece"]], None], *, gradients: bool) -> None:
    """Call `work` on consecutive pieces of `range(count)`, each as many evaluations as fit the memory budget.

    `work` must change nothing before its network call has returned: a piece that runs out of memory is halved and
    tried again. It runs with the tape on where `gradients` are asked for, and off where not.
    """
    start = 0
    while start < count:
        index = torch.arange(start, start + rows_together(f, count - start, gradients), device=f.sample.device)
        try:
            with torch.set_grad_enabled(gradients):
                work(index)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error) or len(index) == 1:
                raise
            f.footprint.measured[gradients] = -(-2 * f.budget.memory * f.outputs // len(index))
        else:
            start += len(index)


def values(f: Score, z: Float[Tensor, "n *shape"], rows: Int[Tensor, " n"] | None = None) -> Float[Tensor, " n"]:
    """$f(z)$ without a graph. Scores of a whole tensor are remembered for as long as it is the same and unchanged.

    Raises InputError for NaN or infinity.
    """
    if rows is None and (remembered := f.recall(z)) is not None:
        return remembered
    every = f.every if rows is None else rows
    pieces: list[Tensor] = []
    sweep(f, len(z), lambda i: pieces.append(f(z[i], every[i])), gradients=False)
    scores = torch.cat(pieces)
    return scores if rows is not None else f.remember(z, _finite(f, scores, _ROW))


def reference_values(f: Score, z0: Float[Tensor, "..."]) -> Float[Tensor, " rows"]:
    r"""$f(z_0)$ for every data row: of a point (any, *shape), or the mean over a background (draws, any, *shape)."""
    scores, kind = draw_values(f, z0)
    return scores.double().mean(0).to(scores.dtype)[kind]


def draw_values(f: Score, z0: Float[Tensor, "..."]) -> tuple[Float[Tensor, "draws kinds"], Int[Tensor, " rows"]]:
    r"""$f$ of every draw of a background (of a point: the only draw), and the column that belongs to each data row.

    A draw is one row for all data rows or one for each. Data rows that are asked the same question share their column.
    Remembered as `values` are.  Raises InputError for NaN or infinity.
    """
    draws = z0[None] if z0.ndim == f.sample.ndim else z0
    shared = draws.shape[1] == 1
    rows, kind = f.representatives() if shared else (f.every, f.every)
    scores = f.recall(z0)
    if scores is None:
        pieces: list[Tensor] = []

        def work(index: Int[Tensor, " piece"]) -> None:
            draw, which = index // len(rows), index % len(rows)
            pieces.append(f(draws[draw, torch.zeros_like(which) if shared else which], rows[which]))

        try:
            sweep(f, len(draws) * len(rows), work, gradients=False)
        except IndexError as error:
            raise InputError(f"the model does not run on {_NOWHERE} ({error})") from error
        scores = f.remember(z0, _finite(f, torch.cat(pieces), _NOWHERE))
    return scores.view(len(draws), len(rows)), kind


def _finite(f: Score, scores: Float[Tensor, " n"], place: str) -> Float[Tensor, " n"]:
    if bool(scores.isfinite().all()):
        return scores
    first = int((~scores.isfinite()).nonzero()[0]) // f.outputs
    raise InputError(f"the model gives NaN or infinity for {place.format(first)}")


def gradient(
    f: Score, z: Float[Tensor, "n *shape"], rows: Int[Tensor, " n"] | None = None
) -> Float[Tensor, "n *shape"]:
    r"""$\nabla f(z)$, row by row."""
    return value_and_gradient(f, z, rows)[1]


def value_and_gradient(
    f: Score, z: Float[Tensor, "n *shape"], rows: Int[Tensor, " n"] | None = None
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n *shape"]]:
    r"""$f(z)$ and $\nabla f(z)$ in one pass, which remembers the scores as `values` does.

    Raises InputError for NaN or infinity.
    """
    every = f.every if rows is None else rows
    scores: list[Tensor] = []
    gradients = torch.empty_like(z)

    def work(index: Int[Tensor, " piece"]) -> None:
        score, slope = differentiate(f, z[index], every[index])
        scores.append(score)
        gradients[index] = slope

    sweep(f, len(z), work, gradients=True)
    found = torch.cat(scores)
    return found if rows is not None else f.remember(z, _finite(f, found, _ROW)), gradients


def differentiate(
    f: Score, z: Float[Tensor, "n *shape"], rows: Int[Tensor, " n"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n *shape"]]:
    """Scores and gradients of one piece, in one network call; the work that a gradient method gives to `sweep`.

    Raises InputError for whole-number inputs and MethodError where the model cuts the graph.
    """
    f.require_gradient()
    points = f.points(z, rows)
    leaf = (z if points is None else z[points.first]).detach().requires_grad_()
    with torch.enable_grad():
        # A network may begin with an operation in place, which a leaf does not allow.
        scores = f.at(leaf.clone(), rows, points)
        if not scores.requires_grad:
            raise MethodError(
                "the score has no gradient: the model does not compute it from its input by differentiable "
                "torch operations; use Shapley() or Ablation(), which need none"
            )
        slope = slopes(scores, leaf, points)
    return scores.detach(), slope


def rows_together(f: Score, left: int, gradients: bool) -> int:
    """How many of the evaluations that are left go through the network together."""
    # Each point's values, slopes and what a method makes of them; the point's own way through the network comes on top.
    beside = 4 * f.sample.element_size() * f.sample.numel() * f.outputs
    points = -(-left // f.outputs)
    if gradients not in f.footprint.measured:
        guess = f.footprint.guess(gradients) + beside
        if points == 1 or (points <= _room(f, guess, gradients) and points * _DOUBT * guess <= f.budget.memory):
            return left
        f.footprint.measure(lambda count: _copies(f, count), gradients, f.budget.memory, f.module)
    return min(left, f.outputs * _room(f, f.footprint.measured[gradients] + beside, gradients))


def _room(f: Score, point: int, gradients: bool) -> int:
    """How many points of so many bytes go together."""
    piece = f.budget.memory // point
    if f.sample.device.type == "cpu" and f.module is not None:
        # Pieces that outgrow the caches are slower: 64 MiB at once takes twice the time on small networks. A plain
        # function may cost most of its time a call (scikit-learn's do), so it gets all that fits.
        piece = min(piece, max(_CACHE[gradients] // point, _FEW_ROWS[gradients]))
    return max(1, piece)


def _copies(f: Score, count: int) -> Float[Tensor, " count"]:
    z = f.sample.repeat(count, *[1] * (f.sample.ndim - 1))
    z.requires_grad_(torch.is_grad_enabled() and f.obstacle is None)
    return f.at(z.clone(), torch.zeros(count, dtype=torch.long, device=z.device), None)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return "not enough memory" in str(error) or "can't allocate memory" in str(error)
