"""`captum.influence.SimilarityInfluence` over `ascribe.influence.SimilarExamples`; activations in safetensors files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ascribe.compat.captum.influence._core.influence import DataInfluence
from ascribe.errors import FileError, MethodError
from ascribe.influence.batches import Batches
from ascribe.influence.similarity import SimilarExamples
from ascribe.influence.similarity import cosine_similarity as cosine_similarity
from ascribe.influence.similarity import euclidean_distance as euclidean_distance


class SimilarityInfluence(DataInfluence):
    """The training examples whose activations are most similar.

    The activations of the training data are written to `activation_dir`, a safetensors file a batch, and read again
    when they are there already. The cosine with an activation that is all zeros is `replace_nan`.
    """

    def __init__(
        self,
        module: nn.Module,
        layers: str | list[str],
        influence_src_dataset: Any,
        activation_dir: str,
        model_id: str = "",
        similarity_metric: Callable[[Tensor, Tensor], Tensor] = cosine_similarity,
        similarity_direction: str = "max",
        batch_size: int = 1,
        **kwargs: Any,
    ) -> None:
        if similarity_direction not in ("max", "min"):
            raise MethodError(f'similarity_direction={similarity_direction!r} is not known; pass "max" or "min"')
        self.layers = [layers] if isinstance(layers, str) else list(layers)
        self.batches = Batches(influence_src_dataset, batch_size, least=1)
        self.folder = Path(activation_dir) / "av" / model_id / "src"
        largest = similarity_direction == "max"
        self.replace_nan: float | None = None
        if similarity_metric is cosine_similarity:
            replace_nan = kwargs.get("replace_nan", -2 if largest else 2)
            self.replace_nan = replace_nan
            similarity_metric = partial(cosine_similarity, replace_nan=replace_nan)
        self.similar = SimilarExamples(module, self.layers, similarity_metric, largest)

    def influence(
        self,
        inputs: Any = None,
        top_k: int = 1,
        additional_forward_args: Any = None,
        load_src_from_disk: bool = True,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """`{layer: (indices, scores)}`, and under "zero_acts-layer" the pairs of which one activation is zero."""
        more = () if additional_forward_args is None else additional_forward_args
        more = more if isinstance(more, tuple) else (more,)
        tests = self.similar.seen((*inputs, *more) if isinstance(inputs, tuple) else (inputs, *more))
        zeros: dict[str, list[Tensor]] = {layer: [] for layer in self.layers}
        sources = self._noted(self._sources(load_src_from_disk), tests, zeros)
        found: dict[str, Any] = {
            layer: tuple(ranked) for layer, ranked in self.similar.nearest_of(tests, sources, top_k).items()
        }
        for layer, pairs in zeros.items():
            if pairs and self.replace_nan is not None:
                warnings.warn(
                    f"layer {layer} is all zeros for some examples; their pairs are under 'zero_acts-{layer}'",
                    RuntimeWarning,
                    stacklevel=2,
                )
                found[f"zero_acts-{layer}"] = torch.cat(pairs)
        return found

    def _noted(
        self, sources: Iterator[dict[str, Tensor]], tests: dict[str, Tensor], zeros: dict[str, list[Tensor]]
    ) -> Iterator[dict[str, Tensor]]:
        """The same batches, with the pairs noted of which one is zero."""
        first = 0
        for batch in sources:
            for layer, pairs in zeros.items():
                empty = [~part.flatten(1).any(dim=1) for part in (tests[layer], batch[layer])]
                where = (empty[0][:, None] | empty[1][None]).nonzero()
                if len(where):
                    pairs.append(where + torch.tensor([0, first], device=where.device))
            first += len(batch[self.layers[0]])
            yield batch

    def _sources(self, from_disk: bool) -> Iterator[dict[str, Tensor]]:
        folders = [self.folder / layer for layer in self.layers]
        done = [folder / "whole" for folder in folders]
        if from_disk and all(mark.exists() for mark in done):
            for i in range(min(len(list(folder.glob("*.safetensors"))) for folder in folders)):
                yield {
                    layer: _read(folder / f"{i}.safetensors")
                    for layer, folder in zip(self.layers, folders, strict=True)
                }
            return
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            for old in [*folder.glob("*.safetensors"), folder / "whole"]:
                old.unlink(missing_ok=True)
        for i, batch in enumerate(self.batches):
            seen = self.similar.seen(batch[0])
            for layer, folder in zip(self.layers, folders, strict=True):
                _write(folder / f"{i}.safetensors", seen[layer])
            yield seen
        # Only what was written to the end is read again.
        for mark in done:
            mark.touch()


def _write(path: Path, activation: Tensor) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file({"activation": activation.contiguous().cpu()}, path)
    except (OSError, SafetensorError) as error:
        raise FileError(f"{path} cannot be written ({error}); pass an activation_dir that is yours") from error


def _read(path: Path) -> Tensor:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)["activation"]
    except (OSError, SafetensorError, KeyError) as error:
        raise FileError(f"{path} is broken ({error}); pass load_src_from_disk=False to write it again") from error
