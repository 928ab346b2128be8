"""The cameras that others' drivers read: parameter files for their topics, which the tests publish as they do.

Names, types, encodings, frames and quality of service are those of usb_cam, v4l2_camera, realsense2_camera and
depthai_ros_driver; what is seen is the table of the synthetic camera, of which all is known.
"""

from contextlib import contextmanager

import cv2
import numpy as np
import pytest
import yaml
from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_service.srv import GetDetectionsFromCamera, GetObjectPointClouds

from depths import compressed_depth
from robot import ROOT, boxes_of, eventually, overlap, running
from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.image import encode
from vision_service.pointcloud.projection import depth_to_cloud
from vision_service.resources import LocalResources
from vision_service.ros import conversion
from vision_service.types import PointCloud

FOLDER = ROOT / "config/existing_cameras"
RATE = 5.0
RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
SEEN = Synthetic(SyntheticConfig(seed=12, speed=0.0, noise=0.0), LocalResources()).read()
TRUTH = [entry.as_dict() for entry in SEEN.extra["truth"]]
(RED,) = [entry for entry in TRUTH if entry["color_name"] == "red"]
RGB = SEEN.image.rgb
MILLIMETRES = np.nan_to_num(SEEN.depth * 1000).round().astype(np.uint16)


def header(frame_id):
    return Header(stamp=conversion.time_message(7 * 10**9), frame_id=frame_id)


def image(pixels, encoding, frame_id):
    """Return a message of pixels that are bytes in a row already, whatever they mean."""
    message = Image(header=header(frame_id), height=pixels.shape[0], width=RGB.shape[1], encoding=encoding)
    message.step = pixels.strides[0]
    message.data.frombytes(np.ascontiguousarray(pixels).tobytes())
    return message


def color(encoding, frame_id):
    """Return the picture as a driver sends it in an encoding."""
    if encoding in ("rgb8", "bgr8"):
        return image(RGB if encoding == "rgb8" else RGB[..., ::-1], encoding, frame_id)
    planar = cv2.cvtColor(RGB, cv2.COLOR_RGB2YUV_I420).reshape(-1)
    size = RGB.shape[0] * RGB.shape[1]
    y = planar[:size].reshape(RGB.shape[:2])
    u, v = (part.reshape(RGB.shape[0] // 2, -1).repeat(2, axis=0) for part in np.split(planar[size:], 2))
    order = [y[:, ::2], u, y[:, 1::2], v] if encoding == "yuv422_yuy2" else [u, y[:, ::2], v, y[:, 1::2]]
    return image(np.stack(order, axis=-1).reshape(RGB.shape[0], -1), encoding, frame_id)


def jpeg(frame_id, form):
    return conversion.compressed_to_message(encode(RGB, "image/jpeg"), form, header(frame_id))


def depth(frame_id):
    return image(MILLIMETRES, "16UC1", frame_id)


def png_depth(frame_id):
    data = compressed_depth(MILLIMETRES)
    return conversion.compressed_to_message(data, "16UC1; compressedDepth png", header(frame_id))


def info(frame_id):
    return conversion.camera_info_to_message(SEEN.intrinsics, header(frame_id))


def points(frame_id):
    """Return the points as realsense2_camera sends them: a list of those that there are."""
    cloud = depth_to_cloud(SEEN.depth, SEEN.intrinsics, RGB, organized=False)
    return conversion.cloud_to_message(PointCloud(cloud.xyz, cloud.rgb), header(frame_id))


@contextmanager
def robot_with(file, topics, changes=None):
    """Run the vision nodes of a shipped parameter file beside a driver that publishes messages on topics.

    Args:
        file: The parameter file's name.
        topics: Topic to message and quality of service.
        changes: Node to parameters that the file mentions as alternatives.
    """
    content = yaml.safe_load((FOLDER / file).read_text(encoding="utf-8"))
    sections = {name.removeprefix("/**/"): section for name, section in content.items()}
    sections = {name: section["ros__parameters"] for name, section in sections.items()}
    for name, parameters in (changes or {}).items():
        sections[name].update(parameters)
    with running(sections) as robot:
        for topic, (message, qos) in topics.items():
            robot.repeat(robot.publisher(type(message), topic, qos), lambda message=message: message, RATE)
        for name in sections:
            if name != "stack":
                eventually(lambda name=name: robot.status(name)["state"] == "active", f"{name} is active")
        yield robot


def found_in_the_picture(robot, frame_id):
    """Check that the red solid, and nothing else, is detected where it is."""
    answer = robot.call(GetDetectionsFromCamera, "detector/get_detections_from_camera", timeout=20.0)
    assert answer.success, answer.message
    assert answer.header.frame_id == frame_id
    (box,) = boxes_of(answer.detections)
    assert overlap(box, [RED["box"][edge] for edge in ("x_min", "y_min", "x_max", "y_max")]) > 0.8


def center(item):
    position = item.box.center.position
    return np.array([position.x, position.y, position.z])


def found_in_space(robot, frame_id):
    """Check that the red solid is where it stands."""
    answer = robot.call(GetObjectPointClouds, "objects/get_object_point_clouds", timeout=20.0)
    assert answer.success, answer.message
    assert answer.header.frame_id == frame_id
    (item,) = answer.objects
    assert item.label == "red"
    assert np.linalg.norm(center(item) - RED["center"]) < 0.1, "the camera sees the near side only"


def found_on_the_table(robot, frame_id):
    """Check that every solid is an obstacle where it stands."""
    answer = robot.call(GetObjectPointClouds, "obstacles/get_object_point_clouds", timeout=20.0)
    assert answer.success, answer.message
    assert answer.header.frame_id == frame_id
    assert len(answer.objects) == len(TRUTH)
    for entry in TRUTH:
        assert min(np.linalg.norm(center(item) - entry["center"]) for item in answer.objects) < 0.06


# usb_cam and v4l2_camera.


@pytest.mark.parametrize("encoding", ["rgb8", "yuv422_yuy2", "yuv422", "uyvy"])
def test_usb_cam_and_v4l2_camera(encoding):
    topics = {
        "/image_raw": (color(encoding, "default_cam"), RELIABLE),
        "/camera_info": (info("default_cam"), RELIABLE),
    }
    with robot_with("usb_cam.yaml", topics) as robot:
        found_in_the_picture(robot, "default_cam")


def test_usb_cam_that_hands_on_the_camera_s_jpegs():
    topics = {"/image_raw/compressed": (jpeg("default_cam", "jpeg"), RELIABLE)}
    with robot_with("usb_cam.yaml", topics, {"detector": {"camera.transport": "compressed"}}) as robot:
        found_in_the_picture(robot, "default_cam")


# realsense2_camera.

COLOR_FRAME, DEPTH_FRAME = "camera_color_optical_frame", "camera_depth_optical_frame"
REALSENSE = {
    "/camera/camera/color/image_raw": (color("rgb8", COLOR_FRAME), qos_profile_sensor_data),
    "/camera/camera/color/camera_info": (info(COLOR_FRAME), RELIABLE),
    "/camera/camera/aligned_depth_to_color/camera_info": (info(COLOR_FRAME), RELIABLE),
}
ALIGNED = "/camera/camera/aligned_depth_to_color/image_raw"


def test_realsense2_camera():
    topics = {
        **REALSENSE,
        ALIGNED: (depth(COLOR_FRAME), qos_profile_sensor_data),
        "/camera/camera/depth/image_rect_raw": (depth(DEPTH_FRAME), qos_profile_sensor_data),
        "/camera/camera/depth/camera_info": (info(DEPTH_FRAME), RELIABLE),
        "/camera/camera/depth/color/points": (points(DEPTH_FRAME), qos_profile_sensor_data),
    }
    with robot_with("realsense2_camera.yaml", topics) as robot:
        found_in_the_picture(robot, COLOR_FRAME)
        found_in_space(robot, COLOR_FRAME)
        found_on_the_table(robot, DEPTH_FRAME)


def test_realsense2_camera_with_compressed_depth():
    topics = {**REALSENSE, f"{ALIGNED}/compressedDepth": (png_depth(COLOR_FRAME), RELIABLE)}
    changes = {"objects": {"camera.depth_transport": "compressedDepth"}}
    with robot_with("realsense2_camera.yaml", topics, changes) as robot:
        found_in_space(robot, COLOR_FRAME)


def test_realsense2_camera_without_align_depth_is_told_what_is_missing():
    with robot_with("realsense2_camera.yaml", REALSENSE) as robot:
        answer = robot.call(GetObjectPointClouds, "objects/get_object_point_clouds", timeout=1.0)
        assert not answer.success
        assert "'camera'" in answer.message
        problem = eventually(lambda: robot.problem("objects", "nobody publishes"), "a problem")
        assert ALIGNED in problem


# depthai_ros_driver.

OAK_FRAME = "oak_rgb_camera_optical_frame"
OAK = {
    "/oak/rgb/camera_info": (info(OAK_FRAME), RELIABLE),
    "/oak/stereo/camera_info": (info(OAK_FRAME), RELIABLE),
}


def test_depthai_ros_driver():
    topics = {
        **OAK,
        "/oak/rgb/image_raw": (color("bgr8", OAK_FRAME), RELIABLE),
        "/oak/stereo/image_raw": (depth(OAK_FRAME), RELIABLE),
    }
    with robot_with("depthai.yaml", topics) as robot:
        found_in_the_picture(robot, OAK_FRAME)
        found_in_space(robot, OAK_FRAME)
        found_on_the_table(robot, OAK_FRAME)


def test_depthai_ros_driver_over_a_network():
    topics = {
        **OAK,
        "/oak/rgb/image_raw/compressed": (jpeg(OAK_FRAME, "bgr8; jpeg compressed bgr8"), RELIABLE),
        "/oak/stereo/image_raw/compressedDepth": (png_depth(OAK_FRAME), RELIABLE),
    }
    compressed = {"oak.transport": "compressed", "oak.depth_transport": "compressedDepth"}
    changes = {"detector": {"oak.transport": "compressed"}, "objects": compressed}
    with robot_with("depthai.yaml", topics, changes) as robot:
        found_in_the_picture(robot, OAK_FRAME)
        found_in_space(robot, OAK_FRAME)


# A camera node of ours that adapts one: with services, compression and transforms.


def test_a_camera_node_adapts_a_driver_s_topics():
    adapted = {
        "driver": "ros",
        "image": "/camera/camera/color/image_raw",
        "camera_info": "/camera/camera/color/camera_info",
        "depth": ALIGNED,
        "depth_transport": "compressedDepth",
    }
    topics = {**REALSENSE, f"{ALIGNED}/compressedDepth": (png_depth(COLOR_FRAME), RELIABLE)}
    with running({"stack": {"cameras": ["front"]}, "front": adapted}) as robot:
        for topic, (message, qos) in topics.items():
            robot.repeat(robot.publisher(type(message), topic, qos), lambda message=message: message, RATE)
        eventually(lambda: robot.status("front")["state"] == "active", "the topics are found")
        found = conversion.depth_from_message(robot.listen(Image, "front/depth/image_raw").next())
        np.testing.assert_allclose(found, SEEN.depth, atol=0.00051)


@pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.iterdir()))
def test_every_file_is_described(file):
    assert file in (ROOT / "docs/existing_cameras.md").read_text(encoding="utf-8")
