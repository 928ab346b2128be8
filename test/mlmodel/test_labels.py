"""Label files as they are found in the wild."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

import testdata
from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.background import without_background
from vision_service.mlmodel.labels import label, labels_in_model, parse_labels, read_labels


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("cat\ndog\n", ("cat", "dog")),
        ("cat\r\ndog\r\n", ("cat", "dog")),
        ("cat\rdog", ("cat", "dog")),
        ("\ufeffcat\ndog", ("cat", "dog")),
        ("  cat \n\tdog\n", ("cat", "dog")),
        ("fire hydrant\nstop sign", ("fire hydrant", "stop sign")),
        ("tench, Tinca tinca\ngoldfish, Carassius auratus", ("tench, Tinca tinca", "goldfish, Carassius auratus")),
        ("猫\nперсона\n", ("猫", "персона")),
        ("", ()),
        ("\n \n", ()),
    ],
)
def test_one_label_per_line(text, labels):
    assert parse_labels(text.encode()) == labels


def test_blank_lines_at_the_end_are_dropped_and_one_in_between_keeps_its_number():
    labels = parse_labels(b"cat\n\ndog\n\n\n")
    assert labels == ("cat", "", "dog")
    assert [label(labels, number) for number in range(4)] == ["cat", "1", "dog", "3"]


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ("a,b,c", ("a", "b", "c")),
        ("a, b b, c\n", ("a", "b b", "c")),
        ("a b  c", ("a", "b", "c")),
        ("0 1 2", ("0", "1", "2")),
        ("cat", ("cat",)),
        ("0 person", ("person",)),
    ],
)
def test_a_single_line_is_split_at_commas_or_at_blanks(line, labels):
    assert parse_labels(line.encode()) == labels


def test_numbers_before_every_label_are_its_class_number():
    assert parse_labels(b"0 person\n1 bicycle\n2 car") == ("person", "bicycle", "car")
    assert parse_labels(b"0  person\n1  fire hydrant\n3: car\n") == ("person", "fire hydrant", "", "car")
    assert parse_labels(b"1 person\n\n2 car") == ("", "person", "car")


@pytest.mark.parametrize(
    "text",
    ["0 person\nbicycle", "1 person\n0 car", "5 person\n6 car", "0 a\n0 b", "0 a\n900000000 b", "0\n1", "7up\n8up"],
)
def test_numbers_that_are_no_class_numbers_belong_to_the_label(text):
    assert parse_labels(text.encode()) == tuple(text.split("\n"))


@given(st.lists(st.text(st.characters(categories=["L", "P", "S"]), min_size=1), min_size=2))
def test_what_is_written_one_per_line_is_read_back(labels):
    assert parse_labels("\n".join(labels).encode()) == tuple(labels)


@given(st.binary())
def test_bytes_of_any_kind_are_read(data):
    assert all(item == item.strip() for item in parse_labels(data))
    assert labels_in_model(data) == ()


def test_a_label_file_that_is_missing_or_empty_is_an_error(tmp_path):
    with pytest.raises(VisionError, match=r"absent\.txt") as raised:
        read_labels(str(tmp_path / "absent.txt"))
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(VisionError, match=r"empty\.txt' holds no label") as raised:
        read_labels(str(tmp_path / "empty.txt"))
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


def model_with(files: dict[str, str]) -> bytes:
    """A model's bytes, whatever they are, and a zip archive behind."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, text in files.items():
            writer.writestr(name, text)
    return bytes(range(256)) * 4 + archive.getvalue()


def test_labels_are_found_in_the_archive_at_the_model_s_end():
    assert labels_in_model(model_with({"any.txt": "cat\ndog"})) == ("cat", "dog")
    assert labels_in_model(model_with({"vocab.txt": "a\nb", "coco_LABELS.txt": "cat\ndog"})) == ("cat", "dog")
    assert labels_in_model(model_with({"one.txt": "a\nb", "two.txt": "c\nd"})) == ()
    assert labels_in_model(model_with({"labels.json": "[]"})) == ()


def test_what_exporters_write_of_a_model_is_no_list_of_labels():
    described = "{'stride': 32, 'names': {0: 'cat', 1: 'dog'}}"
    assert labels_in_model(model_with({"temp_meta.txt": described})) == ()
    assert labels_in_model(model_with({"temp_meta.txt": described, "names.txt": "cat\ndog"})) == ("cat", "dog")


@given(st.data())
def test_a_damaged_archive_is_no_error(data):
    model = bytearray(model_with({"labels.txt": "cat\ndog\n" * 20}))
    position = data.draw(st.integers(1024, len(model) - 1))
    model[position] ^= data.draw(st.integers(1, 255))
    assert isinstance(labels_in_model(bytes(model)), tuple)


@pytest.mark.parametrize(
    ("model", "size", "first"),
    [
        ("coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite", 90, "person"),
        ("mobilenet_v2_1.0_224_quant.tflite", 1001, "background"),
        ("mobilenet_v1_0.25_224_1_metadata_1.tflite", 1001, "background"),
        ("custom_ssd_mobilenet_v2_fpn_lite_320x320.tflite", 0, None),
    ],
)
def test_labels_in_real_models(model, size, first):
    labels = labels_in_model(testdata.path(f"models/{model}").read_bytes())
    assert len(labels) == size
    assert first is None or labels[0] == first


def test_a_detector_s_label_file_may_begin_with_the_background():
    plain = read_labels(str(testdata.path("models/coco_labels.txt")))
    with_background = read_labels(str(testdata.path("models/coco_labelmap_with_background.txt")))
    assert plain[:3] == ("person", "bicycle", "car")
    assert with_background[:3] == ("???", "person", "bicycle")
    assert without_background(plain) == plain
    assert without_background(with_background)[:3] == plain[:3]
    assert without_background(with_background)[16] == plain[16] == "cat"
    assert without_background(()) == ()
