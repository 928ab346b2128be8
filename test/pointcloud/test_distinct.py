"""The different ones of many numbers, by a table or by sorting."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vision_service.pointcloud import distinct as module
from vision_service.pointcloud.distinct import distinct


@given(st.lists(st.integers(0, 30), max_size=30), st.booleans())
def test_distinct_numbers_are_those_of_numpy(numbers, sorting):
    own = np.array(numbers, np.int64)
    values, places = distinct(own, module._LARGEST_TABLE + 1 if sorting else 31)
    assert values.tolist() == sorted(set(numbers))
    assert values[places].tolist() == numbers
