"""The client of a vision service: what it takes, what it returns, and what it raises."""

import numpy as np
import pytest

from robot import image_message, painted
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image, encode
from vision_service.ros.client import VisionClient
from vision_service.types import PointCloud

pytestmark = pytest.mark.executor

BOX = (4, 5, 20, 15)
PIXELS = painted(32, 24, BOX)


@pytest.fixture(scope="module")
def detector(robot):
    with VisionClient("detector", robot.node) as client:
        yield client


class TestVisionClient:
    @pytest.mark.parametrize(
        "image",
        [
            PIXELS,
            Image(PIXELS),
            Image(PIXELS[..., ::-1].copy(), "bgr8"),
            encode(PIXELS, "image/png"),
            memoryview(encode(PIXELS, "image/png")),
            image_message(PIXELS, padding=5),
        ],
        ids=["pixels", "rgb image", "bgr image", "bytes", "memory", "message"],
    )
    def test_an_image_may_have_any_form(self, detector, image):
        (found,) = detector.get_detections(image)
        assert (found.class_name, found.x_min, found.y_min, found.x_max, found.y_max) == ("red", *BOX)

    def test_what_is_no_image_is_refused(self, detector):
        with pytest.raises(VisionError) as caught:
            detector.get_detections(b"no image")
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT

    def test_what_the_model_cannot_do_is_said(self, detector):
        for call in (
            lambda: detector.get_classifications(PIXELS),
            lambda: detector.get_classifications_from_camera(),
            lambda: detector.get_object_point_clouds(),
            lambda: detector.get_object_point_clouds(cloud=PointCloud(np.zeros((4, 3), np.float32))),
        ):
            with pytest.raises(VisionError) as caught:
                call()
            assert caught.value.code is ErrorCode.NOT_SUPPORTED

    def test_a_camera_that_is_not_there_is_unknown(self, detector):
        with pytest.raises(VisionError, match="'camra'") as caught:
            detector.get_detections_from_camera("camra")
        assert caught.value.code is ErrorCode.UNKNOWN_CAMERA

    def test_all_of_one_frame(self, detector):
        result = detector.capture_all_from_camera(return_image=True, return_detections=True)
        assert result.size == (160, 120)
        assert result.frame.image.rgb.shape == (120, 160, 3)
        assert (result.frame.camera_name, result.frame.frame_id) == ("camera", "camera_optical_frame")
        assert result.frame.stamp > 0
        assert result.detections == detector.get_detections(result.frame.image)
        assert (result.classifications, result.objects) == (None, None)
        assert detector.capture_all_from_camera().frame.image is None

    def test_a_newer_frame_can_be_asked_for(self, detector):
        one = detector.capture_all_from_camera("camera", max_age=-1.0).frame.stamp
        assert detector.capture_all_from_camera("camera", max_age=-1.0).frame.stamp > one

    def test_properties(self, detector):
        properties = detector.get_properties()
        assert (properties.model, properties.cameras, properties.default_camera) == (
            "color_detector",
            ("camera",),
            "camera",
        )
        assert (properties.detections_supported, properties.classifications_supported) == (True, False)
        assert properties.labels == ("red",)
