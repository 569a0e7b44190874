"""kan.MLP: linear layers with SiLU between them, fitted, scored and drawn as pykan's are."""  # noqa: N999

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.compat.pykan._choice import exchanged
from ascribe.compat.pykan._descent import PARTS, Loss, descend, optimiser_named, part
from ascribe.compat.pykan._names import names_of
from ascribe.compat.pykan._plotting import current
from ascribe.compat.pykan.hypothesis import plot_tree
from ascribe.core.arguments import checked
from ascribe.errors import InputError
from ascribe.kan.memory import require_columns
from ascribe.kan.regularization import sparsity

Matrices = list[Float[Tensor, "_ _"]]


@checked
class MLP(nn.Module):
    """`act` and `save_act` have no effect, as in pykan: the function is SiLU, and activations are found when asked for.

    >>> MLP([2, 5, 1])(torch.rand(7, 2)).shape
    torch.Size([7, 1])
    """

    def __init__(
        self,
        width: Sequence[int],
        act: str = "silu",
        save_act: bool = True,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        self.width, self.depth = list(width), len(width) - 1
        self.linears = nn.ModuleList(nn.utils.skip_init(nn.Linear, n, m) for n, m in pairwise(self.width))
        # The draws of nn.Linear, from a generator of the network's own.
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in self._layers:
                for values in (layer.weight, layer.bias):
                    bound = layer.in_features**-0.5
                    values.uniform_(-bound, bound, generator=generator)
        self.act_fun = nn.SiLU()
        self.save_act = save_act
        self.cache_data: Tensor | None = None
        self.to(device)

    @property
    def _layers(self) -> list[nn.Linear]:
        return [layer for layer in self.linears if isinstance(layer, nn.Linear)]

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.w[0].device

    @property
    def w(self) -> Matrices:
        """The weights of every layer."""
        return [layer.weight for layer in self._layers]

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        require_columns(x, self.width[0])
        self.cache_data = x.detach()
        return self._run(x)[-1]

    def _run(self, x: Tensor) -> list[Tensor]:
        """The input of every layer, and the output."""
        values = [x]
        for l, layer in enumerate(self._layers):
            out = layer(values[-1])
            values.append(self.act_fun(out) if l < self.depth - 1 else out)
        return values

    def get_act(self, x: Tensor | Mapping[str, Tensor] | None = None) -> None:
        """Take x, or the training inputs of a dataset, for the data that everything is read on from now on."""
        if x is not None:
            self.cache_data = (part(x, "train_input") if isinstance(x, Mapping) else x).detach()

    @property
    def acts(self) -> list[Float[Tensor, "n _"]]:
        """The input of every layer.  Raises InputError when the network has seen no data."""
        if self.cache_data is None:
            raise InputError("the network has seen no data yet; call fit(...) first, or get_act(x).")
        return self._run(self.cache_data)[:-1]

    @property
    def acts_scale(self) -> list[Float[Tensor, " _"]]:
        """The standard deviation of every node above the inputs."""
        assert self.acts
        assert self.cache_data is not None
        return [values.std(0) for values in self._run(self.cache_data)[1:]]

    @property
    def wa_forward(self) -> Matrices:
        """Every weight times the standard deviation of what it multiplies."""
        return [weight * act.std(0) for weight, act in zip(self.w, self.acts, strict=True)]

    def _scores(self) -> tuple[list[Tensor], Matrices]:
        nodes, edges = [torch.ones(self.width[-1], device=self.w[0].device)], []
        for strength, scale in reversed(list(zip(self.wa_forward, self.acts_scale, strict=True))):
            edges.insert(0, strength.abs() * (nodes[0] / (scale + 1e-4))[:, None])
            nodes.insert(0, edges[0].sum(0) / edges[0].shape[1] ** 0.5)
        return nodes, edges

    @property
    def node_scores(self) -> list[Float[Tensor, " _"]]:
        """The score of every node: what its edges hand back, over the root of their layer's width."""
        return self._scores()[0]

    @property
    def edge_scores(self) -> Matrices:
        """The score of every weight: its share of the spread of the node above, times that node's score."""
        return self._scores()[1]

    wa_backward = edge_scores

    def attribute(self) -> None:
        """Nothing: scores are found when they are asked for.  Raises InputError when the network has seen no data."""
        assert self.acts

    def reg(self, reg_metric: str, lamb_l1: float | int, lamb_entropy: float | int) -> Float[Tensor, ""]:
        """The sum and the entropies of "w", "act" (`wa_forward`), "fa" (`edge_scores`) or "a" (`acts_scale`).

        Raises InputError for another metric.
        """
        if reg_metric == "a":
            return sum((_entropy(scale, lamb_l1, lamb_entropy) for scale in self.acts_scale), torch.zeros(()))
        matrices = {"w": lambda: self.w, "act": lambda: self.wa_forward, "fa": lambda: self.edge_scores}
        if reg_metric not in matrices:
            raise InputError(f"reg_metric={reg_metric!r} is not known; pass 'w', 'act', 'fa' or 'a'.")
        penalties = (sparsity(matrix.abs(), lamb_l1, lamb_entropy) for matrix in matrices[reg_metric]())
        return sum(penalties, torch.zeros((), device=self.w[0].device))

    get_reg = reg

    def fit(
        self,
        dataset: Mapping[str, Tensor],
        opt: str = "LBFGS",
        steps: int = 100,
        log: int = 1,
        lamb: float | int = 0.0,
        lamb_l1: float | int = 1.0,
        lamb_entropy: float | int = 2.0,
        loss_fn: Loss | None = None,
        lr: float | None = None,
        batch: int = -1,
        metrics: Sequence[Callable[[], Any]] | None = None,
        in_vars: Sequence[Any] | None = None,
        out_vars: Sequence[Any] | None = None,
        beta: float | int = 3,
        device: torch.device | str = "cpu",
        reg_metric: str = "w",
        display_metrics: Sequence[str] | None = None,
        progress: bool = True,
    ) -> dict[str, list[float]]:
        """Train; train_loss, test_loss (roots), reg and the metrics of every step.

        `lr` of None is 1 for LBFGS and 1e-3 for Adam. Without effect are `log`, `in_vars`, `out_vars`, `beta`,
        `display_metrics` and `device` (the data goes where the network is).
        Raises TrainingError for another optimiser, or a loss that is no number.
        """
        data = {name: part(dataset, name).to(self.w[0]) for name in PARTS}
        loss = loss_fn or (lambda output, label: (output - label).square().mean())
        penalty = (lambda: self.reg(reg_metric, lamb_l1, lamb_entropy)) if lamb else None
        return descend(self, data, optimiser_named(opt, self, lr), steps, loss, lamb, penalty, batch, metrics, progress)

    @property
    def connection_cost(self) -> Float[Tensor, ""]:
        """The sum of the weights' sizes times the distances that they go, nodes being spread evenly over one width."""
        return sum((_length(weight.detach().abs()) for weight in self.w), torch.zeros((), device=self.w[0].device))

    def swap(self, l: int, i1: int, i2: int) -> None:
        """Let nodes i1 and i2 of hidden layer l change places; the function stays.  In place."""
        order, _ = exchanged(self.width[self._hidden(l)], 0, i1, i2, "in")
        below, above = self._layers[l - 1], self._layers[l]
        with torch.no_grad():
            below.weight.copy_(below.weight[order])
            below.bias.copy_(below.bias[order])
            above.weight.copy_(above.weight[:, order])

    def _hidden(self, l: int) -> int:
        if not 0 < l < self.depth:
            raise InputError(f"layer {l} is no hidden one; pass a layer from 1 to {self.depth - 1}.")
        return l

    def auto_swap_l(self, l: int) -> None:
        """Swap nodes of layer l while that lowers the `connection_cost`."""
        best, better = float(self.connection_cost), self._hidden(l) > 0
        while better:
            better = False
            for i1, i2 in combinations(range(self.width[l]), 2):
                self.swap(l, i1, i2)
                now = float(self.connection_cost)
                if now < best - 1e-6 * abs(best):
                    best, better = now, True
                else:
                    self.swap(l, i1, i2)

    def auto_swap(self) -> None:
        """Swap the nodes of every hidden layer while that lowers the `connection_cost`."""
        for l in range(1, self.depth):
            self.auto_swap_l(l)

    def tree(
        self,
        x: Tensor | None = None,
        in_var: Sequence[Any] | None = None,
        style: str = "tree",
        sym_th: float | int = 1e-3,
        sep_th: float | int = 1e-1,
        skip_sep_test: bool = False,
        verbose: bool = False,
    ) -> Any:
        """The picture of how the inputs come together, as a figure."""
        rows = self.acts[0] if x is None else x
        return plot_tree(self, rows, in_var, style, sym_th, sep_th, skip_sep_test, verbose)

    def plot(self, beta: float | int = 3, scale: float | int = 1.0, metric: str = "w") -> Any:
        """The picture of the network, as a figure: weights above 0 blue, below 0 red, as opaque as `metric` says.

        Raises InputError for another metric than "w", "act" and "fa".
        """
        from ascribe.plots.linear import linear_network

        matrices = {"w": lambda: self.w, "act": lambda: self.wa_forward, "fa": lambda: self.edge_scores}
        if metric not in matrices:
            raise InputError(f"metric={metric!r} is not known; pass 'w', 'act' or 'fa'.")
        strengths = [matrix.detach().cpu().numpy() for matrix in matrices[metric]()]
        return current(linear_network(strengths, beta=beta, scale=scale))


def _entropy(scale: Tensor, l1: float, entropy: float) -> Tensor:
    p = scale / (scale.sum() + 1)
    return l1 * scale.sum() - entropy * (p * (p + 1e-4).log2()).sum()


def _length(size: Float[Tensor, "outputs inputs"]) -> Tensor:
    outputs, inputs = size.shape
    at_outputs = (torch.arange(outputs, device=size.device) + 0.5) / outputs
    at_inputs = (torch.arange(inputs, device=size.device) + 0.5) / inputs
    return ((at_outputs[:, None] - at_inputs).abs() * size).sum()


__getattr__ = names_of(__name__)
