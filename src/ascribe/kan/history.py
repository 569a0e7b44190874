"""Versions of a network: "round.state", kept in memory as it was fitted, pruned and refined."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TypeVar

from ascribe.errors import InputError
from ascribe.kan.structure import Network

Net = TypeVar("Net", bound="Versioned")


@dataclass(frozen=True)
class Version:
    """A state that can be returned to."""

    name: str
    made_by: str
    network: Network


@dataclass
class Versions:
    """The current version's name, how it came about, and every earlier state."""

    round: int = 0
    state: int = 0
    made_by: str = "KAN"
    kept: list[Version] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.round}.{self.state}"


class Versioned(Network):
    """A network with versions.

    Construction is "0.0", and every `log_history` (fit, prune, refine, ...) makes the next. The first is kept as it is
    when it is left, so that a network which is never fitted costs no second copy.
    """

    @property
    def versions(self) -> Versions:
        """The record of this network's versions."""
        return self.__dict__.setdefault("_versions", Versions())

    def log_history(self, made_by: str) -> str:
        """Call the present state a new version, keep it, and return its name."""
        v = self.versions
        v.state, v.made_by = v.state + 1, made_by
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
            v.kept = [*v.kept, Version(v.name, v.made_by, _bare(self))]

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

        Raises InputError for a version that is not kept.
        """
        kept = self.versions.kept
        names = [v.name for v in kept]
        if version not in names:
            if version == self.versions.name:
                return copy.deepcopy(self)
            raise InputError(
                f"version {version!r} is not kept; there are {', '.join(dict.fromkeys([*names, self.versions.name]))}."
            )
        place = names.index(version)
        found = kept[place]
        old = copy.deepcopy(found.network)
        assert isinstance(old, type(self))
        number, state = version.split(".")
        old.__dict__["_versions"] = Versions(int(number), int(state), found.made_by, kept[: place + 1])
        old._training_data, old._last_input = self._training_data, self._last_input
        return old

    def rewind(self: Net, version: str) -> Net:
        """As `checkout`, in a new round: "0.1" comes back as "1.1", so what follows overwrites nothing."""
        old = self.checkout(version)
        rounds = [self.versions.round, *(int(v.name.split(".")[0]) for v in self.versions.kept)]
        old.versions.round = 1 + max(rounds)
        old.versions.made_by = f"rewind {version}"
        old.versions.kept = list(self.versions.kept)
        return old


def _bare(net: Versioned) -> Versioned:
    """A copy without data and without history."""
    bare = copy.deepcopy(net)
    bare._training_data = bare._last_input = None
    bare.__dict__["_versions"] = Versions()
    return bare
