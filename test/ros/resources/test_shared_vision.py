"""Vision services that build on others: in one process by reference, else over ROS."""

import itertools
import signal
import threading

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray
from vision_service.srv import GetDetections, GetDetectionsFromCamera, GetImage, GetVisionProperties

import testdata
from robot import PATIENCE, RED_DETECTOR, boxes_of, eventually, image_message, node_program, painted, running
from vision_service.errors import ErrorCode

BOX = (70, 20, 95, 60)
IMAGE = image_message(painted(130, 70, BOX))
VIEW = {"driver": "synthetic", "seed": 11, "width_px": 320, "height_px": 240}
REDS = {**RED_DETECTOR, "cameras": ["view"]}


def tracker(detector, **parameters):
    return {"model": "tracker", "detector_name": detector, "cameras": ["view"], **parameters}


def is_active(robot, node):
    eventually(lambda: robot.status(node)["state"] == "active", f"{node} is active")


def last_error(robot, node, *words):
    """Wait until a node's last error has some words in it, and return it."""
    return eventually(
        lambda: (error := robot.status(node)["last_error"]) and all(word in error for word in words) and error,
        f"an error of {node} with {words}",
    )


@pytest.fixture
def robot():
    """A tracker that stands before its detector in the file, so that it has to wait for it."""
    sections = {
        "stack": {"cameras": ["view"], "vision": ["tracked", "reds"]},
        "view": VIEW,
        "reds": REDS,
        "tracked": tracker("reds", min_track_persistence=1),
    }
    with running(sections) as robot:
        yield robot


def test_a_service_is_started_after_the_one_it_builds_on_wherever_it_stands(robot):
    is_active(robot, "tracked")
    assert robot.call(GetVisionProperties, "tracked/get_properties").detections_supported
    assert robot.status("tracked")["uses"] == ["/reds"]


def test_both_share_one_run_of_a_frame(robot):
    inboxes = [robot.listen(Detection2DArray, f"{node}/detections") for node in ("reds", "tracked")]
    stamps = [set(), set()]

    def have_seen_twenty_together():
        for inbox, seen in zip(inboxes, stamps, strict=True):
            seen |= {(message.header.stamp.sec, message.header.stamp.nanosec) for message in inbox.drain()}
        return len(stamps[0] & stamps[1]) >= 20

    eventually(have_seen_twenty_together, "results of the same frames")
    runs = {node: robot.status(node)["runs"] for node in ("reds", "tracked")}
    assert runs["reds"] <= len(stamps[0] | stamps[1]) + 20, "a run for each frame, not for each who asks"


def test_ids_stay_with_what_is_seen_also_for_callers(robot):
    inbox = robot.listen(Detection2DArray, "tracked/detections")

    def ids_of_the_stream():
        return {detection.id for message in inbox.drain() for detection in message.detections}

    streamed = eventually(ids_of_the_stream, "tracks")
    called = robot.call(GetDetectionsFromCamera, "tracked/get_detections_from_camera").detections.detections
    assert {detection.id for detection in called} & (streamed | ids_of_the_stream())
    assert all(streamed)


def test_given_images_are_answered_as_the_detector_does(robot):
    answers = [robot.call(GetDetections, f"{node}/get_detections", image=IMAGE) for node in ("reds", "tracked")]
    assert [boxes_of(answer.detections) for answer in answers] == [[BOX], [BOX]]
    assert [detection.id for detection in answers[1].detections.detections] == [""]


def test_one_that_is_deactivated_is_the_error_of_those_who_build_on_it(robot):
    robot.nodes["reds"].trigger_deactivate()
    answer = robot.call(GetDetections, "tracked/get_detections", image=IMAGE)
    assert answer.error_code == ErrorCode.NOT_ACTIVE
    assert "'reds' is inactive" in answer.message
    robot.nodes["reds"].trigger_activate()
    assert robot.call(GetDetections, "tracked/get_detections", image=IMAGE).success


def test_one_that_takes_too_long_is_the_error_of_those_who_build_on_it():
    sections = {"stack": {"vision": ["reds", "tracked"]}, "reds": RED_DETECTOR, "tracked": tracker("reds")}
    sections["tracked"] |= {"resource_timeout": 0.2, "cameras": []}
    with running(sections) as robot:
        is_active(robot, "tracked")
        gate = threading.Event()
        robot.nodes["reds"].inference.do(lambda _: gate.wait(PATIENCE))
        answer = robot.call(GetDetections, "tracked/get_detections", image=IMAGE, timeout=PATIENCE)
        assert answer.error_code == ErrorCode.DEADLINE_EXCEEDED
        assert "'reds' did not answer within 0.2 s (resource_timeout)" in answer.message
        assert robot.set("tracked", {"resource_timeout": PATIENCE}).successful
        patient = robot.ask(GetDetections, "tracked/get_detections", image=IMAGE, timeout=PATIENCE)
        gate.set()
        assert patient.result(PATIENCE).success


def test_one_that_is_configured_anew_is_followed(robot):
    assert robot.set("reds", {"label": "ruby"}).successful
    answer = robot.call(GetDetections, "tracked/get_detections", image=IMAGE)
    assert [found.results[0].hypothesis.class_id for found in answer.detections.detections] == ["ruby"]


def test_another_detector_is_taken_when_its_name_is_set():
    sections = {
        "stack": {"vision": ["reds", "blues", "tracked"]},
        "reds": RED_DETECTOR,
        "blues": {**RED_DETECTOR, "detect_color": "#0000FF"},
        "tracked": tracker("reds"),
    }
    with running(sections) as robot:
        is_active(robot, "tracked")
        assert robot.set("tracked", {"detector_name": "blues"}).successful
        answer = robot.call(GetDetections, "tracked/get_detections", image=IMAGE)
        assert (answer.success, boxes_of(answer.detections)) == (True, [])
        assert robot.status("tracked")["uses"] == ["/blues"]
        refused = robot.set("tracked", {"detector_name": "green"})
        assert not refused.successful
        assert "no vision service 'green': no node /green is here" in refused.reason
        refused = robot.set("tracked", {"detector_name": "red"})
        assert refused.reason.endswith("name it in 'vision', or did you mean 'reds'?")
        assert robot.status("tracked")["uses"] == ["/blues"]
        assert robot.set("tracked", {"detector_name": "reds"}).successful


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"model": "tracker", "detector_name": ""}, "the name of a camera or vision service is empty"),
        ({"model": "tracker", "detector_name": " "}, "the name of a camera or vision service is empty"),
        (
            {"model": "tracker", "detector_name": "a b"},
            "'a b' cannot be the name of a camera or vision service: topic name",
        ),
        ({"model": "detections_to_segments", "detector_name": "/"}, "'/' cannot be the name"),
        ({"model": "mlmodel", "mlmodel_name": "a//b"}, "'a//b' cannot be the name of an ML model"),
    ],
)
def test_a_name_that_no_node_can_have_is_an_error_message(parameters, words, capfd):
    with running({"stack": {"vision": ["asks"]}, "asks": parameters}) as robot:
        status = robot.status("asks")
    assert status["state"] == "unconfigured"
    assert words in status["last_error"]
    assert "Traceback" not in capfd.readouterr().err


def test_the_names_of_those_that_need_each_other_are_told():
    sections = {
        "stack": {"vision": ["one", "two", "three", "itself"]},
        "one": tracker("two"),
        "two": tracker("three"),
        "three": tracker("one"),
        "itself": tracker("itself"),
    }
    with running(sections) as robot:
        assert "/one -> /two -> /three -> /one" in last_error(robot, "one", "dependency cycle")
        assert "/itself -> /itself" in last_error(robot, "itself", "dependency cycle")


def test_a_service_that_cannot_do_what_is_needed_is_refused():
    sections = {
        "stack": {"vision": ["solids", "tracked"]},
        "solids": {"model": "mlmodel", "model_path": "package://vision_service/models/solids_classifier.tflite"},
        "tracked": tracker("solids"),
    }
    with running(sections) as robot:
        last_error(robot, "tracked", "'solids' is no detector: it cannot detect or label")


def test_a_model_that_only_labels_pixels_makes_segments_but_no_tracks():
    path = testdata.path("models/deeplabv3_mnv2_dm05_pascal_quant.tflite")
    sections = {
        "stack": {"vision": ["pixels", "segmenter", "tracked"]},
        "pixels": {"model": "mlmodel", "model_path": str(path)},
        "segmenter": {"model": "detections_to_segments", "detector_name": "pixels"},
        "tracked": tracker("pixels"),
    }
    with running(sections) as robot:
        is_active(robot, "segmenter")
        last_error(robot, "tracked", "'pixels' is no detector: it cannot detect")


@pytest.fixture
def apart():
    """A detector in another process, and here a tracker that builds on it."""
    sections = {"stack": {"vision": ["reds"]}, "reds": RED_DETECTOR}
    here = {"stack": {"cameras": ["view"], "vision": ["tracked"]}, "view": VIEW, "tracked": tracker("reds")}
    with node_program("stack", sections) as there, running(here) as robot:
        is_active(robot, "tracked")
        yield robot, there


def test_a_service_of_another_process_is_called(apart):
    robot, there = apart
    answer = robot.call(GetDetections, "tracked/get_detections", image=IMAGE)
    assert boxes_of(answer.detections) == [BOX]
    assert robot.call(GetVisionProperties, "tracked/get_properties").labels == ["red"]
    inbox = robot.listen(Detection2DArray, "tracked/detections")
    eventually(lambda: any(message.detections for message in inbox.drain()), "tracks of a camera")
    there.end()
    answer = robot.call(GetDetections, "tracked/get_detections", image=IMAGE, timeout=20.0)
    assert answer.error_code == ErrorCode.UNKNOWN_RESOURCE, answer.message
    assert "no service /reds/get_detections" in answer.message


def test_a_dependency_cycle_through_another_process_is_refused():
    sections = {"stack": {"vision": ["there"]}, "there": tracker("here")}
    here = {"stack": {"vision": ["here"]}, "here": tracker("there")}
    with node_program("stack", sections) as program, running(here) as robot:
        found = eventually(
            lambda: [
                text for text in (robot.status("here")["last_error"], program.output) if "dependency cycle" in text
            ],
            "the cycle is told",
        )
        assert "/here -> /there -> /here" in found[0] or "/there -> /here -> /there" in found[0]


def test_nobody_is_held_up_while_a_service_elsewhere_does_not_answer(apart):
    """Its process is stopped, not gone: calls of it hang."""
    robot, there = apart
    there.process.send_signal(signal.SIGSTOP)
    try:
        node = robot.nodes["tracked"]
        robot.call(ChangeState, "tracked/change_state", transition=Transition(id=Transition.TRANSITION_DEACTIVATE))
        robot.call(ChangeState, "tracked/change_state", transition=Transition(id=Transition.TRANSITION_CLEANUP))
        node.trigger_configure()
        assert "'reds' cannot be used: it has not answered yet" in node.last_error
        answers = [robot.call(GetImage, "view/get_image", max_age=-1.0) for _ in range(5)]
        assert all(answer.success for answer in answers)
    finally:
        there.process.send_signal(signal.SIGCONT)
    is_active(robot, "tracked")


@pytest.mark.parametrize("seconds", [0, 7], ids=["0", "constant"])
def test_a_camera_whose_stamps_stand_still_is_tracked_by_arrival_and_that_is_said(seconds):
    sections = {
        "stack": {"vision": ["reds", "tracked"]},
        "reds": REDS,
        "tracked": tracker("reds", min_track_persistence=2),
    }
    places = itertools.count()

    def moving():
        left = 10 + 2 * (next(places) % 30)
        message = image_message(painted(130, 70, (left, 20, left + 30, 60)))
        message.header.stamp.sec = seconds
        return message

    with running(sections) as robot:
        is_active(robot, "tracked")
        robot.repeat(robot.publisher(Image, "view/image_raw"), moving, rate=20.0)
        problem = eventually(lambda: robot.problem("tracked", "by when its frames arrive"), "a problem")
        assert ("are 0" if seconds == 0 else "stand still at 7.000 s") in problem
        inbox, ids = robot.listen(Detection2DArray, "tracked/detections"), {}
        while len(ids) < 10:  # each place is followed, not the first one answered again
            ids |= {boxes_of(message)[0]: item.id for message in [inbox.next()] for item in message.detections}
        assert all(name.startswith("red_") for name in ids.values())
