"""Batching, solved once: rows go through the network in pieces that fit a memory budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ascribe.core.score import Score
from ascribe.errors import InputError, MethodError

_CACHE = 2 * 2**20  # bytes: a core's second-level cache
_FEW_ROWS = 8  # so many rows a call are worth it, however large they are


def sweep(f: Score, count: int, work: Callable[[Int[Tensor, " piece"]], None], *, gradients: bool) -> None:
    """Call `work` on consecutive pieces of `range(count)`, each as many evaluations as fit the memory budget.

    `work` must change nothing before its network call has returned: a piece that runs out of memory is halved and
    tried again. It runs with the tape on where `gradients` are asked for, and off where not.
    """
    start = 0
    while start < count:
        piece = rows_together(f, gradients)
        index = torch.arange(start, min(start + piece, count), device=f.sample.device)
        try:
            with torch.set_grad_enabled(gradients):
                work(index)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error) or len(index) == 1:
                raise
            f.row_bytes[gradients] = -(-2 * f.budget.memory // len(index))
        else:
            start += len(index)


def values(f: Score, z: Float[Tensor, "n *shape"], rows: Int[Tensor, " n"] | None = None) -> Float[Tensor, " n"]:
    """$f(z)$ without a graph. Scores of a whole tensor are remembered for as long as it is the same and unchanged."""
    if rows is None and (remembered := f.recall(z)) is not None:
        return remembered
    every = f.every if rows is None else rows
    pieces: list[Tensor] = []
    sweep(f, len(z), lambda i: pieces.append(f(z[i], every[i])), gradients=False)
    scores = torch.cat(pieces)
    return scores if rows is not None else f.remember(z, scores)


def reference_values(f: Score, z0: Float[Tensor, "..."]) -> Float[Tensor, " rows"]:
    r"""$f(z_0)$ for every data row: of a point (any, *shape), or the mean over a background (draws, any, *shape)."""
    scores, kind = draw_values(f, z0)
    return scores.double().mean(0).to(scores.dtype)[kind]


def draw_values(f: Score, z0: Float[Tensor, "..."]) -> tuple[Float[Tensor, "draws kinds"], Int[Tensor, " rows"]]:
    r"""$f$ of every draw of a background (of a point: the only draw), and the column that belongs to each data row.

    A draw is one row for all data rows or one for each. Data rows that are asked the same question share their column.
    Remembered as `values` are.
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

        sweep(f, len(draws) * len(rows), work, gradients=False)
        scores = f.remember(z0, torch.cat(pieces))
    return scores.view(len(draws), len(rows)), kind


def gradient(
    f: Score, z: Float[Tensor, "n *shape"], rows: Int[Tensor, " n"] | None = None
) -> Float[Tensor, "n *shape"]:
    r"""$\nabla f(z)$, row by row."""
    return value_and_gradient(f, z, rows)[1]


def value_and_gradient(
    f: Score, z: Float[Tensor, "n *shape"], rows: Int[Tensor, " n"] | None = None
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n *shape"]]:
    r"""$f(z)$ and $\nabla f(z)$ in one pass."""
    every = f.every if rows is None else rows
    scores: list[Tensor] = []
    slopes = torch.empty_like(z)

    def work(index: Int[Tensor, " piece"]) -> None:
        score, slope = differentiate(f, z[index], every[index])
        scores.append(score)
        slopes[index] = slope

    sweep(f, len(z), work, gradients=True)
    return torch.cat(scores), slopes


def differentiate(
    f: Score, z: Float[Tensor, "n *shape"], rows: Int[Tensor, " n"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n *shape"]]:
    """Scores and gradients of one piece, in one network call; the work that a gradient method gives to `sweep`.

    Raises InputError for whole-number inputs and MethodError where the model cuts the graph.
    """
    if f.obstacle is not None:
        raise InputError(f.obstacle)
    leaf = z.detach().requires_grad_()
    with torch.enable_grad():
        # A network may begin with an operation in place, which a leaf does not allow.
        scores = f(leaf.clone(), rows)
        if not scores.requires_grad:
            raise MethodError(
                "the score has no gradient: the model does not compute it from its input by differentiable "
                "torch operations; use Shapley() or Ablation(), which need none"
            )
        (slope,) = torch.autograd.grad(scores.sum(), leaf, allow_unused=True, materialize_grads=True)
    return scores.detach(), slope


def rows_together(f: Score, gradients: bool) -> int:
    """How many evaluations go through the network together."""
    row = bytes_per_row(f, gradients)
    piece = f.budget.memory // row
    if f.sample.device.type == "cpu" and f.module is not None:
        # Pieces that outgrow the caches are slower: 64 MiB at once takes twice the time on small networks. A plain
        # function may cost most of its time a call (scikit-learn's do), so it gets all that fits.
        piece = min(piece, max(_CACHE // row, _FEW_ROWS))
    return max(1, piece)


def bytes_per_row(f: Score, gradients: bool) -> int:
    """Bytes that one more evaluation takes, measured once a score as the difference between two rows and one."""
    if gradients not in f.row_bytes:
        measure = _tape if gradients else _largest_result
        row = f.sample.element_size() * f.sample.numel()
        with torch.set_grad_enabled(gradients):
            f.row_bytes[gradients] = max(measure(f, 2) - measure(f, 1), 0) + 4 * row
    return f.row_bytes[gradients]


def _tape(f: Score, count: int) -> int:
    """Bytes that autograd keeps for the backward pass of `count` rows."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    z = f.sample.repeat(count, *[1] * (f.sample.ndim - 1)).requires_grad_(f.obstacle is None)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        scores = f(z.clone(), f.every[:1].repeat(count))
    total = sum(kept.values())
    del scores
    return total


class _Largest(TorchFunctionMode):
    """Watches for the largest tensor that a torch function returns."""

    nbytes = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.layout == torch.strided:
            self.nbytes = max(self.nbytes, result.numel() * result.element_size())
        return result


def _largest_result(f: Score, count: int) -> int:
    """Bytes alive without a tape: about an operation's argument, its result and its work space."""
    z, rows = f.sample.repeat(count, *[1] * (f.sample.ndim - 1)), f.every[:1].repeat(count)
    with _Largest() as watch:
        f(z, rows)
    return 3 * watch.nbytes


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return "not enough memory" in str(error) or "can't allocate memory" in str(error)
