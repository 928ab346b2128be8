"""Images to and from Viam's clients: what they are is looked up in their bytes."""

import struct

import cv2
import numpy as np
import pytest

pytest.importorskip("viam.media.video", reason="viam-sdk is not installed")

from viam.media.video import CameraMimeType, ViamImage

from vision_service.errors import VisionError
from vision_service.image import Image, decode
from vision_service.viam import legacy
from vision_service.viam.images import given_image, mime_type_of, sent_image

PIXELS = np.arange(24 * 32 * 3, dtype=np.uint8).reshape(24, 32, 3)
JPEG = cv2.imencode(".jpg", PIXELS)[1].tobytes()
PNG = cv2.imencode(".png", PIXELS)[1].tobytes()


def segment(marker, content):
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def size(data):
    image = ViamImage(data, CameraMimeType.JPEG)
    return image.width, image.height


@pytest.mark.parametrize(
    "more",
    [
        segment(0xE1, b"Exif\0\0" + bytes(300)),
        segment(0xE2, b"\xff\xc0" * 500),
        segment(0xFE, b"a comment of a camera" * 40),
        segment(0xE0, b"JFIF\0" + bytes(9)) + segment(0xE1, bytes(1000)) + segment(0xFE, b"x"),
    ],
    ids=["exif", "looks like a header", "comment", "several"],
)
def test_the_sdk_finds_the_size_of_what_is_sent(more):
    data = JPEG[:2] + more + JPEG[2:]
    sent = sent_image(data)
    assert size(sent) == (32, 24)
    np.testing.assert_array_equal(decode(sent), decode(JPEG))


def test_tables_before_the_frame_header_do_not_hide_it():
    place = JPEG.index(b"\xff\xc4")  # of the first Huffman table, behind the frame header
    tables, scan = JPEG[place : JPEG.index(b"\xff\xda")], JPEG[JPEG.index(b"\xff\xda") :]
    header = JPEG.index(b"\xff\xc0")
    data = JPEG[:header] + tables + JPEG[header:place] + scan
    assert size(sent_image(data)) == (32, 24)
    np.testing.assert_array_equal(decode(sent_image(data)), decode(JPEG))


@pytest.mark.parametrize("data", [PNG, b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\x10JF"])
def test_what_is_no_jpeg_is_sent_as_it_is(data):
    assert sent_image(data) == data


@pytest.mark.parametrize(
    ("data", "kind"), [(JPEG, "image/jpeg"), (PNG, "image/png"), (b"DEPTHMAP", "image/vnd.viam.dep")]
)
def test_the_bytes_say_what_they_are(data, kind):
    assert mime_type_of(data) == kind


def test_raw_colour_is_taken():
    pixels = np.dstack([PIXELS, np.full((24, 32), 255, np.uint8)])
    found = given_image(b"RGBA" + struct.pack(">II", 32, 24) + pixels.tobytes())
    assert isinstance(found, Image)
    np.testing.assert_array_equal(found.rgb, PIXELS)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"DEPTHMAP" + bytes(16), "depth"),
        (b"RGBA" + struct.pack(">II", 32, 24), "0 are there"),
        (b"RGBA\0", "cut off"),
        (b"RGBA" + struct.pack(">II", 2**31, 2**31), "limit"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(data, why):
    with pytest.raises(VisionError, match=why):
        given_image(data)


def test_the_messages_of_the_removed_get_image_are_those_of_old_programs():
    request = legacy.GetImageRequest(name="a", mime_type="b")
    request.extra.SetInParent()
    assert request.SerializeToString() == b"\x0a\x01a\x12\x01b\x9a\x06\x00"  # fields 1, 2 and 99
    assert legacy.GetImageResponse(mime_type="m", image=b"xy").SerializeToString() == b"\x0a\x01m\x12\x02xy"
