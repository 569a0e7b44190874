"""The model that is explained, trained here or brought along, in the units of the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.kan.network import KAN
from ascribe.report.study import FeatureScore, Round

PIECE = 8192  # rows that go through a network together


@dataclass(frozen=True)
class Explained:
    """`network` takes encoded columns; it gives the target, or log-odds, logits or probabilities of its classes."""

    name: str
    network: nn.Module
    unit_note: str
    seconds: float = 0.0
    likely: bool = False  # the outputs are probabilities already
    kan: KAN | None = None
    inputs: tuple[str, ...] = ()
    rounds: tuple[Round, ...] = ()
    scores: tuple[FeatureScore, ...] = ()
    weights: dict[str, Tensor] | None = None
    notes: tuple[str, ...] = ()

    def predict(self, features: Float[np.ndarray, "rows features"], classes: int) -> np.ndarray:
        """The target of every row, or the probabilities of its classes."""
        output = outputs(self.network, features)
        if not classes:
            return output[:, 0].numpy()
        if self.likely:
            return (torch.cat([1 - output, output], 1) if output.shape[1] == 1 else output).numpy()
        return probabilities(output).numpy()


def outputs(network: nn.Module, features: Float[np.ndarray, "rows features"]) -> Float[Tensor, "rows outputs"]:
    """The outputs for all rows, in float64 where figures are taken from them."""
    with torch.no_grad():
        pieces = [network(piece) for piece in tensor(features).split(PIECE)]
    return torch.cat(pieces).double()


def probabilities(output: Float[Tensor, "rows outputs"]) -> Float[Tensor, "rows classes"]:
    """The probabilities that log-odds (one output) or logits (more) stand for."""
    return torch.softmax(torch.cat([torch.zeros_like(output), output], 1) if output.shape[1] == 1 else output, dim=1)


def tensor(values: Float[np.ndarray, "rows features"]) -> Float[Tensor, "rows features"]:
    """Rows of the table as a network reads them."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def target_units(name: str, classes: tuple[str, ...]) -> str:
    """What one unit of an attribution is."""
    if not classes:
        return f"in the units of {name}"
    return (
        f"in log-odds of {classes[1]}"
        if len(classes) == 2
        else "in logits of the predicted class, centred over the classes"
    )
