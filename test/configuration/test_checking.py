"""Whether a value is what an attribute takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configured import KNOWN
from vision_service.configuration import check
from vision_service.errors import ErrorCode, VisionError


@given(st.floats() | st.integers() | st.booleans() | st.text() | st.none() | st.lists(st.floats()))
def test_a_number_that_passes_is_a_float_in_range(value):
    try:
        checked = check(KNOWN["share"], value)
    except VisionError as error:
        assert error.code is ErrorCode.INVALID_ARGUMENT
        assert isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1
    else:
        assert type(checked) is float
        assert checked == value
        assert 0 < checked <= 1


@given(st.integers())
def test_whole_numbers_of_any_length_are_compared_exactly(value):
    if value < 1:
        with pytest.raises(VisionError):
            check(KNOWN["size"], value)
    else:
        assert check(KNOWN["size"], value) == value
