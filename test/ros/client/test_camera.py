"""The client of a camera: images, clouds, properties, commands, and what it raises."""

import numpy as np
import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.client import CameraClient

pytestmark = pytest.mark.executor


@pytest.fixture(scope="module")
def camera(robot):
    with CameraClient("camera", robot.node) as client:
        yield client


class TestCameraClient:
    def test_an_image_raw_and_encoded(self, camera):
        raw = camera.get_image()
        assert (raw.source_name, raw.mime_type, raw.pixels.shape, raw.data) == ("color", "", (120, 160, 3), b"")
        assert (raw.frame_id, raw.stamp > 0) == ("camera_optical_frame", True)
        encoded = camera.get_image("image/png")
        assert (encoded.mime_type, encoded.pixels) == ("image/png", None)
        assert encoded.data.startswith(b"\x89PNG")

    def test_depth(self, camera):
        depth = camera.get_image(source="depth")
        assert (depth.source_name, depth.pixels.dtype, depth.pixels.shape) == ("depth", np.float32, (120, 160))

    def test_several_images_of_one_time(self, camera):
        one, other = camera.get_images()
        assert {one.source_name, other.source_name} == {"color", "depth"}
        assert one.stamp == other.stamp
        assert [image.source_name for image in camera.get_images(["depth"])] == ["depth"]

    def test_a_cloud_and_properties(self, camera):
        cloud = camera.get_point_cloud()
        assert np.isfinite(cloud.xyz).all(axis=-1).any()
        properties = camera.get_properties()
        assert (properties.supports_pcd, properties.source_names) == (True, ("color", "depth"))
        assert (properties.camera_info.width, properties.camera_info.height) == (160, 120)

    def test_errors_of_the_camera(self, camera):
        with pytest.raises(VisionError, match="'infrared'") as caught:
            camera.get_image(source="infrared")
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT
        commands = camera.do_command({"command": "help"})["commands"]
        assert "ground_truth" in commands
