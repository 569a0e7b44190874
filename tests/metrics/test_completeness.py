import torch

from ascribe.methods.ablation import Ablation
from ascribe.methods.shapley import Shapley
from ascribe.metrics.completeness import Completeness
from reference.asking import bent, data, score


def test_the_part_of_the_difference_that_is_missing():
    x, background = data(4, 3, 0), data(5, 3, 1)
    difference = bent(x) - bent(background).mean()
    values = torch.stack([difference * part for part in (0.5, 0.25, 0.0)], dim=1)
    with score(bent, x, background) as (f, z, z0):
        torch.testing.assert_close(Completeness()(f, values, z, z0), torch.full((4,), 0.25, dtype=torch.float64))
        assert float(Completeness()(f, Shapley()(f, z, z0).values, z, z0).max()) < 1e-12
        assert float(Completeness()(f, Ablation()(f, z, z0), z, z0).max()) > 0.01


def test_nothing_to_explain_is_complete():
    x = torch.zeros(2, 3)
    with score(bent, x, torch.zeros(1, 3)) as (f, z, z0):
        assert Completeness()(f, torch.zeros(2, 3), z, z0).tolist() == [0, 0]
        assert Completeness()(f, torch.ones(2, 3), z, z0).tolist() == [torch.inf, torch.inf]
