"""`captum.metrics` and its door side by side."""

import captum.metrics as captum
import pytest
import torch
from captum.attr import FeatureAblation, IntegratedGradients, Saliency
from torch import nn

from ascribe.compat.captum import metrics as door
from ascribe.errors import InputError, TargetError

# What Captum warns of.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Input Tensor", "ignore:Setting forward", "ignore:.*max_examples_per_batch"
)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.first, self.second = nn.Linear(4, 3), nn.Linear(2, 3)

    def forward(self, a, b=None, scale=None):
        out = self.first(a) if b is None else self.first(a) + self.second(b).tanh()
        return (out if scale is None else out * scale).tanh()


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


NET, X, B, Y = Two().eval(), normal(0, 5, 4), normal(1, 5, 2), torch.tensor([0, 2, 1, 1, 0])
PHI, PSI = normal(2, 5, 4), normal(3, 5, 2)


def noisy(inputs, baselines=None):
    if isinstance(inputs, tuple):
        noise = tuple(torch.randn_like(x) * 0.1 for x in inputs)
        return noise, tuple(x - n for x, n in zip(inputs, noise, strict=True))
    noise = torch.randn_like(inputs) * 0.1
    return noise, inputs - noise


def pair(name, *args, **kwargs):
    found = []
    for room in (captum, door):
        torch.manual_seed(4)
        found.append(getattr(room, name)(*args, **kwargs))
    return found


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("most", [None, 10, 1])
@pytest.mark.parametrize(
    "given",
    [
        {"inputs": X, "attributions": PHI, "target": 1},
        {"inputs": X, "attributions": PHI, "target": Y, "baselines": X.flip(0)},
        {"inputs": X, "attributions": PHI, "target": Y.tolist(), "additional_forward_args": (None, normal(5, 5, 1))},
        {"inputs": (X, B), "attributions": (PHI, PSI), "target": Y, "baselines": (0.5, B.flip(0))},
    ],
)
def test_infidelity(normalize, most, given):
    theirs, ours = pair(
        "infidelity", NET, noisy, n_perturb_samples=7, max_examples_per_batch=most, normalize=normalize, **given
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("multiply", [False, True])
@pytest.mark.parametrize("baselines", [None, X.flip(0), 0.3])
def test_the_decorator(multiply, baselines):
    def changed(x, base=None):
        keep = torch.rand_like(x) > 0.5
        return torch.where(keep, x, torch.as_tensor(0.0 if base is None else base))

    found = []
    for room in (captum, door):
        torch.manual_seed(4)
        perturb = room.infidelity_perturb_func_decorator(multiply)(changed)
        found.append(room.infidelity(NET, perturb, X, PHI, baselines=baselines, target=2, n_perturb_samples=5))
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("most", [None, 10, 1])
@pytest.mark.parametrize("order", ["fro", 1, float("inf")])
def test_sensitivity(most, order):
    given = {"n_perturb_samples": 4, "norm_ord": order, "max_examples_per_batch": most}
    theirs, ours = pair("sensitivity_max", Saliency(NET).attribute, X, target=Y, **given)
    torch.testing.assert_close(ours, theirs)
    ig = IntegratedGradients(NET).attribute
    more = {"target": Y.tolist(), "baselines": (X.flip(0), B.flip(0)), "additional_forward_args": normal(5, 5, 1)}
    theirs, ours = pair("sensitivity_max", ig, (X, B), perturb_radius=0.1, n_steps=5, **more, **given)
    torch.testing.assert_close(ours, theirs)


def test_a_perturbation_of_ones_own():
    def near(x):
        return x + 0.1 * torch.randn_like(x)

    theirs, ours = pair("sensitivity_max", Saliency(NET).attribute, X, near, target=1)
    torch.testing.assert_close(ours, theirs)


def test_feature_masks_go_with_their_rows():
    """Captum 0.9.0 does not repeat them."""
    ablation = FeatureAblation(NET).attribute
    mask = torch.tensor([[0, 0, 1, 1]])
    torch.manual_seed(4)
    shared = door.sensitivity_max(ablation, X, target=Y, feature_mask=mask, n_perturb_samples=3)
    torch.manual_seed(4)
    by_row = door.sensitivity_max(ablation, X, target=Y, feature_mask=mask.expand(5, 4), n_perturb_samples=3)
    torch.testing.assert_close(by_row, shared)


def test_the_global_stream_goes_on():
    first, second = (door.infidelity(NET, noisy, X, PHI, target=0) for _ in range(2))
    assert not torch.equal(first, second)


def test_refusals():
    with pytest.raises(TargetError, match="target was not given"):
        door.infidelity(NET, noisy, X, PHI)
    with pytest.raises(InputError, match="1 inputs came with 2"):
        door.infidelity(NET, noisy, X, (PHI, PSI), target=0)
    with pytest.raises(InputError, match="attributions has shape"):
        door.infidelity(NET, noisy, X, PSI, target=0)
