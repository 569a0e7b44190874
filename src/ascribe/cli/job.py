"""What `ascribe explain` was asked to do, and doing it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from ascribe.cli.progress import Progress
from ascribe.cli.summary import summary
from ascribe.report.conduct import Settings, conduct
from ascribe.report.write import check_folder, write
from ascribe.tables.target import Task


@dataclass(frozen=True)
class Job:
    """The arguments of one call of the command."""

    table: Path
    target: str
    out: Path
    model: Path | None
    methods: tuple[str, ...]
    drop: tuple[str, ...]
    task: Task | None
    seed: int

    def run(self, settings: Settings) -> str:
        """Study the table, write the files, and return the lines to end with. Raises AscribeError."""
        started = time.perf_counter()
        check_folder(self.out)
        with Progress(self.table.name) as progress:
            study = conduct(
                self.table,
                self.target,
                model=self.model,
                methods=self.methods,
                drop=self.drop,
                task=self.task,
                seed=self.seed,
                settings=settings,
                progress=progress,
            )
            progress("writing the report", 0.96)
            write(study, self.out)
        return summary(study, self.out, time.perf_counter() - started)
