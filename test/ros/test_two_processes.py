"""Cameras, vision services and callers in processes of their own: what goes over the wire stays what it was."""

import colorsys
import json
import signal
import textwrap
from pathlib import Path

import numpy as np
import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from vision_msgs.msg import Detection2DArray
from vision_service.srv import (
    CaptureAllFromCamera,
    DoCommand,
    GetClassificationsFromCamera,
    GetDetectionsFromCamera,
    GetImage,
    GetPointCloud,
)

import testdata
from robot import RED_DETECTOR, boxes_of, eventually, node_program, overlap, program, running
from vision_service.camera.synthetic import Synthetic
from vision_service.configuration import configure
from vision_service.errors import ErrorCode
from vision_service.rendering.scene import COLORS
from vision_service.resources import LocalResources
from vision_service.ros.conversion import (
    classifications_from_message,
    cloud_from_message,
    depth_from_message,
    detections_from_message,
    image_from_message,
)
from vision_service.types import Frame
from vision_service.vision.mlmodel import MLModel

SENSOR = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
BOX = (70, 20, 95, 60)
STILL = {"driver": "synthetic", "seed": 14, "objects": 6, "speed": 0.0, "noise": 0.0}
"""A scene in which nothing moves, so that its truth is that of every frame."""


def rgb(name):
    """Return the colour of a rendered solid as red, green and blue."""
    hue, saturation, value = COLORS[name]
    return tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue / 360, saturation, value))


def detector_of(name):
    return {
        "model": "color_detector",
        "detect_color": "#" + "".join(f"{part:02X}" for part in rgb(name)),
        "hue_tolerance_pct": 0.08,
        "segment_size_px": 300,
        "cameras": ["afar"],
    }


@pytest.fixture(scope="module")
def robot():
    """A rendered camera in a process of its own, and detectors of each of its solids' colours in this one."""
    sections = {"stack": {"vision": list(COLORS)}, **{name: detector_of(name) for name in COLORS}}
    with node_program("camera", {"afar": STILL}, "-r", "__node:=afar"), running(sections) as robot:
        robot.reach("afar")
        yield robot


def driver_s_frame():
    """Return what the driver sees, made in this process: the same attributes give the same frames."""
    attributes = {name: value for name, value in STILL.items() if name != "driver"}
    return Synthetic(configure(Synthetic.Config, attributes, of="the driver"), LocalResources()).read()


# A camera in another process.


def test_topics_of_another_process_show_what_its_driver_sees(robot):
    kinds = {"image_raw": Image, "depth/image_raw": Image, "camera_info": CameraInfo, "points": PointCloud2}
    inboxes = {name: robot.listen(kind, f"afar/{name}", SENSOR) for name, kind in kinds.items()}
    messages = {name: inbox.next() for name, inbox in inboxes.items()}
    for inbox in inboxes.values():
        robot.stop_listening(inbox)
    expected = driver_s_frame()
    assert (image_from_message(messages["image_raw"]).rgb == expected.image.rgb).all()
    np.testing.assert_array_equal(depth_from_message(messages["depth/image_raw"]), expected.depth)
    assert messages["camera_info"].k[0] == expected.intrinsics.fx
    assert cloud_from_message(messages["points"]).xyz.shape == (480, 640, 3)


def test_images_on_request_come_whole_from_another_process(robot):
    expected = driver_s_frame()
    answer = robot.call(GetImage, "afar/get_image")
    assert (image_from_message(answer.image.image).rgb == expected.image.rgb).all()
    answer = robot.call(GetPointCloud, "afar/get_point_cloud")
    assert cloud_from_message(answer.cloud).xyz.shape == (480, 640, 3)


@pytest.mark.parametrize("name", COLORS)
def test_solids_are_found_where_they_are(robot, name):
    answer = robot.call(GetDetectionsFromCamera, f"{name}/get_detections_from_camera")
    assert answer.success, answer.message
    truth = json.loads(robot.call(DoCommand, "afar/do_command", command='{"command": "ground_truth"}').result)
    (solid,) = (entry for entry in truth["objects"] if entry["color_name"] == name)
    (box,) = boxes_of(answer.detections)
    assert overlap(box, tuple(solid["box"].values())) >= 0.7
    assert answer.header.frame_id == "afar_optical_frame"
    assert answer.camera_name == "afar"


def test_results_bear_the_stamp_of_the_image_in_the_other_process(robot):
    stamps = set()
    images = robot.listen(Image, "afar/image_raw", QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT))
    results = robot.listen(Detection2DArray, "red/detections")

    def matches():
        stamps.update((m.header.stamp.sec, m.header.stamp.nanosec) for m in images.drain())
        return stamps & {(m.header.stamp.sec, m.header.stamp.nanosec) for m in results.drain()}

    eventually(matches, "a result with the stamp of an image")
    robot.stop_listening(images)
    robot.stop_listening(results)


def test_images_are_not_lost_on_the_way(robot):
    """Without shared memory, two of three images of this size would be."""
    images = robot.listen(Image, "afar/image_raw", QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT))
    images.next()
    sent, received = robot.status("afar")["frames"], images.count
    eventually(lambda: images.count >= received + 60, "images")
    sent, received = robot.status("afar")["frames"] - sent, images.count - received
    assert received >= 0.6 * sent  # a machine that is busy drops some
    robot.stop_listening(images)


def test_a_camera_whose_process_dies_gives_no_frames_and_comes_back():
    sections = {"stack": {"vision": ["widow"]}, "widow": {**detector_of("red"), "cameras": ["mortal"]}}
    camera = {"mortal": {**STILL, "width_px": 160, "height_px": 120}}
    with running(sections) as robot:
        ask = "widow/get_detections_from_camera"
        with node_program("camera", camera, "-r", "__node:=mortal") as started:
            robot.reach("mortal")
            assert robot.call(GetDetectionsFromCamera, ask).success
            started.end(signal.SIGKILL)
        answer = eventually(
            lambda: (a := robot.call(GetDetectionsFromCamera, ask, max_age=-1.0, timeout=0.5)).success or a, "an answer"
        )
        answer = robot.call(GetDetectionsFromCamera, ask, max_age=-1.0, timeout=0.5)
        assert answer.error_code == ErrorCode.NO_FRAME
        assert "the last one arrived" in answer.message
        with node_program("camera", camera, "-r", "__node:=mortal"):
            eventually(lambda: robot.call(GetDetectionsFromCamera, ask, timeout=2.0).success, "frames again")


# A foreign publisher and a caller in other processes.

PUBLISHER = """
    import rclpy, sys
    from rclpy.node import Node
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from robot import image_message, painted
    from sensor_msgs.msg import Image

    padding, reliability = int(sys.argv[1]), ReliabilityPolicy[sys.argv[2]]
    rclpy.init()
    node = Node("foreign")
    publisher = node.create_publisher(Image, "foreign/image_raw", QoSProfile(depth=1, reliability=reliability))
    message = image_message(painted(130, 70, {box}), "rgb8", padding=padding, stamp=7_000_000_005, frame_id="far")
    node.create_timer(0.02, lambda: publisher.publish(message))
    rclpy.spin(node)
"""


def written(folder, text):
    path = folder / "script.py"
    path.write_text(textwrap.dedent(text).replace("{box}", repr(BOX)))
    return path


@pytest.mark.parametrize(("padding", "reliability"), [(0, "RELIABLE"), (30, "BEST_EFFORT")])
def test_boxes_in_a_foreign_camera_s_image_are_right(tmp_path, padding, reliability):
    sections = {"stack": {"vision": ["reds"]}, "reds": {**RED_DETECTOR, "cameras": ["foreign"]}}
    with program(written(tmp_path, PUBLISHER), padding, reliability), running(sections) as robot:
        answer = robot.call(GetDetectionsFromCamera, "reds/get_detections_from_camera", timeout=25.0)
        assert answer.success, answer.message
        assert boxes_of(answer.detections) == [BOX]
        assert (answer.header.stamp.sec, answer.header.stamp.nanosec, answer.header.frame_id) == (7, 5, "far")
        assert (answer.image_width, answer.image_height) == (130, 70)


CALLER = """
    import json
    import rclpy
    from rclpy.node import Node
    from rclpy.qos import QoSProfile
    from robot import boxes_of, image_message, painted
    from sensor_msgs.msg import CompressedImage
    from vision_service.image import encode
    from vision_service.srv import GetDetections

    rclpy.init()
    node = Node("caller")
    client = node.create_client(GetDetections, "reds/get_detections", qos_profile=QoSProfile(depth=100))
    assert client.wait_for_service(25)
    image = painted(130, 70, {box})
    requests = [
        GetDetections.Request(image=image_message(image, padding=30)),
        GetDetections.Request(compressed_image=CompressedImage(data=encode(image, "image/png"))),
        GetDetections.Request(),
    ]
    found = []
    for request in requests:
        while True:  # the service may not see us yet, and its first answer is lost then
            future = client.call_async(request)
            rclpy.spin_until_future_complete(node, future, timeout_sec=3)
            if future.done():
                break
        answer = future.result()
        found.append([answer.error_code, boxes_of(answer.detections)])
    print("FOUND", json.dumps(found))
"""


def test_a_caller_in_another_process_is_answered_the_same(tmp_path):
    sections = {"stack": {"vision": ["reds"]}, "reds": RED_DETECTOR}
    with running(sections), program(written(tmp_path, CALLER)) as caller:
        assert caller.result() == 0, caller.output
        found = json.loads(caller.output.partition("FOUND")[2])
    assert found == [[0, [list(BOX)]], [0, [list(BOX)]], [int(ErrorCode.INVALID_ARGUMENT), []]]


SCRIPT = """
    from vision_service.ros.client import CameraClient, VisionClient

    with VisionClient("red") as detector, CameraClient("afar") as camera:
        (found,) = detector.get_detections_from_camera("afar", timeout=25.0)
        print("FOUND", found.class_name, camera.get_image(timeout=25.0).pixels.shape)
"""


def test_a_user_s_script_needs_nothing_but_our_clients(robot, tmp_path):
    with program(written(tmp_path, SCRIPT)) as script:
        assert script.result() == 0, script.output
        assert "FOUND red (480, 640, 3)" in script.output


# Real images and models.

DETECTOR = "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
CLASSIFIER = "mobilenet_v2_1.0_224_quant.tflite"
SCORE_SPREAD = 0.1015
"""Scores of robust detections differ by up to this between resizers (expected.json, "spread")."""


def camera_of(image):
    """Return a name for the camera that sees an image of the test data."""
    return Path(image).name.replace(".", "_")


def measured(model):
    return [result for result in testdata.expected().get("results", []) if result["model"] == model]


def params(model):
    absent = pytest.param({}, marks=pytest.mark.skip("no test data: ../shared/testdata is not there"))
    return [
        pytest.param(result, id=camera_of(result["image"])) for result in measured(model) if "#" not in result["image"]
    ] or [absent]


@pytest.fixture(scope="module")
def gallery():
    """A process with a camera for every image, and both models in this process, which look at all of them."""
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    images = {param.values[0]["image"] for model in (DETECTOR, CLASSIFIER) for param in params(model)}
    cameras = {
        camera_of(image): {
            "driver": "image_file", "color_image_file_path": str(testdata.path(image)), "frame_rate": 5.0, "linger": 1.0
        }
        for image in sorted(images)
    }  # fmt: skip
    vision = {
        name: {
            "model": "mlmodel",
            "model_path": str(testdata.path(f"models/{model}")),
            "cameras": list(cameras),
            "linger": 0.0,
        }
        for name, model in (("coco", DETECTOR), ("imagenet", CLASSIFIER))
    }
    with (
        node_program("stack", {"stack": {"cameras": list(cameras)}, **cameras}),
        running({"stack": {"vision": list(vision)}, **vision}) as robot,
    ):
        for camera in cameras:
            robot.reach(camera)
        for name in vision:
            assert robot.status(name)["state"] == "active", robot.status(name)["last_error"]
        yield robot


def core_model(model):
    attributes = {"model_path": str(testdata.path(f"models/{model}"))}
    return MLModel(configure(MLModel.Config, attributes, of="the model"), LocalResources())


def ask(robot, kind, service, result, **fields):
    answer = robot.call(kind, service, camera_name=camera_of(result["image"]), timeout=20.0, **fields)
    assert answer.success, answer.message
    shown = testdata.image(result["image"])
    assert (answer.image_width, answer.image_height) == (shown.width, shown.height)
    return answer


@pytest.mark.parametrize("result", params(DETECTOR))
def test_detections_are_those_of_the_core_model_and_those_that_were_measured(gallery, result):
    answer = ask(gallery, GetDetectionsFromCamera, "coco/get_detections_from_camera", result)
    found = detections_from_message(answer.detections)
    expected = core_model(DETECTOR).detect(Frame(image=testdata.image(result["image"])))
    assert [item.class_name for item in found] == [item.class_name for item in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.confidence == other.confidence
        assert edges(one) == pytest.approx(edges(other), abs=1e-6)
    for item in result["detections_score_ge_0.3_cv2_linear"]:
        if item["robust"]:
            box = item["box_px_xmin_ymin_xmax_ymax_clipped"]
            same = max((f for f in found if f.class_name == item["label"]), key=lambda f: overlap(edges(f), box))
            assert overlap(edges(same), box) >= 0.8
            assert same.confidence == pytest.approx(item["score"], abs=SCORE_SPREAD)


def edges(item):
    return item.x_min, item.y_min, item.x_max, item.y_max


@pytest.mark.parametrize("result", params(CLASSIFIER))
def test_classifications_are_those_of_the_core_model_and_those_that_were_measured(gallery, result):
    answer = ask(gallery, GetClassificationsFromCamera, "imagenet/get_classifications_from_camera", result, count=5)
    found = classifications_from_message(answer.classifications)
    expected = core_model(CLASSIFIER).classify(Frame(image=testdata.image(result["image"])), 5)
    assert found == expected
    if result["robust_top1"]:
        low, high = result["top1_score_range"]
        assert found[0].class_name == result["top"]["cv2_linear"][0]["label"]
        assert low - 0.02 <= found[0].confidence <= high + 0.02


def test_a_real_image_and_its_results_are_captured_together(request):
    image = "images/cats_and_dogs.jpg"
    testdata.path(image)  # skips where it is absent
    gallery = request.getfixturevalue("gallery")
    answer = ask(
        gallery, CaptureAllFromCamera, "coco/capture_all_from_camera", {"image": image},
        return_image=True, return_detections=True,
    )  # fmt: skip
    assert (image_from_message(answer.image).rgb == testdata.image(image).rgb).all()
    assert "cat" in [item.class_name for item in detections_from_message(answer.detections)]
