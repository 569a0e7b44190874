"""Compiled modules run the code they were compiled from, which torch function overrides can see."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch


def as_written() -> AbstractContextManager[Any]:
    """While this is open, `torch.compile` is as if it had not been called."""
    # Nothing is compiled before dynamo is imported, and to import it takes longer than most explanations.
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()
