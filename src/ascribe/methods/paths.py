"""The legs of every row's path with the scores at their ends, and the adaptive integral along one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.evaluate import reference_values, sweep, values
from ascribe.core.method import Estimate
from ascribe.core.score import Score
from ascribe.errors import InputError, MethodError
from ascribe.maths.panels import Take, integrate
from ascribe.maths.paths import Curve, Leg, Path, Polyline
from ascribe.maths.quadrature import Adaptive, Quadrature, Riemann, Side

# At times t of rows: the scores, the terms of their slopes along the path, and what is integrated.
Integrand = Callable[
    [Float[Tensor, " n"], Int[Tensor, " n"]],
    tuple[Float[Tensor, " n"], Float[Tensor, "n *_"], Float[Tensor, "n *form"]],
]


class ToleranceWarning(UserWarning):
    """The limit of evaluations came before the tolerance; the errors say how far it is."""


def checked(rule: Quadrature, path: Path) -> None:
    """Raises MethodError for what is no rule or no path, a rule without nodes, or a tolerance that cannot be met."""
    if not isinstance(rule, Quadrature):  # pyright: ignore[reportUnnecessaryIsInstance] - users may pass a number
        raise MethodError(f"quadrature={rule!r}; pass Adaptive(), GaussLegendre(50) or Riemann(50)")
    if isinstance(rule, Adaptive):
        if not 0 < rule.tolerance < 1 or rule.limit < 15:
            raise MethodError(f"{rule} cannot be met; pass 0 < tolerance < 1 and limit >= 15")
    elif not isinstance(rule.steps, int) or rule.steps < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise MethodError(f"{rule} has no nodes; pass steps >= 1")
    elif isinstance(rule, Riemann) and rule.side not in get_args(Side):
        raise MethodError(f"{rule} is not known; pass a side of {', '.join(get_args(Side))}")
    if not isinstance(path, Path):  # pyright: ignore[reportUnnecessaryIsInstance] - users may pass a function
        raise MethodError(f"path={path!r}; pass Straight(), Polyline((point, ...)) or Curve(lambda t, z0, z: ...)")


def legs(f: Score, path: Path, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]) -> list[Leg]:
    """The smooth parts of the way from z0 to z.

    Raises InputError for corners that do not fit, and MethodError for a curve that does not end where it should.
    """
    if isinstance(path, Curve):
        leg = Leg(z0, z, path.point)
        for t, place, called in ((0.0, z0, "z0"), (1.0, z, "z")):
            at = leg.points(torch.full((len(z),), t, dtype=z.dtype, device=z.device), f.every)
            off = (at - place).abs().max() if at.shape == z.shape else torch.tensor(torch.inf)
            if not float(off) <= 1e3 * torch.finfo(z.dtype).eps * (1 + float(place.abs().max())):
                raise MethodError(
                    f"the path's point(t, z0, z) gives {tuple(at.shape)} at t={t:g}, {float(off):.3g} away from "
                    f"{called}; there it must be {called}, {tuple(z.shape)}"
                )
        return [leg]
    corners = [_corner(f, point) for point in path.through] if isinstance(path, Polyline) else []
    marks = [z0, *corners, z]
    return [Leg(start, end) for start, end in pairwise(marks)]


def _corner(f: Score, point: object) -> Float[Tensor, "any *shape"]:
    parts = f.form.read(point, "through")
    longest = max(len(part) for part in parts)
    if any(len(part) not in (1, f.rows // f.outputs) for part in parts):
        raise InputError(
            f"a point of the path has {longest} rows for {f.rows // f.outputs} of x; pass one, or one each"
        )
    packed = f.form.pack(tuple(part.expand(longest, *part.shape[1:]) for part in parts))
    return packed if longest == 1 else packed.repeat_interleave(f.outputs, 0)


def heights(
    f: Score, parts: list[Leg], z: Float[Tensor, "rows *shape"]
) -> list[tuple[Float[Tensor, " rows"], Float[Tensor, " rows"]]]:
    """The scores at both ends of every leg."""
    marks = [reference_values(f, leg.start) for leg in parts] + [values(f, z)]
    return list(pairwise(marks))


def together(found: list[Estimate]) -> Estimate:
    """The sum over the legs, whose errors are independent."""
    if len(found) == 1:
        return found[0]
    errors = [leg.error.square() for leg in found if leg.error is not None]
    error = torch.stack(errors).sum(0).sqrt() if errors else None
    return Estimate(torch.stack([leg.values for leg in found]).sum(0), error)


def path_integral(
    f: Score,
    ends: tuple[Float[Tensor, " rows"], Float[Tensor, " rows"]],
    like: Float[Tensor, "#rows *form"],
    integrand: Integrand,
    rule: Adaptive,
    terms: bool = True,
) -> Estimate:
    """The integral along every row's leg of an integrand of the form of `like`; `ends` are the scores at both ends.

    `integrand(t, rows)` gives scores, the terms of their slopes and integrands for one piece; `terms` says that the
    last two are the same. Rows whose panels fit the memory budget are integrated together.
    Warns with ToleranceWarning where the limit comes before the tolerance.
    """
    start, end = ends
    # About eight panels a row are alive together, of four tensors each.
    block = max(1, f.budget.memory // (32 * like[:1].numel() * like.element_size()))
    found: list[Estimate] = []
    unreached = 0
    for rows in torch.arange(len(end), device=like.device).split(block):

        def visit(t: Float[Tensor, " n"], which: Int[Tensor, " n"], take: Take, rows: Tensor = rows) -> None:
            sweep(f, len(t), lambda i: take(i, *integrand(t[i], rows[which[i]])), gradients=True)

        part = integrate(visit, start[rows], end[rows], like[:1].expand(len(rows), *like.shape[1:]), rule, terms)
        unreached += int((~part.reached).sum())
        found.append(Estimate(part.values, part.error))
    if unreached:
        warnings.warn(
            f"{unreached} of {len(end)} rows spent {rule.limit} evaluations before the tolerance of "
            f"{rule.tolerance:g}; see .error, or pass Adaptive(limit={4 * rule.limit})",
            ToleranceWarning,
            stacklevel=2,
        )
    return Estimate(torch.cat([e.values for e in found]), torch.cat([e.error for e in found if e.error is not None]))


def layer_form(f: Score, z: Float[Tensor, "rows *shape"]) -> Float[Tensor, "1 *layer"]:
    """The layer's value for one row, for its form.

    Raises InputError for whole-number inputs that have no embedding, and LayerError without a layer.
    """
    f.require_gradient()
    with torch.no_grad():
        return f.record(z[:1], f.every[:1])[1]
