"""Versions of a network: "round.state", kept as it was fitted, pruned and refined, in memory or in a folder."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch

from ascribe.errors import InputError
from ascribe.kan.state import files
from ascribe.kan.state.version_folder import Story, VersionFolder
from ascribe.kan.structure import Network

Net = TypeVar("Net", bound="Versioned")


@dataclass(frozen=True)
class Version:
    """A state that can be returned to: a network that never changes, or where one is written."""

    name: str
    made_by: str
    held: Network | VersionFolder

    def network(self, like: Net) -> Net:
        """A network of its own, of the class and on the device of another."""
        if isinstance(self.held, VersionFolder):
            return self.held.read(type(like), self.name, like.input_id.device)
        found = copy.deepcopy(self.held)
        assert isinstance(found, type(like))
        return found

    def __deepcopy__(self, memo: dict[int, Any]) -> Version:
        return self


@dataclass
class Versions:
    """The current version's name, how it came about, every earlier state, and the folder they are written to."""

    round: int = 0
    state: int = 0
    made_by: str = "KAN"
    kept: list[Version] = field(default_factory=list)
    folder: VersionFolder | None = None

    @property
    def name(self) -> str:
        return f"{self.round}.{self.state}"

    def told(self) -> tuple[tuple[str, str], ...]:
        return tuple((version.name, version.made_by) for version in self.kept)


class Versioned(Network):
    """A network with versions.

    Construction is "0.0", and every `log_history` (fit, prune, refine, ...) makes the next. The first is kept as it is
    when it is left, so that a network which is never fitted costs no second copy. With a `ckpt_path` every version is
    one file there, which another process reads back; without, versions are in memory, and no file is written.
    """

    @property
    def versions(self) -> Versions:
        """The record of this network's versions."""
        return self.__dict__.setdefault("_versions", Versions())

    @property
    def ckpt_path(self) -> Path | None:
        """The folder that versions are written to; None where they are kept in memory."""
        return None if self.versions.folder is None else self.versions.folder.path

    @ckpt_path.setter
    def ckpt_path(self, path: str | os.PathLike[str] | None) -> None:
        """Versions in memory are written at once; in a folder that has others they get the next rounds."""
        v = self.versions
        v.folder = None if path is None else VersionFolder(Path(path))
        if v.folder is None:
            return
        rounds = v.folder.rounds()
        v.round += rounds
        kept, v.kept = v.kept, []
        for version in kept:
            round, state = version.name.split(".")
            self._keep(f"{int(round) + rounds}.{state}", version.made_by, version.network(self))

    def log_history(self, made_by: str) -> str:
        """Call the present state a new version, keep it, and return its name."""
        v = self.versions
        v.state, v.made_by = v.state + 1, made_by
        if v.folder is not None:
            # Networks that came from one write to the same folder.
            v.state = max(v.state, v.folder.states(v.round))
        self.keep_version()
        return v.name

    def followed_by(self, made: Net, made_by: str) -> Net:
        """`made`, a new network, as the version after this one."""
        self.keep_version()
        made.versions.kept = list(self.versions.kept)
        made.log_history(made_by)
        return made

    def keep_version(self) -> None:
        """Keep the present state under its name, unless one is kept under it already."""
        v = self.versions
        if all(version.name != v.name for version in v.kept):
            self._keep(v.name, v.made_by, self)

    def _keep(self, name: str, made_by: str, net: Versioned) -> None:
        v = self.versions
        if v.folder is not None:
            v.folder.write(net, name, Story(made_by, v.told()))
        v.kept = [*v.kept, Version(name, made_by, v.folder or _bare(net))]

    def __getstate__(self) -> dict[str, object]:
        # Kept states never change, so copies share them; the list itself is each network's own.
        return {**super().__getstate__(), "_versions": copy.copy(self.versions)}

    @property
    def history(self) -> list[str]:
        """One line a version, oldest first: its name and what made it."""
        kept = [f"{version.name} {version.made_by}" for version in self.versions.kept]
        present = f"{self.versions.name} {self.versions.made_by}"
        return kept if present in kept else [*kept, present]

    def checkout(self: Net, version: str) -> Net:
        """A copy of the network as it was at `version`, with its history up to there.

        Any version of the folder may be asked for, whoever wrote it.
        Raises InputError for a version that is not kept; FileError for a file that is broken.
        """
        v = self.versions
        names = [kept.name for kept in v.kept]
        if version in names:
            place = names.index(version)
            kept = v.kept[: place + 1]
        elif version == v.name:
            return copy.deepcopy(self)
        elif v.folder is not None and v.folder.has(version):
            kept = _from_folder(v.folder, version)
        else:
            there = [] if v.folder is None else [f"{round}.{state}" for round, state in v.folder.names()]
            raise InputError(
                f"version {version!r} is not kept; there are {', '.join(dict.fromkeys([*names, v.name, *there]))}."
            )
        old = kept[-1].network(self)
        old.__dict__["_versions"] = _versions(kept, v.folder)
        old._training_data, old._training_label = self._training_data, self._training_label
        old._last_input = self._last_input
        return old

    def rewind(self: Net, version: str) -> Net:
        """As `checkout`, in a new round: "0.1" comes back as "1.1", so what follows overwrites nothing."""
        old, v = self.checkout(version), self.versions
        rounds = [v.round, *(int(kept.name.split(".")[0]) for kept in v.kept)]
        if v.folder is not None:
            rounds.append(v.folder.rounds() - 1)
        old.versions.round = 1 + max(rounds)
        old.versions.made_by = f"rewind {version}"
        own = {kept.name for kept in old.versions.kept}
        if own <= {kept.name for kept in v.kept}:
            old.versions.kept = list(v.kept)
        return old


def load(kind: type[Net], path: str | os.PathLike[str], device: torch.device | str = "cpu") -> Net:
    """Read a network that `save` wrote; of a folder of versions the newest, with its history.

    Raises FileError, in one sentence, for a file that is missing, broken, or not a KAN's, or a folder without versions.
    """
    if not Path(path).is_dir():
        return files.load(kind, path, device)
    folder = VersionFolder(Path(path))
    kept = _from_folder(folder, folder.newest())
    net = folder.read(kind, kept[-1].name, device)
    net.__dict__["_versions"] = _versions(kept, folder)
    return net


def _from_folder(folder: VersionFolder, name: str) -> list[Version]:
    """A version of a folder, and before it those it came from."""
    story = folder.story(name)
    return [Version(*told, folder) for told in (*story.before, (name, story.made_by))]


def _versions(kept: list[Version], folder: VersionFolder | None) -> Versions:
    """The record of a network as it was at the last of these."""
    round, state = kept[-1].name.split(".")
    return Versions(int(round), int(state), kept[-1].made_by, list(kept), folder)


def _bare(net: Versioned) -> Versioned:
    """A copy without data and without history."""
    bare = copy.deepcopy(net)
    bare._training_data = bare._training_label = bare._last_input = None
    bare.__dict__["_versions"] = Versions()
    return bare
