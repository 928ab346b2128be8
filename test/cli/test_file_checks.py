"""Parameter files, checked without running their nodes."""

from pathlib import Path

import pytest
import yaml

from vision_service.cli.file_checks import check_file, nodes_of
from vision_service.findings import NOTE, PROBLEM

CONFIG = Path(__file__).parents[2] / "config"
REDS = {"model": "color_detector", "detect_color": "#ff0000", "hue_tolerance_pct": 0.1}


@pytest.fixture
def written(tmp_path):
    """Writes a parameter file of these sections; returns its path."""

    def write(sections):
        path = tmp_path / "robot.yaml"
        path.write_text(
            yaml.safe_dump({name: {"ros__parameters": each} for name, each in sections.items()}, sort_keys=False)
        )
        return path

    return write


def said(path):
    return [(each.where, each.what) for each in check_file(path)]


@pytest.mark.parametrize("path", sorted(CONFIG.rglob("*.yaml")), ids=lambda path: path.stem)
def test_nothing_is_wrong_with_ours_but_files_that_the_user_is_to_bring(path):
    assert {each.kind for each in check_file(path)} <= {"file"}


def test_the_nodes_are_those_that_the_stack_lists(written):
    path = written({
        "/**/stack": {"cameras": ["eye"], "vision": ["reds"]},
        "/**/eye": {"driver": "synthetic"},
        "/**/reds": REDS | {"cameras": ["eye"], "eye.image": "/somewhere"},
        "of_others": {"driver": "theirs"},
    })  # fmt: skip
    assert [(each.name, each.kind) for each in nodes_of(path)] == [
        ("/stack", "stack"), ("/eye", "camera"), ("/reds", "vision"),
    ]  # fmt: skip
    assert nodes_of(path)[2].cameras()["eye"].image == "/somewhere"
    assert check_file(path) == []


def test_without_a_stack_they_are_what_looks_like_one_of_ours(written):
    path = written({"robot/eye": {"driver": "synthetic"}, "reds": REDS, "theirs": {"rate": 3}})
    assert [(each.name, each.kind) for each in nodes_of(path)] == [("/robot/eye", "camera"), ("/reds", "vision")]


def test_a_node_without_a_section_is_named_with_what_may_be_meant(written):
    path = written({"stack": {"cameras": ["bck"]}, "back": {"driver": "synthetic"}})
    assert said(path) == [("/bck", "the stack lists it, but it has no section: did you mean 'back'?")]


@pytest.mark.parametrize(
    ("section", "where", "says"),
    [
        ({"stack": {"visions": ["a"], "vision": ["reds"]}, "reds": REDS}, "/stack", "no parameter 'visions': did you"),
        ({"reds": REDS | {"hue_tolerence_pct": 0.1}}, "/reds", "did you mean 'hue_tolerance_pct'"),
        ({"reds": REDS | {"segment_size_px": "many"}}, "/reds", "'segment_size_px' must be an integer"),
        ({"reds": {"model": "colour_detector"}}, "/reds", "did you mean 'color_detector'"),
        ({"reds": {"model": "color_detector"}}, "/reds", "'detect_color' is missing"),
        ({"reds": REDS | {"cameras": ["eye"], "eye.imag": "/a"}}, "/reds", "did you mean 'eye.image'"),
        ({"eye": {"driver": "syntetic"}}, "/eye", "did you mean 'synthetic'"),
        ({"eye": {"driver": "synthetic", "camera_info": "x"}}, "/eye", "no parameter 'camera_info'"),
        ({"eye": {"driver": "synthetic", "distortion_parameters.rk1": "x"}}, "/eye", "'distortion_parameters' must be"),
        ({"net": {"model_path": "/nowhere.tflite", "num_thread": 1}}, "/net", "did you mean 'num_threads'"),
    ],
)
def test_names_and_values_that_are_wrong(written, section, where, says):
    assert any(each == where and says in what for each, what in said(written(section)))


def test_what_every_ros_node_has_is_known(written):
    path = written({"reds": REDS | {"use_sim_time": True, "qos_overrides./tf.subscription.depth": 3}})
    assert check_file(path) == []


def test_a_pipeline_of_transforms_is_known_with_its_parts(written):
    turned = {"driver": "transform", "source": "eye", "pipeline": ["turn"], "turn.type": "rotate"}
    assert check_file(written({"turned": turned | {"turn.angle_degs": 90}})) == []
    assert any("angle_deg" in what for _, what in said(written({"turned": turned | {"turn.angle_deg": 90}})))


class TestFiles:
    def test_one_that_is_not_there_is_named_with_one_that_is_alike(self, written, tmp_path):
        (tmp_path / "model.tflite").touch()
        (finding,) = check_file(written({"net": {"model_path": str(tmp_path / "modle.tflite")}}))
        assert (finding.kind, finding.severity) == ("file", PROBLEM)
        assert "did you mean 'model.tflite'?" in finding.what
        assert finding.advice == "put it there, or give /net another model_path"

    def test_one_that_is_there_is_all_right(self, written, tmp_path):
        (tmp_path / "model.tflite").touch()
        assert check_file(written({"net": {"model_path": str(tmp_path / "model.tflite")}})) == []

    def test_a_folder_that_is_missing_is_said(self, written):
        assert "nor its folder" in check_file(written({"net": {"model_path": "/nowhere/at/all.onnx"}}))[0].what

    def test_a_relative_one_is_said_to_be_relative_to_the_folder_of_now(self, written):
        assert (
            f"relative to {str(Path.cwd())!r}" in check_file(written({"net": {"model_path": "not_here.onnx"}}))[0].what
        )

    def test_a_calibration_may_come_later(self, written, tmp_path):
        url = f"file://{tmp_path}/calibration.yaml"
        (finding,) = check_file(written({"eye": {"driver": "synthetic", "camera_info_url": url}}))
        assert (finding.kind, finding.severity) == ("file", NOTE)

    @pytest.mark.parametrize("path", ["rtsp://camera/stream", "http://camera/still.jpg"])
    def test_urls_of_streams_are_no_files(self, written, path):
        assert check_file(written({"film": {"driver": "video", "video_path": path}})) == []

    def test_a_pattern_needs_a_file_that_matches(self, written, tmp_path):
        path = written({"film": {"driver": "video", "video_path": str(tmp_path / "left_*.png")}})
        assert "no file matches" in check_file(path)[0].what
        (tmp_path / "left_1.png").touch()
        assert check_file(path) == []


@pytest.mark.parametrize("text", ["", "a: 1", "a: [", "theirs:\n  ros__parameters:\n    rate: 1\n"])
def test_a_file_that_describes_no_node_is_a_finding(tmp_path, text):
    path = tmp_path / "robot.yaml"
    path.write_text(text)
    (finding,) = check_file(path)
    assert (finding.kind, finding.where) == ("parameter_file", str(path))


def test_so_is_one_that_is_not_there(tmp_path):
    assert [each.kind for each in check_file(tmp_path / "nothing.yaml")] == ["parameter_file"]


def test_the_gateway_of_a_stack_is_checked_and_needs_no_section(written):
    sections = {"stack": {"vision": ["reds"], "viam_gateway": True}, "reds": {**REDS, "cameras": ["eye"]}}
    assert said(written(sections)) == []
    [(where, what)] = said(written({**sections, "viam_gateway": {"prot": 80}}))
    assert (where, "did you mean 'port'?" in what) == ("/viam_gateway", True)


def test_a_file_of_the_viam_gateway_alone_is_checked(written):
    assert said(written({"viam_gateway": {"port": 8081}})) == []
    ((where, what),) = said(written({"/**/viam_gateway": {"prot": 8081}}))
    assert where == "/viam_gateway"
    assert "did you mean 'port'?" in what
