import pytest
import torch

from ascribe.errors import AscribeError, InputError, MethodError, TargetError
from ascribe.methods.ablation import Ablation
from ascribe.methods.input_x_gradient import InputXGradient
from ascribe.methods.saliency import Saliency
from ascribe.methods.shapley import Shapley
from ascribe.methods.shapley_interactions import ShapleyInteractions
from ascribe.metrics.agreement import TopOverlap
from ascribe.metrics.comparison import compare
from ascribe.metrics.completeness import Completeness
from ascribe.metrics.deletion import Deletion
from ascribe.metrics.infidelity import Infidelity
from ascribe.metrics.sensitivity import Sensitivity
from reference.asking import bent, data

X, BACKGROUND = data(20, 3, 0), data(40, 3, 1)


def test_one_table_for_all():
    found = compare(bent, X, [Saliency(), Ablation(), Shapley()], background=BACKGROUND, names=["a", "b", "c"])
    assert list(found.attributions) == ["Saliency", "Ablation", "Shapley"]
    assert found.attributions["Shapley"].names == ("a", "b", "c")
    assert set(found.table[0]) == {"method", "gap", "infidelity", "deletion", "evaluations", "seconds"}
    rows = {row["method"]: row for row in found.table}
    assert rows["Shapley"]["gap"] < 1e-12 < rows["Ablation"]["gap"]
    assert rows["Shapley"]["infidelity"] < rows["Saliency"]["infidelity"]
    assert rows["Shapley"]["deletion"] > rows["Saliency"]["deletion"]
    torch.testing.assert_close(found.agreement, found.agreement.T)
    torch.testing.assert_close(found.agreement.diag(), torch.ones(3, dtype=torch.float64))
    assert found.agreement[1, 2] > found.agreement[0, 2]
    assert not found.failed


def test_the_table_reads_as_text_and_as_a_frame():
    found = compare(bent, X, [Ablation(), Shapley()])
    lines = repr(found).splitlines()
    assert lines[0].split() == ["method", "gap", "deletion", "infidelity", "evaluations", "seconds"]
    assert len({len(line) for line in lines}) == 1
    assert found.to_frame().loc["Shapley", "evaluations"] == found.attributions["Shapley"].evaluations


def test_names_tell_methods_apart():
    found = compare(bent, X, [Shapley(), Shapley(seed=1), Ablation(), Ablation(), Shapley(seed=1)])
    assert list(found.attributions) == [
        "Shapley",
        "Shapley(seed=1)",
        "Ablation",
        "Ablation (2)",
        "Shapley(seed=1) (2)",
    ]


def test_what_cannot_work_is_reported_and_the_rest_goes_on():
    found = compare(lambda z: (3 * z[:, 0]).detach().round(), X, [Saliency(), Shapley()])
    assert list(found.attributions) == ["Shapley"]
    assert "no gradient" in found.failed["Saliency"]
    assert "Saliency failed: the score has no gradient" in repr(found)


def test_pairs_are_not_compared_with_features():
    found = compare(bent, X, [ShapleyInteractions(), Shapley()])
    assert set(found.attributions) == {"Shapley"}
    assert "a pair of features" in found.failed["ShapleyInteractions"]


def test_a_function_that_leaves_torch_is_no_reason_to_stop():
    found = compare(lambda z: torch.from_numpy(z.numpy().sum(axis=1)), X, [InputXGradient(), Shapley()])
    assert set(found.failed) == {"InputXGradient"}


def test_all_failing_is_an_error():
    with pytest.raises(MethodError, match="no gradient"):
        compare(lambda z: z[:, 0].detach(), X, [Saliency()])


def test_bad_questions_are_refused():
    with pytest.raises(MethodError, match="methods is empty; pass at least one"):
        compare(bent, X, [])
    with pytest.raises(TargetError, match="compare judges one output"):
        compare(torch.nn.Linear(3, 2).double(), X, [Ablation()], target="all")
    with pytest.raises(InputError, match="NaN"):
        compare(bent, X * torch.nan, [Ablation()])
    with pytest.raises(AscribeError):
        compare(bent, X[:0], [Ablation()])


def test_explains_keywords_and_chosen_metrics():
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    found = compare(net, X, [Ablation(), Saliency()], target="predicted", at="0", metrics=[Completeness()])
    assert set(found.table[0]) == {"method", "gap", "completeness", "evaluations", "seconds"}
    assert found.attributions["Ablation"].values.shape == (20, 4)
    groups = compare(bent, X, [Ablation(), Saliency()], groups=[0, 0, 1], baseline=1.0)
    assert groups.attributions["Saliency"].values.shape == (20, 2)


def test_metrics_and_their_knobs_are_checked():
    for metrics in ([Infidelity], ["infidelity"], Infidelity()):
        with pytest.raises((MethodError, TypeError), match=r"pass a list of metrics|type hint|not iterable|metrics"):
            compare(bent, X, [Ablation()], metrics=metrics)  # pyright: ignore
    makes = (lambda: Infidelity(removals=0), lambda: Deletion(stages=1), lambda: Sensitivity(Saliency(), draws=0))
    for make in (*makes, lambda: Sensitivity(Saliency(), radius=-1.0), lambda: TopOverlap(0)):
        with pytest.raises(MethodError, match="pass"):
            make()


def test_one_metric_with_other_knobs_is_another():
    found = compare(bent, X, [Ablation()], metrics=[Infidelity(), Infidelity(scaled=False)])
    assert list(found.table[0])[2:4] == ["infidelity", "infidelity(scaled=False)"]
