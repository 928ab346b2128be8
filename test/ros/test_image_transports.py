"""Images as drivers and transports send them, through a vision node over DDS: one red square, whatever it comes as."""

import cv2
import numpy as np
import pytest
import rclpy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from vision_service.srv import GetDetectionsFromCamera, GetObjectPointClouds

from robot import boxes_of, eventually, forget, running
from vision_service.errors import ErrorCode

RGB = np.full((48, 64, 3), (40, 60, 60), np.uint8)
RGB[12:36, 16:40] = (220, 30, 30)
DEPTH = np.full((48, 64), 2000, np.uint16)
RED = {"model": "color_detector", "detect_color": "#DC1E1E", "hue_tolerance_pct": 0.1, "segment_size_px": 100}


def mosaic():
    seen = np.zeros(RGB.shape[:2], np.uint8)
    for index, channel in enumerate((0, 1, 1, 2)):
        row, column = divmod(index, 2)
        seen[row::2, column::2] = RGB[row::2, column::2, channel]
    return seen


def header():
    return Header(frame_id="cam")


def raw(pixels, encoding, data=None):
    message = Image(header=header(), height=48, width=64, encoding=encoding)
    message.data.frombytes(np.ascontiguousarray(pixels).tobytes() if data is None else data)
    message.step = pixels.strides[0]
    return message


def compressed(form, data):
    message = CompressedImage(header=header(), format=form)
    message.data.frombytes(data)
    return message


def file(ending, pixels):
    return cv2.imencode(f".{ending}", pixels, [cv2.IMWRITE_JPEG_QUALITY, 98] if ending == "jpg" else [])[1].tobytes()


def red(**camera):
    """Run a vision node that looks for red in the camera `cam`."""
    parameters = {f"cam.{name}": value for name, value in camera.items()}
    return running({"stack": {"vision": ["reds"]}, "reds": {**RED, "cameras": ["cam"], **parameters}})


def found(robot):
    answer = robot.call(GetDetectionsFromCamera, "reds/get_detections_from_camera", timeout=20.0)
    assert answer.success, answer.message
    return boxes_of(answer.detections)


def sees_the_square(robot):
    (box,) = found(robot)
    np.testing.assert_allclose(box, (16, 12, 40, 36), atol=1.5)


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("bayer_rggb8; png compressed ", file("png", mosaic())),
        ("bayer_rggb8; jpeg compressed bayer_rggb8", file("jpg", mosaic())),
        ("rgb8; tiff compressed ", file("tiff", RGB)),
    ],
)
def test_compressed_images_are_what_their_format_says(form, data):
    with red(transport="compressed") as robot:
        robot.repeat(robot.publisher(CompressedImage, "cam/image_raw/compressed"), lambda: compressed(form, data), 10.0)
        sees_the_square(robot)


def test_jpeg_files_in_raw_images_are_decoded_and_the_node_says_so():
    jpeg = file("jpg", RGB[..., ::-1])
    message = raw(RGB[..., :2], "yuv422", jpeg + bytes(64 * 48 * 2 - len(jpeg)))
    with red() as robot:
        robot.repeat(robot.publisher(Image, "cam/image_raw"), lambda: message, 10.0)
        sees_the_square(robot)
        problem = robot.problem("reds", "JPEG")
        assert problem.startswith("camera 'cam': the raw images ('yuv422') hold JPEG files")


def test_values_of_12_bits_are_asked_for_and_scaled():
    message = raw(RGB.astype(np.uint16) << 4, "rgb16")
    with red() as robot:
        robot.repeat(robot.publisher(Image, "cam/image_raw"), lambda: message, 50.0)
        hint = "if the sensor has 12 bits, set 'bit_depth' to 12"
        eventually(lambda: found(robot) == [] and robot.problem("reds", hint), "the hint")
    with red(bit_depth=12) as robot:
        robot.repeat(robot.publisher(Image, "cam/image_raw"), lambda: message, 10.0)
        sees_the_square(robot)


def test_who_looks_for_the_wrong_transport_is_told_which_is_published():
    with red() as robot:
        data = file("jpg", RGB[..., ::-1])
        publisher = robot.publisher(CompressedImage, "cam/image_raw/compressed")
        robot.repeat(publisher, lambda: compressed("jpeg", data), 10.0)
        robot.ask(GetDetectionsFromCamera, "reds/get_detections_from_camera", timeout=20.0)
        hint = "nobody publishes /cam/image_raw, but /cam/image_raw/compressed is published: set the camera's transport"
        eventually(lambda: robot.problem("reds", hint), "the hint")


@pytest.mark.parametrize("form", ["16UC1; png compressed ", "32FC1; tiff compressed ", "png"])
def test_depth_comes_by_the_transport_compressed_too(form):
    data = file("tiff", DEPTH.astype(np.float32) / 1000) if "tiff" in form else file("png", DEPTH)
    info = CameraInfo(header=header(), width=64, height=48, distortion_model="plumb_bob")
    info.k = [60.0, 0.0, 32.0, 0.0, 60.0, 24.0, 0.0, 0.0, 1.0]
    parameters = {
        "model": "obstacles_depth",
        "cameras": ["cam"],
        "cam.depth_transport": "compressed",
        "min_points_in_segment": 50,
    }
    with running({"stack": {"vision": ["near"]}, "near": parameters}) as robot:
        robot.repeat(robot.publisher(CameraInfo, "cam/camera_info"), lambda: info, 10.0)
        depth = robot.publisher(CompressedImage, "cam/depth/image_raw/compressed")
        robot.repeat(depth, lambda: compressed(form, data), 10.0)
        answer = robot.call(GetObjectPointClouds, "near/get_object_point_clouds", timeout=20.0)
        assert answer.success or answer.error_code != ErrorCode.CAMERA_ERROR, answer.message
        assert (answer.image_width, answer.image_height) == (64, 48)


OTHER_TYPE = "/jpegs/compressed is sensor_msgs/msg/CompressedImage, not sensor_msgs/msg/Image: name /jpegs, and set"


def test_who_names_a_topic_of_another_type_is_told_which_it_has():
    with red(image="/jpegs/compressed") as robot:
        robot.publisher(CompressedImage, "/jpegs/compressed")  # of the same participant: Fast DDS refuses to subscribe
        answer = robot.call(GetDetectionsFromCamera, "reds/get_detections_from_camera", timeout=20.0)
        assert OTHER_TYPE in answer.message


def test_who_names_a_topic_of_another_type_in_another_process_is_told_which_it_has():
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("driver", context=context)
    try:
        with red(image="/jpegs/compressed") as robot:
            node.create_publisher(CompressedImage, "/jpegs/compressed", 5)
            robot.ask(GetDetectionsFromCamera, "reds/get_detections_from_camera", timeout=20.0)
            eventually(lambda: robot.problem("reds", OTHER_TYPE), "the hint")
    finally:
        node.destroy_node()
        del node
        forget(context)
