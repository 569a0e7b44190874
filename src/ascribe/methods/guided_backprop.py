"""The gradient through rectifiers that pass only what is positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from jaxtyping import Float
from torch import Tensor

from ascribe.core.method import Method
from ascribe.core.score import Score
from ascribe.rules.rectifying import guided, rectified_gradient


@final
@dataclass(frozen=True)
class GuidedBackprop(Method):
    r"""$\nabla f(z)$ with $1_{x>0}\,\max(g, 0)$ for the backward pass of every rectifier $\max(x, 0)$.

    Every one, as module or function, reused or in place; relu6, and threshold and clamp at 0, too. One backward pass.
    Other activations keep their derivative.

    Raises MethodError where a rectifier runs in code that torch function overrides do not show (scripted code).

    Source: Springenberg et al. (2014), "Striving for simplicity: the all convolutional net".

    >>> import torch
    >>> from ascribe.core.explain import explain
    >>> explain(lambda x: x[:, 0].relu() - x[:, 1].relu(), torch.ones(1, 2), GuidedBackprop()).values
    tensor([[1., 0.]])
    """

    laws: ClassVar[frozenset[str]] = frozenset({"dummy"})
    reference: ClassVar[str] = "nothing"
    gradients: ClassVar[bool] = True

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]
    ) -> Float[Tensor, "rows *shape"]:
        return rectified_gradient(f, z, guided)
