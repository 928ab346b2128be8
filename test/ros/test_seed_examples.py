"""The camera examples of the documents that the package was made from, in terms of our client, one test each."""

import io

import numpy as np
import pytest

from robot import RED_DETECTOR, eventually, running
from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import decode
from vision_service.pointcloud.pcd import read_pcd
from vision_service.pointcloud.projection import cloud_of
from vision_service.resources import LocalResources
from vision_service.ros.client import CameraClient, VisionClient

SCENE = {"seed": 12, "width_px": 320, "height_px": 240, "speed": 0.0, "noise": 0.0}
SEEN = Synthetic(SyntheticConfig(**SCENE), LocalResources()).read()
"""What the camera sees, at any time."""
WIDTH, HEIGHT = 320, 240


@pytest.fixture(scope="module")
def robot():
    """A still RGB-D camera that knows what room it takes up, a classifier and a segmenter."""
    classifier = {
        "model": "mlmodel",
        "model_path": "package://vision_service/models/solids_classifier.tflite",
        "cameras": ["my_camera"],
    }
    sections = {
        "stack": {"cameras": ["my_camera"], "vision": ["my_classifier", "my_detector", "my_segmenter"]},
        "my_camera": {"driver": "synthetic", **SCENE, "geometries": ["body"], "body.size": [0.09, 0.025, 0.025]},
        "my_classifier": classifier,
        "my_detector": {**RED_DETECTOR, "cameras": ["my_camera"]},
        "my_segmenter": {
            "model": "detections_to_segments",
            "detector_name": "my_detector",
            "cameras": ["my_camera"],
        },
    }
    with running(sections) as robot:
        eventually(lambda: robot.status("my_segmenter")["state"] == "active", "the detector is found")
        yield robot


@pytest.fixture(scope="module")
def my_camera(robot):
    with CameraClient("my_camera", robot.node) as camera:
        yield camera


def test_get_an_image(my_camera):
    frame = my_camera.get_image()
    np.testing.assert_array_equal(frame.pixels, SEEN.image.rgb)
    height, width = frame.pixels.shape[:2]
    left_two_fifths = frame.pixels[:, : int(width / 2.5)]
    assert left_two_fifths.shape == (height, 128, 3)


@pytest.mark.parametrize("mime_type", ["image/jpeg", "image/png"])
def test_get_an_image_of_a_mime_type(my_camera, mime_type):
    frame = my_camera.get_image(mime_type)
    assert frame.mime_type == mime_type
    assert decode(frame.data).shape == (HEIGHT, WIDTH, 3), "bytes that any library reads"
    assert np.abs(frame.array().astype(int) - SEEN.image.rgb).mean() < 4


def test_get_depth_and_turn_its_bytes_into_an_array(my_camera):
    frame = my_camera.get_image(mime_type="image/vnd.viam.dep")
    assert (frame.source_name, frame.mime_type, frame.pixels) == ("depth", "image/vnd.viam.dep", None)
    # Remove the 1st 3x8 bytes and reshape the raw bytes …
    millimetres = np.frombuffer(frame.data[24:], ">u2").reshape(HEIGHT, WIDTH)
    np.testing.assert_allclose(millimetres, np.nan_to_num(SEEN.depth) * 1000, atol=0.51)
    # … which is what this does, in metres.
    np.testing.assert_allclose(frame.array(), SEEN.depth, atol=0.00051)


def test_get_images_of_several_imagers_with_their_metadata(my_camera):
    images = my_camera.get_images()
    assert [image.source_name for image in images] == ["color", "depth"]
    captured_at = images[0].stamp
    assert captured_at > 0
    assert {(image.stamp, image.frame_id) for image in images} == {(captured_at, "my_camera_optical_frame")}
    np.testing.assert_array_equal(images[0].pixels, SEEN.image.rgb)
    np.testing.assert_array_equal(images[1].pixels, SEEN.depth)


def test_get_images_in_one_mime_type(my_camera):
    color, depth = my_camera.get_images(mime_type="image/jpeg", extra={"unknown": 1})
    assert (color.mime_type, depth.mime_type) == ("image/jpeg", "image/png")
    np.testing.assert_allclose(depth.array(), SEEN.depth, atol=0.00051)


def test_get_a_point_cloud_and_read_it_with_open3d(my_camera, tmp_path):
    o3d = pytest.importorskip("open3d", reason="open3d is not installed here")
    file = tmp_path / "pointcloud_data.pcd"
    file.write_bytes(my_camera.get_pcd())
    pcd = o3d.io.read_point_cloud(str(file), remove_nan_points=True)
    points = np.asarray(pcd.points)
    xyz = cloud_of(SEEN).xyz.reshape(-1, 3)
    np.testing.assert_allclose(points, xyz[~np.isnan(xyz).any(axis=1)], atol=1e-6)


def test_get_a_point_cloud_and_read_it_with_numpy(my_camera):
    points = my_camera.get_point_cloud().xyz
    np.testing.assert_array_equal(points, cloud_of(SEEN).xyz)
    data = my_camera.get_pcd("ascii")
    table = np.loadtxt(io.StringIO(data.decode().split("DATA ascii\n")[1]))
    np.testing.assert_allclose(table[:, :3], points.reshape(-1, 3), atol=1e-6)


def test_get_properties(my_camera):
    properties = my_camera.get_properties()
    assert properties.supports_pcd
    assert properties.source_names == ("color", "depth")
    assert properties.mime_types == ("image/jpeg", "image/png", "image/vnd.viam.dep")
    assert (properties.camera_info.width, properties.camera_info.height) == (WIDTH, HEIGHT)
    assert properties.camera_info.k[0] == pytest.approx(SEEN.intrinsics.fx)
    assert properties.frame_rate == 30.0


def test_do_a_command(my_camera):
    my_camera.get_image()
    result = my_camera.do_command({"command": "ground_truth"})
    assert [entry["class_name"] for entry in result["objects"]] == [entry.class_name for entry in SEEN.extra["truth"]]
    with pytest.raises(VisionError) as raised:
        my_camera.do_command({"cmd": "test", "data1": 500})
    assert raised.value.code == ErrorCode.NOT_SUPPORTED


def test_get_geometries(my_camera):
    geometries = my_camera.get_geometries()
    assert [geometry.label for geometry in geometries] == ["body"]
    assert geometries[0].center.tolist() == [0.0, 0.0, 0.0]
    assert geometries[0].size.tolist() == [0.09, 0.025, 0.025]
    assert geometries[0].orientation == (0.0, 0.0, 0.0, 1.0)
    assert geometries[0].frame_id == "my_camera_optical_frame"


def test_get_the_status(my_camera):
    assert my_camera.get_status()["state"] == "active"


def test_classify_an_image_of_the_camera(robot, my_camera):
    with VisionClient("my_classifier", robot.node) as classifier:
        images = my_camera.get_images()
        classifications = classifier.get_classifications(images[0].pixels, count=3)
        assert len(classifications) == 3
        assert all(0 <= item.confidence <= 1 for item in classifications)
        from_camera = classifier.get_classifications_from_camera("my_camera", count=3)
        assert [item.class_name for item in from_camera] == [item.class_name for item in classifications]


def test_get_objects_of_the_camera_as_point_clouds(robot):
    with VisionClient("my_segmenter", robot.node) as my_segmenter:
        objects = my_segmenter.get_object_point_clouds("my_camera")
        (red,) = [entry.as_dict() for entry in SEEN.extra["truth"] if entry.as_dict()["color_name"] == "red"]
        assert [item.label for item in objects] == ["red"]
        assert np.linalg.norm(objects[0].center - red["center"]) < 0.1
        assert np.linalg.norm(objects[0].cloud.xyz - red["center"], axis=1).max() < 0.3


@pytest.mark.parametrize(
    ("call", "code", "word"),
    [
        (lambda camera: camera.get_image("image/webp"), ErrorCode.NOT_SUPPORTED, "color as image/jpeg, image/png"),
        (lambda camera: camera.get_image(source="infrared"), ErrorCode.INVALID_ARGUMENT, "color, depth"),
        (lambda camera: camera.get_images(["depth", "depth"]), ErrorCode.INVALID_ARGUMENT, "twice: depth"),
        (lambda camera: camera.get_pcd("lzf"), ErrorCode.INVALID_ARGUMENT, "'lzf'"),
    ],
)
def test_what_is_not_there_is_an_error(my_camera, call, code, word):
    with pytest.raises(VisionError) as raised:
        call(my_camera)
    assert raised.value.code == code
    assert word in raised.value.message


def test_the_same_points_come_in_every_form(my_camera):
    binary, text = read_pcd(my_camera.get_pcd("binary")), read_pcd(my_camera.get_pcd("ascii"))
    np.testing.assert_array_equal(binary.xyz, text.xyz)
    np.testing.assert_array_equal(binary.rgb, text.rgb)
