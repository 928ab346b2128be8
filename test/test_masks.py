"""Masks of objects in an image, and as COCO writes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vision_service.masks import coco_rle, instance_image, part_of_image
from vision_service.types import Detection, DetectionExtra, InstanceMask

PIXELS = st.tuples(st.integers(0, 12), st.integers(0, 12)).flatmap(lambda shape: arrays(bool, shape))


def instance(pixels, x=0, y=0):
    mask = InstanceMask.of(np.asarray(pixels, bool), x, y)
    return Detection("cup", 0.5, 0.0, 0.0, 9.0, 9.0, extra=DetectionExtra(mask=mask))


@given(PIXELS)
def test_the_run_lengths_of_pixels_are_those_pixels(pixels):
    mask = InstanceMask.of(pixels, 3, 4)
    assert (mask.x, mask.y, mask.height, mask.width) == (3, 4, *pixels.shape)
    assert sum(mask.counts) == pixels.size
    assert mask.area == pixels.sum()
    np.testing.assert_array_equal(mask.pixels(), pixels)


def test_run_lengths_go_column_by_column_and_begin_with_what_does_not_belong():
    assert InstanceMask.of(np.array([[0, 1], [1, 1]], bool)).counts == (1, 3)
    assert InstanceMask.of(np.array([[1, 0], [0, 0]], bool)).counts == (0, 1, 3)


@pytest.mark.parametrize("counts", [(3,), (2, 3), (), (9, -5)])
def test_run_lengths_that_are_not_those_of_the_rectangle_have_no_pixels(counts):
    with pytest.raises(ValueError):
        InstanceMask(0, 0, 2, 2, counts).pixels()


@given(PIXELS, st.integers(-5, 12), st.integers(-5, 12))
def test_of_a_mask_that_reaches_over_the_image_only_what_is_inside_counts(pixels, x, y):
    whole = np.zeros((40, 40), bool)
    whole[10 + y : 10 + y + pixels.shape[0], 10 + x : 10 + x + pixels.shape[1]] = pixels
    shown = np.zeros((8, 10), bool)
    rows, columns, inside = part_of_image(InstanceMask.of(pixels, x, y), 10, 8)
    shown[rows, columns] = inside
    np.testing.assert_array_equal(shown, whole[10:18, 10:20])


def test_an_image_of_instances_shows_the_better_one_in_front():
    better, worse = instance(np.ones((2, 2)), 1, 1), instance(np.ones((3, 4)))
    assert instance_image([better, worse], 5, 4).tolist() == [
        [2, 2, 2, 2, 0],
        [2, 1, 1, 2, 0],
        [2, 1, 1, 2, 0],
        [0, 0, 0, 0, 0],
    ]


@pytest.mark.parametrize(("count", "dtype"), [(255, np.uint8), (256, np.uint16)])
def test_an_image_of_more_instances_than_a_byte_can_number_has_two_bytes(count, dtype):
    instances = [instance([[1]], number % 20, number // 20) for number in range(count)]
    image = instance_image(instances, 20, 20)
    assert image.dtype == dtype
    assert image.max() == count


def test_detections_without_a_mask_are_nowhere():
    assert not instance_image([Detection("cup", 1.0, 0, 0, 3, 3)], 4, 4).any()


RING = np.pad(np.zeros((2, 6), bool), 1, constant_values=True)


@pytest.mark.parametrize(
    ("mask", "size", "counts"),
    [  # as pycocotools 2.0.8 encodes them
        (InstanceMask.of(np.ones((2, 2), bool), 1, 1), (5, 4), "52207"),
        (InstanceMask.of(np.zeros((2, 2), bool)), (5, 4), "d0"),
        (InstanceMask.of(np.ones((4, 5), bool)), (5, 4), "0d0"),
        (InstanceMask.of(RING, 100, 50), (640, 480), "bm^14l>MVA0j>0VA0j>0VA0j>0VA0j>0VA0j>0VA0j>3^Zi7"),
    ],
)
def test_a_mask_is_written_as_coco_does(mask, size, counts):
    assert coco_rle(mask, *size) == {"size": [size[1], size[0]], "counts": counts}
