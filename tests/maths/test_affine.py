"""Affine fits: exact where y is an image of the function, and never worse than exhaustion where it is not."""

from __future__ import annotations

import math

import pytest
import torch
from tests.reference.symbolic import error_at, exhaustive

from ascribe.errors import InputError
from ascribe.kan.symbolic.library import LIBRARY
from ascribe.maths.affine import fit_affine
from ascribe.maths.affine.curves import admissible, traits

NAMES = sorted(set(LIBRARY) - {"0", "1"})
RANGES = [(-1.0, 1.0), (1.0, 5.0), (-3.0, 3.0), (0.0, 1.0)]
# The plain part of a draw's spread below which float64 keeps too few digits of y to name its a and b.
SATURATED = 1e-5


def generator(name: str) -> torch.Generator:
    return torch.Generator().manual_seed(sum(map(ord, name)))


def uniform(low: float, high: float, count: int, draw: torch.Generator) -> torch.Tensor:
    return low + (high - low) * torch.rand(count, dtype=torch.float64, generator=draw)


def images(name: str, x: torch.Tensor, count: int) -> tuple[torch.Tensor, list[tuple[float, float]]]:
    """c f(a x + b) + d for random a and b with the data inside the domain, and those."""
    function, draw = LIBRARY[name], generator(name)
    first, last = traits(function).sides[0]
    low, high = float(x.min()), float(x.max())
    found: list[tuple[float, float]] = []
    rows: list[torch.Tensor] = []
    while len(found) < count:
        a, b = uniform(-10, 10, 2, draw).tolist()
        a = a / 4 if len(found) % 2 else a
        if math.isfinite(first) and math.isfinite(last):
            ends = (first + (last - first) * torch.rand(2, dtype=torch.float64, generator=draw)).sort().values.tolist()
            a, b = (ends[1] - ends[0]) / (high - low), ends[0] - (ends[1] - ends[0]) / (high - low) * low
        inside = max(abs(a), abs(b)) <= 10 and bool(admissible(function, torch.tensor(a), torch.tensor(b), low, high))
        values = function.torch(a * x + b)
        if inside and values.std() > SATURATED * values.abs().max():
            found.append((a, b))
            rows.append(1.7 * values - 0.6)
    return torch.stack(rows), found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ends", RANGES)
def test_an_exact_image_is_recovered(name: str, ends: tuple[float, float]) -> None:
    x = uniform(*ends, 300, torch.Generator().manual_seed(0))
    y, _ = images(name, x, 6)
    fits = fit_affine(x[None], y, [LIBRARY[name]], source=torch.zeros(len(y), dtype=torch.long))
    assert float(fits.error.max()) < 1e-12
    a, b, c, d = fits.affine[:, 0, :, None].unbind(1)
    assert float(a.abs().max()) <= 10
    assert float(b.abs().max()) <= 10
    near = c * LIBRARY[name].torch(a * x + b) + d
    torch.testing.assert_close(near, y, rtol=0.0, atol=2e-6 * float(y.std(1).max()) * math.sqrt(300))


@pytest.mark.parametrize("name", NAMES)
def test_never_worse_than_exhaustion(name: str) -> None:
    function = LIBRARY[name]
    draw = generator(name)
    x = uniform(-1, 1, 60, draw)
    targets = torch.stack(
        [
            torch.sin(3 * x) + 0.3 * x,
            torch.exp(-4 * (x - 0.3) ** 2),
            (x + 0.4).abs() + 0.1 * x,
            torch.tanh(5 * x) + x**3,
        ]
    )
    fits = fit_affine(x[None], targets, [function], source=torch.zeros(4, dtype=torch.long))
    for y, error, affine in zip(targets, fits.error[:, 0], fits.affine[:, 0], strict=True):
        a, b = affine[:2].tolist()
        assert error_at(function.torch, x, y, a, b) == pytest.approx(float(error), rel=1e-6, abs=1e-12)
        # A fit whose error is still a thousandth above its own limit is not climbed further.
        assert float(error) <= exhaustive(function.torch, function.domain, x, y) * (1 + 5e-3) + 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_the_error_is_scale_free(name: str) -> None:
    x = uniform(-1, 1, 80, generator(name))
    y = torch.sin(3 * x) + x**2
    both = torch.stack([y, 1e-6 * y, 1e6 * y - 1e6])
    error = fit_affine(x[None], both, [LIBRARY[name]], source=torch.zeros(3, dtype=torch.long)).error[:, 0]
    torch.testing.assert_close(error[1:], error[:1].expand(2), rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "a", "b", "low", "high"),
    [("sin", 9.0, 0.3, -1, 1), ("sin", 9.7, 2.0, -5, 5), ("gaussian", 10.0, -6.0, -1, 1), ("exp", 10.0, 0.0, -1, 1),
     ("exp", -9.0, 1.0, 1, 5), ("tanh", 10.0, 5.0, -1, 1), ("cosh", -1.661, 0.434, 1, 5), ("abs", 1.0, 0.37, -1, 1),
     ("sgn", 1.0, -0.2, -1, 1), ("x^0.5", 1.0, 0.0, 0, 1), ("arcsin", 1.0, 0.0, -1, 1), ("log", 1.0, 0.001, 0, 1),
     ("1/x^5", 1.0, 1.01, -1, 1)],
)  # fmt: skip
def test_hard_cases(name: str, a: float, b: float, low: float, high: float) -> None:
    x = uniform(low, high, 1000, torch.Generator().manual_seed(1))[None]
    fits = fit_affine(x, 3 * LIBRARY[name].torch(a * x + b) + 2, [LIBRARY[name]])
    assert float(fits.error) < 1e-12


@pytest.mark.parametrize(
    ("name", "a", "b", "c", "d", "plain"),
    [("x^2", 3.0, 1.5, 2.0, 1.0, (1.0, 0.5, 18.0, 1.0)), ("exp", 0.5, math.log(2), 3.0, 0.0, (0.5, 0.0, 6.0, 0.0)),
     ("sin", -2.0, 7.0, 1.0, 0.0, (2.0, 2 * math.pi - 7.0, -1.0, 0.0)),
     ("x", 5.0, 2.0, 3.0, 1.0, (1.0, 0.0, 15.0, 7.0)),
     ("tanh", -3.0, 1.0, 2.0, 0.0, (3.0, -1.0, -2.0, 0.0)), ("log", 4.0, 8.0, 1.0, 0.0, (1.0, 2.0, 1.0, math.log(4)))],
)  # fmt: skip
def test_redundant_numbers_are_plain(name: str, a: float, b: float, c: float, d: float, plain) -> None:
    x = uniform(-1, 1, 200, torch.Generator().manual_seed(2))[None]
    fits = fit_affine(x, c * LIBRARY[name].torch(a * x + b) + d, [LIBRARY[name]])
    torch.testing.assert_close(fits.affine[0, 0], torch.tensor(plain, dtype=torch.float64), rtol=1e-6, atol=1e-6)


TRAITS = {
    "scale_free": {"x", "abs", "relu", "sgn", "step", "log", "0", "1", "1/x"}
    | {name for name in LIBRARY if "x^" in name},
    "shift_free": {"x", "exp", "exp(x)-1", "0", "1"},
    "half_turn": {"sin", "cos", "tan", "cot", "sec", "csc"},
    "wave": {"sin", "cos"},
    "steps": {"sgn", "step", "0", "1"},
}  # fmt: skip


@pytest.mark.parametrize("trait", TRAITS)
def test_symmetries_are_found_by_trying(trait: str) -> None:
    assert {name for name, function in LIBRARY.items() if getattr(traits(function), trait)} == TRAITS[trait]


def test_sides_are_those_of_the_domains() -> None:
    sides = {name: traits(LIBRARY[name]).sides for name in ("tan", "log", "arcsin", "1/x", "exp", "arccosh")}
    infinite = math.inf
    assert sides == {
        "tan": ((pytest.approx(-math.pi / 2), pytest.approx(math.pi / 2)),),
        "log": ((0.0, infinite),),
        "arcsin": ((-1.0, 1.0),),
        "1/x": ((0.0, infinite), (-infinite, 0.0)),
        "exp": ((-infinite, infinite),),
        "arccosh": ((1.0, infinite),),
    }


def test_ranges_hold() -> None:
    x = uniform(-1, 1, 200, torch.Generator().manual_seed(3))[None]
    y = torch.tanh(7 * x + 1)
    functions = [LIBRARY[name] for name in NAMES]
    fits = fit_affine(x, y, functions, a_range=(0.5, 3.0), b_range=(-0.5, 0.25))
    a, b = fits.affine[0, :, 0], fits.affine[0, :, 1]
    some = a.isfinite()
    assert some.sum() >= 20
    assert bool(((a[some] >= 0.5) & (a[some] <= 3.0) & (b[some] >= -0.5) & (b[some] <= 0.25)).all())
    wide = fit_affine(20 * x, torch.sin(x * 20 * 0.7 + 2), [LIBRARY["sin"]], b_range=(20.0, 30.0))
    assert float(wide.error) < 1e-12
    assert 20 <= float(wide.affine[0, 0, 1]) <= 30


def test_no_logarithm_of_a_negative_number() -> None:
    x = uniform(-1, 1, 200, torch.Generator().manual_seed(4))[None]
    fits = fit_affine(x, x, [LIBRARY["log"], LIBRARY["1/x"]], a_range=(1.0, 2.0), b_range=(-0.5, 0.5))
    assert fits.affine.isnan().all()
    assert (fits.error == 1).all()
    assert (fits.r2 == 0).all()


def test_constants_and_single_samples() -> None:
    functions = list(LIBRARY.values())
    flat = fit_affine(torch.rand(1, 50), torch.full((1, 50), 3.7), functions)
    assert (flat.error[flat.affine[..., 0].isfinite()] == 0).all()
    still = fit_affine(torch.ones(1, 50), torch.rand(1, 50), [LIBRARY["sin"], LIBRARY["0"]])
    torch.testing.assert_close(still.error, torch.ones(1, 2, dtype=torch.float64))


def test_edges_do_not_disturb_one_another() -> None:
    draw = torch.Generator().manual_seed(5)
    x = torch.stack([uniform(-1, 1, 90, draw), uniform(0, 3, 90, draw)])
    source = torch.tensor([1, 0, 1])
    y = torch.stack([torch.sin(2 * x[1]), x[0] ** 2, torch.exp(x[1])])
    functions = [LIBRARY[name] for name in ("sin", "x^2", "exp", "log", "gaussian")]
    together = fit_affine(x, y, functions, source=source)
    for edge, own in enumerate(source.tolist()):
        alone = fit_affine(x[own : own + 1], y[edge : edge + 1], functions)
        torch.testing.assert_close(together.error[edge], alone.error[0], rtol=1e-3, atol=1e-9)


def test_what_does_not_fit_is_said() -> None:
    x = torch.rand(1, 10)
    with pytest.raises(InputError, match="0 functions leave nothing"):
        fit_affine(x, x, [])
    with pytest.raises(InputError, match="low <= high"):
        fit_affine(x, x, [LIBRARY["sin"]], a_range=(3.0, 1.0))
    with pytest.raises(InputError, match="NaN"):
        fit_affine(x, x * math.nan, [LIBRARY["sin"]])
