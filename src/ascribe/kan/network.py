"""The KAN that users hold: the network, and one thin method for everything that can be done with it."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from typing import Any, SupportsIndex, TypeVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.core.arguments import checked
from ascribe.core.drawing import Drawer
from ascribe.kan import evaluate, grids, regularization, scores
from ascribe.kan.activations import Activations
from ascribe.kan.fit.loop import fit
from ascribe.kan.hypotheses.tree import Tree, tree
from ascribe.kan.interaction import feature_interaction
from ascribe.kan.look import get_fun, get_range
from ascribe.kan.reshape import prune, refine
from ascribe.kan.reshape.expand import expand_depth, expand_width, perturb
from ascribe.kan.reshape.module import module, remove_edge, remove_node
from ascribe.kan.reshape.swap import auto_swap, swap
from ascribe.kan.serve import compiled
from ascribe.kan.shapley import shapley
from ascribe.kan.state import files, history
from ascribe.kan.symbolic.auto import auto_symbolic
from ascribe.kan.symbolic.candidates import candidates
from ascribe.kan.symbolic.edge_formula import edge_formula
from ascribe.kan.symbolic.fix import fix_symbolic, set_mode, unfix_symbolic, unfix_symbolic_all
from ascribe.kan.symbolic.formula import symbolic_formula
from ascribe.kan.symbolic.suggest import suggest_symbolic

Net = TypeVar("Net", bound="KAN")


@final
@checked
class KAN(history.Versioned):
    """A Kolmogorov-Arnold network: a plain nn.Module that fits, scores, prunes, refines and shows itself.

    `width` gives the nodes of every layer, [sums, products] where some multiply `mult_arity` subnodes; `grid` cells and
    order `k` may differ by layer. Whatever needs data and is given none takes the training data of the last `fit`, or
    else the input of the last forward in training mode. `prune*`, `refine`, `checkout` and `rewind` return new networks
    and leave this one whole.

    >>> kan = KAN([4, [3, 1], 1], grid=5, seed=1)
    >>> kan(torch.rand(7, 4)).shape, kan.n_edge
    (torch.Size([7, 1]), 24)
    """

    plot = Drawer()
    fit = fit
    shapley = shapley
    expand_depth, expand_width, perturb = expand_depth, expand_width, perturb
    feature_interaction = feature_interaction
    get_fun = get_fun
    get_range = get_range
    module = module
    remove_edge = remove_edge
    remove_node = remove_node
    swap = swap
    auto_swap = auto_swap
    candidates = candidates
    suggest_symbolic = suggest_symbolic
    auto_symbolic = auto_symbolic
    symbolic_formula = symbolic_formula
    edge_formula = edge_formula
    fix_symbolic, unfix_symbolic = fix_symbolic, unfix_symbolic
    unfix_symbolic_all, set_mode = unfix_symbolic_all, set_mode

    def evaluate(
        self,
        dataset: Any,
        loss_fn: str | Callable[[Tensor, Tensor], Tensor] | None = None,
        metrics: Sequence[str] = (),
    ) -> dict[str, float | int | list[int]]:
        """The loss on the test set of `dataset` as `fit` reports it, named figures, numbers of edges and cells."""
        return evaluate.evaluate(self, dataset, loss_fn, metrics)

    def copy(self: Net) -> Net:
        """An independent network with the same values, structure, history and data."""
        return copy.deepcopy(self)

    def regularization(
        self,
        metric: str = "edge_forward_spline_n",
        lamb_l1: float = 1.0,
        lamb_entropy: float = 2.0,
        lamb_coef: float = 0.0,
        lamb_coefdiff: float = 0.0,
        seen: Activations | None = None,
    ) -> Float[Tensor, ""]:
        """The penalty of `fit` for a loop of your own, with gradients back into the input.

        On the activations `seen = kan.activations(x)`, whose `output` is that of `kan(x)`; without them on another
        forward pass, with the input of the last.
        """
        if seen is None:
            seen = self.activations(self.last_input())
        return regularization.regularization(self, seen, metric, lamb_l1, lamb_entropy, lamb_coef, lamb_coefdiff)

    def scores(self, x: Tensor | None = None, bootstrap: int = 0, seed: int = 0) -> scores.Scores:
        """How much every node, subnode and edge matters; with errors over `bootstrap` resamplings of the rows."""
        return scores.scores(self, x, bootstrap, seed)

    @property
    def feature_score(self) -> Float[Tensor, " inputs"]:
        """The score of every input."""
        return scores.scores(self).nodes[0]

    def __dir__(self) -> list[str]:
        """Without scores while there is no data for them: torch.jit.trace asks for everything that is listed."""
        return [name for name in super().__dir__() if self.has_data or name != "feature_score"]

    def attribute(
        self, l: int | None = None, i: int | None = None, x: Tensor | None = None
    ) -> Float[Tensor, " inputs"] | Float[Tensor, "nodes inputs"]:
        """The scores of the inputs with respect to node i of layer l, or to each of its nodes."""
        return scores.attribute(self, l, i, x)

    def flow(self, x: Tensor | None = None) -> list[Float[Tensor, "_ inputs"]]:
        """For every layer, the share of every input in every node."""
        return scores.flow(self, x)

    def tree(self, x: Tensor | None = None, sym_th: float | int = 1e-2, sep_th: float | int = 1e-2) -> Tree:
        """How the columns of the data come together in the only output; coarser by default than for exact functions."""
        return tree(self, self.data(x), sym_th, sep_th, self.names)

    def update_grid(self, x: Float[Tensor, "*batch columns"], tolerance: float = 0.05) -> grids.GridUpdate:
        """Move the knots to the data; no input's edges change by more than `tolerance` of their spread."""
        return grids.update_grid(self, x, tolerance)

    def out_of_range(self, x: Tensor | None = None) -> list[Float[Tensor, " _"]]:
        """For every layer of edges, the share of rows in which each of its inputs lies outside its grid."""
        return grids.out_of_range(self, x)

    def refine(self: Net, grid: SupportsIndex | Sequence[int]) -> Net:
        """The same function on `grid` cells an input."""
        return self.followed_by(refine.refine(self, grid), "refine")

    def prune(self: Net, node_th: float = 1e-2, edge_th: float = 3e-2, x: Tensor | None = None) -> Net:
        """Without the hidden nodes, and then the edges, that score at or below the thresholds."""
        return self.followed_by(prune.prune(self, node_th, edge_th, x), "prune")

    def prune_node(
        self: Net,
        threshold: float = 1e-2,
        active_neurons_id: Sequence[Sequence[int]] | None = None,
        x: Tensor | None = None,
    ) -> Net:
        """Without the hidden nodes that score at or below `threshold`, or with the given ones only."""
        return self.followed_by(prune.prune_node(self, threshold, active_neurons_id, x), "prune_node")

    def prune_edge(self: Net, threshold: float = 3e-2, x: Tensor | None = None) -> Net:
        """Without the edges that score at or below `threshold`."""
        return self.followed_by(prune.prune_edge(self, threshold, x), "prune_edge")

    def prune_input(
        self: Net, threshold: float = 1e-2, active_inputs: Sequence[int] | None = None, x: Tensor | None = None
    ) -> Net:
        """Without the inputs that score at or below `threshold`; it takes all columns still, and reads `input_id`."""
        return self.followed_by(prune.prune_input(self, threshold, active_inputs, x), "prune_input")

    @classmethod
    def from_formula(
        cls: type[Net],
        formula: Any,
        variables: Any = None,
        grid: SupportsIndex = 5,
        k: SupportsIndex = 3,
        ranges: Any = None,
        dtype: torch.dtype | None = None,
        device: torch.types.Device = "cpu",
    ) -> Net:
        """The network that computes a formula, a text or sympy's; see `ascribe.kan.compile.from_formula`."""
        # The compiler makes KANs, so it is not there yet when this class is.
        from ascribe.kan.compile.from_formula import from_formula

        return from_formula(cls, formula, variables, grid, k, ranges, dtype, device)

    def compiled(self) -> compiled.CompiledKAN:
        """The function alone, to serve: every edge folded into one table of polynomials."""
        return compiled.CompiledKAN(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file, whole or not at all.  Raises FileError."""
        files.save(self, path)

    @staticmethod
    def load(path: str | os.PathLike[str], device: torch.device | str = "cpu") -> KAN:
        """Read what `save` wrote; from a folder of versions (`ckpt_path`) the newest, with its history.

        Raises FileError for what is no such file.
        """
        return history.load(KAN, path, device)
