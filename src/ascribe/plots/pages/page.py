"""A piece of HTML that needs nothing else: shown by a notebook, or written into a file."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import final


@final
@dataclass(frozen=True, repr=False)
class Page:
    """HTML with its styles and images inside: no script, nothing from elsewhere, every text escaped.

    >>> Page("<p>a</p>").document("a < b")
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>a &lt; b</title><body><p>a</p></body></html>'
    """

    data: str

    def document(self, title: str) -> str:
        """A whole document, to be written into a file."""
        head = f'<meta charset="utf-8"><title>{escape(title)}</title>'
        return f'<!doctype html><html lang="en">{head}<body>{self.data}</body></html>'

    def _repr_html_(self) -> str:
        return self.data

    def __repr__(self) -> str:
        return f"Page({len(self.data):,} letters of HTML; a notebook shows it, .document(title) is a file's text)"
