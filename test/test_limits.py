"""What a process takes: images up to a size, known before they are decoded, and bytes in flight up to a budget."""

import gc
import os
import struct
import subprocess
import sys

import numpy as np
import pytest

from headers import HEADERS, png
from vision_service.camera.contents import decode_depth
from vision_service.camera.image_file import read_depth
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import decode, decode_unchanged, read_image
from vision_service.limits import Budget, Limit
from vision_service.messages.compressed_depth import decode_compressed_depth
from vision_service.messages.formats import format_of

LARGE = (16000, 9000)
SAID = r"16000×9000 pixels, 144000000 together, and 67108864 are the limit.*raise the parameter max_image_pixels"


@pytest.mark.parametrize("form", HEADERS)
@pytest.mark.parametrize("read", [decode, decode_unchanged, lambda data: decode(memoryview(data))])
def test_an_image_that_claims_to_be_too_large_is_refused_with_its_size_the_limit_and_the_parameter(form, read):
    with pytest.raises(VisionError, match=SAID) as raised:
        read(HEADERS[form](*LARGE))
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


def test_so_are_files_of_images_and_depth(tmp_path):
    file = tmp_path / "large.png"
    file.write_bytes(png(*LARGE, bits=16, color=0))
    for read in (read_image, lambda path: read_depth(path, 0.001), lambda path: decode_depth(path.read_bytes())):
        with pytest.raises(VisionError, match=SAID):
            read(file)


@pytest.mark.parametrize("codec", ["png", "rvl"])
def test_so_is_compressed_depth(codec):
    content = png(*LARGE, bits=16, color=0) if codec == "png" else struct.pack("<II", *LARGE) + bytes(64)
    with pytest.raises(VisionError, match=SAID):
        decode_compressed_depth(format_of(f"16UC1; compressedDepth {codec}"), memoryview(bytes(12) + content))


def test_an_avif_whose_header_claims_less_than_a_decoder_would_take_is_not_decoded():
    import cv2

    if not cv2.haveImageWriter("x.avif"):
        pytest.skip("this OpenCV does not write AVIF")
    data = cv2.imencode(".avif", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    with pytest.raises(VisionError, match=r"an AVIF image, which is not read .*: convert it to PNG or JPEG"):
        decode(data)


def test_what_is_of_no_known_format_is_not_decoded():
    with pytest.raises(VisionError, match="13 bytes that are no image"):
        decode(b"of no format!")


@pytest.mark.parametrize("given", ["", "5000", "none"])
def test_opencv_has_the_same_limit_or_a_lower_one(given):
    program = "import vision_service.image, os; print(os.environ['OPENCV_IO_MAX_IMAGE_PIXELS'])"
    environment = {**os.environ, "VISION_SERVICE_MAX_IMAGE_PIXELS": "10000", "OPENCV_IO_MAX_IMAGE_PIXELS": given}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (given if given == "5000" else "10000")


def test_the_largest_value_that_is_asked_for_holds_for_as_long_as_its_user_lives():
    class User:
        pass

    limit, first, second = Limit(10), User(), User()
    assert limit.value == 10
    limit.set(first, 5)
    assert limit.value == 5
    limit.set(second, 20)
    assert limit.value == 20
    limit.unset(second)
    assert limit.value == 5
    del first
    assert limit.value == 10


def test_bytes_in_flight_are_refused_above_the_limit_and_come_back_with_what_they_were_for():
    class Owner:
        pass

    budget, owner, other = Budget(Limit(100)), Owner(), Owner()
    budget.take(60, owner)
    words = r"60 bytes .* in flight already, 50 more .*max_pending_bytes \(100\)"
    with pytest.raises(VisionError, match=words) as raised:
        budget.take(50, other)
    assert raised.value.code == ErrorCode.OVERLOADED
    del owner
    gc.collect()
    assert budget.held == 0
    budget.take(100, other)
