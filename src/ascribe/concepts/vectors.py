"""Concept activation vectors: the directions of a layer in which concepts lie."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

from ascribe.concepts.activations import activations, layer_names
from ascribe.concepts.concept import Concept
from ascribe.concepts.files import load, save
from ascribe.concepts.logistic import separate
from ascribe.errors import FileError, InputError, MethodError

Activations = Mapping[str, Float[Tensor, "examples features"]]


@final
@dataclass(frozen=True, eq=False)
class ConceptVectors:
    """Unit vectors at a layer, one a concept: towards its examples, and away from those of the others.

    `accuracy` is that of the separation on examples it was not fitted to: at chance, the vectors mean nothing.
    """

    concepts: tuple[str, ...]
    layer: str
    vectors: Float64[Tensor, "concepts features"]
    accuracy: float

    def of(self, concept: str) -> Float64[Tensor, " features"]:
        """The vector of one concept.  Raises InputError for one that is not here."""
        if concept not in self.concepts:
            raise InputError(f"there is no concept {concept!r}; there are {', '.join(map(repr, self.concepts))}")
        return self.vectors[self.concepts.index(concept)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file."""
        about = {"concepts": list(self.concepts), "layer": self.layer, "accuracy": self.accuracy}
        save(path, {"vectors": self.vectors}, about)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ConceptVectors:
        """Read what `save` wrote.  Raises FileError."""
        tensors, about = load(path)
        try:
            names = tuple(str(name) for name in about["concepts"])
            return cls(names, str(about["layer"]), tensors["vectors"].double(), float(about["accuracy"]))
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(f"{path} holds no concept vectors ({error}); pass a file that save wrote") from error


def concept_activations(model: nn.Module, layers: Sequence[str], concept: Concept) -> dict[str, Tensor]:
    """What every layer makes of a concept's examples, a flat row for each, batch by batch; on the CPU."""
    pieces: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    for batch in concept.batches():
        for layer, value in zip(layers, activations(model, layers, batch), strict=True):
            pieces[layer].append(value.flatten(1).cpu())
    return {layer: torch.cat(values) for layer, values in pieces.items()}


def concept_vectors(
    model: nn.Module,
    concepts: Sequence[Concept],
    at: str | nn.Module | Sequence[str | nn.Module],
    *,
    penalty: float = 1e-2,
    held_out: float = 0.33,
    seed: int = 0,
) -> dict[str, ConceptVectors]:
    """Vectors of two or more concepts held against one another, at every layer.

    Logistic regression in the layer's values (see `ascribe.concepts.logistic`), fitted to all examples but a random
    part, `held_out`, of each concept's, on which the accuracy is found.

    Raises InputError for fewer than two concepts, or two of one name.
    """
    layers = layer_names(model, at)
    names = [concept.name for concept in concepts]
    if len(set(names)) < max(2, len(names)):
        raise InputError(f"the concepts are {names}; pass at least two, each with a name of its own")
    values = [concept_activations(model, layers, concept) for concept in concepts]
    return {
        layer: fitted(names, layer, [value[layer] for value in values], penalty=penalty, held_out=held_out, seed=seed)
        for layer in layers
    }


def fitted(
    names: Sequence[str],
    layer: str,
    values: Sequence[Float[Tensor, "_ features"]],
    *,
    penalty: float = 1e-2,
    held_out: float = 0.33,
    seed: int = 0,
) -> ConceptVectors:
    """Vectors from the layer's values for the examples of every concept."""
    if not 0 <= held_out < 1:
        raise MethodError(f"held_out={held_out}; pass a part from 0 to below 1")
    generator = torch.Generator().manual_seed(seed)
    kept: list[Tensor] = []
    tried: list[Tensor] = []
    for value in values:
        order = torch.randperm(len(value), generator=generator).to(value.device)
        out = min(int(held_out * len(value)), len(value) - 1)
        tried.append(value[order[:out]])
        kept.append(value[order[out:]])
    found = separate(torch.cat(kept), _numbers(kept), len(values), penalty)
    vectors = torch.nn.functional.normalize(found.weights)
    judged = tried if sum(map(len, tried)) else kept
    right = (found.classify(torch.cat(judged)) == _numbers(judged)).double().mean()
    return ConceptVectors(tuple(names), layer, vectors.cpu(), float(right))


def _numbers(values: Sequence[Tensor]) -> Int[Tensor, " n"]:
    """The number of the concept of every row."""
    return torch.cat([torch.full((len(value),), i, device=value.device) for i, value in enumerate(values)])
