"""Files of users and strangers, damaged and made up: each is read, or refused by an error message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymodels
from fuzzing import TRIED, WORDS, damaged, examples
from vision_service.camera.calibration_file import read_camera_info
from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.label_files import read_label_file
from vision_service.mlmodel.loading import load
from vision_service.mlmodel.metadata import read_metadata
from vision_service.mlmodel.onnx_file import read_facts
from vision_service.parameter_files import check_used, read_parameter_file
from vision_service.pointcloud.pcd import read_pcd, read_pcd_fields

REFUSALS = {ErrorCode.INVALID_ARGUMENT, ErrorCode.NOT_SUPPORTED, ErrorCode.MODEL_ERROR, ErrorCode.NOT_CALIBRATED}

PARAMETERS = b"""# a robot
/**:
  ros__parameters: {use_sim_time: false}
stack:
  ros__parameters:
    cameras: [eye, "left"]
    since: 2026-01-02
eye:
  ros__parameters:
    driver: synthetic
    objects: 6
    geometries: !!python/tuple [1.5, -2e3, .inf]
robot/arm:
  eye: {ros__parameters: {a.b: yes, c: {d: ~, e: 'it''s'}, f: |
    text
    of lines
  }}
"""
CALIBRATION = b"""image_width: 640
image_height: 480
camera_name: eye
camera_matrix: {rows: 3, cols: 3, data: [500, 0, 320, 0, 500, 240, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.2, 0, 0, 0]}
"""
LABELS = {
    "a.txt": b"person\nbicycle\ncar\n",
    "a.yaml": b"path: ../coco\nnames:\n  0: person\n  1: bicycle\n  2: car\nnc: 3\n",
    "a.json": b'{"id2label": {"0": "person", "1": "bicycle", "2": "car"}}',
    "a.csv": b"id,name\n0,person\n1,bicycle\n2,car\n",
    "a.pbtxt": b'item { id: 1 name: "person" }\nitem { id: 2 display_name: "bicycle" }\n',
}
POINTS = (
    b"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\nCOUNT 1 1 1 1\nWIDTH 3\nHEIGHT 1\n"
    b"VIEWPOINT 0 0 0 1 0 0 0\nPOINTS 3\nDATA "
)
CLOUDS = {
    "ascii": POINTS + b"ascii\n0 0 1 255\n1 0 1e38 65280\nnan nan nan 0\n",
    "binary": POINTS + b"binary\n" + bytes(range(48)),
    "compressed": POINTS
    + b"binary_compressed\n"
    + b"\x07\x00\x00\x00\x30\x00\x00\x00"
    + b"\x00\x00\xe0\x25\x00\x00\x00",
}


def refused_at_most(read, *arguments):
    """Read; what cannot be read is refused by an error message of one line."""
    try:
        read(*arguments)
        TRIED["read"] += 1
    except VisionError as error:
        TRIED["refused"] += 1
        assert error.code in REFUSALS, error.message
        assert error.message
        assert "\n" not in error.message
        assert len(error.message) < 5000


words = st.one_of(
    st.sampled_from(
        (*WORDS, "ros__parameters", "stack", "*", "**", "eye", "1", "0x10", "1e-3", "yes", "~", "- a", "? b")
    ),
    st.text("ab:-[]{}\"'#&*!|>%@`,?~ \n\t\\1.", max_size=12),
)
yaml_like = st.recursive(
    words,
    lambda below: st.one_of(
        st.lists(below, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.dictionaries(words, below, max_size=3).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
        ),
        st.dictionaries(words, below, max_size=3).map(
            lambda items: "\n".join(f"{key}:\n  {value}" for key, value in items.items())
        ),
    ),
    max_leaves=12,
).map(lambda text: text.encode(errors="ignore"))


@examples(150, 0.05)
@given(data=st.one_of(damaged(PARAMETERS), yaml_like, st.binary(max_size=60)))
def test_parameter_files(tmp_path, data):
    path = tmp_path / "robot.yaml"
    path.write_bytes(data)
    refused_at_most(read_parameter_file, path)
    refused_at_most(check_used, path, ["/stack", "/robot/eye"])


@examples(100, 0.03)
@given(data=st.one_of(damaged(CALIBRATION), yaml_like))
def test_calibration_files(tmp_path, data):
    path = tmp_path / "eye.yaml"
    path.write_bytes(data)
    refused_at_most(read_camera_info, path)


@pytest.mark.parametrize("name", LABELS)
def test_label_files(tmp_path, name):
    @examples(40, 0.01)
    @given(st.one_of(damaged(LABELS[name]), yaml_like, st.binary(max_size=60)))
    def read(data):
        path = tmp_path / name
        path.write_bytes(data)
        refused_at_most(read_label_file, str(path))

    read()


@pytest.mark.parametrize("form", CLOUDS)
def test_point_clouds(form):
    @examples(60, 0.01)
    @given(damaged(CLOUDS[form]))
    def read(data):
        refused_at_most(read_pcd, data)
        refused_at_most(read_pcd_fields, data)

    read()


@pytest.fixture(scope="module")
def models():
    image = {"image": ("float32", (1, 4, 6, 3))}
    labels = {"labels.txt": "red\ngreen\nblue\n"}
    return {
        "a.tflite": tinymodels.tflite(image, mean_of=(1, 2), files=labels, metadata={0: "name", 1: "what", 2: "1"}),
        "a.onnx": tinymodels.onnx(image, mean_of=(1, 2), metadata={"names": "{0: 'red'}", "task": "classify"}),
    }


@pytest.mark.parametrize("name", ["a.tflite", "a.onnx"])
def test_what_models_say_of_themselves(models, name):
    """Our readers of the files, which run in the node's own process; no runtime reads these."""

    @examples(100, 0.05)
    @given(damaged(models[name]))
    def read(data):
        refused_at_most(read_facts if name.endswith("onnx") else read_metadata, data)

    read()


@pytest.mark.parametrize("name", ["a.tflite", "a.onnx"])
def test_models_are_loaded_or_refused(tmp_path, models, name):
    """The files are read by their runtimes in the process that tries them; what ends that one is refused.

    Not tried in here are files whose trial passes and which only then harm the process that loads them: none is known.
    """

    @examples(3, 0.002)
    @given(damaged(models[name]))
    def open_file(data):
        path = tmp_path / name
        path.write_bytes(data)
        refused_at_most(_load, path)

    open_file()


def _load(path):
    load(path).close()
