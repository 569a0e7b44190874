"""The `ascribe` command: what may be typed, and how its errors and its end are said."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ascribe.cli.progress import Progress
from ascribe.cli.summary import summary
from ascribe.errors import AscribeError, need
from ascribe.report.conduct import Settings, conduct
from ascribe.report.write import check_folder, write
from ascribe.tables.target import Task

WRONG_INPUT, INTERRUPTED = 2, 130


def main(tokens: Sequence[str] | None = None) -> int:
    """Run the command that was typed. Returns the exit code: 0; 2 for input that cannot be used; 130 after Ctrl-C."""
    try:
        cyclopts = need("cyclopts", extra="cli")
        try:
            command(cyclopts)(tokens)
        except cyclopts.CycloptsError as error:
            return failed(f"{' '.join(str(error).split())} Type ascribe --help.", WRONG_INPUT)
    except AscribeError as error:
        return failed(f"{type(error).__name__}: {error}", WRONG_INPUT)
    except KeyboardInterrupt:
        return failed("interrupted; nothing was written.", INTERRUPTED)
    return 0


def failed(sentence: str, code: int) -> int:
    print(f"ascribe: {sentence}", file=sys.stderr)
    return code


def command(cyclopts: Any) -> Any:
    """The command line's grammar; `explain` is its only verb so far."""
    app = cyclopts.App(
        name="ascribe",
        help="Why did the network say that, and can I read it?",
        version=lambda: version("ascribe"),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    app.command(explain)
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
) -> None:
    """Explain a table: train a readable network on it (or take yours), and say what its predictions are due to.

    Writes report.html, attributions.parquet, model.safetensors and config.json.

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
        Attribution methods, such as IntegratedGradients Shapley; without it five that complement one another.
    drop
        Columns to leave out.
    task
        Take the target for numbers (regression) or classes (classification) when it could be both.
    seed
        Decides the split, the training and every sample: the same seed gives the same bits.
    """
    check_folder(out)
    with Progress(table.name) as progress:
        study = conduct(
            table,
            target,
            model=model,
            methods=methods,
            drop=drop,
            task=task,
            seed=seed,
            settings=Settings(),
            progress=progress,
        )
        progress("writing the report", 0.98)
        write(study, out)
    print(summary(study, out))
