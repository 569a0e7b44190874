"""Names of entries are made when they are asked for."""

from __future__ import annotations

import torch

from ascribe import Saliency, explain
from ascribe.core.names import Joined, numbered


def test_names_are_those_of_the_places() -> None:
    names = numbered("h", (2, 3))
    assert list(names) == ["h[0, 0]", "h[0, 1]", "h[0, 2]", "h[1, 0]", "h[1, 1]", "h[1, 2]"]
    assert (names[-1], names[1:3]) == ("h[1, 2]", ("h[0, 1]", "h[0, 2]"))
    assert names == tuple(names)
    assert names != ("h[0, 0]",)


def test_several_stand_one_after_the_other() -> None:
    names = Joined([numbered("x", (2,), plain=True), ("age",), numbered("y", ())])
    assert list(names) == ["x0", "x1", "age", "y"]
    assert [names[i] for i in range(-4, 0)] == list(names)


def test_an_image_has_its_names_without_making_them() -> None:
    a = explain(lambda x: x.flatten(1).sum(1), torch.zeros(1, 3, 500, 500), Saliency())
    assert len(a.names) == 750_000
    assert a.names[750_000 - 1] == "x[2, 499, 499]"
