"""Shapley values without sampling: by all coalitions, or in polynomial time where a network has one hidden layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, cast, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ascribe.core.method import Estimate, Method
from ascribe.core.score import Score
from ascribe.core.target import Entry, EntryOfRow, EveryEntry
from ascribe.core.threads import one_thread
from ascribe.errors import MethodError
from ascribe.maths.piecewise import Piecewise
from ascribe.maths.sum_games import SumGames
from ascribe.methods.shapley import Shapley

_MOST = 20  # players of whom all coalitions can be asked

# Activations that go entry by entry: at least the largest fourth derivative and a quarter of its total variation, or
# nothing where it is not known to have a bound.
_FOURTH: dict[type[nn.Module], float | None] = {
    nn.Identity: 0.0, nn.Tanh: 4.7, nn.Sigmoid: 0.147, nn.SiLU: 0.5, nn.Mish: 1.11, nn.GELU: None, nn.Softplus: None,
    nn.ELU: None, nn.CELU: None, nn.SELU: None, nn.Hardtanh: None, nn.ReLU6: None, nn.Hardswish: None,
    nn.Hardsigmoid: None, nn.Softsign: None, nn.LogSigmoid: None, nn.Tanhshrink: None,
}  # fmt: skip


@final
@dataclass(frozen=True)
class ExactShapley(Method):
    r"""Shapley's values over the whole background, as `Shapley` defines them, and no coalition is drawn.

    A network Linear, activation, Linear (an `nn.Sequential`; any activation of torch that goes entry by entry) is a sum
    of functions of sums, whose values take polynomial time: see `ascribe.maths.sum_games`. Up to 12 players have errors
    of rounding alone. For more the error is at most `tolerance` of the row's largest value; proven for ReLU, tanh,
    sigmoid, SiLU and Mish, estimated for others. It counts what the dtype of the inputs rounds.
    Kinks make it dear: with ReLU the limit of terms is met at a bound of about 1e-3, far above the true error. Price:
    O(background hidden terms players^2 / 4) a row, and no evaluations. Groups may join features.

    Any other model is asked about all coalitions: at most 20 players, $2^n - 2$ evaluations a row and background row,
    error 0. A KAN of two layers has its own: `kan.shapley(x, background)`.

    Raises MethodError for more players where only all coalitions would do.

    Source: Owen (1972), "Multilinear extensions of games"; the expansion is this package's own.

    >>> from ascribe.core.explain import explain
    >>> net = nn.Sequential(nn.Linear(60, 8), nn.Tanh(), nn.Linear(8, 1))
    >>> a = explain(net, torch.ones(2, 60), ExactShapley())
    >>> bool(a.gap.abs().max() < 1e-4)
    True
    """

    tolerance: float = 1e-6

    laws: ClassVar[frozenset[str]] = Shapley.laws
    reference: ClassVar[str] = "background"

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise MethodError(f"tolerance={self.tolerance} is no part of the largest value; pass one such as 1e-6")

    def __call__(self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "draws any *shape"]) -> Estimate:
        layers, outputs = _layers(f.module), _outputs(f)
        whole = f.site is None and f.cut is None and f.neuron is None and f.module is f.model and z.ndim == 2
        if whole and z0.shape[1] == 1 and not f.players.by_row and layers is not None and outputs is not None:
            with torch.no_grad(), one_thread():
                values, error = self._polynomial(f, layers, z.double(), z0[:, 0].double())
            rows = torch.arange(len(z), device=z.device)
            numbers = outputs.to(z.device)
            error = error + torch.finfo(z.dtype).eps * (values.abs() + error)
            return Estimate(values[rows, numbers].to(z), error[rows, numbers].to(z))
        if f.players.count > _MOST:
            raise MethodError(
                f"exact values of {f.players.count} players are to be had of a network Linear, activation, Linear"
                f" alone; elsewhere {_MOST} players are the most. Pass Shapley(budget=...), which samples, or groups="
            )
        everything = 2**f.players.count * len(z0)
        return Shapley(budget=everything, limit=everything)(f, z, z0)

    def _polynomial(
        self, f: Score, layers: tuple[nn.Linear, nn.Module, nn.Linear], z: Tensor, z0: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(rows, outputs, players): values and errors."""
        first, activation, second = layers
        into, out = first.weight.double(), second.weight.double().T
        bias = into.new_zeros(len(into)) + (0.0 if cast(Tensor | None, first.bias) is None else first.bias.double())

        def brought(x: Tensor) -> Float[Tensor, "n hidden players"]:
            entries = x[:, None] * into
            sums = entries.new_zeros(*entries.shape[:2], f.players.count)
            return sums.index_add_(2, f.players.ids.flatten().to(x.device), entries)

        games = _games(activation, bias, out, f.budget.memory // 2)
        absent = brought(z0)
        step = max(1, f.budget.memory // (32 * (absent[0].numel() + out.shape[1] * f.players.count) + 64 * len(absent)))
        parts = [games(brought(some), absent).values(self.tolerance) for some in z.split(step)]
        values, error = (torch.cat(part) for part in zip(*parts, strict=True))
        return values, error


def _layers(network: nn.Module | None) -> tuple[nn.Linear, nn.Module, nn.Linear] | None:
    """The network's layers where it has one hidden layer; those that do nothing when a network is used left out."""
    if type(network) is not nn.Sequential or len(network._forward_hooks) or len(network._forward_pre_hooks):
        return None
    layers = [layer for layer in network if not isinstance(layer, nn.Dropout)]
    if len(layers) != 3 or any(len(layer._forward_hooks) + len(layer._forward_pre_hooks) for layer in layers):
        return None
    first, activation, second = layers
    if type(first) is not nn.Linear or type(second) is not nn.Linear or not _knows(activation):
        return None
    return first, activation, second


def _knows(activation: nn.Module) -> bool:
    return type(activation) in _FOURTH or type(activation) in (nn.ReLU, nn.LeakyReLU)


def _outputs(f: Score) -> Int[Tensor, " rows"] | None:
    """The output that each row is about, where it is one."""
    every = f.every.cpu()
    if isinstance(f.pick, EveryEntry):
        return every % f.pick.count
    if isinstance(f.pick, Entry):
        return torch.full_like(every, f.pick.index[0]) if len(f.pick.index) == 1 else None
    if isinstance(f.pick, EntryOfRow):
        return f.pick.index[:, 0].cpu() if f.pick.index.shape[1] == 1 else None
    return None


def _games(
    activation: nn.Module, bias: Tensor, out: Float[Tensor, "hidden outputs"], memory: int
) -> Callable[[Tensor, Tensor], SumGames]:
    """The games for what the rows and the background bring to every hidden unit."""

    def outer(z: Float[Tensor, "n hidden"]) -> Float[Tensor, "n hidden outputs"]:
        return activation(z)[..., None] * out

    if not isinstance(activation, (nn.ReLU, nn.LeakyReLU)):
        fourth = _FOURTH[type(activation)]
        bound = None if fourth is None else fourth * out.abs()
        return lambda present, absent: SumGames(present, absent, outer, bound, memory=memory, bias=bias)
    slope = activation.negative_slope if isinstance(activation, nn.LeakyReLU) else 0.0

    def derivatives(z: Float[Tensor, "n hidden"]) -> Float[Tensor, "n hidden orders outputs"]:
        steep = torch.where(z > 0, torch.ones_like(z), slope)
        return torch.stack([z * steep, steep], -1)[..., None] * out[:, None]

    def nothing(z: Float[Tensor, "n hidden"]) -> Float[Tensor, "n hidden outputs"]:
        return torch.zeros_like(z)[..., None] * out

    pieces = Piecewise.of(torch.zeros_like(bias)[:, None], derivatives)
    return lambda present, absent: SumGames(present, absent, nothing, torch.zeros_like(out), pieces, memory, bias)
