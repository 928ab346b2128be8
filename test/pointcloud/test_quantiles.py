"""Quantiles are NumPy's, but of finite values only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.pointcloud.quantiles import median, quantile

FINITE = st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=40)


@given(FINITE, st.floats(0, 1))
def test_quantiles_are_those_of_numpy(values, share):
    own = np.array(values, np.float32)
    assert quantile(own, share) == pytest.approx(np.quantile(own.astype(np.float64), share), abs=1e-6, rel=1e-6)


@given(FINITE)
def test_the_values_keep_their_order(values):
    own = np.array(values, np.float32)
    median(own)
    assert own.tolist() == values


def test_without_values_there_is_none():
    assert np.isnan(median(np.empty(0, np.float32)))
