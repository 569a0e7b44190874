"""How the KAN of the main job is made: fitted, pruned and refined while its error on the validation part allows."""

from __future__ import annotations

import time
from collections.abc import Callable

from ascribe.report.explained import Explained, target_units
from ascribe.report.feature_scores import feature_scores
from ascribe.report.prepare import Data
from ascribe.report.trials import Candidate, Training, Trials

# A smaller network is kept if its validation error is hardly larger; a finer one if it is clearly smaller.
SLACK, GAIN = 1.01, 0.995


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
    """The best of a few strengths of the regulariser, on the coarsest grid."""
    tried = [trials.fit(f"fit, regularised {s:g}", trials.network(), s) for s in trials.training.strengths]
    best = min(tried, key=lambda candidate: candidate.validation_error)
    for candidate in tried:
        trials.record(candidate, candidate is best)
    return best


def smaller(trials: Trials, best: Candidate) -> Candidate:
    """Without the nodes and edges that matter little, then without the inputs; trained again each time."""
    for step, pruned in (("prune", lambda kan: kan.prune()), ("prune inputs", lambda kan: kan.prune_input())):
        candidate = trials.fit(step, trials.quietly(pruned, best.kan), best.strength)
        kept = candidate.validation_error <= SLACK * best.validation_error
        trials.record(candidate, kept)
        best = candidate if kept else best
    return best


def finer(trials: Trials, best: Candidate) -> Candidate:
    """On finer grids, as long as that lowers the validation error."""
    for grid in trials.training.grids[1:]:
        candidate = trials.fit(f"refine to {grid}", best.kan.refine(grid), best.strength)
        kept = candidate.validation_error < GAIN * best.validation_error
        trials.record(candidate, kept)
        if not kept:
            break
        best = candidate
    return best
