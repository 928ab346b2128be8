"""Disks and /dev/shm that are full: what is written is whole or not there, it is said why, and nodes go on."""

import importlib.util
import subprocess
import sys
import textwrap

import cv2
import pytest
from rich.progress import track
from sensor_msgs.msg import CameraInfo
from sensor_msgs.srv import SetCameraInfo

from enduring import CAMERA, VISION, calling, nodes, work_again
from private_folders import SHARED_MEMORY, fill, mounted
from reliability import number, recorded
from robot import PATIENCE, ROOT, environment, lone_peer, painted

ROUNDS = number("ROUNDS", 100)
COMMAND = f"make chaos ROUNDS={ROUNDS} ONLY=full"
UDP_WHERE_IT_IS_FULL = importlib.util.find_spec("vision_service.ros.process.shared_memory") is not None
"""Whether this version uses UDP where /dev/shm is too small."""
COMMAND_LINE = [sys.executable, "-c", "import sys; from vision_service.cli.main import main; sys.exit(main())"]

RED = ("--set", "detect_color=#FF0000", "--set", "hue_tolerance_pct=0.1")

pytestmark = pytest.mark.chaos


@pytest.fixture
def full(tmp_path, private):
    """A disk of 64 KiB of which not a byte is free."""
    folder = tmp_path / "full"
    folder.mkdir()
    with mounted(folder, "64k"):
        fill(folder)
        yield folder


@pytest.fixture
def peer():
    with lone_peer() as peer:
        yield peer


def command(*arguments):
    """Run our command line, and return how it ended."""
    return subprocess.run(
        [*COMMAND_LINE, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        env=environment(),
        check=False,
    )


def calibration(focal_length):
    k = [focal_length, 0.0, 80.0, 0.0, focal_length, 60.0, 0.0, 0.0, 1.0]
    p = [*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0]
    return CameraInfo(width=160, height=120, distortion_model="plumb_bob", d=[0.0] * 5, k=k, p=p)


def test_a_calibration_is_not_lost_when_it_cannot_be_written(tmp_path, full, peer):
    image = tmp_path / "image.png"
    cv2.imwrite(str(image), painted(160, 120, (10, 10, 50, 50)))
    (full / "filler").unlink()
    url = f"file://{full}/camera.yaml"
    camera = {"driver": "image_file", "color_image_file_path": str(image), "camera_info_url": url}
    with recorded("set_camera_info on a full disk", COMMAND) as run:
        with nodes(tmp_path, {CAMERA: camera}):
            peer.reach(CAMERA)
            assert peer.call(SetCameraInfo, f"{CAMERA}/set_camera_info", camera_info=calibration(100.0)).success
            fill(full)
            before = (full / "camera.yaml").read_bytes()
            for turn in track(range(ROUNDS), "set_camera_info"):
                asked = calibration(200.0 + turn)
                answer = peer.call(SetCameraInfo, f"{CAMERA}/set_camera_info", camera_info=asked)
                assert not answer.success
                assert "No space left" in answer.status_message
                assert (full / "camera.yaml").read_bytes() == before
                assert {path.name for path in full.iterdir()} == {"camera.yaml", "filler"}
        run.times = f"{ROUNDS} times"
        said = answer.status_message.replace(f"{full}/", "")
        run.happened = f"refused (“{said}”), the old file stays whole, nothing is left beside it"


def test_recorded_images_are_whole_or_not_there(tmp_path, full):
    image = tmp_path / "image.png"
    cv2.imwrite(str(image), painted(640, 480, (10, 10, 50, 50)))
    times = max(1, ROUNDS // 10)
    with recorded("capture, detect --out and segment --out on a full disk", COMMAND) as run:
        with nodes(tmp_path):
            work_again()
            ways = [
                ("capture", f"/{VISION}", "--out", full / "captured"),
                ("capture", f"/{VISION}", "--out", full),
                ("detect", image, "--model", "color_detector", *RED, "--out", full),
            ]
            for _ in track(range(times), "files"):
                for way in ways:
                    done = command(*way)
                    assert done.returncode not in (0, -6, -7, -11), done
                    assert "No space left" in done.stderr, done
                    assert "Traceback" not in done.stderr
                    left = [path for path in full.rglob("*") if path.is_file() and path.name != "filler"]
                    assert left == [], "nothing that was cut off is left"
        run.times = f"{times} times each"
        run.happened = "refused with the file and the reason, exit code above 0, nothing that was cut off is left"


def test_nodes_work_where_neither_logs_nor_profiles_can_be_written(full, tmp_path, monkeypatch):
    monkeypatch.setenv("ROS_HOME", str(full))
    monkeypatch.setenv("ROS_LOG_DIR", str(full / "log"))
    with recorded("a stack whose ROS_HOME and log folder are on a full disk", COMMAND) as run:
        with nodes(tmp_path) as stack:
            took = work_again()
            with calling() as load:
                work_again()
            logs = stack.logs()
        run.times = "once"
        run.happened = f"it worked after {took:.1f} s; {load.said()}"
        assert load.wrong == []
        assert "Traceback" not in logs


CALLS = """
    import sys, time
    from enduring import TIMEOUT, VISION
    from vision_service.errors import VisionError
    from vision_service.ros.client import VisionClient

    seconds, ends, codes = float(sys.argv[1]), time.monotonic() + 60.0, []
    with VisionClient(VISION) as client:
        while time.monotonic() < ends:
            if codes[-1:] == ["OK"] and seconds:  # from the first one on
                seconds, ends, codes = 0.0, time.monotonic() + seconds, []
            try:
                client.get_detections_from_camera(max_age=-1.0, timeout=TIMEOUT)
                codes.append("OK")
            except VisionError as error:
                codes.append(error.code.name)
    print(codes.count("OK"), "of", len(codes), "calls were answered OK, the last one", codes[-1])
"""


def ask_elsewhere(folder, seconds):
    """Call from another process for some time; return what it says, which ends with how the last call ended."""
    script = folder / "calls.py"
    script.write_text(textwrap.dedent(CALLS))
    done = subprocess.run(
        [sys.executable, str(script), str(seconds)],
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        env=environment(ROOT / "test"),
        check=False,
    )
    assert done.returncode == 0, f"the caller ended with {done.returncode}: {done.stderr}"
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("size", ["16k", "64k", "1m", "8m", "64m"])
def test_nodes_work_where_there_is_little_shared_memory(size, tmp_path, private):
    if private:
        pytest.skip(private)
    with recorded(f"a stack of three processes and a caller, with a /dev/shm of {size}", COMMAND) as run:
        with mounted(SHARED_MEMORY, size), nodes(tmp_path) as stack:
            said = ask_elsewhere(tmp_path, 10.0)
            ended = {name: each.process.poll() for name, each in stack.running.items()}
        run.times = "10 s"
        run.happened = f"{said}; processes that ended: {[name for name in ended if ended[name]]}"
        if not UDP_WHERE_IT_IS_FULL:
            pytest.skip("this version uses shared memory also where there is too little")
        assert set(ended.values()) == {None}
        assert said.endswith("OK")


def test_nodes_go_on_when_shared_memory_fills_up(tmp_path, private):
    if private:
        pytest.skip(private)
    what = "/dev/shm of 80 MiB fills up to its last byte while a stack of three processes works"  # noqa: S108
    with recorded(what, COMMAND) as run:
        with mounted(SHARED_MEMORY, "80m"), nodes(tmp_path) as stack:
            before = ask_elsewhere(tmp_path, 5.0)
            fill(SHARED_MEMORY)
            said = ask_elsewhere(tmp_path, 10.0)
            ended = {name: each.process.poll() for name, each in stack.running.items()}
        run.times = "10 s"
        run.happened = f"before: {before}; then {said}; processes that ended: {[name for name in ended if ended[name]]}"
        if not UDP_WHERE_IT_IS_FULL:
            pytest.skip("this version uses shared memory also where there is too little")
        assert set(ended.values()) == {None}
        assert said.endswith("OK")
