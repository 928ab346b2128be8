"""Many callers at once: all are answered, and those who wait do not hold up the others."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray
from vision_service.srv import (
    GetClassificationsFromCamera,
    GetDetections,
    GetDetectionsFromCamera,
    GetImage,
    GetVisionProperties,
)

from robot import PATIENCE, RED_DETECTOR, Peer, boxes_of, eventually, image_message, painted, running
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.client import CameraClient, VisionClient

pytestmark = pytest.mark.executor

CLIENTS = 32
CALLS = 5
BOX = (70, 20, 95, 60)
IMAGE = image_message(painted(130, 70, BOX))
FROM_CAMERA = "crowded/get_detections_from_camera"


@pytest.fixture
def robot():
    """A camera of this process, one that never sends, and a vision node that looks at both."""
    sections = {
        "stack": {"cameras": ["view"], "vision": ["crowded"]},
        "view": {"driver": "synthetic", "width_px": 320, "height_px": 240},
        "crowded": {**RED_DETECTOR, "cameras": ["view", "silent"]},
    }
    with running(sections) as robot:
        yield robot


@pytest.fixture
def peers(robot):
    """Nodes of many users, each with an executor of its own."""
    peers = [Peer(robot.context) for _ in range(CLIENTS)]
    yield peers
    for peer in peers:
        peer.close()


def send_from_silent(robot):
    """Let the silent camera send after all."""
    publisher = robot.publisher(Image, "silent/image_raw")
    return robot.repeat(publisher, lambda: IMAGE)


def waiting(robot, count):
    eventually(lambda: robot.status("crowded")["calls"]["pending"] == count, f"{count} calls that wait")


def codes(answers):
    return [answer.result(PATIENCE).error_code for answer in answers]


def test_two_who_wait_for_a_camera_that_never_sends_do_not_disturb_thirty_others(robot, peers):
    patient = peers[0].ask(GetDetectionsFromCamera, FROM_CAMERA, camera_name="silent", timeout=1000.0)
    impatient = peers[1].ask(GetDetectionsFromCamera, FROM_CAMERA, camera_name="silent", timeout=0.5)
    unknown = peers[1].ask(GetDetectionsFromCamera, FROM_CAMERA, camera_name="nobody", timeout=1000.0)
    for max_age in (-1.0, 0.0, 1000.0, -1.0, 0.0):
        answers = [peer.ask(GetDetectionsFromCamera, FROM_CAMERA, max_age=max_age) for peer in peers[2:]]
        assert codes(answers) == [ErrorCode.OK] * (CLIENTS - 2)
    assert not patient.done()
    assert codes([impatient, unknown]) == [ErrorCode.NO_FRAME, ErrorCode.UNKNOWN_CAMERA]
    assert "'silent' within 0.5 s: none has arrived yet" in impatient.result().message
    send_from_silent(robot)
    assert boxes_of(patient.result(PATIENCE).detections) == [BOX]


def test_a_burst_of_one_client_is_answered_completely(robot):
    """With rclpy's default depth, 10, the rest of the answers would be lost; clients have to ask for more."""
    answers = [robot.ask(GetDetectionsFromCamera, FROM_CAMERA) for _ in range(60)]
    assert codes(answers) == [ErrorCode.OK] * 60


def test_every_caller_gets_the_answer_to_his_own_question(robot, peers):
    def ask(number):
        box = (10 + number, 5 + number, 40 + number, 30)
        pixels = painted(200 + number, 90, box)
        answer = peers[number].ask(GetDetections, "crowded/get_detections", image=image_message(pixels, stamp=number))
        return number, box, answer

    for number, box, answer in [ask(number) for number in range(20) for _ in range(3)]:
        response = answer.result(PATIENCE)
        assert boxes_of(response.detections) == [box]
        assert (response.image_width, response.header.stamp.nanosec) == (200 + number, number)


def test_bad_requests_among_good_ones_are_told_apart(robot, peers):
    requests = [
        (ErrorCode.OK, {"image": IMAGE}),
        (ErrorCode.INVALID_ARGUMENT, {}),
        (ErrorCode.INVALID_ARGUMENT, {"image": IMAGE, "extra": "[]"}),
        (ErrorCode.INVALID_ARGUMENT, {"image": IMAGE, "timeout": -1.0}),
        (ErrorCode.OK, {"image": IMAGE, "timeout": 20.0}),
    ]
    expected, asked = zip(*(requests[number % len(requests)] for number in range(60)), strict=True)
    answers = [
        peers[number % CLIENTS].ask(GetDetections, "crowded/get_detections", **fields)
        for number, fields in enumerate(asked)
    ]
    assert codes(answers) == list(expected)


def test_who_comes_when_too_many_wait_is_told_so_at_once(robot):
    assert robot.set("crowded", {"max_pending_calls": 3}).successful
    patient = [robot.ask(GetDetectionsFromCamera, FROM_CAMERA, camera_name="silent", timeout=1000.0) for _ in range(3)]
    waiting(robot, 3)
    answer = robot.call(GetDetectionsFromCamera, FROM_CAMERA)
    assert answer.error_code == ErrorCode.OVERLOADED
    assert "3 calls wait already (max_pending_calls)" in answer.message
    assert robot.call(GetVisionProperties, "crowded/get_properties").success
    assert not any(answer.done() for answer in patient)
    send_from_silent(robot)
    assert codes(patient) == [ErrorCode.OK] * 3
    assert robot.call(GetDetectionsFromCamera, FROM_CAMERA).success


def test_a_stream_goes_on_while_many_call(robot, peers):
    inbox = robot.listen(Detection2DArray, "crowded/detections")
    inbox.next()
    for _ in range(CALLS):
        answers = [peer.ask(GetDetectionsFromCamera, FROM_CAMERA, max_age=-1.0) for peer in peers]
        assert codes(answers) == [ErrorCode.OK] * CLIENTS
    inbox.drain()
    inbox.next()


def test_many_ask_a_camera_for_images(robot, peers):
    for mime_type in ("", "image/jpeg", "image/png", "image/webp"):
        answers = [peer.ask(GetImage, "view/get_image", mime_type=mime_type) for peer in peers]
        expected = ErrorCode.NOT_SUPPORTED if mime_type == "image/webp" else ErrorCode.OK
        assert codes(answers) == [expected] * CLIENTS


def test_our_clients_may_be_shared_by_threads(robot):
    with VisionClient("crowded", robot.node) as vision, CameraClient("view", robot.node) as camera:
        start = threading.Barrier(CLIENTS)

        def ask(number):
            start.wait(PATIENCE)
            if number == 0:
                with pytest.raises(VisionError) as raised:
                    vision.get_detections_from_camera("silent", timeout=0.5)
                return raised.value.code
            if number == 1:
                with pytest.raises(VisionError) as raised:
                    vision.get_detections_from_camera("nobody")
                return raised.value.code
            for _ in range(CALLS):
                assert vision.get_detections(IMAGE)[0].x_min == BOX[0]
                assert camera.get_image().pixels.shape == (240, 320, 3)
            return ErrorCode.OK

        with ThreadPoolExecutor(CLIENTS) as pool:
            found = list(pool.map(ask, range(CLIENTS)))
    assert found == [ErrorCode.NO_FRAME, ErrorCode.UNKNOWN_CAMERA] + [ErrorCode.OK] * (CLIENTS - 2)


def test_a_burst_that_no_queue_of_a_hundred_would_hold_is_answered_too(robot):
    with VisionClient("crowded", robot.node) as vision:
        vision.get_status()
        answers = [vision.get_status_async() for _ in range(500)]
        assert [answer.result(PATIENCE)["state"] for answer in answers] == ["active"] * 500


# Three models and four cameras, one of them dead, one slow.

FLEET = {
    "stack": {"cameras": ["left", "right"], "vision": ["solids", "kinds", "reds"]},
    "left": {"driver": "synthetic", "seed": 11, "width_px": 320, "height_px": 240},
    "right": {"driver": "synthetic", "seed": 12, "width_px": 320, "height_px": 240},
    "solids": {"model": "mlmodel", "model_path": "package://vision_service/models/solids_detector.tflite"},
    "kinds": {"model": "mlmodel", "model_path": "package://vision_service/models/solids_classifier.tflite"},
    "reds": RED_DETECTOR,
}
CAMERAS = ["left", "right", "slow", "dead"]
SLOW_RATE = 2.0


@pytest.fixture
def fleet():
    """All models look at all cameras; the slow one is a foreign node's."""
    cameras = {"cameras": CAMERAS}
    with running(
        {name: {**values, **(cameras if "model" in values else {})} for name, values in FLEET.items()}
    ) as robot:
        publisher = robot.publisher(Image, "slow/image_raw")
        robot.repeat(publisher, lambda: IMAGE, SLOW_RATE)
        yield robot


def test_callers_of_live_cameras_are_undisturbed_by_a_dead_and_a_slow_one(fleet):
    callers = [Peer(fleet.context) for _ in range(CLIENTS)]
    services = {
        "solids": (GetDetectionsFromCamera, "get_detections_from_camera"),
        "kinds": (GetClassificationsFromCamera, "get_classifications_from_camera"),
        "reds": (GetDetectionsFromCamera, "get_detections_from_camera"),
    }

    def ask(number, camera, timeout):
        node = list(services)[number % 3]
        kind, method = services[node]
        return callers[number].ask(kind, f"{node}/{method}", camera_name=camera, timeout=timeout, max_age=-1.0)

    try:
        patient = [ask(number, "dead", 1000.0) for number in range(3)]
        for _ in range(CALLS):
            asked = [(CAMERAS[number % 4], number) for number in range(3, CLIENTS)]
            answers = [(camera, ask(number, camera, 0.5 if camera == "dead" else 20.0)) for camera, number in asked]
            for camera, answer in answers:
                response = answer.result(PATIENCE)
                expected = ErrorCode.NO_FRAME if camera == "dead" else ErrorCode.OK
                assert response.error_code == expected, response.message
                assert response.camera_name == ("" if camera == "dead" else camera)
                assert response.image_width == {"dead": 0, "slow": 130}.get(camera, 320)
        assert not any(answer.done() for answer in patient)
        publisher = fleet.publisher(Image, "dead/image_raw")
        fleet.repeat(publisher, lambda: IMAGE)
        assert codes(patient) == [ErrorCode.OK] * 3
    finally:
        for caller in callers:
            caller.close()


def test_one_model_streams_from_all_cameras_in_turn(fleet):
    """Also when it is slower than they are: none is put off for ever."""
    inboxes = {name: fleet.listen(Detection2DArray, f"solids/{name}/detections") for name in CAMERAS[:3]}
    for _ in range(3):
        for inbox in inboxes.values():
            inbox.next()
    default = fleet.listen(Detection2DArray, "solids/detections")
    assert default.next().header.frame_id == "left_optical_frame"
    fleet.stop_listening(inboxes["right"])
    eventually(lambda: fleet.status("solids")["streams"] == ["left", "slow"], "the stream of nobody ends")
