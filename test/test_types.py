"""What goes through the package."""

import dataclasses

import numpy as np
import pytest

from vision_service.image import Image
from vision_service.types import Classification, Detection, Frame, PointCloud

PICTURE = Image(np.zeros((48, 64, 3), np.uint8))
DEPTH = np.zeros((24, 32), np.float32)


@pytest.mark.parametrize(
    ("box", "area"),
    [((0, 0, 1, 1), 1), ((10, 20, 40, 60), 1200), ((0.5, 0.5, 1.0, 2.5), 1.0), ((5, 5, 5, 9), 0)],
    ids=["one pixel", "whole pixels", "parts of pixels", "no width"],
)
def test_the_area_of_a_detection_is_in_square_pixels(box, area):
    assert Detection("cat", 0.5, *box).area == area


def test_detections_and_classifications_are_values():
    assert Detection("cat", 0.5, 0, 0, 1, 1) == Detection("cat", 0.5, 0, 0, 1, 1)
    assert Classification("cat", 0.5) != Classification("cat", 0.6)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Classification("cat", 0.5).confidence = 1.0


@pytest.mark.parametrize(
    ("frame", "size"),
    [
        (Frame(), (0, 0)),
        (Frame(image=PICTURE), (64, 48)),
        (Frame(depth=DEPTH), (32, 24)),
        (Frame(image=PICTURE, depth=DEPTH), (64, 48)),
    ],
    ids=["empty", "picture", "depth alone", "the picture counts"],
)
def test_the_size_of_a_frame_is_width_and_height(frame, size):
    assert frame.size == size


@pytest.mark.parametrize(
    ("shape", "organized", "count"),
    [((7, 3), False, 7), ((4, 5, 3), True, 20), ((0, 3), False, 0)],
    ids=["list", "grid", "empty"],
)
def test_a_cloud_knows_its_form(shape, organized, count):
    cloud = PointCloud(np.zeros(shape, np.float32))
    assert (cloud.organized, len(cloud)) == (organized, count)


def test_frames_do_not_share_what_drivers_add():
    assert Frame().extra is not Frame().extra
