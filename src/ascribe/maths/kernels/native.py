"""The compiled kernel, where there is one: the only place that looks for it."""

from __future__ import annotations

import os
import warnings
from functools import cache

from ascribe.errors import InputError, SlowKernelWarning

# Shows the compiler's messages where it fails, and passes by the wheel that pip remembers.
REMEDY = "ASCRIBE_BUILD_KERNEL=1 pip install --no-cache-dir --force-reinstall --no-deps ascribe"


@cache
def native():
    """The module `_native`, or None where plain torch does its work, with one SlowKernelWarning that says why.

    ASCRIBE_KERNEL=torch asks for plain torch, silently; ASCRIBE_ISA names the instruction set to use (by default the
    best of the processor's). Both are read once. Raises InputError for a value that they cannot have.
    """
    if forced_to_torch():
        return None
    module = load()
    if isinstance(module, str):
        warnings.warn(
            f"KANs run on the plain-torch kernel, which is slower, as {module}. With a C++20 compiler, type: {REMEDY}",
            SlowKernelWarning,
            stacklevel=2,
        )
        return None
    return module


def forced_to_torch() -> bool:
    """Whether ASCRIBE_KERNEL asks for plain torch."""
    asked = os.environ.get("ASCRIBE_KERNEL", "")
    if asked not in ("", "torch"):
        raise InputError(f"ASCRIBE_KERNEL={asked!r} is not known; set it to torch, or unset it for the fastest kernel.")
    return asked == "torch"


@cache
def load():
    """The module with its instruction set chosen, or the reason why there is none. Warns of nothing."""
    try:
        import ascribe.maths.kernels._native as module
    except ModuleNotFoundError:
        return "the compiled kernel was not built when ascribe was installed"
    except ImportError as error:
        return f"the compiled kernel cannot be loaded ({error})"
    asked = os.environ.get("ASCRIBE_ISA")
    if asked:
        try:
            module.use(asked)
        except ValueError as error:
            raise InputError(f"ASCRIBE_ISA: {error}") from error
    return module
