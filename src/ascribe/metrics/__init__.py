"""Figures of trust, one a file, and the comparison of methods by them."""

from ascribe.metrics.agreement import RankCorrelation as RankCorrelation
from ascribe.metrics.agreement import TopOverlap as TopOverlap
from ascribe.metrics.comparison import Comparison as Comparison
from ascribe.metrics.comparison import compare as compare
from ascribe.metrics.completeness import Completeness as Completeness
from ascribe.metrics.deletion import Deletion as Deletion
from ascribe.metrics.infidelity import Infidelity as Infidelity
from ascribe.metrics.metric import Metric as Metric
from ascribe.metrics.perturbing import perturbed_infidelity as perturbed_infidelity
from ascribe.metrics.perturbing import perturbed_sensitivity as perturbed_sensitivity
from ascribe.metrics.sensitivity import Sensitivity as Sensitivity
