"""What pykan's users read off a network: activations, scores and sizes, found when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.compat.pykan._descent import part
from ascribe.compat.pykan._plotting import Plot, current
from ascribe.compat.pykan._settings import Settings
from ascribe.compat.pykan.KANLayer import postsplines
from ascribe.compat.pykan.Symbolic_KANLayer import Symbolic_KANLayer
from ascribe.core.arguments import checked
from ascribe.errors import InputError
from ascribe.kan import scores
from ascribe.kan.activations import Activations
from ascribe.kan.interaction import feature_interaction
from ascribe.kan.look import get_fun, get_range
from ascribe.kan.regularization import METRICS
from ascribe.kan.reshape.swap import connection_cost


@checked
class Reading(Settings):
    """Everything here is on `cache_data`: the rows of `get_act`, or the test inputs of the last fit, as in pykan."""

    plot = Plot()  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]

    # The test inputs of the last fit.
    _held_out: Tensor | None = None

    @property
    def cache_data(self) -> Float[Tensor, "*batch columns"]:
        """The rows that activations and scores are read on.  Raises InputError when there are none."""
        return self.data(self._held_out)

    def get_act(self, x: Tensor | Mapping[str, Tensor] | None = None) -> None:
        """Take x, or the training inputs of a dataset, for the data that everything is read on from now on."""
        if x is not None:
            if isinstance(x, Mapping):
                self.remember(part(x, "train_input"), x.get("train_label"))
            else:
                self.remember(x)
            self._held_out = None

    def __dir__(self) -> list[str]:
        """Without what is read on data while there is none."""
        read = {name for name, member in vars(Reading).items() if isinstance(member, property)} - {"symbolic_fun"}
        return [name for name in super().__dir__() if self.has_data or name not in read]

    def _seen(self) -> Activations:
        with torch.no_grad():
            return self.activations(self.cache_data)

    @property
    def acts(self) -> list[Float[Tensor, "n _"]]:
        """The nodes of every layer, inputs to outputs."""
        seen = self._seen()
        return [*seen.nodes, seen.output]

    @property
    def acts_premult(self) -> list[Float[Tensor, "n _"]]:
        """The subnodes of every layer before their affine."""
        return list(self._seen().subnodes)

    @property
    def spline_preacts(self) -> list[Float[Tensor, "n _ _"]]:
        """The input of every edge: (n, subnodes, inputs)."""
        pairs = zip(self._seen().nodes, self.layers, strict=True)
        return [x[:, None].expand(-1, layer.out_dim, -1) for x, layer in pairs]

    @property
    def spline_postacts(self) -> list[Float[Tensor, "n _ _"]]:
        """Every whole edge: (n, subnodes, inputs)."""
        with torch.no_grad():
            pairs = zip(self._seen().nodes, self.layers, strict=True)
            return [layer.curves(x).transpose(1, 2) for x, layer in pairs]

    @property
    def spline_postsplines(self) -> list[Float[Tensor, "n _ _"]]:
        """The spline of every edge alone: (n, subnodes, inputs)."""
        with torch.no_grad():
            return [postsplines(layer, x) for x, layer in zip(self._seen().nodes, self.layers, strict=True)]

    @property
    def acts_scale(self) -> list[Float[Tensor, "_ _"]]:
        """The standard deviation of every edge over that of its input (plus 0.1): (subnodes, inputs)."""
        return [scale.T for scale in METRICS["edge_forward_sum"](self, self._seen())]

    @property
    def acts_scale_spline(self) -> list[Float[Tensor, "_ _"]]:
        """As `acts_scale`, of the splines alone."""
        return [scale.T for scale in METRICS["edge_forward_spline_n"](self, self._seen())]

    @property
    def edge_actscale(self) -> list[Float[Tensor, "_ _"]]:
        """The standard deviation of every edge: (subnodes, inputs)."""
        return [spread.T for spread in self._seen().spreads]

    @property
    def subnode_actscale(self) -> list[Float[Tensor, " _"]]:
        """The standard deviation of every subnode."""
        return [z.std(0) for z in self._seen().subnodes]

    @property
    def node_scores(self) -> list[Float[Tensor, " _"]]:
        """The score of every node, inputs to outputs."""
        return self.scores(self._held_out).nodes

    @property
    def subnode_scores(self) -> list[Float[Tensor, " _"]]:
        """The score of every subnode."""
        return self.scores(self._held_out).subnodes

    @property
    def edge_scores(self) -> list[Float[Tensor, "_ _"]]:
        """The score of every edge: (subnodes, inputs)."""
        return [score.T for score in self.scores(self._held_out).edges]

    @property
    def feature_score(self) -> Float[Tensor, " inputs"]:
        """The score of every input on the test inputs of the last fit, where pykan leaves a network: its numbers.

        What decides (`prune`, `prune_input`, `refine`) reads the training inputs alone, as in the native network.
        """
        return self.scores(self._held_out).nodes[0]

    def attribute(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        l: int | None = None,
        i: int | None = None,
        out_score: Float[Tensor, " outputs"] | None = None,
        plot: bool = True,
        x: Tensor | None = None,
    ) -> Float[Tensor, " inputs"] | Float[Tensor, "nodes inputs"]:
        """The scores of the inputs with respect to node i of layer l, or to each of its nodes; drawn for one node.

        Without l it is about the outputs, each weighted by its entry of `out_score`.
        """
        found = scores.attribute(self, l, i, self._held_out if x is None else x)
        if i is not None and plot:
            current(self.plot.features(l, i).figure)
        if l is None and i is None and out_score is not None:
            if out_score.shape != found.shape[:1]:
                raise InputError(
                    f"out_score has shape {tuple(out_score.shape)}; pass one number for each of {len(found)} outputs."
                )
            return out_score[:, None] * found
        return found

    @property
    def node_attribute_scores(self) -> list[Float[Tensor, "_ inputs"]]:
        """`attribute(l)` of every layer above the inputs."""
        return [scores.attribute(self, l, None, self._held_out) for l in range(1, self.depth + 1)]

    def node_attribute(self) -> None:
        """Nothing: `node_attribute_scores` is found when it is asked for."""

    def feature_interaction(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, l: int, neuron_th: float | int = 1e-2, feature_th: float | int = 1e-2
    ) -> dict[tuple[int, ...], int]:
        """How many nodes of layer l combine each set of inputs."""
        return feature_interaction(self, l, neuron_th, feature_th, self._held_out)

    def get_fun(self, l: int, i: int, j: int) -> tuple[np.ndarray, np.ndarray]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Edge (l, i, j): its inputs in ascending order, and its values; drawn, too."""
        inputs, values = get_fun(self, l, i, j, self._held_out)
        current(self.plot.edge(l, i, j, x=self._held_out).figure)
        return inputs.cpu().numpy(), values.cpu().numpy()

    def get_range(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, l: int, i: int, j: int, verbose: bool = True
    ) -> tuple[float, float, float, float]:
        """The least and the largest input and value of edge (l, i, j); printed too."""
        found = get_range(self, l, i, j, self._held_out)
        if verbose:
            print(f"x range: [{found[0]:.2f} , {found[1]:.2f} ]\ny range: [{found[2]:.2f} , {found[3]:.2f} ]")
        return found

    @property
    def connection_cost(self) -> Float[Tensor, ""]:
        """How long the edges are, weighted by their scores."""
        return torch.tensor(connection_cost(self, self._held_out))

    @property
    def symbolic_fun(self) -> list[Symbolic_KANLayer]:
        """The symbolic edges of every layer."""
        return [Symbolic_KANLayer.of(layer) for layer in self.layers]
