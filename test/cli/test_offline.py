"""The subcommands that need no ROS: detect, classify, models, and how the command ends."""

import contextlib
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import testdata
from vision_service.cli import making
from vision_service.cli.commands.models import REGISTRIES
from vision_service.cli.main import main
from vision_service.cli.outcome import without_interruption
from vision_service.cli.output import print_entries
from vision_service.configuration import attribute
from vision_service.image import encode, read_image
from vision_service.registry import Registry
from vision_service.types import Classification
from vision_service.vision.model import VisionModel

RED = ["--model", "color_detector", "--set", "detect_color=#ff0000", "--set", "hue_tolerance_pct=0.1"]
"""Arguments that find red areas of at least 5000 pixels."""

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")


@dataclass(frozen=True)
class LightnessConfig:
    """The attributes of `lightness`."""

    names: tuple[str, ...] = attribute("What to call dark and bright.", default=("dark", "bright"))
    weights: dict[str, float] = attribute("Factors of the confidences.", default={}, minimum=0.0)


class Lightness(VisionModel):
    """Says how dark and how bright an image is."""

    Config = LightnessConfig

    def classify(self, frame, count=-1):
        bright = float(frame.image.rgb.mean()) / 255
        confidences = dict(zip(self.config.names, (1 - bright, bright), strict=True))
        found = [
            Classification(name, confidence * self.config.weights.get(name, 1.0))
            for name, confidence in confidences.items()
        ]
        return sorted(found, key=lambda c: -c.confidence)[: count if count >= 0 else None]


@pytest.fixture
def lightness(monkeypatch):
    """The model `lightness`, registered; its name."""
    monkeypatch.setattr(making, "MODELS", Registry("vision model", "no_group", {"lightness": f"{__name__}:Lightness"}))
    return "lightness"


@pytest.fixture
def red_square(tmp_path):
    """A gray image, 320×240, with a red square from 100, 50 to 200, 150."""
    return image(tmp_path / "red.png", square=(100, 50, 200, 150))


def own(*arguments, **options):
    """Run the command as a process of its own, to its end."""
    program = "import sys; from vision_service.cli.main import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    return subprocess.run([sys.executable, "-c", program, *arguments], env=environment, check=False, **options)


def image(path, square=None, gray=128):
    pixels = np.full((240, 320, 3), gray, np.uint8)
    if square is not None:
        left, top, right, bottom = square
        pixels[top:bottom, left:right] = (255, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(pixels, "image/png"))
    return str(path)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def process(*arguments, **options):
    """Start the command as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), **options.pop("env", {})}
    program = "import sys; from vision_service.cli.main import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.Popen([sys.executable, "-c", program, *arguments], env=environment, **options)


class TestDetect:
    def test_json_is_one_object_a_file_in_one_line_each(self, capsys, tmp_path, red_square):
        empty = image(tmp_path / "empty.png")
        assert main(["detect", red_square, empty, *RED, "--json"]) == 0
        output = capsys.readouterr()
        assert output.err == ""
        box = {"class_name": "red", "confidence": 1.0, "x_min": 100.0, "y_min": 50.0, "x_max": 200.0, "y_max": 150.0}
        assert lines(output.out) == [
            {"file": red_square, "width": 320, "height": 240, "detections": [box]},
            {"file": empty, "width": 320, "height": 240, "detections": []},
        ]

    def test_without_json_there_is_a_table_for_people(self, capsys, tmp_path, red_square):
        assert main(["detect", red_square, image(tmp_path / "empty.png"), *RED]) == 0
        words = capsys.readouterr().out.split()
        for word in ("320×240", "class", "confidence", "x_min", "red", "1.00", "100.0", "150.0", "nothing", "found"):
            assert word in words

    def test_brackets_in_names_are_not_taken_for_markup(self, capsys, tmp_path):
        file = image(tmp_path / "[bold]red[/bold].png", square=(0, 0, 100, 100))
        assert main(["detect", file, *RED, "--set", "label=[red]"]) == 0
        output = capsys.readouterr().out.replace("\n", "")
        assert "[bold]red[/bold].png" in output
        assert "[red]" in output

    def test_out_gets_the_annotated_image(self, capsys, monkeypatch, tmp_path, red_square):
        monkeypatch.setenv("COLUMNS", "400")  # whatever this folder is called
        folder = tmp_path / "new" / "folder"
        assert main(["detect", red_square, *RED, "--out", str(folder)]) == 0
        assert capsys.readouterr().out.endswith(f"\nResults are in {folder}\n")
        assert [file.name for file in folder.iterdir()] == ["red.png"]
        annotated, original = read_image(folder / "red.png").rgb, read_image(red_square).rgb
        assert annotated.shape == original.shape
        assert (annotated[149, 100:200] != original[149, 100:200]).any(axis=1).all()
        np.testing.assert_array_equal(annotated[150:], original[150:])

    def test_images_of_the_same_name_do_not_overwrite_each_other(self, tmp_path):
        files = [
            image(tmp_path / "left" / "red.png", square=(0, 0, 100, 100)),
            image(tmp_path / "right" / "red.png", square=(200, 100, 300, 200)),
            image(tmp_path / "red.bmp.png"),
        ]
        before = [Path(file).read_bytes() for file in files]
        assert main(["detect", *files, *RED, "--out", str(tmp_path / "left")]) == 0
        assert [Path(file).read_bytes() for file in files] == before
        assert sorted(file.name for file in (tmp_path / "left").iterdir()) == [
            *("red-2.png", "red-3.png"),
            *("red.bmp.png", "red.png"),
        ]

    def test_a_file_that_cannot_be_read_does_not_stop_the_others(self, capsys, tmp_path, red_square):
        text = tmp_path / "notes.txt"
        text.write_text("hello")
        assert main(["detect", "absent.png", str(text), red_square, *RED, "--json"]) == 1
        output = capsys.readouterr()
        assert [line["file"] for line in lines(output.out)] == [red_square]
        assert output.err.splitlines() == [
            "vision-service: cannot read 'absent.png': No such file or directory",
            f"vision-service: '{text}': 5 bytes that are no image, or are cut off:"
            " JPEG, PNG, BMP, TIFF and WebP are read",
        ]

    def test_an_image_that_cannot_be_written_is_an_error(self, capsys, tmp_path, red_square):
        (tmp_path / "out" / "red.png").mkdir(parents=True)
        assert main(["detect", red_square, *RED, "--out", str(tmp_path / "out"), "--json"]) == 1
        output = capsys.readouterr()
        assert len(lines(output.out)) == 1
        assert output.err.startswith("vision-service: cannot write '")

    def test_a_folder_that_cannot_be_made_is_an_error(self, capsys, red_square):
        assert main(["detect", red_square, *RED, "--out", f"{red_square}/below", "--json"]) == 1
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.startswith("vision-service: cannot make the folder '")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--model", "colour_detector"], "no vision model 'colour_detector': did you mean 'color_detector'?"),
            (
                [*RED, "--set", "segment_sise_px=1"],
                "unknown attribute 'segment_sise_px': did you mean 'segment_size_px'?",
            ),
            (
                [*RED, "--set", "segment_size_px=many"],
                "'segment_size_px' must be an integer, at least 1 px, not",
            ),
            (
                [*RED, "--set", "hue_tolerance_pct=2"],
                "'hue_tolerance_pct' must be a number, above 0 and at most 1, not 2",
            ),
            ([*RED, "--set", "segment_size_px=[1"], "the value of 'segment_size_px', '[1', is no YAML"),
            ([*RED, "--model-path", "x"], "unknown attribute 'model_path'"),
            (["--model", "color_detector"], "'detect_color' is missing"),
            (["--model-path", "absent.tflite"], "absent.tflite"),
        ],
        ids=["model", "name", "type", "range", "YAML", "path of another model", "missing", "no model file"],
    )
    def test_what_is_wrong_with_the_model_is_one_message_of(self, capsys, red_square, arguments, message):
        assert main(["detect", red_square, *arguments]) == 1
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.startswith("vision-service: ")
        assert len(output.err.splitlines()) == 1
        assert message in output.err

    def test_a_model_that_cannot_detect_says_what_it_can(self, capsys, red_square, lightness):
        assert main(["detect", red_square, "--model", lightness]) == 1
        error = "the model lightness cannot detect: it can classify; use vision-service classify"
        assert capsys.readouterr().err == f"vision-service: {error}\n"

    def test_a_trained_model_finds_what_is_in_a_photo(self, capsys, tmp_path):
        model = testdata.path("models/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite")
        labels = testdata.path("models/coco_labelmap_with_background.txt")
        photo = testdata.path("images/kite_and_cold.jpg")
        pytest.importorskip("ai_edge_litert", reason="no LiteRT to run the model with")
        arguments = ["--model-path", str(model), "--label-path", str(labels), "--set", "label_confidences.kite=0.6"]
        assert main(["detect", str(photo), *arguments, "--json", "--out", str(tmp_path)]) == 0
        (line,) = lines(capsys.readouterr().out)
        assert (line["width"], line["height"]) == (1352, 900)
        assert {found["class_name"] for found in line["detections"]} == {"kite"}
        assert read_image(tmp_path / "kite_and_cold.png").width == 1352


class TestClassify:
    def test_json_lists_the_best_first(self, capsys, tmp_path, lightness):
        file = image(tmp_path / "night.png", gray=51)
        assert main(["classify", file, "--model", lightness, "--json"]) == 0
        (line,) = lines(capsys.readouterr().out)
        assert line.pop("classifications") == [
            {"class_name": "dark", "confidence": pytest.approx(0.8)},
            {"class_name": "bright", "confidence": pytest.approx(0.2)},
        ]
        assert line == {"file": file, "width": 320, "height": 240}

    @pytest.mark.parametrize(("count", "number"), [("1", 1), ("0", 0), ("-1", 2), ("7", 2)])
    def test_count_limits_the_list(self, capsys, red_square, lightness, count, number):
        assert main(["classify", red_square, "--model", lightness, "--json", "--count", count]) == 0
        (line,) = lines(capsys.readouterr().out)
        assert len(line["classifications"]) == number

    def test_lists_and_maps_are_set_in_yaml(self, capsys, tmp_path, lightness):
        settings = ["--set", "names=[night, day]", "--set", "weights.night=2", "--set", "weights.day=1e-1"]
        file = image(tmp_path / "half.png", gray=51)
        assert main(["classify", file, "--model", lightness, "--json", *settings]) == 0
        (line,) = lines(capsys.readouterr().out)
        assert line["classifications"] == [
            {"class_name": "night", "confidence": pytest.approx(1.6)},
            {"class_name": "day", "confidence": pytest.approx(0.02)},
        ]

    def test_out_gets_the_annotated_image(self, tmp_path, red_square, lightness):
        assert main(["classify", red_square, "--model", lightness, "--out", str(tmp_path / "out")]) == 0
        annotated, original = read_image(tmp_path / "out" / "red.png").rgb, read_image(red_square).rgb
        assert (annotated != original)[:40, :100].any()
        np.testing.assert_array_equal(annotated[120:], original[120:])

    def test_a_trained_model_names_what_is_in_a_photo(self, capsys):
        model, photo = testdata.path("models/mobilenet_v2_1.0_224_quant.tflite"), testdata.path("images/parrot.jpg")
        pytest.importorskip("ai_edge_litert", reason="no LiteRT to run the model with")
        assert main(["classify", str(photo), "--model-path", str(model), "--count", "3", "--json"]) == 0
        (line,) = lines(capsys.readouterr().out)
        assert len(line["classifications"]) == 3
        assert line["classifications"][0]["class_name"] == "macaw"


class TestModels:
    @pytest.mark.parametrize("columns", ["80", "200"])
    def test_all_that_there_is_is_listed_one_line_an_entry(self, capsys, monkeypatch, columns):
        monkeypatch.setenv("COLUMNS", columns)
        assert main(["models"]) == 0
        listed = capsys.readouterr().out.splitlines()
        names = [registry.names() for registry in REGISTRIES.values()]
        heads = ["vision models", "camera drivers", "transforms"]
        expected = [line for head, of in zip(heads, names, strict=True) for line in (head, *of, "")]
        assert [line.split("  ")[1] if line.startswith("  ") else line for line in listed] == expected
        assert max(map(len, listed)) <= 80
        assert "  color_detector          Finds connected areas of one colour (detect)" in listed

    def test_a_longer_line_is_cut_where_a_terminal_ends_and_whole_where_there_is_none(self, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "60")
        monkeypatch.setenv("TERM", "xterm")
        for terminal in (True, False):
            monkeypatch.setattr(sys.stdout, "isatty", lambda terminal=terminal: terminal)
            print_entries("segmenter", [("one", "It is described in more words than a terminal shows.", ["detect"])])
            (_, line, _) = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
            assert (len(line), line.endswith("…")) == ((60, True) if terminal else (67, False))

    def test_of_one_the_attributes_are_shown(self, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "80")
        assert main(["models", "color_detector"]) == 0
        output = capsys.readouterr().out
        assert output.startswith("color_detector  vision model: detect\nFinds connected areas of one colour.\n")
        assert "\ndetect_color  a string; required\n    Colour to detect, as #RRGGBB; not black" in output
        assert (
            "\nsegment_size_px  an integer, at least 1 px; default 5000\n    Minimum area of a detection.\n" in output
        )
        assert "synthetic" not in output

    @pytest.mark.parametrize("name", [name for registry in REGISTRIES.values() for name in registry.names()])
    def test_attributes_are_readable_in_a_terminal_of_80_columns(self, capsys, monkeypatch, name):
        monkeypatch.setenv("COLUMNS", "80")
        assert main(["models", name]) == 0
        assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 80

    def test_what_has_parts_is_shown_with_what_they_may_be(self, capsys):
        assert main(["models", "transform"]) == 0
        words = capsys.readouterr().out.split()
        for word in ("pipeline", "rotate", "angle_degs", "detections", "detector_name"):
            assert word in words
        assert main(["models", "transform", "--json"]) == 0
        (listed,) = lines(capsys.readouterr().out)
        (pipeline,) = (item for item in listed["cameras"]["transform"]["attributes"] if item["name"] == "pipeline")
        assert pipeline["parts"] == "transform"
        assert "rotate" in listed["transforms"]

    def test_json_is_one_object_with_all_that_is_known(self, capsys):
        assert main(["models", "--json"]) == 0
        (listed,) = lines(capsys.readouterr().out)
        assert list(listed) == ["models", "cameras", "transforms"]
        assert "synthetic" in listed["cameras"]
        assert listed["models"]["color_detector"]["description"].startswith("Finds connected areas")
        named = {item["name"]: item for item in listed["models"]["color_detector"]["attributes"]}
        assert named["segment_size_px"] == {
            "name": "segment_size_px",
            "type": "int",
            "form": "single",
            "default": 5000,
            "required": False,
            "description": named["segment_size_px"]["description"],
            "unit": "px",
            "minimum": 1,
            "maximum": None,
            "above_minimum": False,
            "choices": [],
            "live": named["segment_size_px"]["live"],
            "start_only": False,
            "several": False,
            "rare": False,
            "expects": "an integer, at least 1 px",
        }
        of_video = {item["name"]: item for item in listed["cameras"]["video"]["attributes"]}
        assert of_video["video_path"]["names"] == "a file, or the URL of a stream"

    def test_an_unknown_name_is_an_error(self, capsys):
        assert main(["models", "color_detecter"]) == 1
        assert capsys.readouterr().err == (
            "vision-service: no vision model or camera driver or transform 'color_detecter': did you mean"
            " 'color_detector'?\n"
        )


class TestTheCommand:
    def test_version(self, capsys):
        assert main(["--version"]) == 0
        assert capsys.readouterr().out.startswith("vision-service ")

    @pytest.mark.parametrize(
        "arguments", [["--help"], ["detect", "--help"], ["classify", "-h"], ["segment", "-h"], ["models", "-h"]]
    )
    def test_help_is_no_failure(self, capsys, arguments):
        assert main(arguments) == 0
        assert capsys.readouterr().out.startswith("usage: vision-service")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "the following arguments are required: COMMAND"),
            (["detct"], "invalid choice: 'detct'"),
            (["detect"], "the following arguments are required: FILE"),
            (["detect", "x.png"], "give --model, one of "),
            (["detect", "x.png", "--set", "foo"], "'foo' is not of the form name=value"),
            (["detect", "x.png", "--set", "=1"], "'=1' is not of the form name=value"),
            (["classify", "x.png", "--count", "many"], "invalid int value: 'many'"),
            (["detect", "x.png", "--jsn"], "unrecognized arguments: --jsn: did you mean '--json'?\n"),
            (["detect", "x.png", "--js"], "detect: error: unrecognized arguments: --js"),
            (
                ["detect", "x.png", "--confidence", "0.3"],
                "detect: error: unrecognized arguments: --confidence 0.3; attributes are set by --set NAME=VALUE\n",
            ),
            (["list", "people"], "list: error: unrecognized arguments: people\n"),
            (["detect", "x.png", *RED, "--node", "eye"], "--node says which node of a parameter file"),
            (["segment"], "the following arguments are required: FILE"),
            (["segment", "x.png"], "give --model, one of "),
        ],
    )
    def test_arguments_that_are_not_understood_end_with_2(self, capsys, arguments, message):
        assert main(arguments) == 2
        output = capsys.readouterr()
        assert output.out == ""
        assert message in output.err

    @pytest.mark.parametrize(
        "arguments", [["models"], ["detect", *RED], ["--version"]], ids=["models", "detect", "version"]
    )
    def test_ros_is_not_imported(self, red_square, arguments):
        files = [red_square] if arguments[0] == "detect" else []
        program = (
            "import sys; from vision_service.cli.main import main; assert main(sys.argv[1:]) == 0;"
            "ros = ('rclpy', 'rosidl', 'sensor_msgs', 'vision_service.ros', 'vision_service.msg');"
            "found = sorted(name for name in sys.modules if name.startswith(ros));"
            "sys.exit(f'imported: {found}' if found else 0)"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
        command = [sys.executable, "-c", program, *arguments[:1], *files, *arguments[1:]]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")

    def test_help_imports_nothing_heavy(self):
        program = (
            "import sys; from vision_service.cli.main import main; main(['--help']);"
            "sys.exit(str({'numpy', 'cv2', 'rich', 'yaml'} & set(sys.modules) or ''))"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
        )
        assert done.stderr.strip() == ""

    @pytest.mark.parametrize("arguments", [["models"], ["models", "--json"]], ids=["tables", "json"])
    def test_a_closed_pipe_is_quiet(self, arguments):
        reader, writer = os.pipe()
        os.close(reader)
        running = process(*arguments, stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        assert running.communicate()[1] == ""
        assert running.returncode == 1

    @pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
    @pytest.mark.parametrize("arguments", [["models"], ["models", "--json"], ["--version"]], ids=" ".join)
    def test_a_full_disk_is_an_error_in_one_line(self, arguments):
        with FULL.open("w") as full:
            done = own(*arguments, stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.stderr == "vision-service: cannot write the results: No space left on device\n"
        assert done.returncode == 1

    def test_too_little_memory_is_an_error_in_one_line(self, tmp_path):
        path = tmp_path / "model.tflite"
        path.touch()
        os.truncate(path, 1000 << 20)  # of zeros, which take no place on the disk
        little = lambda: resource.setrlimit(resource.RLIMIT_AS, (800 << 20, 800 << 20))  # noqa: E731
        command = "detect", str(path), "--model-path", str(path)
        done = own(*command, preexec_fn=little, stderr=subprocess.PIPE, text=True)
        assert done.stderr.startswith("vision-service: there is not enough memory for this")
        assert done.stderr.count("\n") == 1
        assert done.returncode == 1

    @pytest.mark.parametrize("arguments", [["models"], ["models", "--json"], ["--version"]], ids=" ".join)
    def test_a_closed_stdout_is_an_error_in_one_line(self, arguments):
        done = own(*arguments, preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE, text=True)
        assert done.stderr == "vision-service: cannot write the results: Bad file descriptor\n"
        assert done.returncode == 1

    def test_without_stderr_results_are_printed_all_the_same(self):
        done = own("models", preexec_fn=lambda: os.close(2), stdout=subprocess.PIPE, text=True)
        assert "color_detector" in done.stdout
        assert done.returncode == 0

    def test_an_error_that_nobody_can_read_is_an_exit_code(self):
        with FULL.open("w") as full:
            assert own("models", "none", stdout=full, stderr=full).returncode == 1

    def test_ctrl_c_while_python_starts_is_quiet(self):
        """As it comes before our first line: held back until then, so that the test knows when it comes."""

        def interrupted():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            os.kill(os.getpid(), signal.SIGINT)

        done = own("models", preexec_fn=interrupted, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "")

    def test_ctrl_c_in_a_block_without_interruption_comes_at_its_end(self):
        reached = []
        with pytest.raises(KeyboardInterrupt):
            with without_interruption():
                signal.raise_signal(signal.SIGINT)  # to this thread: this process has others
                reached.append("the end")
            reached.append("what comes after")
        assert reached == ["the end"]

    def test_ctrl_c_is_quiet(self, tmp_path):
        fifo = tmp_path / "never_ending.png"
        os.mkfifo(fifo)
        running = process("detect", str(fifo), *RED, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        writer = None
        while writer is None and running.poll() is None:
            with contextlib.suppress(OSError):  # until the command has begun to read
                writer = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        running.send_signal(signal.SIGINT)
        os.close(writer)  # ends a read that began just after the signal
        assert running.communicate() == ("", "")
        assert running.returncode == 130

    def test_letters_that_the_terminal_does_not_have_do_not_break_it(self, tmp_path):
        file = os.fsencode(tmp_path) + b"/F\xc3\xbc\xdf\xff.png"
        Path(image(tmp_path / "plain.png", square=(0, 0, 100, 100))).rename(os.fsdecode(file))
        for options in ([], ["--json"]):
            running = process(
                *("detect", file, *RED, "--set", "label=猫", *options),
                env={"PYTHONIOENCODING": "ascii:strict"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            output, error = running.communicate()
            assert (running.returncode, error) == (0, "")
            assert "F" in output

    def test_progress_is_drawn_on_a_terminal_and_results_go_to_the_file(self, tmp_path):
        files = [image(tmp_path / f"{name}.png", square=(0, 0, 100, 100)) for name in "abc"]
        terminal, end = pty.openpty()
        environment = {"TERM": "xterm", "COLUMNS": "80"}
        running = process(
            "detect", *files, "absent.png", *RED, "--json", stdout=subprocess.PIPE, stderr=end, env=environment
        )
        os.close(end)
        output = running.communicate()[0].decode()
        drawn = b""
        while True:
            try:
                drawn += os.read(terminal, 65536)
            except OSError:  # Linux: the other end is closed
                break
        os.close(terminal)
        assert [line["file"] for line in lines(output)] == files
        assert b"%" in drawn
        assert b"cannot read" in drawn
        assert running.returncode == 1
