"""Training examples that a network sees as it sees a test example."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.concepts.activations import activations
from ascribe.errors import InputError, MethodError
from ascribe.influence.ranked import Ranked, merge

Similarity = Callable[[Tensor, Tensor], Tensor]


def euclidean_distance(test: Float[Tensor, "tests *shape"], train: Float[Tensor, "train *shape"]) -> Tensor:
    """The distance of every two rows.

    >>> euclidean_distance(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """
    return torch.cdist(test.flatten(1)[None], train.flatten(1)[None])[0]


def cosine_similarity(
    test: Float[Tensor, "tests *shape"], train: Float[Tensor, "train *shape"], replace_nan: float | int = 0
) -> Tensor:
    """The cosine between every two rows, and `replace_nan` where one of them is zero.

    >>> cosine_similarity(torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), -2)
    tensor([[ 1.,  0., -2.]])
    """
    test, train = test.flatten(1), train.flatten(1)
    one, other = test.norm(dim=1, keepdim=True), train.norm(dim=1, keepdim=True)
    cosine = (test / one.where(one != 0, 1)) @ (train / other.where(other != 0, 1)).T
    return cosine.where((one != 0) & (other.T != 0), replace_nan)


@final
@dataclass(frozen=True)
class SimilarExamples:
    """The examples whose activations are most similar to a test example's, at each of several layers.

    `similarity(tests, train)` gives a number for every two rows; with `largest=False` the smallest are the best, as of
    a distance. The examples are streamed: of each layer only the best are kept.

    >>> found = SimilarExamples(nn.Sequential(nn.Linear(2, 3)), ["0"])
    >>> x = torch.tensor([[1.0, 0.0], [0.0, 9.0], [3.0, -2.0]])
    >>> found.nearest(x, [x[:2], x[2:]], k=1)["0"].indices.T.tolist()
    [[0, 1, 2]]
    """

    model: nn.Module
    layers: Sequence[str]
    similarity: Similarity = cosine_similarity
    largest: bool = True

    def nearest(self, x: Any, examples: Iterable[Any], k: int = 1) -> dict[str, Ranked]:
        """The `k` best examples of every layer; `examples` are batches of inputs, as x is one."""
        tests = self.seen(x)
        return self.nearest_of(tests, (self.seen(batch) for batch in examples), k)

    def seen(self, x: Any) -> dict[str, Tensor]:
        """What every layer makes of a batch."""
        inputs = tuple(x) if isinstance(x, (tuple, list)) else (x,)
        return dict(zip(self.layers, activations(self.model, self.layers, inputs), strict=True))

    def nearest_of(
        self, tests: Mapping[str, Tensor], examples: Iterable[Mapping[str, Tensor]], k: int = 1
    ) -> dict[str, Ranked]:
        """The same from activations."""
        if k < 1:
            raise MethodError(f"k={k}; pass at least 1")
        best: dict[str, Ranked | None] = dict.fromkeys(self.layers)
        first = 0
        for batch in examples:
            count = 0
            for layer in self.layers:
                scores = self.similarity(tests[layer], batch[layer])
                count = len(batch[layer])
                if tuple(scores.shape) != (len(tests[layer]), count):
                    raise InputError(
                        f"the similarity gives {tuple(scores.shape)} for {len(tests[layer])} tests and {count} "
                        f"examples; return {(len(tests[layer]), count)}, a number for every two"
                    )
                best[layer] = merge(best[layer], scores, first, k, self.largest)
            first += count
        found = {layer: ranked for layer, ranked in best.items() if ranked is not None}
        if len(found) < len(self.layers):
            raise InputError("there are no examples; pass at least one batch")
        return found
