"""A folder of versions: each is one safetensors file with its story in the header, and none is ever overwritten."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from ascribe.errors import FileError
from ascribe.kan.state import files
from ascribe.kan.state.safe_file import one_sentence, read_header
from ascribe.kan.structure import Network

Net = TypeVar("Net", bound=Network)
_NAME = re.compile(r"(\d+)\.(\d+)\.safetensors")


@dataclass(frozen=True)
class Story:
    """How a version came about: what made it, and the names and makers of those before it, oldest first.

    `number` counts the versions of the folder in the order they were written.
    """

    made_by: str
    before: tuple[tuple[str, str], ...] = ()
    number: int = 0


@dataclass(frozen=True)
class VersionFolder:
    """Made when the first version is written."""

    path: Path

    def names(self) -> list[tuple[int, int]]:
        """The round and the state of every version, in order."""
        if not self.path.is_dir():
            return []
        found = (_NAME.fullmatch(entry) for entry in os.listdir(self.path))
        return sorted((int(match[1]), int(match[2])) for match in found if match)

    def rounds(self) -> int:
        """The first round that has no version."""
        return 1 + max((round for round, _ in self.names()), default=-1)

    def states(self, round: int) -> int:
        """The first state of a round after all that there are."""
        return 1 + max((state for r, state in self.names() if r == round), default=-1)

    def write(self, net: Network, name: str, story: Story) -> None:
        """Raises FileError where nothing can be written."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"{self.path} cannot be made ({error}); pass another ckpt_path.") from error
        about = {"made_by": story.made_by, "before": story.before, "number": len(self.names())}
        files.save(net, self._file(name), about)

    def has(self, name: str) -> bool:
        return self._file(name).is_file()

    def read(self, kind: type[Net], name: str, device: torch.device | str) -> Net:
        """Raises FileError, in one sentence, for a file that is missing, broken, or not a KAN's."""
        return files.load(kind, self._file(name), device)

    def story(self, name: str) -> Story:
        """Raises as `read` does."""
        path = self._file(name)
        with one_sentence(path, "version of a KAN", "a network with this ckpt_path"):
            about: dict[str, Any] = read_header(path, "network")["version"]
            before = tuple((str(name), str(made_by)) for name, made_by in about["before"])
            return Story(str(about["made_by"]), before, int(about["number"]))

    def newest(self) -> str:
        """The version that was written last.  Raises FileError where there is none."""
        names = [f"{round}.{state}" for round, state in self.names()]
        if not names:
            raise FileError(f"{self.path} holds no version of a KAN; pass the ckpt_path of one that was trained.")
        return max(names, key=lambda name: self.story(name).number)

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.safetensors"
