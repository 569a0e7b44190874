"""The gradient of a loss with respect to a network's parameters, for every example by itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.modules.loss import _Loss

from ascribe.core.cut import cut_at
from ascribe.errors import LayerError, MethodError
from ascribe.influence.batches import Batch, rows_from, rows_of

LossFunction = Callable[[Any, Any], Tensor]


def parameters_of(model: nn.Module, layers: Sequence[str | nn.Module] | None) -> dict[str, Tensor]:
    """The parameters of a network, or of some of its layers in their order, by name.

    Raises LayerError for a layer that the network does not have, or that has no parameters.
    """
    named: dict[str, Tensor] = dict(model.named_parameters())
    if layers is not None:
        if isinstance(layers, (str, nn.Module)):
            layers = [layers]
        names = {id(parameter): name for name, parameter in named.items()}
        wanted = [p for layer in layers for p in cut_at(model, layer).module.parameters()]
        named = {names[id(p)]: p for p in wanted}
    if not named:
        where = "the network has" if layers is None else f"layers={list(map(str, layers))} have"
        raise LayerError(f"{where} no parameters, so there are no gradients to compare; name layers that have some")
    return named


@final
class ExampleGradients:
    r"""$\nabla_\theta L(f_\theta(x_i), y_i)$, a row for every example i of a batch, in the parameters' order.

    All examples at once by vmap; networks and losses that it cannot take go through example by example. `loss` may give
    one number a row, their sum or their mean: of one example they are the same (those of several outputs are added up).
    Without it the output itself is differentiated. The network's own tensors and `.grad` are not touched.
    """

    def __init__(self, model: nn.Module, layers: Sequence[str | nn.Module] | None = None) -> None:
        self.model = model
        self.names = list(parameters_of(model, layers))
        self._together = True

    @property
    def size(self) -> int:
        """The number of parameters."""
        named = dict(self.model.named_parameters())
        return sum(prod(named[name].shape) for name in self.names)

    def __call__(self, batch: Batch, loss: LossFunction | None) -> Float[Tensor, "rows parameters"]:
        # One example by itself is not worth what vmap costs.
        if self._together and rows_of(batch) > 1 and all(isinstance(part, Tensor) for part in batch):
            try:
                return self._at_once(batch, loss)
            except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:
                # The same error comes again below where it is the network's own.
                found = self._one_by_one(batch, loss)
                self._together = "out of memory" in str(error)
                return found
        return self._one_by_one(batch, loss)

    def _tensors(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The parameters in question, and everything else the network holds; no graph leads back to either."""
        held = {name: p.detach() for name, p in (*self.model.named_parameters(), *self.model.named_buffers())}
        chosen = {name: held.pop(name) for name in self.names}
        return chosen, held

    def _at_once(self, batch: Batch, loss: LossFunction | None) -> Float[Tensor, "rows parameters"]:
        chosen, rest = self._tensors()

        def of_example(parameters: dict[str, Tensor], *example: Tensor) -> Tensor:
            row = tuple(part.unsqueeze(0) for part in example)
            return total_loss(functional_call(self.model, (parameters, rest), row[:-1]), row[-1], loss)

        with warnings.catch_warnings():
            # vmap says so of operations that it takes example by example; what comes out is the same.
            warnings.filterwarnings("ignore", message="There is a performance drop")
            gradients = vmap(grad(of_example), in_dims=(None, *[0] * len(batch)))(chosen, *batch)
        return torch.cat([gradients[name].flatten(1) for name in self.names], dim=1)

    def _one_by_one(self, batch: Batch, loss: LossFunction | None) -> Float[Tensor, "rows parameters"]:
        chosen, rest = self._tensors()
        leaves = {name: tensor.requires_grad_() for name, tensor in chosen.items()}
        found: list[Tensor] = []
        for i in range(rows_of(batch)):
            row = rows_from(batch, i, i + 1)
            with torch.enable_grad():
                total = total_loss(functional_call(self.model, (leaves, rest), row[:-1]), row[-1], loss)
                check_graph(total)
                slopes = torch.autograd.grad(total, list(leaves.values()), allow_unused=True, materialize_grads=True)
            found.append(torch.cat([slope.flatten() for slope in slopes]))
        return torch.stack(found)


def total_loss(output: Any, target: Any, loss: LossFunction | None) -> Float[Tensor, ""]:
    """The losses of a batch added up, or the outputs where there is no loss."""
    if loss is not None:
        output = loss(output, target)
    if not isinstance(output, Tensor):
        raise MethodError(
            f"{'the network' if loss is None else 'loss_fn'} gives {type(output).__name__}; it must give a tensor: "
            "wrap it so that it does"
        )
    return output.sum()


def is_separable(loss: LossFunction | None) -> bool:
    """Whether the loss of several examples is known to be the sum of their own: then one backward pass serves all."""
    return loss is None or (isinstance(loss, _Loss) and loss.reduction in ("none", "sum"))


def check_graph(total: Tensor) -> None:
    """Raises MethodError for a loss that no gradient leads back from."""
    if not total.requires_grad:
        raise MethodError(
            "the loss does not depend on the parameters by differentiable torch operations; "
            "pass a loss_fn of the network's output"
        )
