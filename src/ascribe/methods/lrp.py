"""The score itself, passed back through every function as relevance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.evaluate import sweep
from ascribe.core.method import Method
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.rules.pieces import pieces
from ascribe.rules.relevance.composite import Composite, everywhere
from ascribe.rules.relevance.epsilon import Epsilon
from ascribe.rules.relevance.layer import LayerRule
from ascribe.rules.relevance.propagating import relevances


@final
@dataclass(frozen=True)
class LRP(Method):
    r"""Layer-wise relevance propagation: $f(x)$ itself is shared out backwards, function by function.

    `rule` is one rule for all layers (`Epsilon`, `Gamma`, `ZPlus`, `AlphaBeta`, `ZBox`, `Flat`, `WSquare`), or a
    `Composite` that says which goes where (`epsilon_plus()`, `epsilon_gamma_box(low, high)`,
    `epsilon_alpha2_beta1_flat()`, or by the names of modules); all are in `ascribe.rules`. Without weights: activations
    pass relevance as it is; residual sums, means and average pooling share it by the epsilon rule; a maximum takes all;
    a gate or a spread nothing, the signal all; of a product of two activations each gets half; softmax passes its
    first-order term. Recurrent layers, attention and normalisations are made of these. Rules hang on the functions that
    the network calls, so functional and reused activations are right; a function without a rule is an error.

    The sum is $f(x)$, less what biases, other constants, softmax and $\epsilon$ take; with
    `Epsilon(bias="shared")`, which gives these parts back evenly, it is $f(x)$ to rounding, and with `ZBox`, `Flat` and
    `WSquare` likewise. There is no reference: the baseline is not looked at.

    Costs three forward passes and one backward pass.

    Source: Bach et al. (2015); Arras et al. (2017) for recurrent layers; Achtibat et al. (2024) for attention.

    >>> from ascribe.core.explain import explain
    >>> explain(lambda x: (x[:, 0] * 3 + x[:, 1]).relu(), torch.tensor([[1.0, 2.0]]), LRP(Epsilon(0.0))).values
    tensor([[3., 2.]])
    """

    rule: LayerRule | Composite = field(default_factory=Epsilon)

    reference: ClassVar[str] = "nothing"
    gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.rule, (LayerRule, Composite)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise MethodError(f"rule={self.rule!r} is no rule; pass one with its knobs, such as LRP(Epsilon(1e-6))")

    @property
    def laws(self) -> frozenset[str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Complete where nothing is lost."""
        return frozenset({"dummy", "complete"} if self._composite.conserves else {"dummy"})

    @property
    def _composite(self) -> Composite:
        return self.rule if isinstance(self.rule, Composite) else everywhere(self.rule)

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]
    ) -> Float[Tensor, "rows *shape"]:
        f.require_gradient()
        composite = self._composite
        composite.check([] if f.module is None else [name for name, _ in f.module.named_modules() if name])
        found = torch.empty_like(z)

        def work(index: Int[Tensor, " piece"]) -> None:
            for row in pieces(f, index):
                points = f.points(z[row], row)
                found[row] = relevances(
                    lambda values, row=row, points=points: f.at(values, row, points),
                    z[row if points is None else row[points.first]],
                    composite,
                    f.module,
                    entrance=f.site is None,
                    points=points,
                )

        sweep(f, len(z), work, gradients=True)
        return found
