"""A camera whose source stops, stalls, sends garbage, changes and comes back: what its node says, and what it gives.

The source is a real server in this process; what is asserted is the order of events, not their times.
"""

import pytest
from rcl_interfaces.msg import Log
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from vision_service.srv import DoCommand, GetImage

from robot import eventually, running
from streams import back_to, grey_jpeg, held, mjpeg_server, write_video
from vision_service.errors import ErrorCode
from vision_service.image import decode

TIMEOUT = 0.4
LEVELS = [0, 100, 200]
WARNING = 30
LEVEL_NAMES = {20: "info", WARNING: "warning", 40: "error"}
"""As in rcl_interfaces/Log."""
KEPT = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""What was said before one listened is received too."""


@pytest.fixture
def server():
    with mjpeg_server() as server:
        yield server


def camera_of(url, **parameters):
    return running(
        {
            "stack": {"cameras": ["watching"]},
            "watching": {"driver": "video", "video_path": url, "read_timeout": TIMEOUT, **parameters},
        }
    )


@pytest.fixture
def robot(server):
    with camera_of(server.url) as robot:
        yield robot


class Diary:
    """What a camera's log says of its problems, as everybody can read it; a slow start, as the machine is, is none."""

    def __init__(self, robot, name="watching"):
        self._inbox = robot.listen(Log, "/rosout", KEPT)
        self._name = name
        self._entries = []

    def entries(self, count):
        """Return what was said, when it is so many messages: "warning: …" of a problem, "info: over: …" of its end."""

        def said():
            self._entries += [
                f"{LEVEL_NAMES[entry.level]}: {entry.msg}"
                for entry in self._inbox.drain()
                if entry.name == self._name
                and (entry.level == WARNING or entry.msg.startswith("over: "))
                and "has not started" not in entry.msg
            ]
            return len(self._entries) >= count

        eventually(said, f"{count} messages")
        return self._entries


@pytest.fixture
def diary(robot):
    return Diary(robot)


def frames(robot):
    return robot.status("watching")["frames"]


def frames_come(robot):
    before = frames(robot)
    eventually(lambda: frames(robot) > before, "frames")
    return True


def problem(robot):
    return eventually(lambda: robot.problem("watching", "127.0.0.1"), "the camera has a problem")


def recovered(robot):
    eventually(lambda: not robot.status("watching")["troubles"], "the camera has no problem")
    assert frames_come(robot)


@pytest.fixture
def images(robot):
    """Listens to the camera's images until the end of the test."""
    inbox = robot.listen(Image, "watching/image_raw", 1)
    inbox.next()
    yield inbox
    robot.stop_listening(inbox)


def test_a_server_that_stops_and_returns(robot, server, diary, images):
    server.stop()
    assert server.url in problem(robot)
    eventually(lambda: "Connection refused" in robot.problem("watching", "127.0.0.1"), "the reason")
    server.start()
    recovered(robot)
    first, second = diary.entries(2)
    assert first == f"warning: {server.url} broke off"
    assert second.startswith("info: over: ")


def test_a_server_that_stalls_and_goes_on(robot, server, diary, images):
    server.mode = "nothing"
    said = problem(robot)
    server.mode = "images"
    recovered(robot)
    assert said == f"{server.url} sends nothing for {TIMEOUT} s"
    assert diary.entries(2) == [f"warning: {said}", f"info: over: {said}"]


@pytest.mark.parametrize("mode", ["noise", "bad images"])
def test_a_server_that_sends_garbage_for_a_while(robot, server, diary, images, mode):
    server.mode = mode
    problem(robot)
    server.mode = "images"
    recovered(robot)
    assert [entry.partition(":")[0] for entry in diary.entries(2)] == ["warning", "info"]


def test_a_server_that_returns_with_another_resolution(robot, server, diary, images):
    server.stop()
    problem(robot)
    server.size, server.level = (128, 96), 200
    server.start()
    recovered(robot)
    images.drain()
    message = images.next()
    assert (message.width, message.height) == (128, 96)
    assert [entry.partition(":")[0] for entry in diary.entries(2)] == ["warning", "info"]


def test_a_resolution_that_changes_under_way_is_no_problem(robot, server, diary, images):
    server.size = (128, 96)
    eventually(lambda: images.next().width == 128, "the new size")
    assert server.connections == 1
    assert robot.status("watching")["troubles"] == []
    assert diary.entries(0) == []


def test_one_trouble_after_the_other_is_one_problem(robot, server, diary, images):
    server.mode = "nothing"
    stalled = problem(robot)
    server.stop()
    eventually(lambda: "Connection refused" in robot.problem("watching", "127.0.0.1"), "it is known why")
    server.mode = "noise"
    server.start()
    eventually(lambda: "Connection refused" not in robot.problem("watching", "127.0.0.1"), "it answers again")
    server.mode = "images"
    recovered(robot)
    first, second = diary.entries(2)
    assert first == f"warning: {stalled}"
    assert second.startswith("info: over: ")


def test_a_camera_that_starts_late(server):
    server.stop()
    with camera_of(server.url) as robot:
        assert robot.status("watching")["state"] == "active"
        refused = robot.call(GetImage, "watching/get_image", mime_type="image/jpeg", timeout=5.0)
        assert refused.error_code == ErrorCode.CAMERA_ERROR
        assert "Connection refused" in refused.message
        server.start()
        answer = eventually(lambda: _image(robot), "an image")
        assert decode(bytes(answer.image.data)).shape == (48, 64, 3)
        recovered(robot)


def _image(robot):
    answer = robot.call(GetImage, "watching/get_image", mime_type="image/jpeg", timeout=5.0)
    return answer if answer.success else None


def test_a_jpeg_that_came_compressed_is_handed_on_as_it_is(robot, server):
    answer = robot.call(GetImage, "watching/get_image", mime_type="image/jpeg", timeout=5.0)
    assert answer.success, answer.message
    assert bytes(answer.image.data) == grey_jpeg(server.level, server.size)
    message = robot.listen(CompressedImage, "watching/image_raw/compressed", 1).next()
    assert bytes(message.data) == grey_jpeg(server.level, server.size)


def test_nobody_s_stream_is_not_open(robot, server):
    assert server.connections == 0
    inbox = robot.listen(Image, "watching/image_raw", 1)
    inbox.next()
    assert server.serving == 1
    robot.stop_listening(inbox)
    eventually(lambda: not server.serving, "the stream is let go")
    assert robot.status("watching")["troubles"] == []


def test_nothing_is_left_of_outages(robot, server, images):
    def outage():
        server.stop()
        problem(robot)
        server.start()
        recovered(robot)
        for mode in ("nothing", "noise", "bad images"):
            server.mode = mode
            problem(robot)
            server.mode = "images"
            recovered(robot)

    outage()
    before = held()
    for _ in range(3):
        outage()
    back_to(before)


def test_the_end_of_a_file_is_said_once_and_it_can_be_played_again(tmp_path):
    film = write_video(tmp_path / "film.avi", LEVELS, rate=50.0)
    with camera_of(str(film)) as robot:
        diary = Diary(robot)
        inbox = robot.listen(CameraInfo, "watching/camera_info", 10)
        ended = eventually(lambda: robot.problem("watching", "end of the video"), "the end")
        assert "'restart'" in ended
        played = frames(robot)
        assert played == len(LEVELS)
        assert robot.call(DoCommand, "watching/do_command", command='{"command": "restart"}').success
        eventually(lambda: frames(robot) == 2 * played, "it was played again")
        eventually(lambda: robot.problem("watching", "end of the video"), "the end")
        assert inbox.count > 0
        assert diary.entries(3) == [f"warning: {ended}", f"info: over: {ended}", f"warning: {ended}"]


def test_a_file_that_is_absent_leaves_the_node_unconfigured_with_the_reason(tmp_path):
    with camera_of(str(tmp_path / "absent.mp4")) as robot:
        status = robot.status("watching")
        assert status["state"] == "unconfigured"
        assert "absent.mp4': No such file or directory" in str(status)


def test_a_webcam_that_is_not_plugged_in_is_said_once(tmp_path):
    node = str(tmp_path / "video0")
    with running({"stack": {"cameras": ["webcam"]}, "webcam": {"driver": "webcam", "video_path": node}}) as robot:
        diary = Diary(robot, "webcam")
        refused = robot.call(GetImage, "webcam/get_image", timeout=5.0)
        assert refused.error_code == ErrorCode.CAMERA_ERROR
        assert f"there is no camera at {node}" in refused.message
        said = robot.problem("webcam", "there is no camera")
        eventually(lambda: robot.status("webcam")["troubles"] == [said], "it goes on trying")
        assert diary.entries(1) == [f"warning: {said}"]
        listed = robot.call(DoCommand, "webcam/do_command", command='{"command": "cameras"}')
        assert listed.success
        assert '"cameras"' in listed.result
