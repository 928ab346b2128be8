"""Zones of vision nodes: what is in them, who enters, leaves and crosses, as parameters, events, counts and images."""

import json

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from vision_service.msg import LabelEvent
from vision_service.srv import DoCommand

from robot import RED_DETECTOR, eventually, image_message, painted, running
from vision_service.drawing import class_color
from vision_service.ros.client import VisionClient
from vision_service.ros.conversion import image_from_message
from vision_service.zones.counts import ZoneCounts

WIDTH, HEIGHT = 130, 70
ROOM = [50.0, 0.0, 100.0, 0.0, 100.0, 70.0, 50.0, 70.0]
GATE = [75.0, 0.0, 75.0, 70.0]
"""Seen downwards, so that its left is the image's right."""
ZONED = {
    "model": "tracker",
    "detector_name": "reds",
    "min_track_persistence": 1,
    "cameras": ["front", "back"],
    "zones": ["room", "gate"],
    "room.polygon": ROOM,
    "room.labels": ["red"],
    "gate.line": GATE,
    "gate.sides": ["shop", "street"],
}
SECTIONS = {
    "stack": {"vision": ["reds", "counter", "plain", "unzoned"]},
    "reds": RED_DETECTOR,
    "counter": ZONED,
    "plain": {**RED_DETECTOR, "cameras": ["front"], "zones": ["room"], "room.polygon": ROOM, "room.events": False},
    "unzoned": {**RED_DETECTOR, "cameras": ["front"]},
}


@pytest.fixture(scope="module")
def robot():
    with running(SECTIONS) as robot:
        eventually(lambda: robot.status("counter")["state"] == "active", "the detector is found")
        yield robot


@pytest.fixture
def counter(robot):
    """The node with its zones as they were, with nothing counted, and nobody in sight."""
    as_before = {name: value for name, value in ZONED.items() if "." in name or name == "zones"}
    assert robot.set("counter", as_before).successful
    camera = Camera(robot)
    for _ in range(20):  # frames, so that a track of the test before ends
        camera.show(step=2 * 10**8)
    robot.call(DoCommand, "counter/do_command", command=json.dumps({"command": "reset_zones"}))
    return camera


class Camera:
    """A foreign camera that shows a red box of 20×20 pixels where it is told to."""

    seconds = 1.0

    def __init__(self, robot):
        self.robot = robot
        self.publisher = robot.publisher(Image, "front/image_raw")
        eventually(lambda: self.publisher.get_subscription_count() >= 2, "both nodes look")

    def show(self, *lefts, step=10**8, size=(WIDTH, HEIGHT)):
        """Show boxes with these left edges, and wait until the node has looked at it."""
        Camera.seconds += step / 1e9
        runs = self.robot.status("counter")["runs"]
        boxes = [(left, 20, left + 20, 40) for left in lefts]
        stamp = round(Camera.seconds * 1e9)
        self.publisher.publish(image_message(painted(*size, *boxes), stamp=stamp, frame_id="lens"))
        eventually(lambda: self.robot.status("counter")["runs"] > runs, "the image is looked at")


def zones(robot, name="counter"):
    """Return what get_status says of a node's zones, but for their places."""
    told = robot.status(name)["zones"]
    return {zone: {key: value for key, value in counts.items() if key != "place"} for zone, counts in told.items()}


def test_who_enters_crosses_and_leaves_is_told_and_counted(robot, counter):
    inbox = robot.listen(LabelEvent, "counter/front/events")
    eventually(lambda: robot.nodes["counter"]._streams._outputs["front"].subscribed(), "a listener")
    for left in (20, 30, 50, 70, 84, 100):
        counter.show(left)
    events = [inbox.next() for _ in range(4)]
    track = events[0].current
    told = [(event.previous, event.current) for event in events]
    assert told == [
        ("", track),
        ("", f"{track}@room"),
        (f"{track}@gate:street", f"{track}@gate:shop"),
        (f"{track}@room", ""),
    ]
    assert {event.camera_name for event in events} == {"front"}
    assert events[2].header.frame_id == "lens"
    assert events[2].confidence == 1.0
    assert zones(robot) == {
        "room": {"camera": "front", "inside": {}, "entered": {"red": 1}, "left": {"red": 1}},
        "gate": {"camera": "front", "crossed_to": {"shop": {"red": 1}, "street": {}}},
    }
    with VisionClient("counter") as client:
        found = client.get_zones()
    assert found["gate"] == ZoneCounts(
        "front", crossed_to={"shop": {"red": 1}, "street": {}}, points=((75.0, 0.0), (75.0, 70.0))
    )
    assert found["room"].points == tuple(zip(ROOM[::2], ROOM[1::2], strict=True))
    robot.stop_listening(inbox)


def test_whose_track_ends_in_a_zone_has_left_it(robot, counter):
    counter.show(60)
    assert zones(robot)["room"]["inside"] == {"red": 1}
    for _ in range(15):
        counter.show()
    assert zones(robot)["room"] == {"camera": "front", "inside": {}, "entered": {"red": 1}, "left": {"red": 1}}


def test_without_tracks_it_counts_what_is_inside(robot, counter):
    counter.show(10, 55, 78)
    eventually(lambda: zones(robot, "plain") == {"room": {"camera": "front", "inside": {"red": 2}}}, "two are counted")


def test_who_has_no_zones_says_nothing_of_them_and_sees_no_frames_for_them(robot):
    status = robot.status("unzoned")
    assert "zones" not in status
    assert status["streams"] == []
    assert robot.status("plain")["streams"] == ["front"]
    with VisionClient("unzoned") as client:
        assert client.get_zones() == {}


def test_counts_begin_anew_on_command(robot, counter):
    counter.show(60)
    help_ = json.loads(robot.call(DoCommand, "counter/do_command", command='{"command": "help"}').result)
    assert {"help", "tracks", "reset_zones"} <= set(help_["commands"])
    assert robot.call(DoCommand, "counter/do_command", command='{"command": "reset_zones"}').success
    assert zones(robot)["room"]["entered"] == {}


def test_annotated_images_show_zones_and_counts(robot, counter):
    inbox = robot.listen(Image, "counter/front/image_annotated")
    eventually(lambda: robot.nodes["counter"]._streams._outputs["front"].subscribed(), "a listener")
    counter.show(60)
    shown = image_from_message(inbox.next()).rgb
    border = shown[30:60, 50].astype(int)
    assert np.abs(border - class_color("room")).max(axis=-1).mean() < 60, "the left edge of the room"
    robot.stop_listening(inbox)


# Live changes.


def test_zones_are_set_while_the_node_runs(robot, counter):
    assert robot.set("counter", {"room.polygon": [0.0, 0.0, 40.0, 0.0, 40.0, 70.0, 0.0, 70.0]}).successful
    counter.show(10)
    assert zones(robot)["room"]["inside"] == {"red": 1}
    corner = {"zones": ["room", "corner"], "corner.polygon": [0.0, 0.0, 9.0, 0.0, 9.0, 9.0], "corner.camera": "back"}
    assert robot.set("counter", corner).successful
    told = zones(robot)
    assert list(told) == ["room", "corner"]
    assert told["room"]["inside"] == {"red": 1}, "what stays goes on counting"
    assert told["corner"]["camera"] == "back"
    assert robot.set("counter", {"zones": []}).successful
    assert "zones" not in robot.status("counter")


def test_a_zone_may_be_set_parameter_by_parameter(robot, counter):
    assert robot.set("counter", {"zones": ["room", "attic"]}).successful
    assert "'attic': neither a polygon nor a line is given" in robot.problem("counter", "attic")
    assert robot.set("counter", {"attic.polygon": ROOM}).successful
    assert robot.problem("counter", "attic") == ""
    assert "attic" in zones(robot)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"room.polygon": [0.0, 0.0, 9.0, 9.0]}, "at least 3 points"),
        ({"room.polygon": [0.0, 0.0, 9.0, 9.0, 9.0, 0.0, 0.0, 9.0]}, "meets itself"),
        ({"room.camera": "frnt"}, "no camera 'frnt': did you mean 'front'?"),
        ({"room.labels": ["rad"]}, "the model never gives 'rad': did you mean 'red'?"),
        ({"room.poligon": ROOM}, "did you mean 'room.polygon'"),
        ({"zones": ["room", "front"]}, "the name of a camera already"),
        ({"zones": ["room", "attic"], "attic.poligon": ROOM}, "did you mean"),
        ({"zones": ["room", "attic"], "attic.polygon": ROOM[:5]}, "5 numbers"),
        ({"zones": ["room", "model"]}, "the name of a parameter already"),
        ({"room.minimum_share": 2.0}, "minimum_share"),
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(robot, counter, values, words):
    before = zones(robot)
    answer = robot.set("counter", values)
    assert not answer.successful
    assert words in answer.reason
    assert zones(robot) == before
    assert not robot.nodes["counter"].has_parameter("attic.polygon")


def test_a_dump_may_name_what_is_below_a_zone_before_the_zones(robot):
    parameters = {"attic.events": False, "attic.polygon": ROOM, "zones": ["attic", "room"]}  # as ros2 param dump has it
    messages = [Parameter(name, value=value).to_parameter_msg() for name, value in parameters.items()]
    try:
        results = robot.call(SetParameters, "plain/set_parameters", parameters=messages).results
        assert [(each.successful, each.reason) for each in results] == [(True, "")] * 3
        assert "attic" in zones(robot, "plain")
    finally:
        assert robot.set("plain", {"zones": ["room"]}).successful
    assert not robot.nodes["plain"].has_parameter("attic.polygon")


def test_a_zone_without_a_place_is_said_again_when_the_node_is_active_again(robot):
    assert robot.set("plain", {"zones": ["room", "cellar"]}).successful
    try:
        for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_ACTIVATE):
            assert robot.call(ChangeState, "plain/change_state", transition=Transition(id=transition)).success
        assert "zone 'cellar': neither a polygon" in robot.problem("plain", "cellar")
    finally:
        assert robot.set("plain", {"zones": ["room"]}).successful
    assert robot.problem("plain", "cellar") == ""


def test_a_place_that_was_wrong_is_right_at_once_when_it_is_set_right(robot, counter):
    assert robot.set("counter", {"room.polygon": [50.0, 0.0, 500.0, 0.0, 50.0, 70.0]}).successful
    assert "room" in robot.problem("counter", "reaches beyond")
    assert robot.set("counter", {"room.polygon": ROOM}).successful
    assert robot.problem("counter", "reaches beyond") == ""


def test_parameters_of_zones_go_with_them_before_the_node_is_configured():
    sections = {"stack": {"vision": ["lone"]}, "lone": {**RED_DETECTOR, "cameras": ["front"], "autostart": False}}
    with running(sections) as robot:
        for names in (["attic"], ["room"], []):
            assert robot.set("lone", {"zones": names}).successful
            assert robot.nodes["lone"].has_parameter("attic.polygon") == ("attic" in names)


def test_a_zone_outside_of_the_image_is_said_once_and_until_it_is_inside(robot, counter):
    counter.show(size=(90, 60))
    assert "which have 90×60 pixels: (100, 0), (100, 70)" in robot.problem("counter", "reaches beyond")
    counter.show()
    assert robot.problem("counter", "reaches beyond") == ""


def test_what_needs_tracks_is_refused_without_with_a_way_out(robot):
    answer = robot.set("plain", {"room.events": True})
    assert not answer.successful
    assert "'model: tracker'" in answer.reason
    assert "'room.events: false'" in answer.reason
    answer = robot.set("plain", {"zones": ["gate"], "gate.line": GATE})
    assert "who crosses a line" in answer.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"room.polygon": ROOM[:4]}, "at least 3 points"),
        ({"zones": ["room", "attic"]}, "'attic': neither a polygon nor a line"),
        ({"room.labels": ["rde"]}, "did you mean 'red'"),
        ({"zones": ["detector_name"]}, "an attribute of the model already"),
    ],
)
def test_a_node_with_wrong_zones_is_not_configured_until_they_are_set_right(changes, words):
    sections = {"stack": {"vision": ["reds", "counter"]}, "reds": RED_DETECTOR, "counter": {**ZONED, **changes}}
    with running(sections) as robot:
        eventually(lambda: words in robot.status("counter")["last_error"], "the reason")
        assert robot.set("counter", {name: ZONED.get(name, ["red"]) for name in changes}).successful
        eventually(lambda: robot.status("counter")["state"] == "active", "it works")
