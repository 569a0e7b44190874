import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from ascribe.metrics.agreement import RankCorrelation, TopOverlap

few = st.lists(st.integers(-2, 2), min_size=5, max_size=5)


@given(few, few)
def test_spearman_with_ties(a, b):
    found = RankCorrelation()(torch.tensor([a], dtype=torch.float64), torch.tensor([b], dtype=torch.float64))
    if len(set(a)) == 1 or len(set(b)) == 1:
        assert bool(found.isnan())
    else:
        assert float(found) == pytest.approx(spearmanr(a, b).statistic)


def test_overlap_of_the_largest():
    a = torch.tensor([[5.0, -4.0, 1.0, 0.0], [1.0, 2.0, 3.0, 4.0]])
    b = torch.tensor([[4.0, 0.0, -5.0, 0.1], [4.0, 3.0, 2.0, 1.0]])
    assert TopOverlap(2)(a, b).tolist() == [0.5, 0.0]
    assert TopOverlap(9)(a, b).tolist() == [1.0, 1.0]
