"""What `ascribe doctor` says: what runs here, what is missing, and what to type to get it."""

from __future__ import annotations

import json
import platform
import re
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version

import torch

from ascribe.maths.kernels.native import REMEDY, forced_to_torch, load

# What the other extras add up to, and what only the developers need.
_NOT_LISTED = {"all", "dev"}
_REQUIREMENT = re.compile(r"""([\w.-]+)(?:\[([\w,. -]*)\])?.*;.*extra\s*==\s*['"]([\w.-]+)['"]""")


@dataclass(frozen=True)
class Kernel:
    """The spline kernel that KANs use on the processor."""

    compiled: bool
    instructions: str | None  # in use
    available: tuple[str, ...]  # that this processor can run
    reason: str  # why plain torch does the work
    remedy: str  # what to type to change that


@dataclass(frozen=True)
class Extra:
    """An optional part of ascribe, and the libraries of it that are not installed."""

    name: str
    missing: tuple[str, ...]

    @property
    def remedy(self) -> str:
        return f'pip install "ascribe[{self.name}]"' if self.missing else ""


@dataclass(frozen=True)
class Health:
    """Everything the doctor looks at."""

    ascribe: str
    python: str
    system: str
    torch: str
    threads: int
    kernel: Kernel
    cuda: tuple[str, ...]  # the names of the devices
    triton: str | None
    extras: tuple[Extra, ...]

    def __str__(self) -> str:
        lines = [
            f"ascribe {self.ascribe}, Python {self.python}, {self.system}",
            f"torch {self.torch}, {self.threads} thread{'s' if self.threads > 1 else ''}",
            "",
            *_kernel(self.kernel),
            f"CUDA    {', '.join(self.cuda) or 'no device that this torch can use'}",
            f"Triton  {self.triton or 'not installed (only a GPU needs it)'}",
            "",
        ]
        width = max(len(extra.name) for extra in self.extras)
        for extra in self.extras:
            said = f"without {', '.join(extra.missing)}; type: {extra.remedy}" if extra.missing else "installed"
            lines.append(f"{extra.name:{width}}  {said}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Doctor:
    """One call of the command."""

    json: bool = False

    def run(self, *_: object) -> str:
        """The health of this installation, in words or as JSON."""
        health = examine()
        if not self.json:
            return str(health)
        return json.dumps(asdict(health) | {"extras": {e.name: list(e.missing) for e in health.extras}}, indent=2)


def examine() -> Health:
    """Look at this installation. Nothing is changed, and nothing is warned of."""
    return Health(
        ascribe=version("ascribe"),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        torch=torch.__version__,
        threads=torch.get_num_threads(),
        kernel=_examine_kernel(),
        cuda=tuple(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())),
        triton=_installed("triton"),
        extras=_examine_extras(),
    )


def _examine_kernel() -> Kernel:
    if forced_to_torch():
        return Kernel(False, None, (), "ASCRIBE_KERNEL=torch asks for it", "unset ASCRIBE_KERNEL")
    module = load()
    if isinstance(module, str):
        return Kernel(False, None, (), module, REMEDY)
    return Kernel(True, module.isa(), tuple(module.available()), "", "")


def _kernel(kernel: Kernel) -> list[str]:
    if kernel.compiled:
        others = [name for name in kernel.available if name != kernel.instructions]
        also = f" (this processor also runs {', '.join(others)})" if others else ""
        return [f"kernel  compiled, with the instruction set {kernel.instructions}{also}"]
    return [
        f"kernel  plain torch, as {kernel.reason}",
        "        KANs train and predict slower with it: benchmarks/RESULTS.md in the repository says by how much",
        f"        for the compiled one, type: {kernel.remedy}",
    ]


def _examine_extras() -> tuple[Extra, ...]:
    """The extras as the installed package declares them, each with the ones that it includes."""
    libraries: dict[str, set[str]] = {}
    included: dict[str, set[str]] = {}
    for requirement in requires("ascribe") or []:
        match = _REQUIREMENT.match(requirement)
        if match is None:
            continue
        library, inner, extra = match.groups()
        if library == "ascribe":
            included.setdefault(extra, set()).update(name.strip() for name in inner.split(","))
        else:
            libraries.setdefault(extra, set()).add(library)

    def needed(extra: str) -> set[str]:
        return libraries.get(extra, set()).union(*(needed(inner) for inner in included.get(extra, ())))

    return tuple(
        Extra(extra, tuple(sorted(library for library in needed(extra) if _installed(library) is None)))
        for extra in sorted(libraries | included)
        if extra not in _NOT_LISTED
    )


def _installed(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
