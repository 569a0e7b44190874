"""TracIn of one linear layer, whose gradients are outer products that need never be formed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import grad, vmap

from ascribe.core.cut import cut_at
from ascribe.errors import LayerError
from ascribe.influence.batches import Batch, rows_from, rows_of
from ascribe.influence.checkpoints import Load, checked, visited
from ascribe.influence.gradients import LossFunction, check_graph, is_separable, total_loss
from ascribe.influence.influence import Features, Influence


@final
class LastLayer:
    r"""$(\partial L_i/\partial h_i, a_i)$ of a linear layer $h = W a + b$: the gradient in W is their outer product.

    With `bias` the second part has a 1 behind it, so that the outer product is the gradient in W and b. One forward
    pass, and one backward pass from the output to the layer.

    Raises LayerError for a layer that is not linear on (rows, features).
    """

    def __init__(self, model: nn.Module, layer: str | nn.Module, *, bias: bool = True) -> None:
        self.model, self.bias = model, bias
        self.out = cut_at(model, layer)
        if not isinstance(self.out.module, nn.Linear):
            raise LayerError(
                f"layer '{self.out.name}' is {type(self.out.module).__name__}; pass the network's last nn.Linear"
            )
        self.into = cut_at(model, f"{self.out.name}:in")

    def __call__(self, batch: Batch, loss: LossFunction | None) -> tuple[Tensor, Tensor]:
        def begin(h: Tensor) -> Tensor:
            return h.detach().requires_grad_()

        with torch.enable_grad(), self.into.seeing() as entered, self.out.seeing(begin) as left:
            output = self.model(*batch[:-1])
        a, h = entered[0].detach(), left[0]
        if a.ndim != 2 or len(a) != rows_of(batch):
            raise LayerError(
                f"layer '{self.out.name}' takes {tuple(a.shape)} for {rows_of(batch)} examples; it must take "
                "(rows, features); use TracIn(layers=...) instead"
            )
        with torch.enable_grad():
            if is_separable(loss):
                total = total_loss(output, batch[-1], loss)
                check_graph(total)
                (jacobian,) = torch.autograd.grad(total, h)
            else:
                check_graph(output)
                (jacobian,) = torch.autograd.grad(output, h, _slopes(output, batch, loss))
        return jacobian, torch.cat([a, a.new_ones(len(a), 1)], dim=1) if self.bias else a


def _slopes(output: Tensor, batch: Batch, loss: LossFunction | None) -> Float[Tensor, "rows *output"]:
    """The gradient of every example's loss with respect to its output."""
    output, target = output.detach(), batch[-1]

    def of_example(out: Tensor, y: Tensor) -> Tensor:
        return total_loss(out.unsqueeze(0), y.unsqueeze(0), loss)

    if isinstance(target, Tensor):
        try:
            return vmap(grad(of_example))(output, target)
        except (RuntimeError, NotImplementedError, ValueError, TypeError):
            pass  # a loss that vmap cannot take; the same error comes again below where it is the loss's own
    found: list[Tensor] = []
    for i in range(len(output)):
        out = output[i : i + 1].requires_grad_()
        total = total_loss(out, rows_from(batch, i, i + 1)[-1], loss)
        check_graph(total)
        found.append(torch.autograd.grad(total, out)[0])
    return torch.cat(found)


@final
class TracInLastLayer(Influence):
    """`TracIn` of the parameters of the last linear layer alone, at the price of a forward pass.

    Equal to `TracIn(layers=[layer])`; without `bias`, of the layer's weight alone.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str | nn.Module,
        train: Any,
        checkpoints: Sequence[Any],
        load: Load,
        loss: LossFunction | None = None,
        *,
        test_loss: LossFunction | None = None,
        bias: bool = True,
        **knobs: Any,
    ) -> None:
        super().__init__(model, train, **knobs)
        self.checkpoints, self.load = checked(checkpoints), load
        self.loss, self.test_loss = loss, loss if test_loss is None else test_loss
        self.last = LastLayer(model, layer, bias=bias)

    def stages(self) -> Iterator[float]:
        return visited(self.model, self.checkpoints, self.load)

    def features(self, batch: Batch, test: bool) -> Features:
        return self.last(batch, self.test_loss if test else self.loss)
