"""A whole HTML document with a script of its own, which asks for nothing and cannot reach the page around it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import final

from ascribe.errors import FileError


@final
@dataclass(frozen=True, repr=False)
class Document:
    """HTML with its styles, data and script inside; a notebook shows it in a frame `height` pixels high."""

    html: str
    height: int

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it into a file that any browser opens, without a network.  Raises FileError where it cannot be."""
        target = Path(path)
        try:
            target.write_text(self.html, encoding="utf-8")
        except OSError as error:
            raise FileError(
                f"{target} cannot be written ({error.strerror}); pass a path in a folder that exists."
            ) from error
        return target

    def _repr_html_(self) -> str:
        # in a frame without an origin: its styles and its script stay inside
        style = f"width:100%;height:{self.height}px;border:0;color-scheme:normal"
        return f'<iframe sandbox="allow-scripts" style="{style}" srcdoc="{escape(self.html)}"></iframe>'

    def __repr__(self) -> str:
        return f"Document({len(self.html):,} letters of HTML; a notebook shows it, .save(path) writes it)"
