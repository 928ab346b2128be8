"""The commands that need ROS, each as a process of its own, as a user runs them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from domains import domain, only
from vision_service.pointcloud.pcd import read_pcd_fields

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "import sys; from vision_service.cli.main import main; sys.exit(main())"]
PATIENCE = 60
"""Until a test gives up, seconds: a bound on failures, nothing that is measured."""


def environment(number: int) -> dict[str, str]:
    """Return the environment of processes that see each other, and nobody else."""
    settings = {
        **only(number),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }
    return os.environ | settings


OURS = environment(domain("commands"))


def run(*arguments: str, env: dict[str, str] = OURS) -> subprocess.CompletedProcess[str]:
    """Return how a command ended, and what it printed."""
    return subprocess.run([*COMMAND, *arguments], env=env, capture_output=True, text=True, timeout=PATIENCE)


def await_active(node: str) -> None:
    """Wait until a node works: on a slow machine some need others that are still loading their models."""
    until = time.monotonic() + PATIENCE
    while '"state": "active"' not in (said := run("call", node, "get_status", "--json")).stdout:
        assert time.monotonic() < until, said.stdout + said.stderr
        time.sleep(0.2)


@pytest.fixture(scope="module")
def demo_stack() -> Iterator[subprocess.Popen[str]]:
    """The nodes of config/demo.yaml, as `vision-service run` runs them; at the end they must leave well."""
    process = subprocess.Popen([*COMMAND, "run", str(ROOT / "config/demo.yaml")], env=OURS, text=True)
    try:
        for node in ("detector", "classifier", "tracker", "objects"):
            await_active(node)
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()  # does nothing to one that has left


def test_call_prints_one_json_object(demo_stack):
    done = run("call", "detector", "get_detections_from_camera", "--camera", "camera", "--json")

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    answer = json.loads(done.stdout)
    assert (answer["success"], answer["camera_name"]) == (True, "camera")
    assert (answer["image_width"], answer["image_height"]) == (640, 480)
    assert answer["header"]["frame_id"] == "camera_optical_frame"
    assert {detection["class_name"] for detection in answer["detections"]} <= {"cube", "ball", "cylinder", "cone"}
    assert len(answer["detections"]) > 2
    assert set(answer["detections"][0]) == {"class_name", "confidence", "x_min", "y_min", "x_max", "y_max"}


def test_doctor_finds_nothing_wrong_with_the_demo(demo_stack):
    done = run("doctor", "--json")
    assert (done.returncode, json.loads(done.stdout)["findings"]) == (0, []), done.stdout + done.stderr
    assert "nothing is wrong with" in run("doctor").stdout


def test_doctor_tells_what_it_has_seen_of_the_demos_cameras(demo_stack):
    told = json.loads(run("doctor", str(ROOT / "config" / "demo.yaml"), "--json").stdout)
    assert told["findings"] == []
    assert "/camera" in told["nodes"]
    assert told["streams"]["/camera/image_raw"]["sizes"] == ["640x480"]
    assert told["facts"]["versions"]["rclpy"]


def test_doctor_checks_a_parameter_file_and_what_its_cameras_publish(tmp_path):
    script = """
import rclpy, time
from sensor_msgs.msg import Image

rclpy.init()
node = rclpy.create_node("driver")
publisher = node.create_publisher(Image, "usb/image", 1)
while True:
    message = Image(height=1, width=1, encoding="mono8", step=1, data=bytes(1))
    message.header.stamp.sec = int(time.time()) + 1000
    publisher.publish(message)
    time.sleep(0.05)
"""
    path = tmp_path / "robot.yaml"
    path.write_text(
        "reds:\n  ros__parameters: {model: color_detector, detect_color: '#ff0000', hue_tolerance_pct: 0.1, "
        "segment_size: 3, cameras: [eye, gone], eye.image: usb/image}\n"
    )
    other = OURS | {"ROS_DOMAIN_ID": str(domain("a driver of foreign names"))}
    process = subprocess.Popen([sys.executable, "-c", script], env=other)
    try:
        done = run("doctor", str(path), "--wait", "4", env=other)
    finally:
        process.kill()
        process.wait()
    assert done.returncode == 1, done.stderr
    for words in (
        "/reds  no parameter 'segment_size': did you mean 'segment_size_px'",
        "/gone/image_raw  nobody publishes it",
        "/usb/image  its time stamps are",
        "/usb/image  its messages have no frame_id",
        "what to do:",
        "let the hosts agree on the time",
    ):
        assert words in done.stdout


def test_doctor_names_a_publisher_that_does_not_fit_a_subscription():
    script = """
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

rclpy.init()
node = rclpy.create_node("camera_and_viewer")
node.create_publisher(Image, "image", QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
node.create_subscription(Image, "image", lambda _: None, 1)
rclpy.spin(node)
"""
    other = OURS | {"ROS_DOMAIN_ID": str(domain("a camera and a viewer"))}
    process = subprocess.Popen([sys.executable, "-c", script], env=other)
    try:
        done = run("doctor", "--wait", "3", env=other)
    finally:
        process.kill()
        process.wait()
    assert done.returncode == 1, done.stderr
    assert "/image  /camera_and_viewer publishes with the reliability best_effort" in done.stdout


def test_call_waits_for_a_method_that_appears_after_others_of_its_node():
    script = """
import time, rclpy
from vision_service.srv import DoCommand, GetStatus

def answer(request, response):
    response.success, response.result = True, '{"late": true}'
    return response

rclpy.init()
node = rclpy.create_node("growing")
node.create_service(GetStatus, "~/get_status", answer)
while not any(name.startswith("_vision_client") for name in node.get_node_names()):
    time.sleep(0.01)
time.sleep(0.3)
node.create_service(DoCommand, "~/do_command", answer)
rclpy.spin(node)
"""
    growing = subprocess.Popen([sys.executable, "-c", script], env=OURS)
    try:
        done = run("call", "growing", "do_command", "--command", "{}", "--json")
    finally:
        growing.kill()
        growing.wait()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"] == {"late": True}


def test_what_native_libraries_print_is_not_among_the_results():
    """Fast DDS prints its complaints on stdout."""
    script = (
        "import os, rclpy\n"
        "from vision_service.cli.outcome import keep_stdout\n"
        "keep_stdout()\n"
        "print('result')\n"
        "os.write(1, b'complaint')\n"
        "os.system('echo another')"
    )
    done = subprocess.run([sys.executable, "-c", script], env=OURS, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (0, "result\n")
    assert "complaint" in done.stderr
    assert "another" in done.stderr


def test_call_prints_a_table(demo_stack):
    done = run("call", "/red_detector/", "get_detections_from_camera")

    assert done.returncode == 0, done.stderr
    assert "640×480" in done.stdout
    assert "red" in done.stdout


def test_call_looks_at_a_given_image(demo_stack, tmp_path):
    pixels = np.zeros((120, 160, 3), np.uint8)
    pixels[30:80, 40:100] = (35, 35, 219)  # BGR of the red that is looked for
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), pixels)

    done = run("call", "red_detector", "get_detections", "--image", str(path), "--json")

    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["detections"]
    assert [found[edge] for edge in ("x_min", "y_min", "x_max", "y_max")] == [40, 30, 100, 80]


def test_call_shows_large_data_by_its_size(demo_stack):
    done = run("call", "camera", "get_image", "--json")

    image = json.loads(done.stdout)["image"]["image"]
    assert (image["encoding"], image["bytes"]) == ("rgb8", 640 * 480 * 3)


def test_status_is_an_object_not_a_text(demo_stack):
    done = run("call", "detector", "get_status", "--json")

    assert json.loads(done.stdout)["status"]["model"] == "mlmodel"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["detector", "get_detectionz_from_camera"], "did you mean 'get_detections_from_camera', "),
        (["detecter", "get_status", "--timeout", "8"], "no service 'detecter': did you mean 'detector'?"),
        (["detector", "get_detections_from_camera", "--camera", "back"], "no camera 'back'"),
        (["detector", "get_classifications_from_camera"], "is not a classifier"),
        (["detector", "get_detections"], "give --image FILE"),
        (["detector", "get_detections_from_camera", "--count", "3"], "does not take --count"),
        (["detector", "get_detections", "--image", "nowhere.jpg"], "nowhere.jpg"),
        (["detector", "do_command", "--command", "[1]"], "must be a JSON object"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_call_that_fails_says_why(demo_stack, arguments, says):
    done = run("call", *arguments)

    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.startswith("vision-service: ")
    assert "Traceback" not in done.stderr


def test_objects_in_space_are_called_for(demo_stack):
    answer = json.loads(run("call", "objects", "get_object_point_clouds", "--json").stdout)
    assert {"cube", "cylinder"} <= {item["label"] for item in answer["objects"]}
    assert all(0.5 < item["center"][2] < 2.0 and item["points"] > 100 for item in answer["objects"])
    table = run("call", "objects", "get_object_point_clouds")
    assert "cylinder" in table.stdout
    assert "center (m)" in table.stdout


def test_capture_writes_a_frame_and_all_that_is_said_of_it(demo_stack, tmp_path):
    done = run("capture", "objects", "--out", str(tmp_path), "--json", "--timeout", "20")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["service"], found["camera"], found["width"]) == ("objects", "camera", 640)
    assert len(found["detections"]) == len(found["objects"])
    name = f"objects_camera_{found['stamp']}"
    assert json.loads((tmp_path / f"{name}.json").read_text()) == found
    assert cv2.imread(str(tmp_path / f"{name}.png")).shape == (480, 640, 3)
    fields = read_pcd_fields(tmp_path / f"{name}.pcd")
    counts = np.bincount(fields["label"].ravel())[1:].tolist()
    assert counts == [item["points"] for item in found["objects"]]


def test_capture_prints_what_the_service_can_say(demo_stack):
    done = run("capture", "classifier", "--timeout", "20")

    assert done.returncode == 0, done.stderr
    assert "closeup" in done.stdout
    assert "confidence" in done.stdout
    assert run("capture", "classifier", "--camera", "back").returncode == 1


def test_set_changes_what_belongs_together(demo_stack):
    done = run("set", "red_detector", "detect_color=#2030D0", "label=navy", "hue_tolerance_pct=0.1")

    assert done.returncode == 0, done.stderr
    assert "/red_detector  detect_color = '#2030D0'" in done.stdout
    answer = run("call", "red_detector", "get_detections_from_camera", "--json")
    assert {found["class_name"] for found in json.loads(answer.stdout)["detections"]} == {"navy"}
    assert run("set", "red_detector", "detect_color=#D02020", "label=red").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["red_detector", "detect_color=#111111"], "/red_detector refused: 'detect_color' #111111 has no hue"),
        (["red_detector", "hue_tolerance_pct=2"], "out of range"),
        (["red_detector", "hue_tolerance=0.1"], "did you mean 'hue_tolerance_pct'?"),
        (["red_detector", "hue_tolerance_pct=[1"], "is no YAML"),
        (["red_detektor", "label=x", "--timeout", "8"], "no node 'red_detektor': did you mean 'red_detector'?"),
    ],
    ids=["unsuitable", "out of range", "misspelt", "no YAML", "no such node"],
)
def test_set_says_why_nothing_was_set(demo_stack, arguments, says):
    done = run("set", *arguments)

    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_list_shows_what_runs(demo_stack):
    shown = run("list").stdout
    found = json.loads(run("list", "--json").stdout)

    assert "/detector" in shown
    assert "get_detections_from_camera" in shown
    (camera,) = [line for line in shown.splitlines() if line.startswith("/camera ")]
    assert camera.startswith("/camera  synthetic, active")
    (reds,) = [line for line in shown.splitlines() if line.startswith("/red_detector ")]
    assert reds.startswith("/red_detector  color_detector, active")
    assert found["/camera/get_image"] == "GetImage"


def test_list_has_all_that_the_nodes_say_they_have(demo_stack):
    found = json.loads(run("list", "--json").stdout)
    for node in ("camera", "detector", "solids"):
        status = json.loads(run("call", node, "get_status", "--json").stdout)["status"]
        assert status["services"] == sum(name.startswith(f"/{node}/") for name in found)


def test_capture_of_a_camera_names_the_vision_services(demo_stack):
    done = run("capture", "camera")
    assert done.returncode == 1
    assert "'camera' is a camera; `capture` takes a vision service: capture one of classifier, detector" in done.stderr
    assert "--camera camera" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["set", "a b", "x=1"], "cannot be the name of a service"),
        (["set", "detector", "max_pending_calls=" + "9" * 30], "an integer has 64 bits"),
        (["set", "detector", "max_pending_calls=" + "9" * 5000], "max_pending_calls"),
        (["set", "detector", "timeout=" + "9" * 400], "cannot be set to"),
        (["call", "detector", "get_detections", "--image", "\udcff.png"], "cannot read"),
        (["run", "\udcff.yaml"], "cannot read"),
    ],
    ids=["name", "integer", "digits", "float", "image", "file"],
)
def test_what_ros_cannot_hold_is_an_error_message(demo_stack, arguments, says):
    done = run(*arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_list_says_when_nothing_runs():
    done = run("list", "--wait", "0.2", env=environment(1 + (os.getpid() + 66) % 100))

    assert done.returncode == 0
    assert "ROS_DOMAIN_ID" in done.stdout


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot read"),
        ("a: [1", "is no YAML"),
        ("camera: {ros__parameters: {driver: synthetic}}", "has no section for /stack, only 'camera:'"),
        ("stack: {cameras: [a]}", "needs a map 'ros__parameters"),
        ("stack: {ros__parameters: {autostart: true}}", "the stack is empty"),
    ],
    ids=["missing", "no YAML", "no stack", "no ros__parameters", "empty stack"],
)
def test_run_refuses_a_file_that_is_none(tmp_path, content, says):
    path = tmp_path / "params.yaml"
    if content is not None:
        path.write_text(content)

    done = run("run", str(path))

    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_answers_and_writes_images(tmp_path):
    done = run("demo", "--seconds", "2", "--out", str(tmp_path), env=environment(1 + (os.getpid() + 7) % 100))

    assert done.returncode == 0, done.stderr
    assert "red_detector" in done.stdout
    for name in ("detector", "tracker", "objects", "red_detector", "classifier"):
        assert cv2.imread(str(tmp_path / f"{name}.png")).shape == (480, 640, 3)
