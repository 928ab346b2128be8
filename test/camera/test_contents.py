"""What a camera's frame holds, in the forms in which it is handed out."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from vision_service.camera.contents import depth_intrinsics_of, encode_depth, sources_of
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.types import CameraIntrinsics, Frame


def image(width=4, height=3):
    return Image(np.full((height, width, 3), (1, 2, 3), np.uint8))


def depth(width=4, height=3, metres=2.0):
    return np.full((height, width), metres, np.float32)


def intrinsics(width=4, height=3, focal=100.0):
    return CameraIntrinsics(width=width, height=height, fx=focal, fy=focal, cx=0.0, cy=0.0)


def decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


# Sources.


@pytest.mark.parametrize(
    ("frame", "names"),
    [
        (Frame(), []),
        (Frame(image=image()), ["color"]),
        (Frame(depth=depth()), ["depth"]),
        (Frame(image=image(), depth=depth()), ["color", "depth"]),
    ],
)
def test_the_sources_are_the_imagers_whose_pictures_a_frame_has(frame, names):
    assert sources_of(frame) == names


# Intrinsics of the depth.


def test_depth_of_the_picture_s_size_has_the_picture_s_intrinsics():
    frame = Frame(image=image(), depth=depth(), intrinsics=intrinsics())
    assert depth_intrinsics_of(frame) == intrinsics()


def test_depth_of_another_size_is_not_calibrated_by_the_picture_s_intrinsics():
    assert depth_intrinsics_of(Frame(image=image(), depth=depth(8, 6), intrinsics=intrinsics())) is None


def test_depth_may_have_intrinsics_of_its_own():
    own = intrinsics(8, 6, focal=50.0)
    frame = Frame(image=image(), depth=depth(8, 6), intrinsics=intrinsics(), depth_intrinsics=own)
    assert depth_intrinsics_of(frame) == own


def test_without_intrinsics_there_are_none():
    assert depth_intrinsics_of(Frame(depth=depth())) is None


# Depth as a picture file.


@given(
    nps.arrays(
        np.float32,
        nps.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
    )
)
def test_depth_is_encoded_in_millimetres_and_what_is_no_distance_or_too_far_is_0(metres):
    with np.errstate(all="ignore"):
        millimetres = np.round(metres * 1000)
        expected = np.where((millimetres >= 1) & (millimetres <= 65535), millimetres, 0)
    assert decoded(encode_depth(metres, "image/png")).tolist() == expected.tolist()


def test_the_picture_file_has_16_bits():
    assert decoded(encode_depth(depth(metres=1.5), "image/png")).dtype == np.uint16
    assert decoded(encode_depth(np.float32([[65.535, 65.536, 0.0004, 0.001]]), "image/png")).tolist() == [
        [65535, 0, 0, 1]
    ]


@pytest.mark.parametrize("mime_type", ["image/jpeg", "image/webp", "png"])
def test_depth_is_no_jpeg(mime_type):
    with pytest.raises(VisionError, match="image/png") as raised:
        encode_depth(depth(), mime_type)
    assert raised.value.code == ErrorCode.NOT_SUPPORTED
