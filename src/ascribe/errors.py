"""What can go wrong, said so that the next thing to type is clear: what came, what was needed, what to do."""

from __future__ import annotations

import importlib
from types import ModuleType


class AscribeError(Exception):
    """Every error that ascribe raises on purpose; its text is one sentence a user can act on."""


class InputError(AscribeError, ValueError):
    """Data that cannot be used: a wrong shape, a NaN, an unknown column, an empty table."""


class TargetError(AscribeError, ValueError):
    """A target that does not name one number a row of the network's output."""


class LayerError(AscribeError, ValueError):
    """An `at=` or a neuron that the network does not have, or that does not run."""


class MethodError(AscribeError, ValueError):
    """A method that cannot work on this model, or a knob out of its range."""


class TrainingError(AscribeError, RuntimeError):
    """Training that cannot go on: a loss that is not a number, no data, an unknown optimiser."""


class FileError(AscribeError, OSError):
    """A file that is missing, is not what its name says, or cannot be written."""


class MissingExtra(AscribeError, ImportError):  # noqa: N818 - what is missing, not what went wrong
    """An optional library that is not installed."""


class PoorFormulaWarning(UserWarning):
    """A formula has been read of a network that computes something else than the network did."""


class SlowKernelWarning(RuntimeWarning):
    """KANs run on the plain-torch kernel, because the compiled one is not there."""


def need(module: str, extra: str) -> ModuleType:
    """Import an optional library, or say which extra brings it.

    Raises MissingExtra when the library is not installed.

    >>> need("math", extra="plot").pi > 3
    True
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        library = module.split(".")[0]
        raise MissingExtra(
            f'this needs {library}, which is not installed; type: pip install "ascribe[{extra}]"'
        ) from error
