"""What a user gives a command to read: files, standard input and the pipes of a shell."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vision_service.cli.given import is_pipe, read_given
from vision_service.errors import VisionError
from vision_service.image import encode
from vision_service.pointcloud.pcd import write_pcd
from vision_service.types import PointCloud

ROOT = Path(__file__).parents[2]
PROGRAM = "import sys; from vision_service.cli.main import main; sys.exit(main(sys.argv[1:]))"
RED = "--model color_detector --set 'detect_color=#ff0000' --set hue_tolerance_pct=0.1 --set segment_size_px=50"
PARAMS = """reds: {ros__parameters: {model: color_detector, detect_color: '#ff0000', hue_tolerance_pct: 0.1}}"""


@pytest.fixture
def red(tmp_path):
    """The file of a gray image with a red square."""
    pixels = np.full((240, 320, 3), 128, np.uint8)
    pixels[50:150, 100:200] = (255, 0, 0)
    path = tmp_path / "red.png"
    path.write_bytes(encode(pixels, "image/png"))
    return path


def shell(line, **options):
    """Run a line in bash, in which $VISION_SERVICE is the command; return how it ended."""
    command = f"{sys.executable} -c '{PROGRAM}'"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    line = line.replace("$VISION_SERVICE", command)
    return subprocess.run(
        ["bash", "-c", line], env=environment, capture_output=True, text=True, check=False, timeout=120, **options
    )


@pytest.mark.parametrize(
    "line", ["$VISION_SERVICE detect <(cat {}) {} --json", "$VISION_SERVICE detect - {1} --json < {0}"]
)
def test_an_image_comes_by_process_substitution_or_standard_input(red, line):
    done = shell(line.format(red, RED))
    assert (done.stderr, done.returncode) == ("", 0)
    (found,) = json.loads(done.stdout)["detections"]
    assert (found["x_min"], found["y_min"], found["x_max"], found["y_max"]) == (100, 50, 200, 150)


def test_several_pipes_and_files_go_together_and_results_have_names(red, tmp_path):
    done = shell(f"cat {red} | $VISION_SERVICE detect {red} - <(cat {red}) {RED} --json --out {tmp_path}/out")
    assert (done.stderr, done.returncode) == ("", 0)
    assert [len(json.loads(line)["detections"]) for line in done.stdout.splitlines()] == [1, 1, 1]
    assert {"red.png", "stdin.png"} < {path.name for path in (tmp_path / "out").iterdir()}


def test_a_parameter_file_comes_by_a_pipe(red):
    done = shell(f'$VISION_SERVICE detect {red} --params <(echo "{PARAMS}") --json')
    assert (done.stderr, done.returncode) == ("", 0)
    assert len(json.loads(done.stdout)["detections"]) == 1


def test_what_a_pipe_gives_to_segment_is_told_by_its_content(tmp_path):
    points = np.random.default_rng(1).uniform(0, 0.1, (500, 3)).astype(np.float32) + np.float32([0, 0, 1])
    file = tmp_path / "cloud"
    file.write_bytes(write_pcd(PointCloud(points)))
    done = shell(f"$VISION_SERVICE segment <(cat {file}) --frame lidar --json")
    assert (done.stderr, done.returncode) == ("", 0)
    assert json.loads(done.stdout)["points"] == 500


def test_what_is_no_image_is_named_and_does_not_stop_the_others(red):
    done = shell(f"echo nothing | $VISION_SERVICE detect - {red} {RED} --json")
    assert done.returncode == 1
    assert "standard input: 8 bytes that are no image" in done.stderr
    assert len(json.loads(done.stdout)["detections"]) == 1


def test_results_go_through_a_pipe_where_that_is_the_file(red, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "red.png").symlink_to("/dev/stdout")
    done = shell(f"$VISION_SERVICE detect {red} {RED} --json --out {tmp_path}/out | head -c 1000000 | wc -c")
    assert (done.stderr, done.returncode) == ("", 0)
    assert int(done.stdout) > 300


def test_a_pipe_that_never_ends_is_read_up_to_the_limit_only():
    with subprocess.Popen(["cat", "/dev/zero"], stdout=subprocess.PIPE) as endless:
        name = f"/proc/self/fd/{endless.stdout.fileno()}"
        assert is_pipe(name)
        with pytest.raises(VisionError, match="gives more than 1000 bytes"):
            read_given(name, most=1000)
        endless.kill()


@pytest.mark.parametrize(("name", "reason"), [("/dev/zero", "a device"), ("/none", "No such")])
def test_devices_and_what_is_not_there_are_refused(name, reason):
    with pytest.raises(VisionError, match=rf"(?i)cannot read '{name}': .*({reason})"):
        read_given(name)


@pytest.mark.parametrize("slash", ["", "/"])
def test_of_a_folder_the_files_are_to_be_named(tmp_path, slash):
    with pytest.raises(VisionError) as caught:
        read_given(f"{tmp_path}{slash}")
    assert caught.value.message == f"'{tmp_path}{slash}' is a folder: name the files in it ({tmp_path}/*)"


def test_nobody_waits_for_a_terminal():
    master, terminal = pty.openpty()
    done = shell(f"$VISION_SERVICE detect - {RED}", stdin=terminal)
    os.close(terminal)
    os.close(master)
    assert done.returncode == 1
    assert "which is the terminal: pipe a file into the command, or name one" in done.stderr
