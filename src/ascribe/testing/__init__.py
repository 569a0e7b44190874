"""Public law suites: prove that what you wrote keeps its promises."""

from ascribe.testing.edges import check_edge as check_edge
from ascribe.testing.methods import check_method as check_method
from ascribe.testing.metrics import check_metric as check_metric
