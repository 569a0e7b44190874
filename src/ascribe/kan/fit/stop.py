"""How a training ends before its last step."""

from __future__ import annotations


class StopTraining(Exception):  # noqa: N818 - nothing went wrong
    """A callback raises it, or returns True, to end the training it is called from; the best network is kept."""
