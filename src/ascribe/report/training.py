"""How the KAN of the main job is made: fitted, pruned and refined while its error on the validation part allows."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from ascribe.report.explained import Explained, target_units
from ascribe.report.feature_scores import feature_scores
from ascribe.report.prepare import Data
from ascribe.report.trials import Candidate, Training, Trials

# A finer network must clearly lower the validation error.
GAIN = 0.995


def train(data: Data, training: Training, seed: int, progress: Callable[[str, float], None]) -> Explained:
    """A KAN that reads as few columns through as few and as smooth edges as its validation error allows."""
    start = time.perf_counter()
    trials = Trials(data, training, seed, progress)
    best = finer(trials, smaller(trials, first(trials)))
    kan = best.kan
    return Explained(
        name="KAN",
        network=best.network,
        unit_note=target_units(data.target.name, data.target.classes),
        seconds=time.perf_counter() - start,
        kan=kan,
        inputs=tuple(data.encoder.features[column] for column in kan.input_id.tolist()),
        rounds=tuple(trials.rounds),
        scores=feature_scores(best.network, data, training.bootstrap, seed),
    )


def first(trials: Trials) -> Candidate:
    """The best strength of the regulariser for each hidden layer, on the coarsest grid; the simplest good one."""
    plan, tried = trials.training, []
    for hidden, strength in itertools.product(plan.hidden, plan.strengths):
        step = f"{f'{hidden} hidden nodes' if hidden else 'sum of curves'}, regularised {strength:g}"
        tried.append(trials.fit(step, trials.network(hidden), strength, plan.stretches[: plan.glance]))
    count = len(plan.strengths)
    leaders = [min(tried[i : i + count], key=by_validation) for i in range(0, len(tried), count)]
    best = next(leader for leader in leaders if leader.validation_error <= trials.tolerated)
    for candidate in tried:
        trials.record(candidate, candidate is best)
    rest = plan.stretches[plan.glance :]
    if not rest:
        return best
    longer = trials.fit("train on", best.kan.copy(), best.strength, rest)
    kept = longer.validation_error < best.validation_error
    trials.record(longer, kept)
    return longer if kept else best


def by_validation(candidate: Candidate) -> float:
    return candidate.validation_error


def smaller(trials: Trials, best: Candidate) -> Candidate:
    """Without the nodes and edges that matter little, then without the inputs; trained again each time."""
    for step, pruned in (("prune", lambda kan: kan.prune()), ("prune inputs", lambda kan: kan.prune_input())):
        candidate = trials.fit(step, trials.quietly(pruned, best.kan), best.strength, trials.training.again)
        kept = candidate.validation_error <= trials.tolerated
        trials.record(candidate, kept)
        best = candidate if kept else best
    return best


def finer(trials: Trials, best: Candidate) -> Candidate:
    """On finer grids, as long as that lowers the validation error."""
    for grid in trials.training.grids[1:]:
        candidate = trials.fit(f"refine to {grid}", best.kan.refine(grid), best.strength, trials.training.again)
        kept = candidate.validation_error < GAIN * best.validation_error
        trials.record(candidate, kept)
        if not kept:
            break
        best = candidate
    return best
