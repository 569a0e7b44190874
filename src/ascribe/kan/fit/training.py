"""A training under way: a copy of the network at work, its optimiser, and what is to be kept."""

from __future__ import annotations

import copy
import math
import os
import time
from typing import SupportsFloat

from torch import Tensor

from ascribe.errors import TrainingError
from ascribe.kan.fit.adam import Adam
from ascribe.kan.fit.batches import Batches
from ascribe.kan.fit.best import Best, Frame
from ascribe.kan.fit.checkpoint import Checkpoint, fingerprint, grouped, read_checkpoint, write_checkpoint
from ascribe.kan.fit.cost import precision, terms_of
from ascribe.kan.fit.dataset import Data
from ascribe.kan.fit.domains import require_numbers
from ascribe.kan.fit.figures import figures_named
from ascribe.kan.fit.grid_following import GridFollowing
from ascribe.kan.fit.history import History
from ascribe.kan.fit.looks import Looks
from ascribe.kan.fit.loss import AnyLoss, Loss
from ascribe.kan.fit.objective import Objective
from ascribe.kan.fit.optimisers import BATCH, make_optimiser, optimiser_named
from ascribe.kan.fit.parameters import require_own_parameters
from ascribe.kan.fit.penalty import Penalty
from ascribe.kan.fit.plan import Plan
from ascribe.kan.fit.stop import StopTraining
from ascribe.kan.state.safe_file import one_sentence
from ascribe.kan.structure import Network


class Training:
    """The network the user holds changes at the end, and before each call of a metric or callback, which looks at it.

    Raises TrainingError where the optimiser is not known or cannot do what was asked, or where a symbolic edge is no
    number on the data.
    """

    def __init__(self, kan: Network, data: Data, loss: Loss, penalty: Penalty, plan: Plan) -> None:
        require_own_parameters(kan)
        rows = len(data.train)
        terms = terms_of(kan, rows)
        self.name = optimiser_named(plan.opt, kan, rows, terms, loss, penalty.lamb)
        if plan.rate is not None and self.name != "Adam" and plan.opt.lower() != "auto":
            raise TrainingError(
                f"opt={self.name!r} finds the length of its steps itself; pass opt='Adam' to schedule it."
            )
        self._kan, self._loss, self._plan = kan, loss, plan
        dtype = precision(kan, self.name, terms)
        self._work = copy.deepcopy(kan).to(dtype)
        parts = {"train": data.train, "val": data.val, "test": data.test}
        self._parts = {name: part.to(dtype) for name, part in parts.items() if part is not None}
        usual = rows
        if self.name == "Adam":
            usual = data.batch or (BATCH if plan.opt.lower() == "auto" else rows)
        self._batches = Batches(self._parts["train"], plan.batch if plan.batch > 0 else usual, plan.seed)
        self._objective = Objective(self._work, self._batches.next(), loss, penalty)
        require_numbers(self._objective)
        self._optimiser = make_optimiser(self.name, self._objective, plan.lr)
        self._grids = GridFollowing(self._objective, plan.schedule, self._parts["train"], self._batches.whole)
        figures = figures_named(plan.figures, loss, kan.nodes(kan.depth), data.train.label)
        self._looks = Looks(self._work, self._parts, loss, figures)
        # What the vector does not hold changes with the grids alone, so one copy serves all steps between two updates.
        self._frame = self._snapshot()
        self._best = Best(self._frame, self._optimiser.vector.clone())
        self._results: dict[str, list[float]] = {}
        self._seen: list[float] = []  # the objective, step by step, since the last look
        self._figures: dict[str, float] = {}  # of the last look
        self._first, self._known = 0, ""

    def run(self) -> History:
        from tqdm import tqdm

        started, stopped, plan = time.perf_counter(), "", self._plan
        try:
            if plan.resume is not None:
                self._resume(plan.resume)
            with tqdm(
                range(self._first, plan.steps),
                desc="fit",
                disable=not plan.progress,
                initial=self._first,
                total=plan.steps,
            ) as bar:
                for step in bar:
                    looked = self._step(step)
                    stopped = self._tell(step) or (self._patience_ended() if looked else "")
                    last = bool(stopped) or step == plan.steps - 1
                    if plan.checkpoint is not None and (last or (step + 1) % plan.every == 0):
                        write_checkpoint(plan.checkpoint, self._state(step))
                    if plan.progress:
                        bar.set_postfix({name: f"{values[-1]:.3g}" for name, values in self._results.items()})
                    if stopped:
                        break
        finally:
            self._give(self._best.frame, self._best.vector)
        return History(self._results, self.name, self._best.step, time.perf_counter() - started, stopped)

    def _step(self, step: int) -> bool:
        """One step, kept in the records; whether the state was looked at for the best."""
        batches, optimiser, plan = self._batches, self._optimiser, self._plan
        if step and not batches.whole:
            self._objective.see(batches.next())
            optimiser.feed()
        if self._grids.follow(step, optimiser):
            self._frame = self._snapshot()
        if plan.rate is not None and isinstance(optimiser, Adam):
            optimiser.factor = plan.rate(step)
        now = optimiser.step()
        if not math.isfinite(now.value):
            raise TrainingError(
                f"the loss is {now.value} at step {step} of {plan.steps}, and the network keeps the best state"
                " from before; scale the data, or pass a smaller lr."
            )
        self._seen.append(now.value)
        looks = (step + 1) % batches.epoch == 0 or step == plan.steps - 1
        if looks or not self._results:
            self._figures = self._looks.at(self._objective, optimiser.vector)
        parts = {name: self._figures[name] for name in ("val_loss", "test_loss") if name in self._figures}
        record = {"train_loss": self._loss.report(now.loss), **parts, "reg": now.penalty}
        for name, value in {**record, **self._figures}.items():
            self._results.setdefault(name, []).append(value)
        if looks:
            value = parts.get("val_loss", sum(self._seen) / len(self._seen))
            self._best.look(value, step, self._frame, optimiser.vector)
            self._seen = []
        return looks

    def _tell(self, step: int) -> str:
        """Metrics and callback look at the user's network as it is now; "callback" where they end the training."""
        plan = self._plan
        if plan.metrics or plan.callback is not None:
            self._objective.parameters.write(self._optimiser.vector)
            self._kan.load_state_dict(self._work.state_dict())
        for metric in plan.metrics:
            name, value = getattr(metric, "__name__", type(metric).__name__), metric()
            if not isinstance(value, SupportsFloat):
                raise TrainingError(f"metric {name!r} gives {value!r}; it must return a number.")
            self._results.setdefault(name, []).append(float(value))
        if plan.callback is None:
            return ""
        try:
            return "callback" if plan.callback(step) is True else ""
        except StopTraining:
            return "callback"

    def _patience_ended(self) -> str:
        patience = self._plan.patience
        return "patience" if patience is not None and self._best.since >= patience else ""

    def _snapshot(self) -> Frame:
        return {name: value.detach().clone() for name, value in self._work.state_dict().items()}

    def _give(self, frame: Frame, vector: Tensor) -> None:
        """Put a state into both networks."""
        self._work.load_state_dict(frame)
        self._objective.parameters.write(vector)
        self._kan.load_state_dict(self._work.state_dict())

    def _state(self, step: int) -> Checkpoint:
        best = self._best
        about = {
            "fingerprint": self._fingerprint(),
            "step": step,
            "drawn": self._batches.drawn,
            "arrival": self._grids.arrival,
            "best": [best.value, best.step, best.since],
            "results": self._results,
            "seen": self._seen,
            "figures": self._figures,
        }
        vectors = {"now": self._optimiser.vector, "best": best.vector}
        optimiser = self._optimiser.state()
        return Checkpoint(about, grouped(frame=self._frame, best=best.frame, vector=vectors, optimiser=optimiser))

    def _resume(self, path: str | os.PathLike[str]) -> None:
        found = read_checkpoint(path, self._fingerprint())
        about, vectors = found.about, {n: v.to(self._optimiser.vector) for n, v in found.group("vector").items()}
        with one_sentence(path, "training", "fit(..., checkpoint=path)"):
            self._frame = found.group("frame")
            self._work.load_state_dict(self._frame)
            value, step, since = about["best"]
            self._best = Best(found.group("best"), vectors["best"], value, step, since)
            self._results, self._seen, self._figures = about["results"], about["seen"], about["figures"]
            self._grids.arrival = about["arrival"]
            if about["drawn"] > self._batches.drawn:
                self._batches.skip(about["drawn"] - self._batches.drawn - 1)
                self._objective.see(self._batches.next())
            self._objective.refresh()
            self._optimiser.vector = vectors["now"]
            self._optimiser.restart()
            self._optimiser.restore({n: t.to(vectors["now"].device) for n, t in found.group("optimiser").items()})
            self._first = about["step"] + 1

    def _fingerprint(self) -> str:
        if not self._known:
            plan, objective = self._plan, self._objective
            settings = [self.name, plan.lr, plan.seed, self._batches.size, plan.schedule, self._work.width]
            edges = [layer.symbolic.names for layer in self._work.layers]
            # A function of the user's own has no name that is the same in every process.
            loss = AnyLoss.__name__ if isinstance(self._loss, AnyLoss) else self._loss
            known = [*settings, self._work.grid, edges, loss, objective.penalty]
            self._known = fingerprint(self._parts["train"], [repr(setting) for setting in known])
        return self._known
