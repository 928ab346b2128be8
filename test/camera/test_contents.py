"""What a camera's frame holds, in the forms in which it is handed out."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from vision_service.camera.contents import (
    JPEG,
    PNG,
    RAW_DEPTH,
    check_form,
    check_sources,
    choose_source,
    decode_depth,
    depth_intrinsics_of,
    encode_depth,
    encode_source,
    form_of,
    mime_types_of,
    sources_of,
)
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image, decode
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
def test_the_sources_are_the_imagers_whose_images_a_frame_has(frame, names):
    assert sources_of(frame) == names


RGBD = Frame(image=image(), depth=depth(), camera_name="front")


def test_the_forms_of_several_imagers_are_those_of_each():
    assert mime_types_of(["color"]) == [JPEG, PNG]
    assert mime_types_of(["depth"]) == [PNG, RAW_DEPTH]
    assert mime_types_of(["color", "depth"]) == [JPEG, PNG, RAW_DEPTH]
    assert mime_types_of([]) == []


@pytest.mark.parametrize(
    ("frame", "mime_type", "source"),
    [
        (RGBD, "", "color"),
        (RGBD, JPEG, "color"),
        (RGBD, PNG, "color"),
        (RGBD, RAW_DEPTH, "depth"),
        (Frame(depth=depth()), "", "depth"),
        (Frame(depth=depth()), PNG, "depth"),
    ],
)
def test_where_no_imager_is_named_the_first_that_has_the_form_is_meant(frame, mime_type, source):
    assert choose_source(frame, mime_type) == source


@pytest.mark.parametrize(
    ("frame", "mime_type", "reason"),
    [
        (RGBD, "image/webp", "color as image/jpeg, image/png; depth as image/png, image/vnd"),
        (Frame(depth=depth()), JPEG, "no image is answered as 'image/jpeg': there is depth"),
        (Frame(camera_name="lidar"), "", "camera 'lidar' has no images"),
    ],
)
def test_a_form_that_no_image_has_is_refused_with_those_that_there_are(frame, mime_type, reason):
    with pytest.raises(VisionError, match=reason) as raised:
        choose_source(frame, mime_type)
    assert raised.value.code == ErrorCode.NOT_SUPPORTED


def test_imagers_that_the_frame_does_not_have_are_refused():
    check_sources(RGBD, ["depth", "color"])
    with pytest.raises(VisionError, match="camera 'front' has no source 'infrared': it has color, depth") as raised:
        check_sources(RGBD, ["color", "infrared"])
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


def test_with_others_an_image_comes_in_the_form_asked_for_or_else_as_png():
    assert [form_of(source, JPEG) for source in ("color", "depth")] == [JPEG, PNG]
    assert [form_of(source, RAW_DEPTH) for source in ("color", "depth")] == [PNG, RAW_DEPTH]
    assert [form_of(source, "") for source in ("color", "depth")] == ["", ""]
    check_form(["color", "depth"], JPEG)
    check_form([], JPEG)


def test_each_imager_s_image_is_encoded():
    pixels = decode(encode_source(RGBD, "color", PNG, quality=90))
    assert (pixels == (3, 2, 1)).all()
    assert (decode_depth(encode_source(RGBD, "depth", RAW_DEPTH, quality=90)) == 2.0).all()
    with pytest.raises(VisionError, match="color as image/jpeg, image/png"):
        encode_source(RGBD, "color", RAW_DEPTH, quality=90)


# Intrinsics of the depth.


def test_depth_of_the_image_s_size_has_the_image_s_intrinsics():
    frame = Frame(image=image(), depth=depth(), intrinsics=intrinsics())
    assert depth_intrinsics_of(frame) == intrinsics()


def test_depth_of_another_size_is_not_calibrated_by_the_image_s_intrinsics():
    assert depth_intrinsics_of(Frame(image=image(), depth=depth(8, 6), intrinsics=intrinsics())) is None


def test_depth_may_have_intrinsics_of_its_own():
    own = intrinsics(8, 6, focal=50.0)
    frame = Frame(image=image(), depth=depth(8, 6), intrinsics=intrinsics(), depth_intrinsics=own)
    assert depth_intrinsics_of(frame) == own


def test_without_intrinsics_there_are_none():
    assert depth_intrinsics_of(Frame(depth=depth())) is None


# Depth as an image file.


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


def test_the_image_file_has_16_bits():
    assert decoded(encode_depth(depth(metres=1.5), "image/png")).dtype == np.uint16
    assert decoded(encode_depth(np.float32([[65.535, 65.536, 0.0004, 0.001]]), "image/png")).tolist() == [
        [65535, 0, 0, 1]
    ]


@pytest.mark.parametrize("mime_type", ["image/jpeg", "image/webp", "png"])
def test_depth_is_no_jpeg(mime_type):
    with pytest.raises(VisionError, match="image/png") as raised:
        encode_depth(depth(), mime_type)
    assert raised.value.code == ErrorCode.NOT_SUPPORTED


def test_raw_depth_is_a_header_and_big_endian_millimetres():
    data = encode_depth(np.float32([[1.0, 0.258, np.nan]]), RAW_DEPTH)
    assert data == b"DEPTHMAP" + bytes([0] * 7 + [3] + [0] * 7 + [1]) + bytes([3, 232, 1, 2, 0, 0])


@pytest.mark.parametrize("mime_type", [PNG, RAW_DEPTH])
@given(millimetres=nps.arrays(np.uint16, nps.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8)))
def test_depth_that_is_encoded_comes_back_to_the_millimetre(mime_type, millimetres):
    metres = np.where(millimetres == 0, np.nan, millimetres / 1000).astype(np.float32)
    found = decode_depth(encode_depth(metres, mime_type))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, metres, rtol=1e-6)


RAW = encode_depth(depth(), RAW_DEPTH)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes that are no depth"),
        (b"no depth at all", "15 bytes that are no depth"),
        (encode_depth(depth(40, 30), PNG)[:60], "are no depth, or are cut off"),
        (cv2.imencode(".png", np.zeros((3, 4, 3), np.uint8))[1].tobytes(), "are no depth"),
        (RAW[:20], "cut off in its header"),
        (RAW[:-1], "4×3 pixels has 24 bytes behind its header, 23 are there"),
        (RAW + b"\0", "24 bytes behind its header, 25 are there"),
        (b"DEPTHMAP" + bytes(16), "0×0 pixels"),
        (b"DEPTHMAP" + b"\xff" * 30, "14 are there"),
    ],
)
def test_bytes_that_are_no_depth_are_refused(data, reason):
    with pytest.raises(VisionError, match=reason) as raised:
        decode_depth(data)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
