"""The gradient through rectifiers that look only at the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from jaxtyping import Float
from torch import Tensor

from ascribe.core.method import Method
from ascribe.core.score import Score
from ascribe.rules.rectifying import deconvolved, rectified_gradient


@final
@dataclass(frozen=True)
class Deconvolution(Method):
    r"""$\nabla f(z)$ with $\max(g, 0)$ for the backward pass of every rectifier $\max(x, 0)$, whatever x was.

    Every one, as module or function, reused or in place; relu6, and threshold and clamp at 0, too. One backward pass.
    Other activations keep their derivative.

    Raises MethodError where a rectifier runs in code that torch function overrides do not show (scripted code).

    Source: Zeiler & Fergus (2014), "Visualizing and understanding convolutional networks".

    >>> import torch
    >>> from ascribe.core.explain import explain
    >>> explain(lambda x: x[:, 0].relu() - x[:, 1].relu(), torch.tensor([[-1.0, 1.0]]), Deconvolution()).values
    tensor([[1., 0.]])
    """

    laws: ClassVar[frozenset[str]] = frozenset({"dummy"})
    reference: ClassVar[str] = "nothing"
    gradients: ClassVar[bool] = True

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "any *shape"]
    ) -> Float[Tensor, "rows *shape"]:
        return rectified_gradient(f, z, deconvolved)
