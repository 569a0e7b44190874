"""Every public name can be found in the documentation."""

from __future__ import annotations

import importlib
import re
import types
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "names.md").read_text()
ROOMS = ["", "concepts", "gates", "influence", "kan", "metrics", "plots", "prompts", "robust", "rules", "testing"]
# The page points at the pictures of `a.plot`, which the page of pictures shows one by one.
PICTURES = (Path(__file__).parents[2] / "docs" / "pictures.md").read_text()


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_on_the_page(room: str):
    module = importlib.import_module(f"ascribe.{room}".rstrip("."))
    listed = [name for name in getattr(module, "__all__", vars(module)) if name[0] != "_"]
    names = [name for name in listed if not isinstance(getattr(module, name), types.ModuleType)]
    pages = PAGE + PICTURES if room == "plots" else PAGE
    assert [name for name in names if not re.search(rf"\b{name}\b", pages)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_room_is_there(room: str):
    """What the page says may be imported from a room can be."""
    row = re.search(rf"^\| `ascribe\.{room}` \|(.*?)\|", PAGE, re.MULTILINE) if room else None
    if row is None:
        return
    module = importlib.import_module(f"ascribe.{room}")
    words = re.findall(r"`(\w+)`", row.group(1))
    assert [word for word in words if not hasattr(module, word)] == []
