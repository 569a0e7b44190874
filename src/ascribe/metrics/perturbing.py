"""Infidelity and sensitivity under changes of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from ascribe.core.asking import asked
from ascribe.core.evaluate import values
from ascribe.core.nest import leaves
from ascribe.core.score import Score
from ascribe.errors import InputError, MethodError

Change = Callable[[Any], Any]


class _Sums(NamedTuple):
    """Sums over the changes: said squared, said times done, done squared, and the difference squared."""

    said: Float64[Tensor, " rows"]
    both: Float64[Tensor, " rows"]
    done: Float64[Tensor, " rows"]
    apart: Float64[Tensor, " rows"]


def perturbed_infidelity(
    model: Callable[..., Any],
    x: Any,
    attributions: Any,
    perturb: Change,
    *,
    target: Any = None,
    given: Any = None,
    draws: int = 10,
    together: int = 1,
    scaled: bool = False,
    memory: int | str = "256 MiB",
    progress: bool = False,
) -> Float64[Tensor, " rows"]:
    r"""$E_I\big(\beta\, I^\top\phi - (f(x) - f(x_I))\big)^2$ of every row, for changes I of your own; $\beta = 1$.

    `perturb(x)` gives I and $x_I$, both in x's form; it is called with every row of x `together` times, one after the
    other, until there are `draws` for each. With `scaled`, $\beta$ is what is best for the row. For removals of
    players, which need no function, see `Infidelity`.

    Costs `draws` evaluations a row, and one. What `perturb` draws from torch's global stream is drawn from it.

    Raises InputError where shapes do not fit.

    Source: Yeh, Hsieh, Suggala, Inouye & Ravikumar (2019), "On the (in)fidelity and sensitivity of explanations".

    >>> net = torch.nn.Linear(2, 1, bias=False)
    >>> x, weights = torch.ones(3, 2), net.weight.detach().expand(3, 2)
    >>> perturbed_infidelity(net, x, weights, lambda x: (0.5 * x, 0.5 * x)).max().item() < 1e-12
    True
    """
    if draws < 1 or together < 1:
        raise MethodError(f"draws={draws} and together={together}; pass at least 1")
    stream = torch.get_rng_state()
    try:
        with asked(model, x, target=target, given=given, memory=memory, progress=progress) as question:
            f, z = question.entrance.f, question.entrance.z
            phi = _packed(f, attributions, f.rows, "attributions").to(z).flatten(1)
            now = values(f, z).cpu().double()
            sums = _Sums(*(torch.zeros_like(now) for _ in range(4)))
            with f.budget.showing("infidelity"):
                for count in _counts(draws, together):
                    rows = f.every.repeat_interleave(count)
                    torch.set_rng_state(stream)
                    change, moved = _pair(perturb(_repeated(x, count)))
                    stream = torch.get_rng_state()
                    change = _packed(f, change, len(rows), "the change").to(z).flatten(1)
                    moved = _packed(f, moved, len(rows), "the changed x").to(z)
                    said = (change.unflatten(0, (-1, count)) @ phi[:, :, None])[:, :, 0].cpu().double()
                    done = now[:, None] - values(f, moved, rows).cpu().double().view(-1, count)
                    parts = (said.square(), said * done, done.square(), (said - done).square())
                    sums = _Sums(*(total + part.sum(dim=1) for total, part in zip(sums, parts, strict=True)))
    finally:
        torch.set_rng_state(stream)
    bad = ~torch.stack(sums).isfinite().all(dim=0)
    if bool(bad.any()):
        raise InputError(
            f"the figure of row {int(bad.nonzero()[0])} is NaN or infinite; check the changes, the attributions and "
            "what the model gives for the changed row"
        )
    if not scaled:
        return sums.apart / draws
    best = sums.both / sums.said.where(sums.said != 0, 1)
    return (best.square() * sums.said - 2 * best * sums.both + sums.done) / draws


def perturbed_sensitivity(
    explanation: Callable[[Any], Any],
    x: Any,
    *,
    perturb: Change | None = None,
    radius: float | int = 0.02,
    draws: int = 10,
    together: int = 1,
    order: float | int = 2,
    seed: int = 0,
) -> Float[Tensor, " rows"]:
    r"""$\max_y \|\phi(y) - \phi(x)\|_p / \|\phi(x)\|_p$ of every row, for any function $\phi$ that explains.

    y is `perturb(x)`, and without one a uniform draw from $|y_j - x_j| \le$ `radius` by `seed`. `explanation` gets
    every row `together` times, one after the other, until there are `draws` for each; it gives a tensor, or a tuple of
    them, with as many rows as it got. Rows whose explanation is 0 are not divided. `order` is p.

    Source: Yeh, Hsieh, Suggala, Inouye & Ravikumar (2019), "On the (in)fidelity and sensitivity of explanations".

    >>> perturbed_sensitivity(lambda x: 3 * x, torch.ones(2, 1), radius=0.1).max().item() <= 0.1
    True
    """
    if draws < 1 or together < 1:
        raise MethodError(f"draws={draws} and together={together}; pass at least 1")
    near = _uniform(radius, seed) if perturb is None else perturb
    with torch.no_grad():
        first = _flat(explanation(x))
        size = torch.linalg.vector_norm(first, order, dim=1)
        size = size.where(size != 0, 1)
        worst = torch.zeros_like(size)
        for count in _counts(draws, together):
            found = _flat(explanation(near(_repeated(x, count))))
            if len(found) != len(first) * count or found.shape[1] != first.shape[1]:
                raise InputError(
                    f"the explanation has shape {tuple(found.shape)} for {len(first) * count} rows, flattened, and "
                    f"{tuple(first.shape)} for x; return as many rows as come in"
                )
            apart = torch.linalg.vector_norm(found.unflatten(0, (-1, count)) - first[:, None], order, dim=2)
            worst = worst.maximum((apart / size[:, None]).amax(dim=1))
    return worst


def _counts(draws: int, together: int) -> Iterator[int]:
    for first in range(0, draws, together):
        yield min(together, draws - first)


def _repeated(x: Any, count: int) -> Any:
    """Every row so many times, one after the other."""
    if isinstance(x, Tensor):
        return x.repeat_interleave(count, dim=0)
    if isinstance(x, dict):
        return {key: _repeated(part, count) for key, part in x.items()}
    return tuple(_repeated(part, count) for part in x)


def _pair(found: Any) -> tuple[Any, Any]:
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise InputError(f"perturb gave {type(found).__name__}; return two, the change and the changed x")
    return found[0], found[1]


def _packed(f: Score, nest: Any, rows: int, what: str) -> Tensor:
    """A nest in x's form as one tensor.  Raises InputError where the shape is another."""
    parts = leaves(nest)
    wanted = [(rows, *part.shape[1:]) for part in f.inputs.parts]
    if [tuple(part.shape) for part in parts] != wanted:
        shapes = ", ".join(str(tuple(part.shape)) for part in parts)
        raise InputError(f"{what} has shape {shapes}; it must be that of x: {', '.join(map(str, wanted))}")
    return f.inputs.pack(parts)


def _flat(nest: Any) -> Float[Tensor, "rows entries"]:
    return torch.cat([part.detach().flatten(1) for part in leaves(nest)], dim=1)


def _uniform(radius: float | int, seed: int) -> Change:
    generator = torch.Generator().manual_seed(seed)

    def near(x: Any) -> Any:
        if isinstance(x, dict):
            return {key: near(part) for key, part in x.items()}
        if not isinstance(x, Tensor):
            return tuple(near(part) for part in x)
        noise = torch.rand(x.shape, generator=generator, dtype=x.dtype).to(x.device)
        return x + radius * (2 * noise - 1)

    return near
