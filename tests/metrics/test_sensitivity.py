import torch

from ascribe.methods.ablation import Ablation
from ascribe.methods.saliency import Saliency
from ascribe.metrics.sensitivity import Sensitivity
from reference.asking import data, score


def test_a_linear_score_has_steady_gradients_and_moving_contributions():
    x = data(3, 4, 0)
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    with score(lambda z: z @ weights, x, torch.zeros(1, 4)) as (f, z, z0):
        gradients, contributions = weights.expand(3, 4), x * weights
        assert float(Sensitivity(Saliency())(f, gradients, z, z0).max()) < 1e-15
        moved = Sensitivity(Ablation(), radius=0.1)(f, contributions, z, z0)
    # No change of an entry is larger than its weight times the radius.
    bound = 0.1 * weights.square().sum().sqrt() / contributions.square().sum(dim=1).sqrt()
    assert bool((moved > 0.3 * bound).all())
    assert bool((moved <= bound).all())
