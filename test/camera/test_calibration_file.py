"""Calibration files in ROS's format: what is read, what is refused, and what is written can be read again."""

import dataclasses
import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vision_service.camera.calibration_file import path_of, read_camera_info, write_camera_info
from vision_service.errors import ErrorCode, VisionError
from vision_service.types import CameraIntrinsics

KNOWN = CameraIntrinsics(32, 24, 40.0, 41.0, 15.5, 11.5)
BENT = dataclasses.replace(KNOWN, distortion_model="plumb_bob", distortion=(0.1, 0.2, 0.4, 0.5, 0.3))
SKEWED = dataclasses.replace(KNOWN, distortion_model="equidistant", distortion=(0.01, 0.0, 0.0, 0.0), skew=0.87)
MATRIX = "[40, 0, 15.5, 0, 41, 11.5, 0, 0, 1]"
FILE = f"""image_width: 32
image_height: 24
camera_name: head
camera_matrix:
  rows: 3
  cols: 3
  data: {MATRIX}
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0.1, 0.2, 0.4, 0.5, 0.3]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
projection_matrix:
  rows: 3
  cols: 4
  data: [40, 0, 15.5, 0, 0, 41, 11.5, 0, 0, 0, 1, 0]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "head.yaml"
    path.write_text(FILE)
    return path


def refused(function, *arguments, **keywords):
    with pytest.raises(VisionError) as caught:
        function(*arguments, **keywords)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    return caught.value.message


def test_a_url_may_be_encoded():
    assert path_of("file:///a%20b.yaml") == (Path("/a b.yaml"), True)


def test_a_file_in_ros_s_format_is_read(file):
    assert read_camera_info(file) == BENT


def test_another_camera_model_is_refused_and_not_taken_for_a_pinhole(file):
    file.write_text(FILE.replace("distortion_model: plumb_bob", "camera_model: MEI"))
    assert "unknown distortion model 'MEI'" in refused(read_camera_info, file)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("distortion_model: plumb_bob\n", "", BENT),  # before there was a choice
        ("distortion_model: plumb_bob", "camera_model: plumb_bob", BENT),
        ("distortion_model: plumb_bob", "distortion_model:", BENT),
        ("distortion_model: plumb_bob", "distortion_model: rational_polynomial",
         dataclasses.replace(BENT, distortion_model="rational_polynomial")),
        ("[0.1, 0.2, 0.4, 0.5, 0.3]", "[0.1, 0.2, 0.4, 0.5, 0.3, 0.6, 0.7, 0.8]",
         dataclasses.replace(BENT, distortion=(0.1, 0.2, 0.4, 0.5, 0.3, 0.6, 0.7, 0.8))),
        ("[0.1, 0.2, 0.4, 0.5, 0.3]", "[0.0]", KNOWN),
        ("plumb_bob", "none", None),
        (MATRIX, "[40, 0.5, 15.5, 0, 41, 11.5, 0, 0, 1]", dataclasses.replace(BENT, skew=0.5)),
        (MATRIX, "[[40, 0, 15.5], [0, 41, 11.5], [0, 0, 1]]", BENT),
        ("[0.1, 0.2, 0.4, 0.5, 0.3]", "[[0.1, 0.2, 0.4, 0.5, 0.3]]", BENT),
        (MATRIX, "[4e1, 1e-12, 15.5, 0, 41, 11.5, 0, 0, 1]", BENT),  # YAML 1.1 takes 4e1 for a string
    ],
)  # fmt: skip
def test_files_differ_in_what_they_say_of_the_lens(file, before, after, found):
    file.write_text(FILE.replace(before, after, 1))
    if found is None:
        assert "'none'" in refused(read_camera_info, file)
    else:
        assert read_camera_info(file) == found


@pytest.mark.parametrize(("model", "used"), [("fisheye", "equidistant"), ("none", "")])
def test_other_names_of_models_are_read(file, model, used):
    coefficients = (0.1, 0.0, 0.0, 0.0) if used else ()
    data = list(coefficients) or [0.0] * 5
    file.write_text(FILE.replace("plumb_bob", model).replace("[0.1, 0.2, 0.4, 0.5, 0.3]", str(data)))
    assert read_camera_info(file) == dataclasses.replace(KNOWN, distortion_model=used, distortion=coefficients)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("image_width: 32\n", "", ("image_width missing",)),
        ("image_width: 32", "image_width: 0", ("image_width", "above 0")),
        ("image_width: 32", "image_width: big", ("image_width", "'big'")),
        ("image_width: 32", f"image_width: {2**40}", ("above 0",)),
        ("camera_matrix", "camera_matrices", ("camera_matrix missing",)),
        ("distortion_coefficients", "distortion_coefficents", ("did you mean 'distortion_coefficients'?",)),
        (MATRIX, "[40, 0, 15.5]", ("camera_matrix must have 9 numbers",)),
        (MATRIX, "[0, 0, 15.5, 0, 0, 11.5, 0, 0, 1]", ("camera_matrix", "above 0")),
        (MATRIX, "[a, 0, 15.5, 0, 41, 11.5, 0, 0, 1]", ("camera_matrix",)),
        (MATRIX, f"[1{'0' * 400}, 0, 15.5, 0, 41, 11.5, 0, 0, 1]", ("camera_matrix",)),
        (MATRIX, "[40, 0, 0, 0, 41, 0, 15.5, 11.5, 1]", ("camera_matrix", "0 0 1")),
        ("[0.1, 0.2, 0.4, 0.5, 0.3]", "[0.1, 0.2]", ("plumb_bob has 4 or 5",)),
        ("[0.1, 0.2, 0.4, 0.5, 0.3]", "[.nan, 0, 0, 0, 0]", ("distortion_coefficients",)),
        ("plumb_bob", "plum_bob", ("did you mean 'plumb_bob'?",)),
        ("plumb_bob", "brown_conrady", ("order", "plumb_bob")),
        (FILE, "[1, 2]", ("no calibration",)),
        (FILE, "", ("no calibration",)),
        (FILE, "a: [", ("no YAML",)),
        (FILE, "# oST version 5.0 parameters\n[image]\nwidth\n640\n", (".yaml",)),
        (FILE, "%YAML:1.0\n---\ncamera_matrix: !!opencv-matrix\n   rows: 3\n", (".yaml",)),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(file, before, after, words):
    file.write_text(FILE.replace(before, after, 1))
    message = refused(read_camera_info, file)
    assert str(file) in message
    for word in words:
        assert word in message


@given(cut=st.integers(0, len(FILE) - 1), junk=st.binary(max_size=8))
def test_no_file_makes_it_fail_otherwise(tmp_path_factory, cut, junk):
    path = tmp_path_factory.getbasetemp() / "junk.yaml"
    path.write_bytes(FILE.encode()[:cut] + junk + FILE.encode()[cut + 5 :])
    try:
        read_camera_info(path)
    except VisionError as error:
        assert error.code == ErrorCode.INVALID_ARGUMENT
        assert "junk.yaml" in error.message


@pytest.mark.parametrize("intrinsics", [KNOWN, BENT, SKEWED], ids=["pinhole", "plumb_bob", "skew"])
def test_what_is_written_is_read_again_and_has_all_that_ros_reads(tmp_path, intrinsics):
    path = tmp_path / "new" / "folder" / "camera.yaml"
    write_camera_info(path, intrinsics, camera_name="head")
    assert read_camera_info(path) == intrinsics
    content = yaml.safe_load(path.read_text())
    assert content["camera_name"] == "head"
    shapes = {
        "camera_matrix": (3, 3),
        "distortion_coefficients": (1, len(intrinsics.distortion) or 5),
        "rectification_matrix": (3, 3),
        "projection_matrix": (3, 4),
    }
    for key, (rows, columns) in shapes.items():
        assert (content[key]["rows"], content[key]["cols"]) == (rows, columns)
        assert len(content[key]["data"]) == rows * columns
    assert [item.name for item in path.parent.iterdir()] == ["camera.yaml"]


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0},
        {"height": 2**32},
        {"fx": math.nan},
        {"fy": math.inf},
        {"cx": math.inf},
        {"skew": math.nan},
        {"distortion": (0.1, 0.2)},
        {"distortion_model": "fov", "distortion": (0.9,)},
    ],
)
def test_what_could_not_be_read_again_is_not_written(file, changes):
    refused(write_camera_info, file, dataclasses.replace(BENT, **changes), camera_name="head")
    assert file.read_text() == FILE
    assert [item.name for item in file.parent.iterdir()] == ["head.yaml"]


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    assert "file/new.yaml" in refused(write_camera_info, tmp_path / "file" / "new.yaml", KNOWN, camera_name="head")
