"""Names of sets of concepts."""

from __future__ import annotations

from collections.abc import Sequence

from ascribe.compat.captum.concept._core.concept import Concept


def concepts_to_str(concepts: Sequence[Concept]) -> str:
    """The concepts' numbers, as Captum names a set of them.

    >>> concepts_to_str([Concept(3, "striped", None), Concept(0, "random", None)])
    '3-0'
    """
    return "-".join(str(concept.id) for concept in concepts)
