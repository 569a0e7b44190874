"""Games of sums against all their coalitions; extensions against what they extend; bounds that hold."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ascribe.errors import InputError
from ascribe.maths.extension import kinked_extension, left_out, sampled_extension
from ascribe.maths.piecewise import Piecewise
from ascribe.maths.product_games import cube_values, line_values, sine_bounds, sine_values
from ascribe.maths.sum_games import SumGames
from reference.product_games import game_values, sum_game_values

float64 = torch.float64
steps = st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 0.3141, -2.5]), min_size=1, max_size=7)


def zeta(t, some):
    return sum((t[i] if i in some else -t[i] for i in range(len(t))), start=torch.zeros((), dtype=float64))


@given(steps, st.sampled_from([0.1, 1.0, math.pi / 2, math.pi, 5.0, 31.0]))
@settings(max_examples=40, deadline=None)
def test_values_of_sines_lines_and_cubes_are_those_of_the_definition(t, omega):
    t = torch.tensor(t, dtype=float64)
    for mine, worth in (
        (sine_values(omega * t[None])[0], lambda some: torch.sin(omega * zeta(t, some))),
        (line_values(t), lambda some: zeta(t, some)),
        (cube_values(t), lambda some: zeta(t, some) ** 3),
    ):
        expected = game_values(worth, len(t))
        torch.testing.assert_close(mine, expected, atol=1e-12 * float(1 + expected.abs().max()), rtol=0)


@pytest.mark.parametrize("players", [1, 2, 3, 4, 5, 40, 99, 300])
def test_sines_of_many_players_add_up(players):
    angles = 3 * torch.randn(20, players, generator=torch.Generator().manual_seed(players), dtype=float64)
    angles[0] = math.pi / 2  # where every factor vanishes for as many present as absent
    torch.testing.assert_close(sine_values(angles).sum(1), 2 * angles.sum(1).sin(), atol=1e-10, rtol=0)


@pytest.mark.parametrize("players", [1, 2, 6, 30])
@pytest.mark.parametrize("terms", [1, 2, 10, 300])
def test_no_sine_is_worth_more_than_its_bound(players, terms):
    t = torch.randn(50, players, generator=torch.Generator().manual_seed(1), dtype=float64)
    t /= t.abs().sum(1, keepdim=True)
    bounds = sine_bounds(t, terms)
    assert bounds.shape == (50, terms)
    assert bool((bounds <= 2).all())
    for m in range(terms):
        assert bool((sine_values(math.pi * (m + 1) * t).abs().amax(1) <= bounds[:, m]).all())


def test_many_players_blur_a_fast_sine():
    t = torch.rand(50, 400, generator=torch.Generator().manual_seed(1), dtype=float64)
    t /= t.sum(1, keepdim=True)
    assert float(sine_bounds(t, 400)[:, 200:].max()) < 0.02


def spline(degree):
    """A piecewise polynomial with kinks of every order from 1, its derivatives, and where it breaks."""
    generator = torch.Generator().manual_seed(degree)
    breaks = torch.tensor([-0.9, -0.2, 0.35, 0.8], dtype=float64)
    plain = torch.randn(degree + 1, generator=generator, dtype=float64)
    jumps = torch.randn(4, degree + 1, generator=generator, dtype=float64)
    jumps[:, 0] = 0

    def derivatives(z):
        found = []
        for p in range(degree + 1):
            value = sum(plain[q] * z ** (q - p) / math.factorial(q - p) for q in range(p, degree + 1))
            for r in range(4):
                for q in range(max(p, 1), degree + 1):
                    value = value + torch.where(
                        z > breaks[r], jumps[r, q] * (z - breaks[r]) ** (q - p) / math.factorial(q - p), 0.0
                    )
            found.append(value)
        return torch.stack(found, -1)[..., None]

    return breaks, jumps, derivatives


def series(extension, z):
    terms = torch.arange(1, extension.sines.shape[-2] + 1, dtype=float64)
    waves = torch.sin(math.pi * z[:, None] * terms) @ extension.sines
    return extension.line * z[:, None] + extension.cube * z[:, None] ** 3 + waves


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 5, 6])
def test_kinked_extensions_lack_only_what_they_say(degree):
    breaks, jumps, derivatives = spline(degree)
    one = torch.ones(1, dtype=float64)
    ends = (derivatives(one) - derivatives(-one))[0]
    z = torch.linspace(0, 1, 1001, dtype=float64)
    odd = (derivatives(z) - derivatives(-z))[:, 0] / 2
    for smoothest in range(1, degree + 1):
        # Kinks of an order come alone: a wrong one would hide behind those of lower order.
        smooth = jumps.clone()
        smooth[:, :smoothest] = 0
        lower = (jumps - smooth)[..., None]
        bent = sum(_powers(z, breaks[r], lower[r]) for r in range(4))
        back = sum(_powers(-z, breaks[r], lower[r]) for r in range(4))
        there = sum(_derivatives(breaks[r], lower[r]) for r in range(4))
        for terms in (16, 128):
            found = kinked_extension(breaks, smooth[..., None], ends - there, terms)
            missing = (series(found, z) - (odd - (bent - back) / 2)).abs().max()
            assert float(missing) <= float(found.error) + 1e-11
            assert float(found.error) <= 20 * terms**-smoothest


def _powers(z, at, jumps):
    """The values of what these jumps at one break make."""
    above = (z - at).clamp(min=0)[:, None]
    return sum(jumps[q] * above**q / math.factorial(q) * (above > 0) for q in range(1, len(jumps)))


def _derivatives(at, jumps):
    """By how much the derivatives at 1 exceed those at -1."""
    by = 1 - at
    orders = range(len(jumps))
    return torch.stack(
        [
            sum(
                (jumps[q] * by ** (q - p) / math.factorial(q - p) for q in range(max(p, 1), len(jumps))),
                start=torch.zeros(1, dtype=float64),
            )
            for p in orders
        ]
    )


def test_piecewise_polynomials_know_their_kinks():
    breaks, jumps, derivatives = spline(3)
    found = Piecewise.of(breaks.flip(0)[None], lambda z: derivatives(z))
    torch.testing.assert_close(found.breaks[0], breaks)
    torch.testing.assert_close(found.jumps[0, ..., 0], jumps, atol=1e-11, rtol=0)


@pytest.mark.parametrize(
    ("centre", "radius"), [(0.0, 0.3), (0.4, 0.7), (-0.2, 5.0), (0.35, 0.45), (3.0, 0.5), (0.1, 0.0)]
)
def test_windows_of_piecewise_polynomials(centre, radius):
    """Kinks inside, outside, and right at an end (0.35 + 0.45 = 0.8 and 0.35 - 0.45 = -0.1)."""
    breaks, _, derivatives = spline(3)
    pieces = Piecewise.of(breaks[None], derivatives)
    window = (torch.full((1, 1), c, dtype=float64) for c in (centre, radius))
    found = pieces.extension(*window, torch.full((1, 1), 1e-3 * (radius + 0.1), dtype=float64), 2**14, 2**14)
    z = torch.linspace(0, 1, 501, dtype=float64)
    above, below = (derivatives(centre + side * radius * z)[:, 0] for side in (1, -1))
    one = type(found)(*(part[0, 0] for part in (found.line, found.cube, found.sines, found.error)))
    missing = (series(one, z) - (above - below) / 2).abs().max()
    assert float(missing) <= float(one.error) + 1e-11
    assert float(one.error) <= 1e-3 * (radius + 0.1)


@pytest.fixture(autouse=True)
def _terms(request, monkeypatch):
    """Few players, but solved as many are, except where that is the question."""
    if "few_players" not in request.node.name:
        monkeypatch.setattr("ascribe.maths.sum_games.FEW", 0)


def silu(z):
    return z * torch.sigmoid(z)


@pytest.mark.parametrize("radius", [0.5, 5.0, 60.0])
@pytest.mark.parametrize("cells", [64, 256, 1024])
def test_sampled_extensions_lack_less_than_proven(radius, cells):
    def h(z):
        return (silu(1.3 + radius * z) - silu(1.3 - radius * z))[:, None] / 2

    found = sampled_extension(h(torch.linspace(0, 1, cells + 1, dtype=float64)), torch.full((1,), 0.5 * radius**4))
    z = torch.linspace(0, 1, 2003, dtype=float64)
    missing = float((series(found, z) - h(z)).abs().max())
    assert missing <= float(found.error) + 1e-12
    assert float(found.error) <= 0.1 * radius**4 / cells**4 + 3 * missing + 1e-10


@pytest.mark.parametrize("kink", [0.1, 0.5, 0.83])
def test_sampled_kinks_are_estimated(kink):
    def h(z):
        return ((z - kink).relu() - (-z - kink).relu())[:, None]

    for cells in (64, 512):
        found = sampled_extension(h(torch.linspace(0, 1, cells + 1, dtype=float64)))
        z = torch.linspace(0, 1, 2003, dtype=float64)
        missing = float((series(found, z) - h(z)).abs().max())
        assert missing <= float(found.error) <= 30 * missing


OUTERS = {
    "line": lambda z: z[..., None],
    "relu": lambda z: z.relu()[..., None],
    "two": lambda z: torch.stack([z.tanh(), (2 * z).sin()], -1),
    "cubed": lambda z: (z - 0.3).relu()[..., None] ** 3,
    "pole": lambda z: 1 / (9.0 + z.square())[..., None],
}


@pytest.mark.parametrize("players", [1, 2, 6])
@pytest.mark.parametrize("name", OUTERS)
def test_games_of_sums_are_those_of_the_definition(name, players):
    generator = torch.Generator().manual_seed(players)
    present = torch.randn(2, 3, players, generator=generator, dtype=float64)
    absent = torch.randn(2, 3, players, generator=generator, dtype=float64)
    present[0, 0] = absent[0, 0]  # a window that is a point
    present[:, :, 0] = absent[0, :, 0] = absent[1, :, 0]  # a player who changes nothing
    expected = sum_game_values(OUTERS[name], present, absent).transpose(0, 1)
    for tolerance in (1e-2, 1e-6):
        values, error = SumGames(present, absent, OUTERS[name]).values(tolerance)
        assert bool(((values - expected).abs() <= error).all())
        assert bool((values[..., 0] == 0).all())
        assert bool((error[..., 0] == 0).all())
        if name != "relu":
            assert bool((error.amax(-1) <= tolerance * values.abs().amax(-1)).all())
        else:
            assert float((values - expected).abs().max()) <= max(1e-5, tolerance) * float(
                expected.abs().max().clamp(min=1)
            )


@pytest.mark.parametrize("name", OUTERS)
def test_few_players_have_values_to_rounding(name, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    present = torch.randn(3, 2, 8, generator=generator, dtype=float64)
    absent = torch.randn(4, 2, 8, generator=generator, dtype=float64)
    present[:, :, 5:] = absent[:, :, 5:] = absent[0, :, 5:]  # three players who change nothing
    expected = sum_game_values(OUTERS[name], present, absent).transpose(0, 1)
    monkeypatch.setattr("ascribe.maths.sum_games.FEW", 5)
    for memory in (2**28, 2**10):
        values, error = SumGames(present, absent, OUTERS[name], memory=memory).values(1e-2)
        assert bool(((values - expected).abs() <= error + 1e-13).all())
        assert bool((error <= 1e-12 * (1 + expected.abs().max())).all())
        assert bool((values[..., 5:] == 0).all())
        assert bool((error[..., 5:] == 0).all())


def test_few_players_bounds_hold_where_rounding_is_magnified():
    """Sums of 1e6 whose sine is asked: rounding moves it by 1e-10, whoever adds them up."""
    generator = torch.Generator().manual_seed(0)
    present, absent = 1e6 * torch.randn(2, 2, 2, 5, generator=generator, dtype=float64)
    values, error = SumGames(present, absent, OUTERS["two"]).values(1e-6)
    expected = sum_game_values(OUTERS["two"], present, absent).transpose(0, 1)
    assert bool(((values - expected).abs() <= error).all())
    assert float(error.max()) < 1e-6


@pytest.mark.parametrize("few", [0, 12], ids=["terms", "few_players"])
def test_a_bias_is_what_the_outer_functions_would_add(few, monkeypatch):
    monkeypatch.setattr("ascribe.maths.sum_games.FEW", few)
    generator = torch.Generator().manual_seed(0)
    present, absent = torch.randn(2, 2, 2, 5, generator=generator, dtype=float64)
    bias = torch.tensor([0.7, -2.0], dtype=float64)
    games = SumGames(present, absent, OUTERS["two"], bias=bias)
    values, error = games.values(1e-6)
    expected = sum_game_values(lambda z: OUTERS["two"](z + bias), present, absent).transpose(0, 1)
    assert bool(((values - expected).abs() <= error + 1e-13).all())


def test_a_kink_that_is_known_is_proven():
    """ReLU by its kink: the same values as from samples, and the bound holds."""
    generator = torch.Generator().manual_seed(0)
    present, absent = torch.randn(2, 2, 3, 8, generator=generator, dtype=float64)
    pieces = Piecewise.of(
        torch.zeros(3, 1, dtype=float64), lambda z: torch.stack([z.relu(), (z > 0).to(z)], -1)[..., None]
    )
    games = SumGames(present, absent, lambda z: torch.zeros_like(z)[..., None], torch.zeros(3, 1), pieces)
    values, error = games.values(1e-3)
    expected = sum_game_values(OUTERS["relu"], present, absent).transpose(0, 1)
    assert bool(((values - expected).abs() <= error).all())
    assert bool((error.amax(-1) <= 1e-3 * values.abs().amax(-1)).all())


def test_memory_changes_nothing():
    generator = torch.Generator().manual_seed(0)
    present, absent = torch.randn(2, 5, 3, 6, generator=generator, dtype=float64)
    much, little = (SumGames(present, absent, OUTERS["two"], memory=m).values(1e-6) for m in (2**28, 2**12))
    torch.testing.assert_close(much[0], little[0], atol=1e-6 * float(much[0].abs().max()), rtol=0)
    assert bool((little[1].amax(-1) <= 1e-6 * little[0].abs().amax(-1)).all())


def test_infinite_functions_are_refused():
    present, absent = torch.ones(1, 1, 2, dtype=float64), -torch.ones(1, 1, 2, dtype=float64)
    with pytest.raises(InputError, match="subnode 0 to output 0 is not finite"):
        SumGames(present, absent, lambda z: z.log()[..., None]).values(1e-6)


def test_what_is_left_out_is_a_sum_of_fast_sines():
    jumps = torch.zeros(1, 4, 1, dtype=float64)
    jumps[0, 3] = 2.0
    tail = (2 / (math.pi * torch.arange(11, 100_000, dtype=float64)) ** 4).sum()
    assert float(tail) <= float(left_out(jumps, 10)) <= 1.2 * float(tail)


def test_what_an_extension_may_lack_is_part_of_the_error():
    """Of a line nothing is lacking, but from this bound of its bends alone nobody could know."""
    present, absent = torch.ones(1, 1, 2, dtype=float64), -torch.ones(1, 1, 2, dtype=float64)
    bends = 1e14
    values, error = SumGames(present, absent, OUTERS["line"], torch.full((1, 1), bends, dtype=float64)).values(1e-6)
    torch.testing.assert_close(values, torch.full_like(values, 2.0))
    # The window's half is 2, and 16,384 samples are the most.
    expected = 2 * 0.07 * bends * 2**4 / (2**14 - 1) ** 4
    torch.testing.assert_close(error, torch.full_like(error, expected), rtol=1e-6, atol=0)
