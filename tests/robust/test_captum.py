"""`captum.robust` and its door side by side."""

from collections import namedtuple

import captum.robust as captum
import pytest
import torch
from torch import nn

from ascribe.compat.captum import robust as door
from ascribe.errors import MethodError

# Captum warns of every input that it makes a leaf of.
pytestmark = pytest.mark.filterwarnings("ignore:Input Tensor")


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.first, self.second = nn.Linear(4, 3), nn.Linear(2, 3)

    def forward(self, a, b=None, scale=None):
        out = self.first(a) if b is None else self.first(a) + self.second(b)
        out = out if scale is None else out * scale
        return out.tanh().softmax(-1)


X, B = (
    torch.randn(5, 4, generator=torch.Generator().manual_seed(1)),
    torch.randn(5, 2, generator=torch.Generator().manual_seed(2)),
)
Y = torch.tensor([0, 1, 2, 2, 1])
NET = Two().eval()


@pytest.mark.parametrize(
    "given",
    [
        {"target": 1},
        {"target": Y, "targeted": True},
        {"target": Y.tolist(), "mask": torch.tensor([1, 0, 1, 1])},
        {"target": Y, "additional_forward_args": (None, torch.rand(5, 1))},
    ],
)
@pytest.mark.parametrize("bounds", [{}, {"lower_bound": -0.5, "upper_bound": 0.7}])
def test_fgsm(given, bounds):
    theirs = captum.FGSM(NET, **bounds).perturb(X, epsilon=0.1, **given)
    torch.testing.assert_close(door.FGSM(NET, **bounds).perturb(X, epsilon=0.1, **given), theirs)


def test_fgsm_of_two_inputs_and_a_loss():
    theirs = captum.FGSM(NET, nn.CrossEntropyLoss(reduction="none")).perturb((X, B), 0.1, Y)
    # The mean of the losses makes Captum fail.
    for loss in (nn.CrossEntropyLoss(), nn.CrossEntropyLoss(reduction="none")):
        found = door.FGSM(NET, loss).perturb((X, B), 0.1, Y)
        assert isinstance(found, tuple)
        torch.testing.assert_close(found, theirs)


# Captum's random point of an L2 ball does not broadcast over the rows: it raises.
@pytest.mark.parametrize(("norm", "random_start"), [("Linf", False), ("L2", False), ("Linf", True)])
@pytest.mark.parametrize("inputs", [X, (X, B)], ids=["one", "two"])
def test_pgd(norm, random_start, inputs):
    given = {"radius": 0.3, "step_size": 0.1, "step_num": 5, "target": Y, "random_start": random_start, "norm": norm}
    torch.manual_seed(5)
    theirs = captum.PGD(NET, lower_bound=-2.0).perturb(inputs, **given)
    torch.manual_seed(5)
    attack = door.PGD(NET, lower_bound=-2.0)
    torch.testing.assert_close(attack.perturb(inputs, **given), theirs)
    if random_start:
        # Attempt after attempt is another one.
        assert not torch.equal(attack.perturb(X, **given), attack.perturb(X, **given))


def both(name, *args, **kwargs):
    return getattr(captum, name)(*args, **kwargs), getattr(door, name)(*args, **kwargs)


@pytest.mark.parametrize("mode", ["linear", "binary"])
@pytest.mark.parametrize("together", [1, 3, 10])
@pytest.mark.parametrize("before", [False, True])
def test_the_smallest_parameter(mode, together, before):
    def attack(x, ahead, noise=0.0):
        return x + ahead * torch.tensor([1.0, -1.0, 0.5, 2.0]) + noise

    knobs = {"preproc_fn": torch.tanh, "apply_before_preproc": before, "mode": mode, "num_attempts": 2}
    theirs, ours = both("MinParamPerturbation", NET, attack, "ahead", 0, 40, 1, **knobs)
    for row in range(5):
        x = X[row : row + 1]
        with torch.no_grad():
            target = int(NET(x.tanh()).argmax())
        given = {"target": target, "perturbations_per_eval": together, "attack_kwargs": {"noise": 0.01}}
        given["additional_forward_args"] = (None, torch.tensor([[2.0]]))
        (point, parameter), (found, least) = theirs.evaluate(x, **given), ours.evaluate(x, **given)
        assert (parameter is None) == (least is None)
        if parameter is not None:
            assert least == pytest.approx(parameter)
            torch.testing.assert_close(found, point)


def test_the_smallest_attack_with_a_judge():
    def correct(output, threshold):
        return float(output[0, 0].detach()) > threshold

    attack = [kind(NET) for kind in (captum.FGSM, door.FGSM)]
    found = [
        kind(NET, one.perturb, "epsilon", 0.0, 3.0, 0.25, correct_fn=correct).evaluate(
            X[:1], attack_kwargs={"target": 0}, correct_fn_kwargs={"threshold": 0.2}
        )
        for kind, one in zip((captum.MinParamPerturbation, door.MinParamPerturbation), attack, strict=True)
    ]
    assert found[0][1] == pytest.approx(found[1][1])
    torch.testing.assert_close(found[0][0], found[1][0])


Figures = namedtuple("Figures", ["right", "sure"])


@pytest.mark.parametrize("together", [1, 2, 50])
@pytest.mark.parametrize("named", [False, True])
def test_the_comparator(together, named):
    def metric(output, target):
        right = (output.argmax(1) == target).float()
        return Figures(right, output[:, 0]) if named else float(right.mean())

    theirs, ours = both("AttackComparator", NET, metric, torch.tanh)
    for comparator, room in ((theirs, captum), (ours, door)):
        fgsm, pgd = room.FGSM(NET), room.PGD(NET)
        comparator.add_attack(fgsm, "fgsm", attack_kwargs={"epsilon": 0.4}, additional_attack_arg_names=["target"])
        comparator.add_attack(
            pgd,
            num_attempts=3,
            apply_before_preproc=False,
            attack_kwargs={"radius": 0.4, "step_size": 0.3, "step_num": 2, "random_start": True},
            additional_attack_arg_names=["target"],
        )
    for batch in range(2):
        given = {"target": Y.roll(batch), "perturbations_per_eval": together}
        given["additional_forward_args"] = (None, torch.full((5, 1), 1.5))
        torch.manual_seed(1)
        expected = theirs.evaluate(X + batch, **given)
        torch.manual_seed(1)
        found = ours.evaluate(X + batch, **given)
        torch.testing.assert_close(found, expected)
    assert found.keys() == {"Original", "fgsm", "PGD"}
    torch.testing.assert_close(ours.summary(), theirs.summary())
    if named:
        assert found["PGD"]["min"].sure.shape == (5,)
    ours.reset()
    assert ours.summary() == {}


def test_refusals():
    comparator = door.AttackComparator(NET, lambda output: output.mean())
    comparator.add_attack(torch.tanh, "bend")
    with pytest.raises(MethodError, match="'bend' already"):
        comparator.add_attack(torch.tanh, "bend")
    with pytest.raises(MethodError, match="search='ternary'"):
        door.MinParamPerturbation(NET, torch.tanh, "p", 0, 10, 1, mode="ternary")
    with pytest.raises(MethodError, match="does not fit"):
        door.MinParamPerturbation(NET, torch.tanh, "p", 0, 10, 11)
    with pytest.raises(MethodError, match="target was not given"):
        door.MinParamPerturbation(NET, torch.tanh, "p", 0, 10, 1).evaluate(X)


def test_a_perturbation_is_called_as_its_perturb():
    class Shift(door.Perturbation):
        def perturb(self, x, by=1):
            return x + by

    assert Shift()(2, by=3) == 5
    assert issubclass(door.FGSM, door.Perturbation)
    assert issubclass(door.PGD, door.Perturbation)
