"""One bar over the stages of a command, on standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from ascribe.errors import need


class Progress:
    """Called with a stage's name and the share of the work that is done, when the stage begins and while it lasts.

    On a terminal one bar; elsewhere one line for each stage that has ended, so that a log stays readable.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.live = sys.stderr.isatty()
        self.stage, self.start = "", time.perf_counter()

    def __enter__(self) -> Progress:
        layout = "{desc} |{bar}| {percentage:3.0f} % {elapsed}"
        self.bar = need("tqdm", extra="cli").tqdm(
            total=1.0, desc=self.title, bar_format=layout, leave=False, disable=not self.live
        )
        return self

    def __call__(self, stage: str, done: float) -> None:
        if stage != self.stage:
            self.end_stage()
            self.stage, self.start = stage, time.perf_counter()
            self.bar.set_description_str(stage, refresh=False)
        self.bar.n = max(self.bar.n, min(done, 1.0))
        self.bar.refresh()

    def end_stage(self) -> None:
        if self.stage and not self.live:
            print(f"{self.stage}: {time.perf_counter() - self.start:.1f} s", file=sys.stderr)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.end_stage()
        self.bar.close()
