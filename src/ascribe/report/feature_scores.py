"""What the KAN says of the table's columns by itself: the scores of its inputs, with error bars."""

from __future__ import annotations

import numpy as np
import torch

from ascribe.report.explained import tensor
from ascribe.report.prepare import Data
from ascribe.report.standardized import Standardized
from ascribe.report.study import FeatureScore


def feature_scores(network: Standardized, data: Data, draws: int, seed: int) -> tuple[FeatureScore, ...]:
    """Every column's score, the sum over its features; the error is its spread over `draws` resamplings of the rows.

    Highest first; a column that the network does not read scores 0.
    """
    kan = network.kan
    x = network.inward(tensor(data.features[data.parts.training]))
    owners = data.encoder.groups[kan.input_id.numpy()]

    def columns(rows: torch.Tensor) -> np.ndarray:
        return np.bincount(owners, kan.scores(rows).nodes[0].numpy(), minlength=len(data.encoder.players))

    draw = torch.Generator().manual_seed(seed)
    resampled = [columns(x[torch.randint(len(x), (len(x),), generator=draw)]) for _ in range(draws)]
    scores, errors = columns(x), np.std(resampled, axis=0, ddof=1)
    order = np.argsort(-scores, kind="stable")
    return tuple(FeatureScore(data.encoder.players[i], float(scores[i]), float(errors[i])) for i in order)
