"""The cameras that others' drivers read: parameter files for their topics, which the tests publish as they do.

Names, types, encodings, frames, quality of service and models of distortion are those in the sources of usb_cam 0.8.1,
v4l2_camera 0.5, realsense2_camera 4.58.2, depthai_ros_driver 2.10 (and what is known of 3.2), zed_wrapper 5.4.1,
OrbbecSDK_ROS2 2.6.3, azure_kinect_ros_driver 0.9, gz-sensors 8 to main behind ros_gz 2.1, and Isaac Sim 6; what is seen
is the table of the synthetic camera, of which all is known.
"""

from contextlib import contextmanager

import cv2
import numpy as np
import pytest
import yaml
from rclpy.qos import (
    DurabilityPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_profile_sensor_data,
    qos_profile_system_default,
)
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField
from std_msgs.msg import Header
from vision_service.srv import GetDetectionsFromCamera, GetObjectPointClouds

from depths import compressed_depth
from robot import ROOT, boxes_of, eventually, overlap, running
from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.image import encode
from vision_service.pointcloud.projection import depth_to_cloud
from vision_service.resources import LocalResources
from vision_service.ros import conversion

FOLDER = ROOT / "config/existing_cameras"
RATE = 5.0
RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
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
    """Return the image as a driver sends it in an encoding."""
    if encoding in ("rgb8", "bgr8", "bgra8"):
        pixels = {"rgb8": RGB, "bgr8": RGB[..., ::-1], "bgra8": cv2.cvtColor(RGB, cv2.COLOR_RGB2BGRA)}[encoding]
        return image(np.ascontiguousarray(pixels), encoding, frame_id)
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


def metres(frame_id, *, unknown=(np.nan,)):
    """Return depth as ZED cameras and simulators send it; what is unknown is so in one way or another."""
    depth = SEEN.depth.copy()
    holes = np.argwhere(~np.isfinite(depth) | (np.indices(depth.shape).sum(axis=0) % 13 == 0))
    for value, some in zip(unknown, np.array_split(holes, len(unknown)), strict=True):
        depth[tuple(some.T)] = value
    return image(depth, "32FC1", frame_id)


def png_depth(frame_id):
    data = compressed_depth(MILLIMETRES)
    return conversion.compressed_to_message(data, "16UC1; compressedDepth png", header(frame_id))


def info(frame_id, model="plumb_bob", coefficients=(0.0,) * 5):
    message = conversion.camera_info_to_message(SEEN.intrinsics, header(frame_id))
    message.distortion_model, message.d = model, list(map(float, coefficients))
    return message


SLIGHT = np.array([2, -3, 0.1, -0.2, 1, 1, -1, 0.5, 0.1, 0, -0.1, 0]) * 1e-3
"""Coefficients of a lens that bends less than is noticed here: k1, k2, p1, p2, k3 to k6, s1 to s4."""


def points(frame_id):
    """Return the points as realsense2_camera sends them: a list of those that there are, their colours behind a gap."""
    cloud = depth_to_cloud(SEEN.depth, SEEN.intrinsics, RGB, organized=False)
    rows = np.zeros(len(cloud), [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("gap", "<u4"), ("bgr", "u1", 4)])
    rows["x"], rows["y"], rows["z"] = cloud.xyz.T
    rows["bgr"][:, :3] = cloud.rgb[:, ::-1]
    message = PointCloud2(header=header(frame_id), height=1, width=len(rows), is_dense=True)
    message.fields = [
        PointField(name=name, offset=offset, datatype=PointField.FLOAT32, count=1)
        for name, offset in (("x", 0), ("y", 4), ("z", 8), ("rgb", 16))
    ]
    message.point_step, message.row_step = rows.itemsize, rows.nbytes
    message.data.frombytes(rows.tobytes())
    return message


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


def found_in_the_image(robot, frame_id):
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
        "/image_raw": (color(encoding, "default_cam"), QoSProfile(depth=100)),
        "/camera_info": (info("default_cam"), RELIABLE),
    }
    with robot_with("usb_cam.yaml", topics) as robot:
        found_in_the_image(robot, "default_cam")


def test_v4l2_camera_with_use_sensor_data_qos_and_without_a_calibration():
    height, width = RGB.shape[:2]
    topics = {
        "/image_raw": (color("rgb8", "camera"), qos_profile_sensor_data),
        "/camera_info": (CameraInfo(header=header("camera"), width=width, height=height), qos_profile_sensor_data),
    }
    with robot_with("usb_cam.yaml", topics) as robot:
        found_in_the_image(robot, "camera")


def test_usb_cam_and_v4l2_camera_over_a_network():
    topics = {"/image_raw/compressed": (jpeg("default_cam", "rgb8; jpeg compressed bgr8"), RELIABLE)}
    with robot_with("usb_cam.yaml", topics, {"detector": {"camera.transport": "compressed"}}) as robot:
        found_in_the_image(robot, "default_cam")


# realsense2_camera: images with the system's default quality of service, the rest with ROS's.

COLOR_FRAME, DEPTH_FRAME = "camera_color_optical_frame", "camera_depth_optical_frame"
REALSENSE = {
    "/camera/camera/color/image_raw": (color("rgb8", COLOR_FRAME), qos_profile_system_default),
    "/camera/camera/color/camera_info": (info(COLOR_FRAME), RELIABLE),
    "/camera/camera/aligned_depth_to_color/camera_info": (info(COLOR_FRAME), RELIABLE),
}
ALIGNED = "/camera/camera/aligned_depth_to_color/image_raw"


def test_realsense2_camera():
    topics = {
        **REALSENSE,
        ALIGNED: (depth(COLOR_FRAME), qos_profile_system_default),
        "/camera/camera/depth/image_rect_raw": (depth(DEPTH_FRAME), qos_profile_system_default),
        "/camera/camera/depth/camera_info": (info(DEPTH_FRAME), RELIABLE),
        "/camera/camera/depth/color/points": (points(DEPTH_FRAME), RELIABLE),
    }
    with robot_with("realsense2_camera.yaml", topics) as robot:
        found_in_the_image(robot, COLOR_FRAME)
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
    "/oak/rgb/camera_info": (info(OAK_FRAME, "rational_polynomial", SLIGHT[:8]), RELIABLE),
    "/oak/stereo/camera_info": (CameraInfo(header=header(OAK_FRAME)), RELIABLE),  # of no use in some releases of 3
}


def test_depthai_ros_driver():
    topics = {
        **OAK,
        "/oak/rgb/image_raw": (color("bgr8", OAK_FRAME), RELIABLE),
        "/oak/stereo/image_raw": (depth(OAK_FRAME), RELIABLE),
    }
    with robot_with("depthai.yaml", topics) as robot:
        found_in_the_image(robot, OAK_FRAME)
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
        found_in_the_image(robot, OAK_FRAME)
        found_in_space(robot, OAK_FRAME)


# zed_wrapper: rectified images with four channels, depth and info in their frame, points with x ahead.

ZED_FRAME = "zed_left_camera_frame_optical"


@pytest.mark.parametrize("encoding", ["bgra8", "bgr8"])
def test_zed_wrapper(encoding):
    zeros = ("rational_polynomial", (0.0,) * 8)
    topics = {
        "/zed/zed_node/rgb/color/rect/image": (color(encoding, ZED_FRAME), RELIABLE),
        "/zed/zed_node/rgb/color/rect/camera_info": (info(ZED_FRAME, *zeros), RELIABLE),
        "/zed/zed_node/depth/depth_registered": (metres(ZED_FRAME, unknown=(np.nan, np.inf, -np.inf)), RELIABLE),
        "/zed/zed_node/depth/camera_info": (info(ZED_FRAME, *zeros), RELIABLE),
    }
    with robot_with("zed.yaml", topics) as robot:
        found_in_the_image(robot, ZED_FRAME)
        found_in_space(robot, ZED_FRAME)
        found_on_the_table(robot, ZED_FRAME)


# OrbbecSDK_ROS2: depth in the colour camera's frame with depth_registration, plumb_bob with 8 coefficients.

ORBBEC = {
    "/camera/color/image_raw": (color("rgb8", COLOR_FRAME), RELIABLE),
    "/camera/color/camera_info": (info(COLOR_FRAME, "plumb_bob", SLIGHT[:8]), RELIABLE),
}


def test_orbbec_camera():
    topics = {
        **ORBBEC,
        "/camera/depth/image_raw": (depth(COLOR_FRAME), RELIABLE),
        "/camera/depth/camera_info": (info(COLOR_FRAME, "plumb_bob", SLIGHT[:8]), RELIABLE),
    }
    with robot_with("orbbec.yaml", topics) as robot:
        found_in_the_image(robot, COLOR_FRAME)
        found_in_space(robot, COLOR_FRAME)
        found_on_the_table(robot, COLOR_FRAME)


def test_orbbec_camera_without_depth_registration_is_refused():
    topics = {**ORBBEC, "/camera/depth/image_raw": (depth(DEPTH_FRAME), RELIABLE)}
    with robot_with("orbbec.yaml", topics) as robot:
        answer = robot.call(GetObjectPointClouds, "objects/get_object_point_clouds", timeout=5.0)
        assert not answer.success
        assert DEPTH_FRAME in answer.message
        assert COLOR_FRAME in answer.message


# azure_kinect_ros_driver: latched images with four channels.

KINECT_FRAME = "rgb_camera_link"
KINECT = {
    "/rgb/camera_info": (info(KINECT_FRAME, "rational_polynomial", SLIGHT[:8]), RELIABLE),
    "/depth_to_rgb/camera_info": (info(KINECT_FRAME, "rational_polynomial", SLIGHT[:8]), RELIABLE),
}


def test_azure_kinect_ros_driver():
    topics = {
        **KINECT,
        "/rgb/image_raw": (color("bgra8", KINECT_FRAME), LATCHED),
        "/depth_to_rgb/image_raw": (depth(KINECT_FRAME), LATCHED),
    }
    with robot_with("azure_kinect.yaml", topics) as robot:
        found_in_the_image(robot, KINECT_FRAME)
        found_in_space(robot, KINECT_FRAME)
        found_on_the_table(robot, KINECT_FRAME)


def test_azure_kinect_ros_driver_with_jpeg_and_depth_in_metres():
    topics = {
        **KINECT,
        "/rgb/image_raw/compressed": (jpeg(KINECT_FRAME, "jpeg"), RELIABLE),
        "/depth_to_rgb/image_raw": (metres(KINECT_FRAME, unknown=(0.0,)), LATCHED),
    }
    compressed = {"kinect.transport": "compressed"}
    with robot_with("azure_kinect.yaml", topics, {"detector": compressed, "objects": compressed}) as robot:
        found_in_the_image(robot, KINECT_FRAME)
        found_in_space(robot, KINECT_FRAME)


# Gazebo and Isaac Sim: infinite where nothing is in range.


def test_gazebo():
    frame = "rgbd_camera/link/rgbd_camera"
    topics = {
        "/rgbd_camera/image": (color("rgb8", frame), RELIABLE),
        "/rgbd_camera/camera_info": (info(frame, "plumb_bob", SLIGHT[:5]), RELIABLE),
        "/rgbd_camera/depth_image": (metres(frame, unknown=(np.inf, -np.inf)), RELIABLE),
    }
    with robot_with("gazebo.yaml", topics) as robot:
        found_in_the_image(robot, frame)
        found_in_space(robot, frame)
        found_on_the_table(robot, frame)


@pytest.mark.parametrize(
    ("model", "coefficients"),
    [("plumb_bob", SLIGHT[:5]), ("rational_polynomial", SLIGHT)],
    ids=["plumb_bob", "rational_polynomial"],
)
def test_isaac_sim(model, coefficients):
    topics = {
        "/rgb": (color("rgb8", "sim_camera"), RELIABLE),
        "/camera_info": (info("sim_camera", model, coefficients), RELIABLE),
        "/depth": (metres("sim_camera", unknown=(np.inf,)), RELIABLE),
    }
    with robot_with("isaac_sim.yaml", topics) as robot:
        found_in_the_image(robot, "sim_camera")
        found_in_space(robot, "sim_camera")
        found_on_the_table(robot, "sim_camera")


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
