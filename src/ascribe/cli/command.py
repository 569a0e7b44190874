"""The `ascribe` command: what may be typed, and how its errors and its end are said."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ascribe.cli.doctor import Doctor
from ascribe.cli.job import Job
from ascribe.errors import AscribeError, need
from ascribe.report.conduct import Settings
from ascribe.tables.target import Task

WRONG_INPUT, INTERRUPTED = 2, 130


def main(tokens: Sequence[str] | None = None, settings: Settings | None = None) -> int:
    """Run the command that was typed. Returns the exit code: 0; 2 for input that cannot be used; 130 after Ctrl-C."""
    typed = sys.argv[1:] if tokens is None else list(tokens)
    asks_doctor = typed[:1] == ["doctor"]
    try:
        if asks_doctor and find_spec("cyclopts") is None:
            # Asked when something is missing, the doctor comes also without the library that reads the command line.
            print(Doctor(json="--json" in typed).run())
            return 0
        cyclopts = need("cyclopts", extra="cli")
        try:
            job = grammar(cyclopts)(typed)
        except cyclopts.CycloptsError as error:
            verb = "doctor" if asks_doctor else "explain"
            return failed(f"{' '.join(str(error).split())} Type ascribe {verb} --help.", WRONG_INPUT)
        if job is not None:
            print(job.run(settings or Settings()))
    except AscribeError as error:
        return failed(str(error), WRONG_INPUT)
    except KeyboardInterrupt:
        return failed("interrupted; nothing was written.", INTERRUPTED)
    return 0


def failed(sentence: str, code: int) -> int:
    print(f"ascribe: {sentence}", file=sys.stderr)
    return code


def grammar(cyclopts: Any) -> Any:
    """The command line's grammar: its verbs are `explain` and `doctor`."""
    app = cyclopts.App(
        name="ascribe",
        help="Why did the network say that, and can I read it?",
        version=lambda: version("ascribe"),
        default_parameter=cyclopts.Parameter(negative=(), consume_multiple=True),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    app.command(explain)
    app.command(doctor)
    return app


def explain(
    table: Path,
    /,
    *,
    target: str,
    out: Path = Path("report"),
    model: Path | None = None,
    methods: Sequence[str] = (),
    drop: Sequence[str] = (),
    task: Task | None = None,
    seed: int = 0,
) -> Job:
    """Explain a table: train a readable network on it (or take yours), and say what its predictions are due to.

    Writes report.html, attributions.parquet, model.safetensors and config.json, and a small network as a formula.

    Parameters
    ----------
    table
        A CSV or Parquet file; the first line of a CSV names the columns.
    target
        The column to predict: numbers, or classes.
    out
        The folder to write to; what else is in it stays.
    model
        A network saved with torch.export.save, to explain instead of training one. It reads all other columns as
        float32, in their order. No code in the file is run.
    methods
        Attribution methods, such as IntegratedGradients Shapley; without it, five that complement one another.
    drop
        Columns to leave out.
    task
        Take the target for numbers (regression) or classes (classification) where it could be both.
    seed
        Decides the split, the training and every sample: the same seed gives the same bits.
    """
    return Job(table, target, out, model, tuple(methods), tuple(drop), task, seed)


def doctor(*, json: bool = False) -> Doctor:
    """Say what runs here: versions, the kernel that KANs use, the GPU, and what to type for what is missing.

    Parameters
    ----------
    json
        The same as JSON, for a program to read.
    """
    return Doctor(json)
