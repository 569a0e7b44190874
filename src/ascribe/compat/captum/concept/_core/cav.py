"""`captum.concept.CAV`: the weights of a set of concepts at a layer, in a safetensors file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ascribe.compat.captum.concept._core.concept import Concept
from ascribe.compat.captum.concept._utils.common import concepts_to_str
from ascribe.concepts.files import load, save
from ascribe.errors import FileError


class CAV:
    """What a classifier found for a set of concepts: `stats` has "weights", "classes" and its figures."""

    def __init__(
        self,
        concepts: Sequence[Concept],
        layer: str,
        stats: dict[str, Any] | None = None,
        save_path: str = "./cav/",
        model_id: str = "default_model_id",
    ) -> None:
        self.concepts, self.layer, self.stats = list(concepts), layer, stats
        self.save_path, self.model_id = save_path, model_id

    @staticmethod
    def assemble_save_path(path: str, model_id: str, concepts: Sequence[Concept], layer: str) -> str:
        """The path of the file."""
        return str(Path(path) / model_id / f"{concepts_to_str(concepts)}-{layer}.safetensors")

    @staticmethod
    def create_cav_dir_if_missing(save_path: str, model_id: str) -> None:
        """Make the folder."""
        (Path(save_path) / model_id).mkdir(parents=True, exist_ok=True)

    def save(self) -> None:
        """Write the file.  Raises FileError, also for figures that JSON does not know."""
        stats = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in self._stats()}
        tensors = {name: value for name, value in stats.items() if isinstance(value, Tensor)}
        about = {
            "ids": [concept.id for concept in self.concepts],
            "names": [concept.name for concept in self.concepts],
            "layer": self.layer,
            "stats": {name: value for name, value in stats.items() if name not in tensors},
        }
        CAV.create_cav_dir_if_missing(self.save_path, self.model_id)
        save(CAV.assemble_save_path(self.save_path, self.model_id, self.concepts, self.layer), tensors, about)

    @staticmethod
    def load(cavs_path: str, model_id: str, concepts: Sequence[Concept], layer: str) -> CAV | None:
        """Read the file, or nothing where there is none.  Raises FileError for one that is broken."""
        path = CAV.assemble_save_path(cavs_path, model_id, concepts, layer)
        if not Path(path).exists():
            return None
        tensors, about = load(path)
        try:
            known = [Concept(number, name, None) for number, name in zip(about["ids"], about["names"], strict=True)]
            return CAV(known, about["layer"], {**about["stats"], **tensors}, cavs_path, model_id)
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(f"{path} holds no vectors of a set of concepts ({error}); delete it") from error

    def _stats(self) -> list[tuple[str, Any]]:
        return [(str(name), value) for name, value in (self.stats or {}).items()]


def weights_of(cav: CAV) -> torch.Tensor:
    """The weights, a row for each concept in the order of the set."""
    stats = cav.stats or {}
    classes = [int(one) for one in stats["classes"]]
    return stats["weights"].float()[[classes.index(concept.id) for concept in cav.concepts]]
