"""What cameras publish, as a subscriber sees it, over real DDS."""

import time

import pytest
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Header

from robot import eventually
from vision_service.camera.topics import CameraTopics
from vision_service.findings import NOTE
from vision_service.ros.calling.caller import Caller
from vision_service.ros.checks.streams import Seen, judge, unlike, unpublished, wanted_topics, watch

CAMERA = {"front": CameraTopics().named("front")}


def resolve(topic):
    return f"/{topic}"


def stamped(offset=0.0, frame_id="lens", kind=Image, **fields):
    """Return a message of now, or so many seconds later."""
    message = kind(header=Header(frame_id=frame_id), **fields)
    now = time.time() + offset
    message.header.stamp.sec, message.header.stamp.nanosec = int(now), int(now % 1 * 1e9)
    return message


def seen(*messages):
    found = Seen()
    for message in messages:
        found.take(message)
    return found


def findings(*messages, simulated=False, recordings=()):
    return judge({"/front/image": seen(*messages)}, seconds=1.0, simulated=simulated, recordings=recordings)


class TestTopicsThatNobodyPublishes:
    @pytest.fixture
    def caller(self, peer):
        caller = Caller(peer.node)
        yield caller
        caller.close()

    def found(self, caller, cameras=CAMERA, known=()):
        return unpublished(caller.node, wanted_topics("/reds", cameras, resolve), known)

    def test_a_camera_without_any_is_named_with_what_is_published(self, caller, peer):
        peer.publisher(Image, "/usb/image")
        eventually(lambda: caller.node.count_publishers("/usb/image"), "the other one")
        (finding,) = self.found(caller)
        assert (finding.kind, finding.where) == ("topic", "/front/image_raw")
        assert finding.advice == "start the camera, or set front.image of /reds to /usb/image"

    def test_what_a_vision_node_publishes_is_no_camera(self, caller, peer):
        peer.publisher(Image, "/reds/back/image_annotated")
        eventually(lambda: caller.node.count_publishers("/reds/back/image_annotated"), "it")
        (finding,) = self.found(caller)
        assert finding.advice == "start the camera, or set front.image of /reds to its topic (ros2 topic list)"

    def test_a_misspelt_camera_node_is_named(self, caller):
        (finding,) = self.found(caller, known=["font", "back"])
        assert finding.what.endswith("of camera 'front' of /reds: did you mean 'font'?")
        (finding,) = self.found(caller, known=["front", "font"])
        assert finding.what.endswith("of /reds")

    def test_another_transport_is_named(self, caller, peer):
        peer.publisher(CompressedImage, "/front/image_raw/compressed")
        eventually(lambda: caller.node.count_publishers("/front/image_raw/compressed"), "it")
        assert "transport" in self.found(caller)[0].what

    @pytest.mark.parametrize(
        ("topic", "kind"), [("image_raw", Image), ("depth/image_raw", Image), ("points", PointCloud2)]
    )
    def test_one_that_brings_frames_is_enough(self, caller, peer, topic, kind):
        peer.publisher(kind, f"/front/{topic}")
        eventually(lambda: self.found(caller) == [], "it is found")

    def test_a_calibration_alone_is_not(self, caller, peer):
        peer.publisher(CameraInfo, "/front/camera_info")
        eventually(lambda: caller.node.count_publishers("/front/camera_info"), "it")
        assert self.found(caller)

    def test_another_type_is_said(self, caller, peer):
        peer.publisher(CompressedImage, "/front/image_raw")
        (finding,) = eventually(
            lambda: [each for each in self.found(caller) if "CompressedImage" in each.what], "its type"
        )
        assert "camera 'front' of /reds" in finding.what


def test_what_comes_is_watched_until_enough_is_known(peer):
    publisher = peer.publisher(Image, "/front/image_raw")
    timer = peer.node.create_timer(0.02, lambda: publisher.publish(stamped(width=6, height=4)))
    caller = Caller(peer.node)
    try:
        eventually(lambda: caller.node.count_publishers("/front/image_raw"), "the publisher")
        found = watch(caller.node, ["/front/image_raw", "/nowhere"], 30.0)
        assert list(found) == ["/front/image_raw"]
        told = found["/front/image_raw"].to_json()
        assert told["messages"] >= 10
        assert told["rate"] > 1
        assert (told["frame_ids"], told["sizes"]) == (["lens"], ["6x4"])
        assert judge(found, seconds=30.0, simulated=False) == []
    finally:
        timer.destroy()
        caller.close()


class TestWhatIsWrongWithAStream:
    def test_of_messages_of_now_in_one_frame_nothing_is(self):
        assert findings(stamped(), stamped()) == []

    def test_silence(self):
        assert "no message came in 1 s" in findings()[0].what

    @pytest.mark.parametrize(
        ("offset", "says"), [(100, "100.0 s ahead of"), (-100, "100.0 s behind"), (1, "1.0 s ahead")]
    )
    def test_stamps_of_another_clock(self, offset, says):
        (finding,) = findings(stamped(offset), stamped(offset), stamped(offset))
        assert finding.kind == "clock"
        assert says in finding.what
        assert "use_sim_time" in finding.advice

    def test_in_a_simulation_they_are_of_its_clock(self):
        assert findings(stamped(-100), simulated=True) == []

    def test_in_a_recording_they_are_of_the_time_when_it_was_made(self):
        assert findings(stamped(-100), recordings=["/front"]) == []
        assert findings(stamped(-100), recordings=["/fro", "/back"])

    def test_stamps_of_0(self):
        (finding,) = findings(Image(header=Header(frame_id="lens")), stamped())
        assert "1 of 2 messages have the time stamp 0" in finding.what

    def test_no_frame(self):
        assert [each.kind for each in findings(stamped(frame_id=""))] == ["frame"]

    def test_several_frames_and_sizes(self):
        found = findings(stamped(frame_id="a", width=2, height=3), stamped(frame_id="b", width=4, height=3))
        assert [each.kind for each in found] == ["frame", "size"]
        assert "'a', 'b'" in found[0].what

    def test_a_slow_one_is_noted(self):
        slow = seen(stamped(), stamped())
        slow.first, slow.last = 0.0, 4.0
        (finding,) = judge({"/image": slow}, seconds=5.0, simulated=False)
        assert (finding.severity, finding.what) == (NOTE, "only 0.25 messages a second come")


class TestACalibrationThatIsNotOfTheImages:
    def found(self, info):
        image = seen(stamped(width=6, height=4))
        return unlike(CAMERA, resolve, {"/front/image_raw": image, "/front/camera_info": seen(info)})

    def test_one_that_is_has_the_same_frame_and_size(self):
        assert self.found(stamped(kind=CameraInfo, width=6, height=4)) == []

    def test_another_frame_and_another_size_are_said(self):
        frame, size = self.found(stamped(kind=CameraInfo, frame_id="other", width=60, height=40))
        assert "its frame 'other' is not that of the images of camera 'front', 'lens'" in frame.what
        assert "60×40" in size.what

    def test_of_what_has_not_come_nothing_is_said(self):
        assert unlike(CAMERA, resolve, {}) == []
