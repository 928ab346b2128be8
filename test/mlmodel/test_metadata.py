"""What TensorFlow Lite files say of themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import testdata
import tinymodels
from vision_service.mlmodel.metadata import ModelMetadata, TensorMetadata, read_metadata
from vision_service.mlmodel.runtime import Hints

INPUT = {0: "image", 1: "a picture", 4: [{0: 1, 1: {0: [127.5, 120.0, 100.0], 1: [58.0, 57.0, 56.0]}}]}
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
        (TensorMetadata("a picture", (), Hints("image", (127.5, 120.0, 100.0), (58.0, 57.0, 56.0))),),
        (
            TensorMetadata("the boxes", (), Hints("location", (), (), "center_size", (1, 0, 3, 2), "pixels")),
            TensorMetadata("", ("apple", "pear"), Hints("category")),
        ),
        ("apple", "pear"),
    )


def test_without_metadata_the_labels_are_those_in_the_archive():
    assert read_metadata(model(None, {"labels.txt": "cat\ndog"})) == ModelMetadata(labels=("cat", "dog"))
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
