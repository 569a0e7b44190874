"""Several methods on the same question: what they say, how far they agree, what they can be trusted with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, TypeVar, cast, final

import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from ascribe.core.asking import asked
from ascribe.core.attribution import Attribution
from ascribe.core.drawing import Drawer
from ascribe.core.method import Method
from ascribe.core.question import Question
from ascribe.errors import AscribeError, MethodError, TargetError, need
from ascribe.metrics.agreement import RankCorrelation
from ascribe.metrics.metric import Metric

_BACKGROUND = 16  # background rows a removal is averaged over: enough to rank methods, and every method meets the same

Judged = TypeVar("Judged", bound=Method | Metric)


@final
@dataclass(frozen=True, repr=False, eq=False)
class Comparison:
    """Attributions by name of method, and a table of what each can be trusted with.

    `table` has a row a method: `gap`, the completeness gap to the method's own reference as a part of the difference
    that the values should add up to, both in the mean over the rows; the mean of each metric over the rows;
    `evaluations`; `seconds`. `agreement` is the rank correlation of every two methods, in the mean over the rows (NaN
    where none has an order). `failed` says of the methods that cannot work on this model why.
    """

    attributions: dict[str, Attribution]
    table: tuple[dict[str, Any], ...]
    agreement: Float64[Tensor, "methods methods"]
    failed: dict[str, str]

    plot: ClassVar[Drawer] = Drawer()

    def to_frame(self) -> Any:
        """The table as a pandas DataFrame, a row a method."""
        return need("pandas", extra="table").DataFrame(list(self.table)).set_index("method")

    def __repr__(self) -> str:
        lines = [list(self.table[0]), *([_cell(value) for value in row.values()] for row in self.table)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = [
            "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
            for line in lines
        ]
        return "\n".join([*text, *(f"{name} failed: {sentence}" for name, sentence in self.failed.items())])


def compare(
    model: Callable[..., Any],
    x: Any,
    methods: Sequence[Method],
    *,
    target: Any = None,
    at: str | nn.Module | Sequence[str | nn.Module] | None = None,
    baseline: Any = None,
    background: Any = None,
    groups: Any = None,
    names: Sequence[str] | None = None,
    given: Any = None,
    memory: int | str = "256 MiB",
    progress: bool = False,
    metrics: Sequence[Metric] | None = None,
) -> Comparison:
    """Explain the same rows by several methods, with `explain`'s keywords, and judge them by the same figures.

    The metrics (all of `ascribe.metrics` that need no more than this) remove players by putting those of the background
    in their place, or of the baseline; of a large background, 16 rows. A method that cannot work on this model is
    reported in `failed`.

    Raises MethodError for no methods or something else among them; TargetError for `target="all"`; what `explain`
    raises where no method works.

    >>> from ascribe.methods.ablation import Ablation
    >>> from ascribe.methods.shapley import Shapley
    >>> found = compare(torch.nn.Linear(2, 1), torch.eye(2), [Ablation(), Shapley()])
    >>> list(found.attributions), round(float(found.agreement[0, 1]), 6)
    (['Ablation', 'Shapley'], 1.0)
    """
    named = _named(methods, Method, "methods", "[DeepLift(), Shapley()]")
    if not named:
        raise MethodError("methods is empty; pass at least one, such as [DeepLift(), Shapley()]")
    judges = _named(standard_metrics() if metrics is None else metrics, Metric, "metrics", "[Infidelity(), Deletion()]")
    if isinstance(target, str) and target == "all":
        raise TargetError('compare judges one output, but target="all" came; pass target="predicted" or an index')
    keywords: dict[str, Any] = {
        "target": target,
        "at": at,
        "baseline": baseline,
        "background": background,
        "groups": groups,
        "names": names,
        "given": given,
        "memory": memory,
        "progress": progress,
    }
    with asked(model, x, **keywords) as question:
        attributions, failed = _answers(question, named)
        values = torch.stack([a.per_feature().double() for a in attributions.values()])
        figures = _figures(question, values, judges)
    table = [
        {"method": name, "gap": _gap(a), **{figure: rows[i] for figure, rows in figures.items()}}
        | {"evaluations": a.evaluations, "seconds": a.seconds}
        for i, (name, a) in enumerate(attributions.items())
    ]
    return Comparison(attributions, tuple(table), _agreement(values), failed)


def standard_metrics() -> tuple[Metric, ...]:
    """The metrics of this package that compare methods without being told more."""
    import ascribe.metrics as room

    exported = [value for value in vars(room).values() if isinstance(value, type)]
    return tuple(kind() for kind in exported if issubclass(kind, Metric) and kind is not Metric and kind.compared)


def _named(given: Any, kind: type[Judged], what: str, example: str) -> dict[str, Judged]:
    """Methods or metrics by names that tell them apart: with their turned knobs where the name alone is not enough."""
    if not isinstance(given, Sequence) or not all(isinstance(one, kind) for one in cast(Sequence[Any], given)):
        raise MethodError(f"{what}={given!r}; pass a list of {what} with their knobs, such as {example}")
    named: dict[str, Judged] = {}
    for one in cast(Sequence[Judged], given):
        alone = sum(other.name == one.name for other in cast(Sequence[Judged], given)) == 1
        name = one.name if alone else _with_knobs(one)
        copies = sum(other == name or other.startswith(f"{name} (") for other in named)
        named[f"{name} ({copies + 1})" if copies else name] = one
    return named


def _with_knobs(one: Method | Metric) -> str:
    knobs = [(knob.name, getattr(one, knob.name), knob.default) for knob in fields(cast(Any, one))]
    turned = [f"{name}={value!r}" for name, value, default in knobs if value != default]
    return f"{one.name}({', '.join(turned)})" if turned else one.name


def _answers(question: Question, named: dict[str, Method]) -> tuple[dict[str, Attribution], dict[str, str]]:
    attributions: dict[str, Attribution] = {}
    errors: dict[str, Exception] = {}
    for name, method in named.items():
        try:
            if method.yields == "pairs":
                raise MethodError(
                    f"{name} gives a value a pair of features, and one a feature is compared; use explain"
                )
            attributions[name] = question.answer(method)
        # A function that leaves torch says so by a RuntimeError when a gradient is asked of it.
        except (AscribeError, RuntimeError) as error:
            errors[name] = error
    if not attributions:
        raise next(iter(errors.values()))
    return attributions, {name: str(error) for name, error in errors.items()}


def _figures(
    question: Question, values: Float[Tensor, "methods rows players"], metrics: dict[str, Metric]
) -> dict[str, list[float]]:
    place = question.place
    f = replace(place.f, known=[])
    step = -(-len(place.background) // _BACKGROUND)
    with f.budget.showing("judging"):
        figures = {name: metric(f, values, place.z, place.background[::step]) for name, metric in metrics.items()}
    return {name: [float(rows.mean()) for rows in figure] for name, figure in figures.items()}


def _gap(a: Attribution) -> float:
    gap, difference = float(a.gap.abs().mean()), float((a.output - a.reference).abs().mean())
    return 0.0 if gap == 0 else gap / difference if difference else float("inf")


def _agreement(values: Float[Tensor, "methods rows players"]) -> Float64[Tensor, "methods methods"]:
    rank_correlation = RankCorrelation()
    return torch.stack([torch.stack([rank_correlation(a, b).nanmean() for b in values]) for a in values])


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
