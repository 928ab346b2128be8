"""What TensorFlow Lite files say of themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import testdata
import tinymodels
from vision_service.mlmodel.metadata import ModelMetadata, TensorMetadata, read_metadata
from vision_service.mlmodel.runtime import Hints

INPUT = {0: "image", 1: "an image", 4: [{0: 1, 1: {0: [127.5, 120.0, 100.0], 1: [58.0, 57.0, 56.0]}}]}
"""TensorMetadata: name, description, process_units [{options_type, options {mean, std}}]."""

LOCATION = {0: "location", 1: "the boxes", 3: {0: 3, 1: {0: [1, 0, 3, 2], 1: 3, 2: 1}}}
"""… and content {type, properties {index, type, coordinate_type}}."""

CATEGORY = {0: "category", 6: [{0: "de.txt", 2: 3, 3: "de"}, {0: "en.txt", 2: 3, 3: "en"}, {0: "vocabulary.txt", 2: 5}]}
"""… and associated_files [{name, type, locale}]."""

METADATA = {0: "Fruit", 1: "Finds fruit.", 3: [{2: [INPUT], 3: [LOCATION, CATEGORY]}]}
"""ModelMetadata: name, description, subgraph_metadata [{input_tensor_metadata, output_tensor_metadata}]."""

FILES = {"de.txt": "Apfel\nBirne\n", "en.txt": "apple\npear\n", "vocabulary.txt": "x"}


def model(metadata=METADATA, files=FILES) -> bytes:
    return tinymodels.tflite({"x": ("float32", (1, 4, 4, 3))}, mean_of=(1, 2), metadata=metadata, files=files)


def test_names_descriptions_normalization_boxes_and_labels_are_read():
    assert read_metadata(model()) == ModelMetadata(
        "Fruit",
        "Finds fruit.",
        (TensorMetadata("an image", (), Hints("image", (127.5, 120.0, 100.0), (58.0, 57.0, 56.0))),),
        (
            TensorMetadata("the boxes", (), Hints("location", (), (), "center_size", (1, 0, 3, 2), "pixels")),
            TensorMetadata("", ("apple", "pear"), Hints("category")),
        ),
        ("apple", "pear"),
        "the label file in the model's metadata",
    )


def test_without_metadata_the_labels_are_those_in_the_archive():
    assert read_metadata(model(None, {"labels.txt": "cat\ndog"})) == ModelMetadata(
        labels=("cat", "dog"), labels_from="the text file in the model's archive"
    )
    assert read_metadata(model(None, None)) == ModelMetadata()


def test_a_label_file_that_is_named_but_absent_is_no_error():
    assert read_metadata(model(METADATA, None)).outputs[1].labels == ()


@pytest.mark.parametrize(
    ("mean", "std"), [([127.5], [0.0]), ([127.5], []), ([127.5], [1.0, 1.0, 1.0]), ([], [127.5]), ([], [])]
)
def test_a_normalization_that_cannot_be_is_none(mean, std):
    unit = {0: 1, 1: {number: values for number, values in enumerate((mean, std)) if values}}
    (only,) = read_metadata(model({3: [{2: [{4: [unit]}]}]})).inputs
    assert (only.hints.mean, only.hints.std) == ((), ())


def test_an_order_that_is_none_is_left_out():
    (only,) = read_metadata(model({3: [{3: [{3: {0: 3, 1: {0: [1, 1, 3, 2], 1: 1}}}]}]})).outputs
    assert only.hints == Hints(box_format="corners", box_coordinates="normalized")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "metadata.json",
            '{"task": "detect", "end2end": false, "imgsz": [320, 320], "names": {"0": "cat", "1": "dog"}}',
        ),
        ("temp_meta.txt", "{'task': 'detect', 'end2end': False, 'imgsz': [320, 320], 'names': {0: 'cat', 1: 'dog'}}"),
        ("meta.txt", "{'task': 'detect', 'end2end': False, 'imgsz': [320, 320], 'names': ['cat', 'dog']}"),
    ],
)
def test_what_ultralytics_exporters_write_is_read_and_its_names_are_the_labels(file, text):
    found = read_metadata(model(None, {file: text}))
    assert found.exported_from == file
    assert (found.exported["task"], found.exported["end2end"], found.exported["imgsz"]) == ("detect", False, [320, 320])
    assert (found.labels, found.labels_from) == (("cat", "dog"), f"names in the model's {file}")


def test_a_label_file_that_holds_all_the_exporter_says_is_none():
    """So Ultralytics 8.2 and 8.3 write it: the words of a Python dictionary became class names."""
    output = {0: "output", 6: [{0: "temp_meta.txt", 2: 2}]}
    text = "{'author': 'Ultralytics', 'date': '2025-03-18', 'names': {0: 'cat', 1: 'dog'}}"
    found = read_metadata(model({3: [{3: [output]}]}, {"temp_meta.txt": text}))
    assert found.outputs[0].labels == ()
    assert (found.labels, found.labels_from) == (("cat", "dog"), "names in the model's temp_meta.txt")


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "{'a': __import__('os')}", "[" * 100_000, "7"])
@pytest.mark.parametrize("file", ["metadata.json", "temp_meta.txt"])
def test_an_exporter_s_file_that_is_none_says_nothing(file, text):
    assert read_metadata(model(None, {file: text})) == ModelMetadata()


def decoding(scale: float) -> bytes:
    """MediaPipe's ObjectDetectorOptions of two anchors."""
    flatbuffers = pytest.importorskip("flatbuffers")
    builder = flatbuffers.Builder(256)

    def table(**numbers: tuple[int, str, float]) -> int:
        builder.StartObject(12)
        for number, form, value in numbers.values():
            getattr(builder, f"Prepend{form}Slot")(number, value, 0)
        return builder.EndObject()

    def pointing(number: int, target: int) -> int:
        builder.StartObject(3)
        builder.PrependUOffsetTRelativeSlot(number, target, 0)
        return builder.EndObject()

    anchors = [
        table(**{"xywh"[place]: (place, "Float32", value) for place, value in enumerate(anchor)}) for anchor in ANCHORS
    ]
    builder.StartVector(4, len(anchors), 4)
    for anchor in reversed(anchors):
        builder.PrependUOffsetTRelative(anchor)
    options = pointing(0, pointing(0, builder.EndVector()))
    whole = {"classes": (0, "Int32", 3), "boxes": (1, "Int32", 2), "coordinates": (2, "Int32", 4)}
    scales = {name: (number, "Float32", scale) for number, name in enumerate(("x", "y", "w", "h"), 6)}
    decoded = table(**whole, **scales, exponential=(10, "Bool", True))
    builder.StartObject(3)
    builder.PrependUOffsetTRelativeSlot(1, options, 0)
    builder.PrependUOffsetTRelativeSlot(2, decoded, 0)
    builder.Finish(builder.EndObject(), b"V001")
    return bytes(builder.Output())


ANCHORS = [(0.25, 0.5, 0.125, 0.75), (0.5, 0.25, 1.0, 0.5)]


def with_decoding(data: bytes) -> bytes:
    """A model with that custom metadata; bytes are written as text, character by character."""
    content = bytearray(model({3: [{9: [{0: "DETECTOR_METADATA", 1: "@" * len(data)}]}]}, None))
    place = content.index(b"@" * len(data))
    content[place : place + len(data)] = data
    return bytes(content)


def test_mediapipe_s_anchors_are_read():
    found = read_metadata(with_decoding(decoding(10.0))).anchors
    assert found is not None
    assert (found.num_classes, found.num_boxes, found.num_coords) == (3, 2, 4)
    assert (found.x_scale, found.y_scale, found.w_scale, found.h_scale) == (10, 10, 10, 10)
    assert (found.apply_exponential_on_box_size, found.sigmoid_score) == (True, False)
    assert found.anchors.tolist() == [list(anchor) for anchor in ANCHORS]


def test_anchors_without_a_scale_are_none():
    assert read_metadata(with_decoding(decoding(0.0))).anchors is None


def test_anchors_that_mediapipe_s_own_writer_has_written_are_read():
    found = read_metadata(testdata.form("mediapipe_raw.tflite").read_bytes())
    assert found.labels == ("cat", "dog")
    assert found.producer == "MLIR Converted."
    assert found.anchors is not None
    assert (found.anchors.num_boxes, found.anchors.x_scale, found.anchors.w_scale) == (20, 10, 5)
    assert (found.anchors.apply_exponential_on_box_size, found.anchors.sigmoid_score) == (True, True)
    assert found.anchors.anchors[1].tolist() == pytest.approx([0.14, 0.23, 0.3, 0.25])


@given(st.data())
def test_damaged_anchors_are_no_error(data):
    content = bytearray(decoding(10.0))
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    assert isinstance(read_metadata(with_decoding(bytes(content))), ModelMetadata)


@given(st.data())
def test_a_damaged_record_is_no_error(data):
    content = bytearray(model())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    assert isinstance(read_metadata(bytes(content)), ModelMetadata)


@given(st.binary())
def test_bytes_of_any_kind_say_nothing(data):
    assert read_metadata(data) == ModelMetadata()


@pytest.mark.parametrize("file", sorted(testdata.expected().get("models", {})))
def test_real_models_say_what_was_read_before_by_another_program(file):
    data = testdata.path(f"models/{file}").read_bytes()
    expected = testdata.expected()["models"][file].get("metadata") or {}
    found = read_metadata(data)
    assert found.name == (expected.get("name") or "")
    for tensors, said in ((found.inputs, expected.get("inputs", ())), (found.outputs, expected.get("outputs", ()))):
        assert [tensor.hints.title for tensor in tensors] == [item["name"] for item in said]
        for tensor, item in zip(tensors, said, strict=True):
            units = [unit["normalization"] for unit in item.get("process_units", ()) if "normalization" in unit]
            assert list(tensor.hints.mean) == (units[0]["mean"] if units else [])
            assert bool(tensor.labels) == bool(item.get("associated_files"))
