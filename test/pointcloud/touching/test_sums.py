"""Sums of what pixels say, by their labels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vision_service.pointcloud.touching.sums import order_of, sums_of


@given(st.lists(st.integers(0, 9), max_size=40))
def test_sums_are_those_of_bincount(labels):
    own = np.array(labels, np.int32)
    values = np.random.default_rng(0).normal(size=(3, len(own))).astype(np.float32)
    sizes = np.bincount(own, minlength=12)
    sums = sums_of(values, sizes, order_of(own, 12))
    np.testing.assert_allclose(sums, [np.bincount(own, row, 12) for row in values], rtol=1e-12, atol=1e-12)
