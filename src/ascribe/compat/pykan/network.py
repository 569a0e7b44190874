"""pykan's KAN: the native network behind pykan's signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ascribe.kan import network as native
from ascribe.kan.fit.history import History

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

    def fit(self, dataset: Any, *args: Any, **settings: Any) -> History:
        return super().fit(dataset, *args, **_without(settings, _FIT))

    def prune_input(
        self, threshold: float = 1e-2, active_inputs: Sequence[int] | None = None, x: Tensor | None = None
    ) -> KAN:
        """As the native one; like pykan's it prints which of the inputs it keeps."""
        made = super().prune_input(threshold, active_inputs, x)
        kept = set(made.input_id.tolist())
        print("keep:", [i in kept for i in self.input_id.tolist()])
        return made


def _without(settings: dict[str, Any], ignored: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in ignored}
