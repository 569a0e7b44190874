"""Unsupervised learning: which variables depend on one another?

Six variables, of which x2 = exp(sin(pi x0) + x1^2) and x4 = x3^3, and x5 is on its own. Rows as they are, and rows
whose columns have been shuffled one by one, are told apart by a KAN that ends in a bell, exp(-z^2), which is 1 where
z = 0. So z must vanish on the data and nowhere else, and z = 0 is a relation; the scores say among whom. Not every
seed finds one. What is related is set aside, and the rest is asked again.
"""

import math

import torch

from ascribe import KAN

generator = torch.Generator().manual_seed(0)
rows = 2 * torch.rand(1000, 6, generator=generator) - 1
rows[:, 2] = torch.exp(torch.sin(math.pi * rows[:, 0]) + rows[:, 1] ** 2)
rows[:, 4] = rows[:, 3] ** 3
shuffled = torch.stack([column[torch.randperm(1000, generator=generator)] for column in rows.T], 1)
everything = torch.cat([rows, shuffled])
genuine = torch.cat([torch.ones(1000, 1), torch.zeros(1000, 1)])


def relation(columns: list[int], seeds: int = 4) -> tuple[tuple[int, ...], float]:
    """The related ones of these columns, and how well they tell; nothing where no seed tells genuine rows at all."""
    x = everything[:, columns]
    for seed in range(seeds):
        kan = KAN([len(columns), 1, 1], grid=5, k=3, seed=seed)
        kan.fix(1, 0, 0, "gaussian", [1.0, 0.0, 1.0, 0.0])
        kan.fit((x, genuine), steps=20, lamb=2e-3, progress=False)
        with torch.no_grad():
            error = float((kan(x) - genuine).square().mean().sqrt())
        scores = kan.scores(x).nodes[0]
        names = {f"x{i}": round(float(score), 3) for i, score in zip(columns, scores, strict=True)}
        print(f"among {len(columns)}, seed {seed}: error {error:.3f}, scores {names}")
        if error < 0.4:  # a coin has .5
            chosen = (scores > 0.15 * scores.max()).nonzero()[:, 0].tolist()
            return tuple(columns[i] for i in chosen), error
    return (), 0.5


left, relations = list(range(6)), []
while len(left) > 1:
    related, error = relation(left)
    if not related:
        break
    relations.append(related)
    left = [i for i in left if i not in related]
print("related:", relations, "on its own:", left)
