"""From data to formula: the Feynman problems of up to four variables, one fixed setting, pykan beside it.

Every problem that is done is kept in build/feynman.json, so that a run that was stopped goes on where it was; delete
the file to measure anew. pykan takes three quarters of an hour for all of them.
"""

from __future__ import annotations

import json
import math
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import sympy
import torch
from torch import Tensor

from ascribe.kan import KAN
from ascribe.kan.feynman import PROBLEMS, get_feynman_dataset
from ascribe.kan.symbolic.discovery import discover
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.parse import parse
from benchmarks.machine import Peaks
from benchmarks.peers import pykan
from benchmarks.report import Goal, Scale, Section, Table

ROWS, VARIABLES, SECONDS, SHARE = 1000, 4, 60.0, 0.6
TUTORIAL = "exp(sin(pi*x) + y**2)"
TEXT = """\
{rows:,} rows without noise, drawn evenly from the ranges of every problem, float64; `discover(x, y, names)` with
nothing set but the same {seconds:.0f} seconds for every problem; one thread. Exact: sympy shows the formula found and
the true one to be the same, and on fresh rows they differ by less than 1e-10 of the spread. The error is that on fresh
rows, as a share of the spread. pykan gets the same rows and seconds for what its tutorial does: KAN([n, 5, 1]), fit
with lamb 1e-3, prune, fit, auto_symbolic, fit, in float64; where the time is over before there is a formula, the error
is that of the network as it was then.
"""


class Line(NamedTuple):
    """The tutorial's formula, one way, from one seed."""

    way: str
    seed: int
    exact: bool
    error: float  # mean, squared
    seconds: float


def rows(ranges: Any, count: int, seed: int) -> Tensor:
    """Evenly from a box."""
    low, high = torch.tensor(ranges, dtype=torch.float64).T
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(count, len(low), generator=generator, dtype=torch.float64)


def same(found: Any, true: Any) -> bool:
    """Whether sympy shows two formulas to be the same function of positive numbers, up to a sign that data decides."""
    positive = {symbol: sympy.Symbol(symbol.name, positive=True) for symbol in found.free_symbols | true.free_symbols}
    a, b = found.xreplace(positive), true.xreplace(positive)
    views = (lambda e: e, lambda e: e**2, sympy.cos, sympy.sin)
    return any(sympy.simplify(view(a) - view(b)) == 0 for view in views)


class Answer(NamedTuple):
    """A formula, or only values where the time was over before there was one."""

    formula: Any
    values: Callable[[Tensor], Tensor]
    seconds: float


def ours(names: list[str], x: Tensor, y: Tensor, seconds: float) -> Answer:
    found = discover(x, y, names, seconds=seconds)
    return Answer(found.formula, found, found.seconds)


def theirs(names: list[str], x: Tensor, y: Tensor, seconds: float) -> Answer:
    """pykan's tutorial in float64; `update_grid=False` after pruning, as with it some trainings end in NaN."""
    from kan import KAN

    started = time.perf_counter()
    held = len(x) // 5
    data = {"train_input": x[held:], "train_label": y[held:, None],
            "test_input": x[:held], "test_label": y[:held, None]}  # fmt: skip
    net, formula = None, None
    with pykan.quiet(), double(), limited(seconds):
        net = KAN(width=[len(names), 5, 1] if len(names) > 1 else [1, 1], grid=3, k=3, seed=0)
        net.fit(data, opt="LBFGS", steps=20, lamb=1e-3)
        if len(names) > 1:
            net = net.prune()
        net.fit(data, opt="LBFGS", steps=20, update_grid=False)
        net.auto_symbolic(verbose=0)
        net.fit(data, opt="LBFGS", steps=50, update_grid=False)
        formula = net.symbolic_formula(var=names)[0][0]
    return Answer(formula, lambda rows: net(rows)[:, 0].detach(), time.perf_counter() - started)


@contextmanager
def double() -> Iterator[None]:
    """float64 by default, which is how pykan is told."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """What takes longer is left where it is."""

    def stop(signal_number: int, frame: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except TimeoutError:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def solve(number: int, way: Callable[..., Answer], seconds: float) -> dict[str, Any]:
    """One problem, one way: the formula, whether it is exact, its error and its time."""
    symbols, true, values, ranges = get_feynman_dataset(number)
    names = [str(symbol) for symbol in symbols]
    x, fresh = rows(ranges, ROWS, number), rows(ranges, ROWS, 1000 + number)
    wanted = values(fresh)[:, 0]
    try:
        answer = way(names, x, values(x)[:, 0], seconds)
        got = answer.values(fresh)
        formula = answer.formula
        if formula is not None:
            got = evaluate(formula, dict(zip(names, fresh.T, strict=True))) + torch.zeros_like(wanted)
    except Exception as failure:  # what a contender cannot do is a result, and is said
        said = f"{type(failure).__name__}: {failure}"[:80]
        return {"formula": said, "exact": False, "error": None, "seconds": seconds}
    error = float((got - wanted).square().mean().sqrt() / wanted.std())
    error = error if math.isfinite(error) else None
    exact = error is not None and error < 1e-10 and formula is not None and same(formula, true)
    return {"formula": str(formula), "exact": exact, "error": error, "seconds": answer.seconds}


def tutorial(seed: int, way: Callable[[Tensor, Tensor, int], tuple[Any, Callable[[Tensor], Tensor]]]) -> list[Any]:
    """Whether exp(sin(pi x) + y^2) is found exactly, the mean squared error on fresh rows, and the seconds."""
    true = parse(TUTORIAL, ["x", "y"])
    x, fresh = rows([(-1.0, 1.0)] * 2, ROWS, seed), rows([(-1.0, 1.0)] * 2, ROWS, 100 + seed)
    values = [evaluate(true, dict(zip("xy", part.T, strict=True))) for part in (x, fresh)]
    started = time.perf_counter()
    formula, found = way(x, values[0], seed)
    took = time.perf_counter() - started
    return [same(formula, true), float((found(fresh) - values[1]).square().mean()), took]


def discovered(x: Tensor, y: Tensor, seed: int) -> tuple[Any, Callable[[Tensor], Tensor]]:
    """No network."""
    found = discover(x, y, ["x", "y"], seconds=SECONDS, seed=seed)
    return found.formula, found


def read(x: Tensor, y: Tensor, seed: int) -> tuple[Any, Callable[[Tensor], Tensor]]:
    """A network of splines that is trained, pruned and read."""
    net = KAN([2, 5, 1], grid=3, seed=seed, dtype=torch.float64)
    net.names = ["x", "y"]
    net.fit((x, y[:, None]), steps=30, lamb=1e-3, progress=False)
    net = net.prune()
    net.fit((x, y[:, None]), opt="LM", steps=10, progress=False)
    formula = net.auto_symbolic(verbose=0).formula
    return formula, lambda fresh: net(fresh)[:, 0].detach()


def kept(path: Path, key: str, make: Any) -> Any:
    """What was measured before, or now; written at once."""
    known = json.loads(path.read_text()) if path.exists() else {}
    if key not in known:
        known[key] = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(known, indent=1))
    return known[key]


def run(scale: Scale, peaks: Peaks) -> Section:
    seconds = scale.of(SECONDS, 5.0)
    text = TEXT.format(rows=ROWS, seconds=seconds)
    section = Section("feynman", "From data to formula", text)
    torch.set_num_threads(1)
    store = Path("build") / ("feynman_quick.json" if scale.quick else "feynman.json")
    numbers = [p.number for p in PROBLEMS if len(p.variables) <= VARIABLES]
    numbers = numbers[::20] if scale.quick else numbers
    seeds = range(scale.of(10, 2))
    ways = {"discover": discovered, "KAN, prune, auto_symbolic": read}
    first = [
        Line(name, seed, *kept(store, f"{name} {seed}", lambda seed=seed, way=way: tutorial(seed, way)))
        for name, way in ways.items()
        for seed in seeds
    ]
    slowest, worst = max(line.seconds for line in first), max(line.error for line in first)
    section.tables.append(
        Table(
            ["way", "seed", "exact", "mean squared error", "seconds"],
            [[a.way, str(a.seed), "yes" if a.exact else "no", f"{a.error:.1e}", f"{a.seconds:.1f}"] for a in first],
            f"{TUTORIAL}, network and data by seed",
        )
    )
    contenders = {"ascribe": ours} | ({"pykan": theirs} if pykan.INSTALLED else {})
    results = {
        name: {n: kept(store, f"{name} {n}", lambda n=n, way=way: solve(n, way, seconds)) for n in numbers}
        for name, way in contenders.items()
    }
    section.tables.append(
        Table(
            ["", "problems", "exact", "median error", "median seconds", "slowest"],
            [_summary(name, list(lines.values())) for name, lines in results.items()],
        )
    )
    section.tables.append(_each(numbers, results))
    share = sum(line["exact"] for line in results["ascribe"].values()) / len(numbers)
    all_exact = all(line.exact for line in first)
    section.goals += [
        Goal("Feynman problems of up to 4 variables, found exactly", f"{share:.0%}", f"> {SHARE:.0%}", share > SHARE),
        Goal(
            f"{TUTORIAL} from {len(seeds)} seeds, both ways",
            f"{'all' if all_exact else 'not all'} exact, error {worst:.0e}, {slowest:.1f} s",
            "all exact, below 1e-20, under 10 s",
            all_exact and worst < 1e-20 and slowest < 10,
        ),
    ]
    return section


def _summary(name: str, lines: list[dict[str, Any]]) -> list[str]:
    exact = sum(line["exact"] for line in lines)
    times = [line["seconds"] for line in lines]
    error = statistics.median(math.inf if line["error"] is None else line["error"] for line in lines)
    share = f"{exact} ({exact / len(lines):.0%})"
    return [name, str(len(lines)), share, f"{error:.1e}", f"{statistics.median(times):.1f}", f"{max(times):.1f}"]


def _each(numbers: list[int], results: dict[str, dict[int, dict[str, Any]]]) -> Table:
    lines: list[list[str]] = []
    for number in numbers:
        line = [f"{number}: `{PROBLEMS[number - 1].formula}`"]
        for found in (lines_of[number] for lines_of in results.values()):
            error = "fails" if found["error"] is None else format(found["error"], ".1e")
            line.append(f"{'exact' if found['exact'] else error}, {found['seconds']:.1f} s")
        missed = not results["ascribe"][number]["exact"]
        lines.append([*line, f"`{results['ascribe'][number]['formula'][:80]}`" if missed else ""])
    return Table(["problem", *results, "found instead"], lines, "Every problem")
