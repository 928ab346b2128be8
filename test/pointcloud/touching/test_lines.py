"""Rows and columns as lines of the pixels that count."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vision_service.pointcloud.objects import packed, rows, scattered
from vision_service.pointcloud.touching.lines import lines_of

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 6), st.integers(1, 6)))


@given(MASKS)
def test_rows_and_then_columns_have_the_pixels_that_count_in_their_order(mask):
    numbers = np.arange(mask.size).reshape(mask.shape)
    for line, image, places in zip(lines_of(mask), (mask, mask.T), (numbers, numbers.T), strict=True):
        parts = [row[counts].tolist() for row, counts in zip(places, image, strict=True) if counts.any()]
        assert line.pixels.tolist() == [pixel for part in parts for pixel in part]
        assert line.begins.tolist() == [place == 0 for part in parts for place in range(len(part))]
        assert line.step == (1 if image is mask else mask.shape[1])


@given(MASKS)
def test_other_pixels_may_count_in_columns(mask):
    rows_, columns = lines_of(mask, ~mask)
    assert rows_.pixels.tolist() == lines_of(mask)[0].pixels.tolist()
    assert columns.pixels.tolist() == lines_of(~mask)[1].pixels.tolist()


@given(MASKS)
def test_rows_of_an_image_are_taken_out_and_put_back(mask):
    image = np.random.default_rng(1).random((2 * mask.shape[0], 2 * mask.shape[1], 3)).astype(np.float32)
    some = image[::2, ::2]
    np.testing.assert_array_equal(packed(some), some)
    np.testing.assert_array_equal(rows(some, mask), some[mask])
    np.testing.assert_array_equal(scattered(rows(some, mask), mask), np.where(mask[..., None], some, 0))
