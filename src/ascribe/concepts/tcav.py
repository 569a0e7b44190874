"""TCAV: how much a network's output depends on a concept, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.concepts.activations import layer_names
from ascribe.concepts.concept import Concept
from ascribe.concepts.significance import permutation_p
from ascribe.concepts.vectors import concept_activations, fitted
from ascribe.core.asking import asked
from ascribe.core.evaluate import gradient
from ascribe.core.method import Method
from ascribe.errors import InputError, TargetError, need


@final
@dataclass(frozen=True)
class ConceptScores:
    """A row for every layer and concept.

    `score` is the part of the data rows whose output grows in the concept's direction, in the mean over the random
    sets that it was held against, with its standard `error`; `slope`, the mean growth for a step of length 1. `p` is
    the probability of a score as far from those of the random sets themselves by chance (NaN for a single random set);
    `accuracy`, that of telling the concept from a random set.
    """

    table: tuple[dict[str, Any], ...]

    def to_frame(self) -> Any:
        """The table as a pandas DataFrame."""
        return need("pandas", extra="table").DataFrame(list(self.table))

    def __repr__(self) -> str:
        cells = [[f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()] for row in self.table]
        lines = [list(self.table[0]), *cells]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def sensitivity(
    slopes: Float[Tensor, "rows features"], vectors: Float[Tensor, "concepts features"]
) -> Float[Tensor, "rows concepts"]:
    r"""$\nabla f_l(h(x))^\top v_c$: how fast the output of every row grows in the direction of every concept."""
    return slopes @ vectors.to(slopes).T


def tcav(
    model: nn.Module,
    x: Any,
    concepts: Sequence[Concept],
    random: Sequence[Concept],
    *,
    at: str | nn.Module | Sequence[str | nn.Module],
    target: Any = None,
    given: Any = None,
    method: Method | None = None,
    penalty: float = 1e-2,
    held_out: float = 0.33,
    seed: int = 0,
    memory: int | str = "256 MiB",
    progress: bool = False,
) -> ConceptScores:
    r"""$\mathrm{TCAV}_c = \frac1n \#\{i : \nabla f_l(h_l(x_i))^\top v_c > 0\}$ at every layer l, for every concept c.

    Each concept is held against each of several `random` sets (five or more give p-values that can be small), and the
    random sets against one another, which shows what chance does: two-sided permutation test. `method` takes the place
    of the gradient at the layer. Examples go through the network once, all layers together.

    Raises InputError for no concepts or no random sets, TargetError for several outputs, LayerError for a layer that
    does not run.

    Source: Kim, Wattenberg, Gilmer, Cai, Wexler, Viegas & Sayres (2018), "Interpretability beyond feature attribution:
    quantitative testing with concept activation vectors (TCAV)".
    """
    layers = layer_names(model, at)
    named = [*concepts, *random]
    if not concepts or not random or len({concept.name for concept in named}) < len(named):
        raise InputError(
            f"{len(concepts)} concepts and {len(random)} random sets came, named {[c.name for c in named]}; pass at "
            "least one of both, each with a name of its own"
        )
    if isinstance(target, str) and target == "all":
        raise TargetError('tcav scores one output, but target="all" came; pass target="predicted" or an index')
    values = {concept.name: concept_activations(model, layers, concept) for concept in named}
    table: list[dict[str, Any]] = []
    for layer in layers:
        slopes = slopes_at(model, x, layer, method, target=target, given=given, memory=memory, progress=progress)

        def against(one: Concept, other: Concept, layer: str = layer, slopes: Tensor = slopes) -> _Duel:
            both = [values[c.name][layer] for c in (one, other)]
            found = fitted([one.name, other.name], layer, both, penalty=penalty, held_out=held_out, seed=seed)
            growth = sensitivity(slopes, found.vectors[:1])[:, 0]
            return _Duel(float((growth > 0).double().mean()), float(growth.mean()), found.accuracy)

        pairs = zip(random, [*random[1:], random[0]], strict=True) if len(random) > 1 else ()
        chance = [against(one, other) for one, other in pairs]
        table += [
            _row(layer, concept.name, [against(concept, other) for other in random], chance, seed)
            for concept in concepts
        ]
    return ConceptScores(tuple(table))


@final
@dataclass(frozen=True)
class _Duel:
    """What came of a concept held against one random set."""

    score: float
    slope: float
    accuracy: float


def _row(layer: str, concept: str, duels: Sequence[_Duel], chance: Sequence[_Duel], seed: int) -> dict[str, Any]:
    scores = [duel.score for duel in duels]
    return {
        "layer": layer,
        "concept": concept,
        "score": fmean(scores),
        "error": stdev(scores) / len(scores) ** 0.5 if len(scores) > 1 else float("nan"),
        "slope": fmean(duel.slope for duel in duels),
        "p": permutation_p(torch.tensor(scores), torch.tensor([duel.score for duel in chance]), seed=seed),
        "accuracy": fmean(duel.accuracy for duel in duels),
    }


def slopes_at(
    model: Callable[..., Any], x: Any, layer: str, method: Method | None, **keywords: Any
) -> Float[Tensor, "rows features"]:
    """The gradient of every row's score at the layer, or what a method says there."""
    with asked(model, x, at=layer, **keywords) as question:
        if method is not None:
            return question.answer(method).values.flatten(1)
        place = question.place
        with place.f.budget.showing(layer):
            return gradient(place.f, place.z).flatten(1)
