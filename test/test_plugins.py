"""The example of a plugin, examples/room_watch: installed and used as docs/write_a_plugin.md says."""

import importlib.metadata
import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

import tinymodels
from domains import domain, only

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/room_watch"
PAGE = (ROOT / "docs/write_a_plugin.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
"""The page's blocks: language, text."""
COMMANDS = [
    line
    for language, text in BLOCKS
    if language == "sh"
    for line in text.splitlines()
    if line.startswith("vision-service ") and not line.startswith("vision-service run ")
]
COMMAND = [sys.executable, "-c", "import sys; from vision_service.cli.main import main; sys.exit(main())"]
BUILDS_WHEELS = re.compile(r"70\.[1-9]|7[1-9]|[89]\d|\d{3}")
"""The versions of setuptools that need no other package for it."""
PATIENCE = 60
"""Until a test gives up, seconds: a bound on failures, nothing that is measured."""
DARK, DIM, BRIGHT = 20, 70, 200


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> Path:
    """A copy of the example, in which building may leave its files."""
    leftovers = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".*_cache")
    return shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("source") / EXAMPLE.name, ignore=leftovers)


@pytest.fixture(scope="module")
def installed(example, tmp_path_factory) -> Path:
    """Where pip has installed the example."""
    if lacking := lacks():
        pytest.skip(f"the example cannot be installed here: {lacking}")
    folder = tmp_path_factory.mktemp("installed")
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *offline, "--target", str(folder), str(example)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def lacks() -> str:
    """Return what is missing here to install a package from its sources without a network, empty if nothing is."""
    for name in ("pip", "setuptools"):
        if importlib.util.find_spec(name) is None:
            return f"there is no {name}"
    if importlib.util.find_spec("wheel") is None and not BUILDS_WHEELS.match(importlib.metadata.version("setuptools")):
        return "setuptools before 70.1 needs the package wheel, and there is none"
    return ""


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """A folder with dark.png, dim.png, bright.png and photo.jpg."""
    folder = tmp_path_factory.mktemp("images")
    for name, level in {"dark.png": DARK, "dim.png": DIM, "bright.png": BRIGHT, "photo.jpg": DIM}.items():
        cv2.imwrite(str(folder / name), np.full((48, 64, 3), level, np.uint8))
    return folder


@pytest.fixture(scope="module")
def run(installed, images):
    """Runs `vision-service`, or another program, where the example is installed; further folders go before it."""

    def run(*arguments: str, program=COMMAND, folders=()) -> subprocess.CompletedProcess[str]:
        env = environment(*folders, installed)
        return subprocess.run(
            [*program, *arguments], env=env, cwd=images, capture_output=True, text=True, timeout=PATIENCE
        )

    return run


def environment(*folders: Path) -> dict[str, str]:
    """Return the environment of processes that import from folders, and whose nodes nobody else sees."""
    path = [*map(str, folders), str(ROOT), os.environ.get("PYTHONPATH", "")]
    settings = {
        **only(domain("plugins")),
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "COLUMNS": "200",
    }
    return os.environ | settings


@pytest.fixture
def guests(tmp_path) -> Path:
    """A folder with another third party's plugins: unfit, not importable, and of a name that is ours."""
    (tmp_path / "guest.py").write_text("import a_library_that_is_missing\n")
    (tmp_path / "unfit_guest.py").write_text("class Unfit:\n    pass\n")
    metadata = tmp_path / "guest-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: guest\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[vision_service.models]\nbroken = guest:Broken\ncolor_detector = guest:Detector\nunfit = unfit_guest:Unfit\n"
        "[vision_service.decoders]\nbroken = guest:Family\n"
    )
    return tmp_path


# The page.


@pytest.mark.parametrize(
    "block", [text for language, text in BLOCKS if language != "sh"], ids=lambda text: text.splitlines()[0].strip()
)
def test_code_on_the_page_stands_in_the_example(block):
    files = [path.read_text() for path in EXAMPLE.rglob("*") if path.suffix in {".py", ".xml", ".yaml"}]
    assert any(block in file for file in files)


def test_the_page_links_the_example_and_the_readme_links_the_page():
    assert "(../examples/room_watch)" in PAGE
    assert "(docs/write_a_plugin.md)" in (ROOT / "README.md").read_text()


# Without ROS.


def test_the_examples_own_tests_pass(run, example):
    done = run("-q", "-p", "no:cacheprovider", str(example / "test"), program=[sys.executable, "-m", "pytest"])

    assert done.returncode == 0, done.stdout


def test_what_a_ros_package_consists_of_is_installed(installed):
    share = installed / "share"
    assert (share / "ament_index/resource_index/packages/room_watch").is_file()
    assert (share / "room_watch/package.xml").is_file()
    assert (share / "room_watch/config/room_watch.yaml").is_file()


def test_models_lists_model_and_driver_among_ours(run):
    done = run("models", "--json")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"brightness", "color_detector", "mlmodel"} <= set(found["models"])
    assert {"color_bars", "synthetic"} <= set(found["cameras"])


def test_models_shows_the_attributes(run):
    done = run("models", "brightness", "--json")

    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)["models"]["brightness"]
    assert shown["description"].startswith("Says how bright an image is: dark, dim or bright.")
    assert [item["name"] for item in shown["attributes"]] == ["dark_below", "bright_above", "softness"]
    softness = shown["attributes"][2]
    assert (softness["default"], softness["unit"], softness["live"]) == (5.0, "grey levels", True)
    assert softness["expects"] == "a number, at least 0.1 and at most 100 grey levels"


def test_classify_takes_the_model_by_its_name(run):
    done = run("classify", "--model", "brightness", "dark.png", "dim.png", "bright.png", "--json")

    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["classifications"][0]["class_name"] for answer in answers] == ["dark", "dim", "bright"]


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("softness=0", "the model brightness: 'softness' must be a number, at least 0.1 and at most 100 grey levels"),
        ("softnes=3", "unknown attribute 'softnes': did you mean 'softness'?"),
        ("dark_below=120", "'dark_below' is 120, but 'bright_above' is 100: no image could be dim"),
    ],
    ids=["out of range", "misspelt", "refused by the model"],
)
def test_a_wrong_attribute_is_refused_with_a_message_of(run, setting, says):
    done = run("classify", "dim.png", "--model", "brightness", "--set", setting)

    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_its_family_of_models_is_asked_before_ours(run, tmp_path):
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    points = np.array([[[0.5, 0.5, 0.9], [0.1, 0.1, 0.2]]], np.float32)
    data = tinymodels.onnx({"image": ("float32", (1, 3, 32, 32))}, {"points": points})
    model = tinymodels.write(tmp_path, data, "points.onnx")

    done = run("inspect", model, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["contract"]["decoder"] == {"value": "points", "source": "names"}

    done = run("detect", "dim.png", "--model-path", model, "--set", "default_minimum_confidence=0.5", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    (found,) = answer["detections"]
    assert found["x_max"] - found["x_min"] == pytest.approx(0.05 * answer["width"])
    assert (found["x_min"] + found["x_max"]) / 2 == pytest.approx(answer["width"] / 2)


# Other plugins beside it.


def test_a_plugin_that_cannot_be_imported_says_why_and_hurts_nobody(run, guests):
    done = run("models", "--json", folders=[guests])

    assert done.returncode == 1
    assert "the vision model 'broken' of guest:Broken cannot be imported: No module named" in done.stderr
    assert "the vision model 'unfit' has no Config made of attributes" in done.stderr
    assert "Traceback" not in done.stderr
    assert {"brightness", "color_detector"} <= set(json.loads(done.stdout)["models"])
    assert run("classify", "dim.png", "--model", "brightness", folders=[guests]).returncode == 0


def test_the_reason_is_also_told_to_who_asks_for_that_plugin(run, guests):
    done = run("classify", "dim.png", "--model", "broken", folders=[guests])

    assert done.returncode == 1
    assert "cannot be imported: No module named 'a_library_that_is_missing'" in done.stderr


def test_a_decoder_that_cannot_be_imported_hurts_no_model_of_another_family(run, guests, tmp_path):
    data = tinymodels.tflite(
        {"image": ("float32", (1, 4, 6, 3))}, mean_of=(1, 2), files={"labels.txt": "red\ngreen\nblue"}
    )
    file = tinymodels.write(tmp_path, data)
    done = run("inspect", file, "--json", folders=[guests])

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["contract"]["decoder"]["value"] == "classifier"
    assert "the decoder 'broken' of guest:Family cannot be imported" in done.stderr
    assert "Traceback" not in done.stderr


def test_of_two_plugins_of_one_name_ours_is_used(run, guests):
    ours = run("models", "color_detector", "--json")
    beside_another = run("models", "color_detector", "--json", folders=[guests])

    assert beside_another.returncode == 0
    assert beside_another.stdout == ours.stdout
    assert "the vision model 'color_detector' of guest:Detector is not used" in beside_another.stderr
    assert not ours.stderr


# With ROS.


@pytest.fixture(scope="module")
def stack(installed, run) -> Iterator[None]:
    """The nodes of the example's parameter file, as `vision-service run` runs them; at the end they must leave well."""
    file = installed / "share/room_watch/config/room_watch.yaml"
    with subprocess.Popen([*COMMAND, "run", str(file)], env=environment(installed), text=True) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(PATIENCE)
            finally:
                process.kill()
    assert code == 0


def answer(done: subprocess.CompletedProcess[str]) -> dict:
    """Return what a call answered."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("light", "label"), [(0.2, "dark"), (1.0, "bright")])
def test_the_model_sees_what_the_driver_is_told_to_show(run, stack, light, label):
    command = json.dumps({"command": "set_light", "light": light})
    assert answer(run("call", "door", "do_command", "--command", command, "--json"))["result"] == {"light": light}

    found = answer(run("call", "room", "get_classifications_from_camera", "--max-age", "-1", "--json"))

    assert (found["camera_name"], found["image_width"], found["image_height"]) == ("door", 320, 240)
    assert found["header"]["frame_id"] == "door_optical_frame"
    assert found["classifications"][0]["class_name"] == label


def test_help_lists_the_commands(run, stack):
    found = answer(run("call", "room", "do_command", "--command", '{"command": "help"}', "--json"))

    assert set(found["result"]["commands"]) == {"help", "luminance"}


def test_a_live_attribute_changes_at_work(run, stack, images):
    def confidence() -> float:
        found = answer(run("call", "room", "get_classifications", "--image", str(images / "dim.png"), "--json"))
        return next(item["confidence"] for item in found["classifications"] if item["class_name"] == "dim")

    assert run("set", "room", "softness=0.5").returncode == 0
    sharp = confidence()
    assert run("set", "room", "softness=100").returncode == 0
    assert confidence() < 0.5 < sharp


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["set", "room", "dark_below=200"], "/room refused: 'dark_below' is 200, but 'bright_above' is 100"),
        (["set", "door", "light=0.5"], "/door refused: light: can be changed only while the node is unconfigured"),
        (["call", "door", "do_command", "--command", '{"command": "set_lihgt"}'], "did you mean 'set_light'?"),
        (
            ["call", "door", "do_command", "--command", '{"command": "set_light", "light": 3}'],
            "the command set_light: 'light' must be a number, at least 0 and at most 1, not 3",
        ),
    ],
    ids=["refused by the model", "fixed in drivers", "unknown command", "wrong argument"],
)
def test_what_is_wrong_at_work_is_refused_with_a_message_of(run, stack, arguments, says):
    done = run(*arguments)

    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_on_the_page_work(run, stack, line):
    done = run(*shlex.split(line, comments=True)[1:])

    assert done.returncode == 0, done.stderr
    assert done.stdout
