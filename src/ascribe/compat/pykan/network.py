"""pykan's KAN: the native network behind pykan's signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from ascribe.kan import network as native
from ascribe.kan.fit.history import History

Net = TypeVar("Net", bound="KAN")

# Arguments of pykan that have nothing to switch here, and why: they are accepted, and ignored.
_CONSTRUCTOR = {
    "symbolic_enabled": "a network without symbolic edges spends nothing on them",
    "save_act": "statistics of activations are computed when something asks for them",
    "auto_save": "versions are kept in memory; no file is written unless save() is called",
    "first_init": "versions are kept in memory",
    "ckpt_path": "versions are kept in memory",
    "state_id": "versions number themselves",
    "round": "versions number themselves",
}
_FIT = {
    "log": "the progress bar shows every step",
    "singularity_avoiding": "there is no symbolic edge",
    "y_th": "there is no symbolic edge",
    "display_metrics": "the progress bar shows all figures",
}


class KAN(native.KAN):  # pyright: ignore[reportGeneralTypeIssues]
    """The one place where the native network is derived from: the arguments are pykan's, all else is inherited.

    >>> KAN(width=[2, 3, 1], auto_save=False).n_edge
    9
    """

    def __init__(self, width: Sequence[int | Sequence[int]], *args: Any, **settings: Any) -> None:
        super().__init__(width, *args, **_without(settings, _CONSTRUCTOR))

    # The test inputs of the last fit.
    _held_out: Tensor | None = None

    def fit(self, dataset: Any, *args: Any, **settings: Any) -> History:
        test = dataset.get("test_input") if isinstance(dataset, Mapping) else None
        # Before training: the version that it makes takes them along.
        self._held_out = None if test is None else torch.as_tensor(test).detach().to(next(self.parameters()))
        return super().fit(dataset, *args, **_without(settings, _FIT))

    @property
    def feature_score(self) -> Float[Tensor, " inputs"]:
        """The score of every input on the test inputs of the last fit, where pykan leaves a network: its numbers.

        What decides (`prune`, `prune_input`, `refine`) reads the training inputs alone, as in the native network.
        """
        return self.scores(self._held_out).nodes[0]

    def attribute(
        self, l: int | None = None, i: int | None = None, x: Tensor | None = None
    ) -> Float[Tensor, " inputs"] | Float[Tensor, "nodes inputs"]:
        """As `feature_score`, with respect to node i of layer l, or to each of its nodes."""
        return super().attribute(l, i, self._held_out if x is None else x)

    def prune_input(
        self: Net, threshold: float = 1e-2, active_inputs: Sequence[int] | None = None, x: Tensor | None = None
    ) -> Net:
        """As the native one; like pykan's it prints which of the inputs it keeps."""
        made = super().prune_input(threshold, active_inputs, x)
        kept = set(made.input_id.tolist())
        print("keep:", [i in kept for i in self.input_id.tolist()])
        return made

    def __getstate__(self) -> dict[str, Any]:
        # A file or another process gets no data; a copy in this one does.
        return {**super().__getstate__(), "_held_out": None}

    def __deepcopy__(self: Net, memo: dict[int, Any]) -> Net:
        new = super().__deepcopy__(memo)
        new._held_out = self._held_out
        return new


def _without(settings: dict[str, Any], ignored: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in ignored}
