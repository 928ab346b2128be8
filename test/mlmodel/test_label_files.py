"""Label files as they are found in the wild: which kind a file is, is decided once, and said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import testdata
from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.label_files import LabelFile, read_label_file
from vision_service.mlmodel.labels import read_labels

THREE = ("person", "bicycle", "car")


def read(folder, name: str, content: str | bytes) -> LabelFile:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_label_file(str(path))


def refusal(folder, name: str, content: str | bytes) -> str:
    with pytest.raises(VisionError) as raised:
        read(folder, name, content)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    assert f"the label file {str(folder / name)!r} " in raised.value.message
    assert "\n" not in raised.value.message
    return raised.value.message


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("labels.txt", "person\nbicycle\ncar\n", "one label per line"),
        ("coco.names", "person\nbicycle\ncar", "one label per line"),
        ("utf16.txt", "person\nbicycle\ncar\n".encode("utf-16"), "one label per line"),
        ("utf16be.txt", b"\xfe\xff" + "person\r\nbicycle\r\ncar".encode("utf-16-be"), "one label per line"),
        ("utf8bom.txt", "\ufeffperson\nbicycle\ncar", "one label per line"),
        ("data.yaml", "path: ../coco\ntrain: images\nnames:\n  0: person\n  1: bicycle\n  2: car\n", "YAML"),
        ("list.yaml", "nc: 3\nnames: ['person', 'bicycle', 'car']\n", "YAML"),
        ("bare.yml", "- person\n- bicycle\n- car\n", "YAML"),
        ("data", "nc: 3\nnames: [person, bicycle, car]\n", "YAML"),
        ("labels.json", '{"0": "person", "1": "bicycle", "2": "car"}', "JSON"),
        ("list.json", '["person", "bicycle", "car"]', "JSON"),
        ("list.txt", "['person', 'bicycle', 'car']", "JSON"),
        ("literal.txt", "{0: 'person', 1: 'bicycle', 2: 'car'}", "JSON"),
        ("indices.json", '{"bicycle": 1, "person": 0, "car": 2}', "JSON"),
        ("names.json", '{"names": {"0": "person", "1": "bicycle", "2": "car"}}', "JSON"),
        ("config.json", '{"model_type": "detr", "id2label": {"0": "person", "1": "bicycle", "2": "car"}}', "JSON"),
        ("keras.json", '{"0": ["n1", "person"], "1": ["n2", "bicycle"], "2": ["n3", "car"]}', "JSON"),
        ("labels.csv", "id,name\n0,person\n1,bicycle\n2,car\n", "CSV"),
        ("semicolons.csv", "Name;Index\nbicycle;1\nperson;0\ncar;2\n", "CSV"),
        ("audio.csv", "index,mid,display_name\n0,/m/0,person\n1,/m/1,bicycle\n2,/m/2,car\n", "CSV"),
        ("colours.csv", "name,r,g,b\nperson,1,2,3\nbicycle,4,5,6\ncar,7,8,9\n", "CSV"),
        ("one.csv", "name\nperson\nbicycle\ncar\n", "CSV"),
        ("no_header.csv", "person\nbicycle\ncar\n", "CSV"),
        ("numbered.csv", "0,person\n1,bicycle\n2,car\n", "CSV"),
        ("table.txt", "id\tname\n0\tperson\n1\tbicycle\n2\tcar\n", "CSV"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and "\n" not in value else None,
)
def test_each_kind_of_file_is_read_and_called_by_its_name(tmp_path, name, content, form):
    assert read(tmp_path, name, content) == LabelFile(THREE, form)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("map.pbtxt", "item {\n  id: 1\n  name: \"person\"\n}\nitem {\n  id: 3\n  name: 'car'\n}\n"),
        ("any.txt", '# COCO\n\nitem{ name: "car", id: 3 }\nitem: < name: "person"; id: 1 >'),
        (
            "mid.pbtxt",
            'item { name: "/m/1" id: 1 display_name: "person" } item { name: "/m/3" id: 3 display_name: "car" }',
        ),
        ("nested.pbtxt", 'item { id: 1 name: "person" keypoints { id: 7 label: "nose" } } item { id: 3 name: "car" }'),
        ("coco.json", '{"annotations": [], "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]}'),
        ("list.json", '[{"id": 3, "name": "car", "isthing": 1}, {"id": 1, "name": "person", "isthing": 1}]'),
        ("labels.csv", '"id","name"\n1,"person"\n3,"car"\n'),
        ("data.yaml", "names: {1: person, 3: car}"),
    ],
)
def test_labels_stand_at_the_numbers_that_the_file_gives(tmp_path, name, content):
    assert read(tmp_path, name, content).labels == ("", "person", "", "car")


def test_names_that_yaml_takes_for_values_stay_names(tmp_path):
    assert read(tmp_path, "data.yaml", "names: [no, yes, 1.0, null, 0x10]").labels == (
        "no",
        "yes",
        "1.0",
        "null",
        "0x10",
    )


def test_labels_with_commas_are_no_csv(tmp_path):
    text = "tench, Tinca tinca\ngoldfish, Carassius auratus\n"
    assert read(tmp_path, "labels.txt", text).labels == ("tench, Tinca tinca", "goldfish, Carassius auratus")


def test_quotes_in_a_label_map_are_read(tmp_path):
    assert read(tmp_path, "m.pbtxt", 'item { id: 0 name: "a \\"b\\"" }').labels == ('a "b"',)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("image.txt", b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG image"),
        ("image.jpg", b"\xff\xd8\xff\xe0" + bytes(50), "a JPEG image"),
        ("model.tflite", b"\x1c\0\0\0TFL3" + bytes(50), "give that as 'model_path'"),
        ("model.txt", b"\x1c\0\0\0TFL3" + bytes(50), "give that as 'model_path'"),
        ("model.onnx", b"\x08\x09", "give that as 'model_path'"),
        ("labels.zip", b"PK\3\4" + bytes(50), "unpack it"),
        ("numbers.bin", bytes(range(256)), "is no label file"),
        ("nul.txt", b"cat\0dog\n", "control character 0x00"),
        ("utf16_without_mark.txt", "cat\ndog".encode("utf-16-le"), "save it as text in UTF-8"),
        ("latin1.txt", "cat\ncaf\xe9\n".encode("latin-1"), "not in UTF-8 (line 2, byte 0xe9)"),
        ("page.txt", "<!DOCTYPE html><html>404</html>", "a web page"),
        ("voc.xml", "<annotation><object/></annotation>", "XML"),
        ("pointer.txt", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        ("long.txt", "cat\n" + "x" * 600 + "\n", "its label 1 has 600 characters"),
        ("many.txt", "x\n" * 70_000, "it has 70000 labels"),
        ("broken.json", '{"0": "person", ', "looks like JSON, but is damaged"),
        ("deep.json", "[" * 100_000, "looks like JSON, but is damaged"),
        ("other.json", '{"a": "b"}', "is JSON without class names"),
        ("coco.json", '{"categories": [{"id": "x", "name": "cat"}]}', "'x' where a class number should be"),
        (
            "twice.json",
            '[{"id": 1, "name": "cat"}, {"id": 1, "name": "dog"}]',
            "the class number 1 to 'cat' and to 'dog'",
        ),
        ("far.json", '[{"id": 99999999, "name": "cat"}]', "the class number 99999999"),
        ("data.yaml", "train: images\nnc: 3\n", "is YAML without class names"),
        ("fewer.yaml", "nc: 1\nnames: [cat, dog]", "there are 1 classes (nc), but has 2 names"),
        ("path.yaml", "names: coco.names", "its names are in 'coco.names': give that file"),
        ("broken.yaml", "names: [cat", "looks like YAML, but is damaged"),
        ("deep.yaml", "names: " + "[" * 100_000, "looks like YAML, but is damaged"),
        ("circle.yaml", "names: &a [*a]", "looks like YAML, but is damaged"),
        ("obj.data", "classes = 2\nnames = data/obj.names\n", "its names are in 'data/obj.names': give that file"),
        ("no_columns.csv", "/m/1,cat\n/m/2,dog\n", "write a first line such as 'id,name'"),
        ("short.csv", "id,name\n0,cat\n1\n", "row 2 ends before"),
        ("words.csv", "id,name\nzero,cat\n", "'zero' where a class number should be"),
        ("broken.pbtxt", "item {\n id: 1\n name: 'cat\n}", "damaged in line 3"),
        ("empty.pbtxt", "item { name: 'cat' }", "without class names"),
        ("empty.txt", "\n", "holds no label"),
        ("blank.yaml", "names: {0: ''}", "holds no label"),
    ],
    ids=lambda value: (
        value if isinstance(value, str) and len(value) < 30 and "." in value and "\n" not in value else None
    ),
)
def test_what_is_no_label_file_is_refused_with_what_is_the_matter(tmp_path, name, content, said):
    assert said in refusal(tmp_path, name, content)


@given(st.one_of(st.binary(), st.text().map(str.encode)), st.sampled_from([".txt", ".yaml", ".json", ".csv", ".pbtxt"]))
def test_bytes_of_any_kind_are_read_or_refused(tmp_path_factory, data, ending):
    try:
        found = read(tmp_path_factory.getbasetemp(), "labels" + ending, data)
    except VisionError as error:
        assert error.code == ErrorCode.INVALID_ARGUMENT
    else:
        assert any(found.labels)


STRUCTURED = {
    ".json": json.dumps({"categories": [{"id": 1, "name": "person"}], "names": ["person"]}),
    ".yaml": "nc: 3\nnames:\n  0: person\n  1: bicycle\n",
    ".pbtxt": 'item { id: 1 name: "person" }\nitem { id: 2 name: "car" }',
    ".csv": "id,name\n0,person\n1,bicycle\n",
}


@given(st.sampled_from(sorted(STRUCTURED)), st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory, ending, data):
    content = bytearray(STRUCTURED[ending].encode())
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[position] = data.draw(st.integers(9, 126))
    try:
        read(tmp_path_factory.getbasetemp(), "labels" + ending, bytes(content))
    except VisionError as error:
        assert error.code == ErrorCode.INVALID_ARGUMENT


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(VisionError, match=r"absent\.txt"):
        read_labels(str(tmp_path / "absent.txt"))


def test_plain_label_files_are_read_as_before():
    for path in sorted(testdata.form("coco80.txt").parent.glob("*.txt")):
        lines = path.read_text(encoding="utf-8").split()
        found = read_label_file(str(path))
        assert found.form == "one label per line"
        assert " ".join(found.labels).split() == lines


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    file = tmp_path / "large.txt"
    with file.open("wb") as opened:
        opened.truncate(1 << 40)  # sparse: it takes no space, and could not be read
    with pytest.raises(VisionError, match=f"it has {1 << 40} bytes, and {16 << 20} are the most"):
        read_label_file(str(file))
