"""From the tensor of a segmentation model to class numbers."""

import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import arrays

from vision_service.mlmodel.segmentation import SegmentationDecoder


@given(arrays(np.int64, (1, 4, 5), elements={"min_value": 0, "max_value": 300}))
def test_class_numbers_are_taken_as_they_are(numbers):
    for shape in ((1, 4, 5), (1, 4, 5, 1), (1, 1, 4, 5)):
        found = SegmentationDecoder("x").decode({"x": numbers.reshape(shape)})
        assert found.dtype == np.uint16
        assert np.array_equal(found, numbers[0])


@given(arrays(np.float32, (1, 4, 5, 3), elements={"min_value": -8, "max_value": 8}))
def test_of_scores_the_largest_decides_and_of_equal_ones_the_first(scores):
    last = SegmentationDecoder("x", class_axis=3).decode({"x": scores})
    first = SegmentationDecoder("x", class_axis=1).decode({"x": scores.transpose(0, 3, 1, 2)})
    assert np.array_equal(last, scores[0].argmax(axis=2))
    assert np.array_equal(first, last)


def test_quantized_scores_need_not_be_brought_to_real_values():
    scores = np.array([[[[-128, 127]], [[5, 4]]]], np.int8)
    assert SegmentationDecoder("x", class_axis=3).decode({"x": scores}).tolist() == [[1], [0]]
