"""Strangers: what a peer may have a node read, write and load by names that come over the network."""

import json
import shutil

import pytest
from rclpy.parameter import Parameter
from sensor_msgs.srv import SetCameraInfo
from vision_service.srv import DoCommand, GetImage, GetImages

from robot import running
from vision_service.allowed_paths import VARIABLE
from vision_service.errors import ErrorCode
from vision_service.files import share_file
from vision_service.ros.execution.calls import LONGEST, seconds
from vision_service.ros.json_fields import LONGEST_JSON
from vision_service.settings.node import LONGEST_TIMEOUT

DETECTOR = share_file("models/solids_detector.tflite")
CLASSIFIER = share_file("models/solids_classifier.tflite")
PATHS = {"path", "file", "folder", "url", "library", "delegate"}
"""Words in the names of parameters that name files."""
SYNTHETIC = {"driver": "synthetic", "width_px": 64, "height_px": 48}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two folders with a model each, none of which is allowed."""
    monkeypatch.delenv(VARIABLE)
    for name in ("started", "other"):
        (tmp_path / name).mkdir()
        shutil.copy(DETECTOR, tmp_path / name / "a.tflite")
        shutil.copy(DETECTOR, tmp_path / name / "b.tflite")
    return tmp_path


def vision(**parameters):
    """Run a vision node `people`."""
    return running({"stack": {"vision": ["people"]}, "people": {"model": "mlmodel", **parameters}})


def camera(**parameters):
    """Run a camera node `eye`."""
    return running({"stack": {"cameras": ["eye"]}, "eye": parameters})


def test_a_model_of_another_folder_is_refused_with_the_folder_to_allow_and_the_node_goes_on(folders):
    with vision(model_path=str(folders / "started" / "a.tflite")) as robot:
        refused = robot.set("people", {"model_path": str(folders / "other" / "a.tflite")})
        assert not refused.successful
        assert f"{VARIABLE}={folders / 'other'}" in refused.reason
        assert robot.set("people", {"model_path": str(folders / "started" / "b.tflite")}).successful
        assert robot.set("people", {"model_path": "package://vision_service/models/solids_detector.tflite"}).successful
        assert robot.set("people", {"model_path": str(folders / "started" / "a.tflite")}).successful
        assert robot.status("people")["state"] == "active"


@pytest.mark.parametrize("way", ["variable", "parameter"])
def test_what_the_refusal_says_to_do_is_enough(folders, monkeypatch, way):
    more = {}
    if way == "variable":
        monkeypatch.setenv(VARIABLE, str(folders / "other"))
    else:
        more = {"allowed_paths": [str(folders / "other")]}
    with vision(model_path=str(folders / "started" / "a.tflite"), **more) as robot:
        assert robot.set("people", {"model_path": str(folders / "other" / "a.tflite")}).successful


def test_a_peer_cannot_allow_itself_more(folders):
    with vision(model_path=str(folders / "started" / "a.tflite")) as robot:
        for name in ("allowed_paths", "allowed_urls"):
            refused = robot.set("people", {name: ["/"]})
            assert not refused.successful
            assert "at the start only" in refused.reason
        assert robot.nodes["people"].describe_parameter("allowed_paths").read_only


def test_a_list_that_is_given_wrong_at_the_start_allows_nothing(folders):
    with vision(model_path=str(folders / "started" / "a.tflite"), allowed_paths=str(folders)) as robot:
        assert "allowed_paths" in robot.status("people")["last_error"]
        assert not robot.set("people", {"model_path": "/opt/models/a.tflite"}).successful


def test_names_are_refused_in_every_lifecycle_state(folders):
    with vision(model_path="/nowhere/a.tflite") as robot:
        assert robot.status("people")["state"] == "unconfigured"
        assert not robot.set("people", {"model_path": str(folders / "other" / "a.tflite")}).successful


def test_start_parameters_may_name_hidden_files_and_peers_may_not(folders):
    hidden = folders / ".models"
    (folders / "started").rename(hidden)
    with vision(model_path=str(hidden / "a.tflite")) as robot:
        assert robot.status("people")["state"] == "active"
        assert robot.set("people", {"model_path": str(DETECTOR)}).successful
        assert not robot.set("people", {"model_path": str(hidden / "b.tflite")}).successful
        assert robot.set("people", {"model_path": str(hidden / "a.tflite")}).successful


def test_libraries_are_loaded_by_start_parameters_only(folders):
    with vision(model_path=str(DETECTOR)) as robot:
        for name in ("delegate", "delegate_options.library"):
            refused = robot.set("people", {name: "/opt/lib/delegate.so"})
            assert not refused.successful
            assert "parameter file" in refused.reason
        assert robot.set("people", {"delegate": ""}).successful


def test_labels_are_read_of_allowed_folders_only(folders):
    (folders / "other" / "labels.txt").write_text("a\nb\n")
    with vision(model_path=str(DETECTOR)) as robot:
        assert VARIABLE in robot.set("people", {"label_path": str(folders / "other" / "labels.txt")}).reason


@pytest.mark.parametrize("driver", ["image_file", "replay", "video", "webcam"])
def test_each_driver_s_files_are_checked(folders, driver):
    name = {"image_file": "color_image_file_path", "replay": "path"}.get(driver, "video_path")
    with camera(driver=driver, **{name: str(folders / "started" / "a.tflite")}) as robot:
        refused = robot.set("eye", {name: str(folders / "other" / "a.tflite")})
        assert not refused.successful
        assert VARIABLE in refused.reason


def test_a_name_that_one_driver_may_read_is_checked_again_for_the_next(folders):
    with camera(driver="webcam", autostart=False) as robot:
        node = robot.nodes["eye"]
        node.trigger_configure()
        node.trigger_cleanup()
        assert robot.set("eye", {"video_path": "/dev/video7"}).successful
        assert robot.set("eye", {"driver": "video"}).successful
        node.trigger_configure()
        assert VARIABLE in robot.status("eye")["last_error"]


def test_urls_are_opened_of_start_parameters_and_allowed_ones_only(folders):
    with camera(driver="video", video_path="rtsp://127.0.0.1:9/a", allowed_urls=["http://127.0.0.1:9/b"]) as robot:
        robot.nodes["eye"].trigger_deactivate()
        robot.nodes["eye"].trigger_cleanup()
        for url, taken in {
            "http://127.0.0.1:9/b/1": True,
            "rtsp://127.0.0.1:9/a": True,
            "rtsp://127.0.0.1:9/b": False,
            "concat://other": False,
        }.items():
            result = robot.set("eye", {"video_path": url})
            assert result.successful is taken, url
            assert taken or "start parameter" in result.reason


def test_a_calibration_is_written_only_where_the_start_parameters_or_the_folders_say(folders):
    with camera(**SYNTHETIC) as robot:
        node = robot.nodes["eye"]
        node.trigger_deactivate()
        node.trigger_cleanup()
        target = folders / "other" / "eye.yaml"
        assert not robot.set("eye", {"camera_info_url": f"file://{target}"}).successful
        assert not robot.set("eye", {"camera_info_url": "file://${ROS_HOME}/camera_info/${NAME}.yaml"}).successful
        node.trigger_configure()
        info = robot.call(SetCameraInfo, "eye/set_camera_info")
        assert not info.success
        assert not target.exists()


def test_code_of_the_node_s_own_process_may_set_what_it_likes(folders):
    with vision(model_path=str(DETECTOR)) as robot:
        given = [Parameter("model_path", value=str(folders / "other" / "a.tflite"))]
        assert robot.nodes["people"].set_parameters(given)[0].successful


def test_only_listed_commands_are_run():
    with camera(**SYNTHETIC) as robot:
        known = json.loads(robot.call(DoCommand, "eye/do_command", command='{"command": "help"}').result)["commands"]
        assert "help" in known
        for name in ("run_command", "close", "__class__", "config", ["help"], {"help": 1}, None, 1, "x" * 60_000):
            answer = robot.call(DoCommand, "eye/do_command", command=json.dumps({"command": name}))
            assert answer.error_code == ErrorCode.NOT_SUPPORTED
            assert len(answer.message) < 5000


def test_what_is_sent_is_repeated_in_part_only():
    long = "x" * 1_000_000
    with camera(**SYNTHETIC) as robot:
        answers = [
            robot.call(GetImages, "eye/get_images", filter_source_names=[long, long]),
            robot.call(GetImages, "eye/get_images", filter_source_names=[str(n) for n in range(100_000)]),
            robot.call(GetImage, "eye/get_image", mime_type=long),
            robot.call(DoCommand, "eye/do_command", command=json.dumps({"command": long})),
        ]
        assert all(not answer.success and len(answer.message) < 5000 for answer in answers)
        assert str(LONGEST_JSON) in answers[3].message
        for name, value in (("frame_id", long), (long, 1), ("geometries", [long]), ("driver", long)):
            refused = robot.set("eye", {name: value})
            assert not refused.successful
            assert len(refused.reason) < 5000
        assert len(json.dumps(robot.status("eye"))) < 20_000


def test_a_call_can_hold_its_place_for_ten_minutes_at_most():
    assert LONGEST == LONGEST_TIMEOUT == 600.0
    assert seconds(86_400.0, 5.0, "timeout") == 600.0
    with camera(**SYNTHETIC) as robot:
        assert not robot.set("eye", {"timeout": 601.0}).successful
        assert robot.set("eye", {"timeout": 600.0}).successful
        assert not robot.set("eye", {"linger": 1e9}).successful


def test_every_parameter_that_names_a_file_is_declared_as_such():
    from vision_service.camera import DRIVERS
    from vision_service.camera.calibration import CalibrationConfig
    from vision_service.configuration import Names, attributes
    from vision_service.settings.mlmodel import MLModelConfiguration
    from vision_service.vision import MODELS

    configurations = [CalibrationConfig, MLModelConfiguration]
    configurations += [kinds.get(name).Config for kinds in (DRIVERS, MODELS) for name in kinds.names()]
    for configuration in configurations:
        for name, attribute in attributes(configuration).items():
            if attribute.type is str and not attribute.choices and PATHS & set(name.split("_")):
                assert attribute.names is not Names.NOTHING, f"{configuration.__name__}.{name}"
