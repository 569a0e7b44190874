"""`captum.concept.TCAV` over `ascribe.concepts`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ascribe.compat.captum.concept._core.cav import CAV, weights_of
from ascribe.compat.captum.concept._core.concept import Concept, ConceptInterpreter
from ascribe.compat.captum.concept._utils.classifier import Classifier, DefaultClassifier
from ascribe.compat.captum.concept._utils.common import concepts_to_str
from ascribe.concepts.activations import activations
from ascribe.concepts.concept import batches_of
from ascribe.concepts.tcav import sensitivity, slopes_at
from ascribe.core.cut import cut_at
from ascribe.core.state import borrowed
from ascribe.errors import InputError, MethodError

Scores = dict[str, dict[str, dict[str, Tensor]]]


class TCAV(ConceptInterpreter):
    """Scores of sets of concepts at layers.

    The vectors are written to `save_path`, a safetensors file for every set and layer, and read again when they are
    there already; activations are held in memory for as long as they are needed. `layer_attr_method` takes the place of
    the gradient at the layer: an object with `attribute`, whose `layer` is set.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: str | list[str],
        model_id: str = "default_model_id",
        classifier: Any = None,
        layer_attr_method: Any = None,
        attribute_to_layer_input: bool = False,
        save_path: str = "./cav/",
        **classifier_kwargs: Any,
    ) -> None:
        super().__init__(model)
        if not model_id:
            raise MethodError("model_id is empty, but it names a folder; leave it out, or pass a name")
        self.layers = [layers] if isinstance(layers, str) else list(layers)
        for layer in self.layers:
            cut_at(model, layer)
        self.model_id, self.save_path = model_id, save_path
        # Anything with a Classifier's methods will do.
        self.classifier: Classifier = DefaultClassifier() if classifier is None else classifier
        self.classifier_kwargs = classifier_kwargs
        self.layer_attr_method, self.attribute_to_layer_input = layer_attr_method, attribute_to_layer_input
        self.concepts: set[Concept] = set()
        self.cavs: dict[str, dict[str, CAV]] = {}
        self._activations: dict[tuple[str, str], list[Tensor]] = {}
        CAV.create_cav_dir_if_missing(save_path, model_id)

    def generate_activation(self, layers: str | list[str], concept: Concept) -> None:
        """Run a concept's examples through the model, and hold what the layers make of them."""
        layers = [layers] if isinstance(layers, str) else layers
        if concept.data_iter is None:
            raise InputError(
                f"{concept!r} has no examples and its vectors are not in {self.save_path}; give it data_iter"
            )
        held: dict[str, list[Tensor]] = {layer: [] for layer in layers}
        examples = list(concept.data_iter) if isinstance(concept.data_iter, Iterator) else concept.data_iter
        for batch in batches_of(examples, repr(concept)):
            for layer, value in zip(layers, activations(self.model, self._places(layers), batch), strict=True):
                held[layer].append(value.flatten(1))
        self._activations.update({(concept.identifier, layer): values for layer, values in held.items()})

    def generate_activations(self, concept_layers: Mapping[Concept, list[str]]) -> None:
        """The same for several concepts."""
        for concept, layers in concept_layers.items():
            self.generate_activation(layers, concept)

    def generate_all_activations(self) -> None:
        """The same for every concept at every layer."""
        self.generate_activations(dict.fromkeys(self.concepts, self.layers))

    def load_cavs(self, concepts: list[Concept]) -> tuple[list[str], dict[Concept, list[str]]]:
        """Read the vectors of a set; the layers without, and of which concepts activations are missing there."""
        key = concepts_to_str(concepts)
        missing: list[str] = []
        for layer in self.layers:
            found = CAV.load(self.save_path, self.model_id, concepts, layer)
            if found is not None:
                self.cavs.setdefault(key, {})[layer] = found
            elif layer not in self.cavs.get(key, {}):
                missing.append(layer)
        needed = {c: [layer for layer in missing if (c.identifier, layer) not in self._activations] for c in concepts}
        return missing, {concept: layers for concept, layers in needed.items() if layers}

    def compute_cavs(
        self, experimental_sets: list[list[Concept]], force_train: bool = False, processes: int | None = None
    ) -> dict[str, dict[str, CAV]]:
        """The vectors of every set at every layer: read, or fitted and written."""
        self.concepts.update(concept for concepts in experimental_sets for concept in concepts)
        ids = [concept.id for concept in self.concepts]
        if len(set(ids)) < len(ids):
            raise InputError(f"two concepts have one id, of {sorted(ids)}; give each its own and use it in every set")
        try:
            if force_train:
                self.generate_all_activations()
            for concepts in experimental_sets:
                missing, needed = (self.layers, {}) if force_train else self.load_cavs(concepts)
                self.generate_activations(needed)
                for layer in missing:
                    self._train(concepts, layer)
        finally:
            self._activations.clear()
        return self.cavs

    def interpret(
        self,
        inputs: Any,
        experimental_sets: list[list[Concept]] | None = None,
        target: Any = None,
        additional_forward_args: Any = None,
        processes: int | None = None,
        **kwargs: Any,
    ) -> Scores:
        """`{set: {layer: {"sign_count": ..., "magnitude": ...}}}`, one number for each concept of the set."""
        if not experimental_sets:
            raise InputError("experimental_sets is empty; pass lists of concepts to hold against one another")
        self.compute_cavs(experimental_sets, processes=processes)
        scores: Scores = {concepts_to_str(concepts): {} for concepts in experimental_sets}
        for layer in self.layers:
            slopes = self._slopes(layer, inputs, target, additional_forward_args, kwargs)
            for key in scores:
                growth = sensitivity(slopes.float(), weights_of(self.cavs[key][layer]))
                counted = (growth > 0).float().mean(dim=0)
                scores[key][layer] = {"sign_count": counted, "magnitude": growth.mean(dim=0)}
        return scores

    def _train(self, concepts: Sequence[Concept], layer: str) -> None:
        batches = [
            (value, torch.full((len(value),), concept.id, device=value.device))
            for concept in concepts
            for value in self._activations[concept.identifier, layer]
        ]
        # A loader draws from torch's global stream when it begins.
        with borrowed(None):
            figures = self.classifier.train_and_eval(_loader(batches), **self.classifier_kwargs)
        stats = {"weights": self.classifier.weights(), "classes": _plain(self.classifier.classes())}
        if len(stats["classes"]) != len(stats["weights"]) or set(stats["classes"]) != {c.id for c in concepts}:
            raise MethodError(
                f"the classifier has the classes {stats['classes']} and {len(stats['weights'])} rows of weights for "
                f"the concepts {[c.id for c in concepts]}; give a row for each"
            )
        cav = CAV(concepts, layer, {**stats, **(figures or {})}, self.save_path, self.model_id)
        cav.save()
        self.cavs.setdefault(concepts_to_str(concepts), {})[layer] = cav

    def _slopes(self, layer: str, inputs: Any, target: Any, given: Any, kwargs: dict[str, Any]) -> Tensor:
        if self.layer_attr_method is None:
            more = given if given is None or isinstance(given, tuple) else (given,)
            return slopes_at(self.model, inputs, self._places([layer])[0], None, target=target, given=more)
        self.layer_attr_method.layer = cut_at(self.model, layer).module
        found = self.layer_attr_method.attribute(
            inputs,
            target=target,
            additional_forward_args=given,
            attribute_to_layer_input=self.attribute_to_layer_input,
            **kwargs,
        )
        parts: Iterable[Tensor] = found if isinstance(found, (tuple, list)) else (found,)
        return torch.cat([part.detach().flatten(1) for part in parts], dim=1)

    def _places(self, layers: Sequence[str]) -> list[str]:
        return [f"{layer}:in" if self.attribute_to_layer_input else layer for layer in layers]


def _loader(batches: list[tuple[Tensor, Tensor]]) -> DataLoader[Any]:
    """The batches as a loader, which a classifier of the user's may expect."""
    return DataLoader(batches, batch_size=None)  # pyright: ignore[reportArgumentType]


def _plain(classes: Any) -> list[int]:
    return [int(one) for one in (classes.tolist() if hasattr(classes, "tolist") else classes)]
