"""Draws docs/readme.png, the picture of the README: the KAN of its ten lines, and what its predictions are due to.

python examples/readme_picture.py docs/readme.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import torch

from ascribe import KAN, IntegratedGradients, explain

x = 2 * torch.rand(1000, 4, generator=torch.Generator().manual_seed(0)) - 1
y = x[:, 0] ** 2 + 0.3 * x[:, 1] + 0.1 * x[:, 2] ** 3
names = ["a", "b", "c", "d"]

kan = KAN([4, 5, 1], grid=3, k=3, seed=1)
kan.fit((x, y), steps=20, lamb=1e-3, progress=False)
kan = kan.prune().prune_input()
a = explain(kan, x[:300], IntegratedGradients(), names=names)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", width_ratios=[1, 1.6])
kan.plot(in_vars=names, out_vars=["y"], ax=left)
a.plot.beeswarm(ax=right)
figure.savefig(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/readme.png"), dpi=130)
