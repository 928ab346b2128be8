"""The different ones of many numbers, by a table, by sorting with their places, or as NumPy does."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vision_service.pointcloud import distinct as module
from vision_service.pointcloud.distinct import distinct


@given(st.lists(st.integers(0, 30), max_size=30), st.sampled_from([31, module._SMALL_TABLE + 1, 1 << 62]))
def test_distinct_numbers_are_those_of_numpy(numbers, below):
    own = np.array(numbers, np.int64)
    values, places = distinct(own, below)
    assert values.tolist() == sorted(set(numbers))
    assert values[places].tolist() == numbers


@given(st.lists(st.integers(0, (1 << 40) - 1), max_size=30))
def test_large_numbers_are_told_apart(numbers):
    values, places = distinct(np.array(numbers, np.int64), 1 << 40)
    assert values.tolist() == sorted(set(numbers))
    assert values[places].tolist() == numbers
