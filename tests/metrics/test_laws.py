import pytest

from ascribe.methods.ablation import Ablation
from ascribe.methods.saliency import Saliency
from ascribe.metrics.comparison import standard_metrics
from ascribe.metrics.completeness import Completeness
from ascribe.metrics.deletion import Deletion
from ascribe.metrics.infidelity import Infidelity
from ascribe.metrics.metric import Metric
from ascribe.metrics.sensitivity import Sensitivity
from ascribe.testing.metrics import check_metric

METRICS = [
    Completeness(),
    Deletion(),
    Deletion(stages=2),
    Infidelity(),
    Infidelity(scaled=False, relative=False),
    Sensitivity(Saliency()),
    Sensitivity(Ablation()),
]


@pytest.mark.parametrize("metric", METRICS, ids=repr)
@pytest.mark.parametrize("seed", range(3))
def test_metrics_keep_their_laws(metric, seed):
    check_metric(metric, seed)


def test_every_metric_is_here():
    assert {type(metric) for metric in METRICS} == set(Metric.__subclasses__())
    assert {type(metric) for metric in standard_metrics()} == {Infidelity, Deletion}
