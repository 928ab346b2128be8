"""OpenCV is imported with its first use, and is then what it always is."""

import subprocess
import sys

import cv2 as real
import numpy as np

from vision_service.opencv import cv2


def ran(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_what_it_has_is_opencv_s():
    assert cv2.resize is real.resize
    assert cv2.error is real.error
    assert cv2.COLOR_BGR2RGB == real.COLOR_BGR2RGB
    assert cv2.fisheye is real.fisheye
    assert cv2.cvtColor(np.zeros((1, 1, 3), np.uint8), cv2.COLOR_BGR2GRAY).shape == (1, 1)


def test_it_is_imported_by_the_first_use_and_not_before():
    program = """
import sys
from vision_service.opencv import cv2
assert not hasattr(cv2, "__file__")  # as those ask who look at all modules
print("cv2" in sys.modules)
cv2.INTER_LINEAR
print("cv2" in sys.modules)
"""
    assert ran(program).split() == ["False", "True"]


def test_its_own_limit_of_images_is_set_before_it_is_imported():
    program = """
import os
from vision_service.opencv import cv2
from vision_service.limits import OPENCV_VARIABLE, image_pixels
cv2.INTER_LINEAR
print(os.environ[OPENCV_VARIABLE] == str(image_pixels.default))
"""
    assert ran(program).split() == ["True"]


def test_what_it_does_not_have_is_missing():
    assert not hasattr(cv2, "no_such_function")


def test_without_it_one_message_says_what_to_install():
    program = """
import sys
sys.modules["cv2"] = None
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import decode_unchanged, encode
import numpy as np
try:
    encode(np.zeros((2, 2, 3), np.uint8), "image/png")
except VisionError as error:
    print(error.code == ErrorCode.INTERNAL, error.message)
"""
    found = ran(program)
    assert found.startswith("True OpenCV cannot be imported (")
    assert found.strip().endswith("): pip install opencv-python-headless, or apt: python3-opencv")
