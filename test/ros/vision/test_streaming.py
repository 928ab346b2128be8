"""What a vision node does with every frame, unasked: smoothed results, events, tracks."""

import numpy as np
import pytest
from sensor_msgs.msg import Image
from vision_msgs.msg import Classification, Detection2DArray
from vision_service.msg import LabelEvent
from vision_service.srv import GetClassificationsFromCamera

from robot import RED_DETECTOR, eventually, image_message, never, painted, running
from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.resources import LocalResources
from vision_service.ros.node import base as node_base

CLASSIFIER = {
    "model": "mlmodel",
    "model_path": "package://vision_service/models/solids_classifier.tflite",
    "cameras": ["front"],
}
WINDOW = 4


def image_of(name):
    """Return a rendered image of a solid of that shape."""
    for seed in range(100):
        frame = Synthetic(SyntheticConfig(seed=seed, objects=1), LocalResources()).read()
        if frame.extra["truth"][0].class_name == name:
            return frame.image.rgb
    raise AssertionError(name)


@pytest.fixture(scope="module")
def images():
    return {name: image_of(name) for name in ("ball", "cone")}


class Camera:
    """A foreign camera that shows what it is told to, image by image."""

    def __init__(self, robot):
        self.robot = robot
        self.publisher = robot.publisher(Image, "front/image_raw")
        self.count = 0

    def show(self, pixels):
        self.count += 1
        eventually(self.publisher.get_subscription_count, "somebody who looks")
        self.publisher.publish(image_message(pixels, stamp=self.count * 10**8 + 10**9, frame_id="lens"))


def confidences(message):
    return {result.class_id: result.score for result in message.results}


def test_classifications_are_averaged_over_the_window(images):
    with running({"stack": {"vision": ["kinds"]}, "kinds": {**CLASSIFIER, "smoothing_window": WINDOW}}) as robot:
        camera, inbox = Camera(robot), robot.listen(Classification, "kinds/classifications")
        eventually(lambda: robot.status("kinds")["streams"], "a stream")
        found = []
        for name in ["ball"] * WINDOW + ["cone"] * WINDOW:
            camera.show(images[name])
            found.append(confidences(inbox.next()))
        balls = [round(scores["ball"], 6) for scores in found]
        sure, unsure = balls[0], balls[-1]
        steps = [sure + (unsure - sure) * step / WINDOW for step in range(WINDOW + 1)]
        np.testing.assert_allclose(balls, [sure] * (WINDOW - 1) + steps, atol=1e-3)
        answer = robot.ask(GetClassificationsFromCamera, "kinds/get_classifications_from_camera", max_age=-1.0)
        eventually(lambda: robot.status("kinds")["calls"]["pending"], "the call waits")
        camera.show(images["ball"])
        assert confidences(answer.result(30).classifications)["ball"] == pytest.approx(sure, abs=1e-3), "not smoothed"


def test_an_event_tells_when_the_best_label_changes(images):
    sections = {"stack": {"vision": ["kinds"]}, "kinds": {**CLASSIFIER, "smoothing_window": 2, "event_threshold": 0.4}}
    with running(sections) as robot:
        camera, inbox = Camera(robot), robot.listen(LabelEvent, "kinds/front/events")
        eventually(lambda: robot.status("kinds")["streams"], "a stream")
        for name in ("ball", "ball", "cone", "cone", "cone"):
            camera.show(images[name])
            seen = camera.count
            eventually(lambda seen=seen: robot.status("kinds")["runs"] >= seen, "the image is looked at")
        first, second = inbox.next(), inbox.next()
        assert (first.previous, first.current, first.camera_name) == ("", "ball", "front")
        assert (second.previous, second.current) == ("ball", "cone")
        assert second.confidence > 0.6
        assert second.header.frame_id == "lens"
        assert second.header.stamp.nanosec > 3 * 10**8, "one cone is not enough: the mean decides"
        never(lambda: inbox.drain(), "an event without a change")


def test_the_camera_is_looked_at_also_while_nobody_listens():
    sections = {
        "stack": {"vision": ["plain", "eventful"]},
        "plain": CLASSIFIER,
        "eventful": {**CLASSIFIER, "event_threshold": 0.5},
    }
    with running(sections) as robot:
        eventually(lambda: robot.listeners("/front/image_raw") == 1, "one subscription")
        assert robot.status("eventful")["streams"] == ["front"]
        assert robot.status("plain")["streams"] == []


def test_tracks_are_born_and_die_as_events():
    box, other = (20, 20, 60, 60), (80, 20, 110, 60)
    sections = {
        "stack": {"vision": ["reds", "tracked"]},
        "reds": RED_DETECTOR,
        "tracked": {"model": "tracker", "detector_name": "reds", "cameras": ["front"], "min_track_persistence": 2},
    }
    with running(sections) as robot:
        camera = Camera(robot)
        events, tracks = (
            robot.listen(LabelEvent, "tracked/events"),
            robot.listen(Detection2DArray, "tracked/detections"),
        )
        eventually(lambda: robot.status("tracked")["state"] == "active", "the detector is found")
        eventually(lambda: robot.status("tracked")["streams"], "a stream")
        seen = []
        for shown in [[box]] * 3 + [[box, other]] * 3 + [[other]] * 40:
            camera.show(painted(130, 70, *shown))
            seen.append(sorted(detection.id for detection in tracks.next().detections))
        assert seen[0] == []
        assert seen[2] == ["red_1"]
        assert seen[5] == ["red_1", "red_2"]
        assert seen[-1] == ["red_2"]
        told = [(event.previous, event.current) for event in (events.next() for _ in range(3))]
        assert told == [("", "red_1"), ("", "red_2"), ("red_1", "")]


def test_a_stream_begins_and_ends_with_its_subscription_not_with_the_housekeeping(monkeypatch):
    monkeypatch.setattr(node_base, "HOUSEKEEPING_PERIOD", 3600.0)
    with running({"stack": {"vision": ["reds"]}, "reds": {**RED_DETECTOR, "cameras": ["front"]}}) as robot:
        camera = Camera(robot)
        assert robot.status("reds")["streams"] == []
        subscription = robot.node.create_subscription(Detection2DArray, "reds/detections", lambda _: None, 1)
        eventually(lambda: robot.status("reds")["streams"] == ["front"], "a stream")
        camera.show(painted(40, 30))
        robot.node.destroy_subscription(subscription)
        eventually(lambda: robot.status("reds")["streams"] == [], "no stream")
