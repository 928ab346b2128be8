"""`init` writes a parameter file of what is here, which runs as it is, and says what it only assumes."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import tinymodels
from vision_service.camera import v4l2
from vision_service.cli.file_checks import check_file
from vision_service.cli.first_file import name_of_topic, node_name, scalar
from vision_service.cli.initializing import given_camera, published, webcam
from vision_service.cli.main import main
from vision_service.errors import VisionError
from vision_service.files import share_file
from vision_service.ros.checks.found_topics import TopicsOfCamera

DETECTOR = str(share_file("models/solids_detector.tflite"))
CLASSIFIER = str(share_file("models/solids_classifier.tflite"))
COMMAND = [sys.executable, "-c", "import sys; from vision_service.cli.main import main; sys.exit(main(sys.argv[1:]))"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def init(*arguments):
    return main(["init", "--yes", "--wait", "0", *arguments])


def sections(path="my_robot.yaml"):
    return {node: of["ros__parameters"] for node, of in yaml.safe_load(Path(path).read_text()).items()}


class TestTheFile:
    def test_has_a_node_for_each_camera_and_each_model(self, elsewhere):
        assert init("--camera", "front=/dev/null", "--camera", "synthetic", "--model", DETECTOR) == 0
        found = sections()
        assert found["stack"] == {"cameras": ["front", "camera"], "vision": ["solids_detector"]}
        assert found["front"] == {"driver": "webcam", "video_path": "/dev/null"}
        assert found["solids_detector"]["cameras"] == ["front", "camera"]
        assert found["solids_detector"]["model_path"] == DETECTOR

    def test_is_right_at_once(self):
        assert init("--camera", "synthetic", "--model", DETECTOR, "--model", CLASSIFIER) == 0
        assert check_file("my_robot.yaml") == []

    def test_takes_cameras_that_other_nodes_publish_by_their_topics(self):
        assert init("--camera", "front=/usb_cam/image_raw", "--model", DETECTOR) == 0
        found = sections()
        assert "cameras" not in found["stack"]
        assert found["solids_detector"]["front.image"] == "/usb_cam/image_raw"
        assert found["solids_detector"]["front.camera_info"] == "/usb_cam/camera_info"

    def test_has_stand_ins_where_nothing_is_found_and_says_so(self, capsys):
        assert init("--camera", "synthetic") == 0
        assert sections()["detector"]["model_path"] == "package://vision_service/models/solids_detector.tflite"
        said = "No model was found in ~/models or in this folder, or none was taken (--model FILE names one): "
        assert said in capsys.readouterr().out
        assert f"# {said}" in Path("my_robot.yaml").read_text()

    def test_names_the_folder_where_no_model_is(self, elsewhere, capsys):
        assert init("--camera", "synthetic", "--models-dir", "nets") == 0
        assert "No model was found in nets, or none was taken" in capsys.readouterr().out

    def test_finds_a_model_that_lies_here(self, elsewhere):
        (elsewhere / "net.tflite").write_bytes(Path(CLASSIFIER).read_bytes())
        (elsewhere / "other").mkdir()
        (elsewhere / "other" / "far.tflite").write_bytes(Path(CLASSIFIER).read_bytes())
        assert init("--camera", "synthetic") == 0
        assert sections()["stack"]["vision"] == ["net"]
        assert init("--camera", "synthetic", "--models-dir", "other", "--force") == 0
        assert sections()["stack"]["vision"] == ["far"]

    def test_finds_models_in_a_folder_and_says_why_one_is_not_served(self, elsewhere, capsys):
        models = elsewhere / "models" / "net"
        models.mkdir(parents=True)
        (models / "a.tflite").write_bytes(Path(CLASSIFIER).read_bytes())
        (models / "b.onnx").write_bytes(b"junk")
        assert init("--camera", "synthetic") == 0
        assert sections()["stack"]["vision"] == ["a"]
        assert "b.onnx: the model" in capsys.readouterr().out
        assert f"# Not served: {models}/b.onnx" in Path("my_robot.yaml").read_text()

    def test_says_what_is_assumed_of_a_model(self, elsewhere):
        init("--camera", "synthetic", "--model", DETECTOR)
        assert "    # assumed: detections below this confidence are not wanted" in Path("my_robot.yaml").read_text()

    def test_takes_the_labels_that_lie_beside_a_model_without_any(self, elsewhere):
        inputs = {"image": ("float32", (1, 3, 8, 8))}
        path = elsewhere / "net.onnx"
        path.write_bytes(tinymodels.onnx(inputs, mean_of=(2, 3)))
        (elsewhere / "net.txt").write_text("red\ngreen\nblue\n")
        assert init("--camera", "synthetic", "--model", str(path)) == 0
        assert sections()["net"]["label_path"] == str(elsewhere / "net.txt")
        assert "assumed: the labels' file is this model's" in Path("my_robot.yaml").read_text()

    def test_is_printed_for_a_pipe(self, elsewhere, capsys):
        assert init("-", "--camera", "synthetic", "--model", DETECTOR) == 0
        assert yaml.safe_load(capsys.readouterr().out)["camera"]
        assert list(elsewhere.iterdir()) == []


class TestWhatIsRefused:
    def test_a_file_that_is_there_is_not_overwritten_without_being_told(self, elsewhere, capsys):
        (elsewhere / "my_robot.yaml").write_text("mine")
        assert init("--camera", "synthetic") == 1
        assert "give another name, or --force" in capsys.readouterr().err
        assert (elsewhere / "my_robot.yaml").read_text() == "mine"
        assert init("--camera", "synthetic", "--model", DETECTOR, "--force") == 0
        assert "stack:" in (elsewhere / "my_robot.yaml").read_text()

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["--camera", "front=nowhere"], "'nowhere' is no file that is here, and none of"),
            (["--camera", "a b=/dev/video0"], "'a b' is no name for a node"),
            (["--camera", "a=synthetic", "--camera", "a=synthetic"], "'a' is there already"),
            (["--camera", "stack=synthetic"], "'stack' is there already"),
            (["--camera", "synthetic", "--model", "none.onnx"], "there is no model file 'none.onnx'"),
            (["--camera", "synthetic", "--model", __file__], "is no model that can be run"),
        ],
    )
    def test_what_is_given_and_is_not_there(self, elsewhere, capsys, arguments, reason):
        assert init(*arguments) == 1
        assert reason in capsys.readouterr().err
        assert list(elsewhere.iterdir()) == []


def test_in_a_terminal_it_asks_what_the_arguments_do_not_say(elsewhere):
    (elsewhere / "models").mkdir()
    for name, file in (("first", DETECTOR), ("second", CLASSIFIER)):
        (elsewhere / "models" / f"{name}.tflite").write_bytes(Path(file).read_bytes())
    ours, theirs = pty.openpty()
    os.write(ours, b"n\n\n")
    done = subprocess.run(
        [*COMMAND, "init", "--camera", "synthetic", "--wait", "0"],
        stdin=theirs, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stderr.count("take it as") == 2
    assert sections()["stack"]["vision"] == ["second"]


class TestFoundCameras:
    def test_a_webcam_has_the_path_that_stays_its_own(self):
        names: list[str] = []
        found = webcam(v4l2.Device("/dev/video2", "/dev/v4l/by-id/usb-1", "HD Cam"), names)
        assert found.parameters == {"driver": "webcam", "video_path": "/dev/v4l/by-id/usb-1"}
        assert found.what == "found: /dev/video2 (HD Cam)"
        assert webcam(v4l2.Device("/dev/video4"), names).name == "webcam_2"

    def test_a_published_camera_has_its_topics_and_depth_as_a_remark(self):
        topics = TopicsOfCamera("/d400/color/image_raw", depth="/d400/depth/image", publishers=("/d400",))
        found = published(topics, [])
        assert (found.name, found.what) == ("d400", "found: the topic /d400/color/image_raw, published by /d400")
        assert found.topics == {"image": "/d400/color/image_raw"}
        assert found.remarks == ["for 3D, if it is registered to the images:  d400.depth: /d400/depth/image"]

    @pytest.mark.parametrize(
        ("text", "name", "driver"),
        [
            ("rtsp://10.0.0.1/stream?a=b", "stream", "video"),
            ("gate=rtsp://10.0.0.1/s", "gate", "video"),
            ("/dev/video7", "webcam", "webcam"),
            ("/front/color/image_raw", "front", None),
        ],
    )
    def test_sources_are_told_apart_by_their_form(self, text, name, driver):
        found = given_camera(text, [])
        assert (found.name, found.parameters.get("driver")) == (name, driver)

    def test_files_are_images_or_videos(self, elsewhere):
        (elsewhere / "table.png").touch()
        (elsewhere / "run").mkdir()
        assert given_camera("table.png", []).parameters["driver"] == "image_file"
        assert given_camera("run", []).parameters == {
            "driver": "video",
            "video_path": str(elsewhere / "run"),
            "loop": True,
        }
        with pytest.raises(VisionError):
            given_camera("gone.png", [])


class TestTexts:
    @pytest.mark.parametrize(
        ("topic", "name"),
        [
            ("/usb_cam/image_raw", "usb_cam"),
            ("/robot1/front/color/image_raw", "front"),
            ("/image_raw", "camera"),
            ("/camera/rgb/image_rect_color", "camera"),
        ],
    )
    def test_a_camera_is_called_as_its_topic_says(self, topic, name):
        assert name_of_topic(topic) == name

    def test_names_are_what_ros_allows(self):
        assert node_name("yolo11n-seg (2)", [], "model") == "yolo11n_seg_2"
        assert node_name("2024", [], "model") == "model_2024"
        assert node_name("größe", [], "model") == "gr_e"
        assert node_name("???", ["model", "model_2"], "model") == "model_3"

    @pytest.mark.parametrize("value", ["#DB2323", "yes", "1.5", "~", "/dev/video0", "a: b", 0.5, True, "", "~/x"])
    def test_values_are_read_as_they_were(self, value):
        assert yaml.safe_load(f"key: {scalar(value)}")["key"] == value


class TestOddNames:
    """Names of files may be anything but what has a zero byte or a slash."""

    @pytest.fixture
    def models(self, elsewhere):
        folder = elsewhere / "models"
        folder.mkdir()
        return folder

    def test_a_model_called_camera_leaves_the_rendered_camera_another_name(self, models):
        (models / "camera.tflite").write_bytes(Path(DETECTOR).read_bytes())
        assert init() == 0
        assert sections()["stack"] == {"cameras": ["camera_2"], "vision": ["camera"]}

    @pytest.mark.parametrize("odd", ["new\nline: [", "bell\a", "next\x85line", "line\u2028separator", "ünï #", "😀"])
    def test_a_file_is_found_by_its_name_again_and_comments_stay_comments(self, models, odd):
        (models / f"{odd}.tflite").write_bytes(Path(DETECTOR).read_bytes())
        (models / f"broken {odd}.onnx").write_text("none")
        assert init() == 0
        found = sections()
        (name,) = found["stack"]["vision"]
        assert found[name]["model_path"] == str(models / f"{odd}.tflite")
        assert check_file("my_robot.yaml") == []

    def test_what_is_no_utf_8_is_not_served_because_ros_has_no_such_strings(self, models):
        (models / "bad\udcff.tflite").write_bytes(Path(DETECTOR).read_bytes())
        assert init() == 0
        assert "its path is no text in UTF-8: rename it" in Path("my_robot.yaml").read_text()

    def test_the_file_itself_may_be_called_so(self):
        assert init("bad\udcff.yaml", "--camera", "synthetic") == 0
        assert sections("bad\udcff.yaml")["stack"]["cameras"] == ["camera"]

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["~nobody_here/x.yaml"], "cannot write"),
            (["--model", "~nobody_here/x.onnx"], "there is no model file"),
            (["--camera", "a=~nobody_here/x.png"], "is no file that is here"),
        ],
    )
    def test_a_home_of_nobody_is_an_error_message(self, arguments, said, capsys):
        assert init(*arguments) == 1
        assert said in capsys.readouterr().err

    def test_a_folder_of_models_in_a_home_of_nobody_is_one_that_is_not_there(self):
        assert init("--models-dir", "~nobody_here", "--camera", "synthetic") == 0
