"""ONNX models that keep their weights in other files: taken from beside the model, and from nowhere else."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import testdata
from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel import onnx_weights, trial
from vision_service.mlmodel.loading import load
from vision_service.mlmodel.onnx_runtime import OnnxRuntime
from vision_service.mlmodel.onnx_weights import with_weights
from vision_service.mlmodel.runtime import RuntimeOptions

onnx = pytest.importorskip("onnx", reason="onnx, which makes models, is not installed")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
helper = onnx.helper
FLOAT = onnx.TensorProto.FLOAT

SIZE = 200  # of so many values the runtime would take those of a file in the working directory; few it refuses
RIGHT, WRONG = np.arange(SIZE, dtype=np.float32), np.full(SIZE, -1, np.float32)


def tensor(name: str, **entries: str) -> "onnx.TensorProto":
    """Numbers that lie in another file."""
    made = onnx.TensorProto(name=name, dims=[SIZE], data_type=FLOAT, data_location=onnx.TensorProto.EXTERNAL)
    for key, value in entries.items():
        made.external_data.add(key=key, value=value)
    return made


def model(location: str = "weights.bin", **entries: str) -> bytes:
    """A model that adds its weights to its input."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [value("x", FLOAT, (SIZE,))],
        [value("y", FLOAT, (SIZE,))],
        [tensor("w", location=location, **entries)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


def write(folder: Path, location: str = "weights.bin", weights: np.ndarray = RIGHT, **entries: str) -> Path:
    """Write the model, and its weights beside it."""
    (folder / "model.onnx").write_bytes(model(location, **entries))
    (folder / "weights.bin").write_bytes(weights.tobytes())
    return folder / "model.onnx"


def weights_of(path: Path | str) -> list[float]:
    return load(path, trial_timeout=60.0).infer({"x": np.zeros(SIZE, np.float32)})["y"].tolist()


def refusal(path: Path) -> str:
    with pytest.raises(VisionError) as raised:
        load(path)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    assert f"the model {str(path)!r} cannot be used: " in raised.value.message
    return raised.value.message


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    """Another working directory, in which a file of the same name has other weights."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(WRONG.tobytes())
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def models(tmp_path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def test_weights_are_taken_from_beside_the_model_and_not_from_the_working_directory(models, elsewhere):
    assert weights_of(write(models)) == RIGHT.tolist()


def test_weights_are_found_where_the_model_is_named_relative_to_the_working_directory(models, monkeypatch):
    write(models)
    monkeypatch.chdir(models)
    assert weights_of("model.onnx") == RIGHT.tolist()


def test_missing_weights_are_named_with_where_they_should_be(models, elsewhere):
    path = write(models)
    (models / "weights.bin").unlink()
    said = refusal(path)
    assert "'weights.bin'" in said
    assert str(models) in said


def test_a_model_of_which_only_the_bytes_are_there_is_refused_and_nothing_is_taken_from_the_working_directory(
    elsewhere,
):
    with pytest.raises(VisionError, match=r"weights\.bin.*save it as a single file"):
        OnnxRuntime(model(), RuntimeOptions(), path="model.onnx")


@pytest.mark.parametrize(
    "location",
    [
        "{elsewhere}/weights.bin",
        "../elsewhere/weights.bin",
        "in/../../elsewhere/weights.bin",
        "..\\elsewhere\\weights.bin",
        "C:\\weights.bin",
        "\\\\host\\weights.bin",
        "",
        "weights.bin\0",
        "..",
        "*/_ORT_MEM_ADDR_/*",
        "w" * 5000,
        ".",
    ],
)
def test_weights_outside_the_model_s_folder_are_refused(models, elsewhere, location):
    (models / "in").mkdir()
    refusal(write(models, location.format(elsewhere=elsewhere)))


def test_a_link_that_leads_out_of_the_model_s_folder_is_refused(models, elsewhere):
    path = write(models)
    (models / "weights.bin").unlink()
    (models / "weights.bin").symlink_to(elsewhere / "weights.bin")
    assert "'weights.bin', a link that leads out of the model's folder" in refusal(path)


def test_a_link_in_a_circle_is_refused(models):
    path = write(models)
    (models / "weights.bin").unlink()
    (models / "weights.bin").symlink_to("weights.bin")
    assert "'weights.bin'" in refusal(path)


def test_a_pipe_is_refused_and_not_waited_for(models):
    path = write(models)
    (models / "weights.bin").unlink()
    os.mkfifo(models / "weights.bin")
    assert "is no file" in refusal(path)


def test_weights_in_a_folder_beside_the_model_are_taken(models, elsewhere):
    path = write(models, "data/weights.bin")
    (models / "data").mkdir()
    (models / "weights.bin").rename(models / "data" / "weights.bin")
    assert weights_of(path) == RIGHT.tolist()


def test_a_download_cache_in_which_model_and_weights_are_links_is_read(models, elsewhere):
    write(models)
    snapshot = models.parent / "snapshots" / "main"
    snapshot.mkdir(parents=True)
    for name, blob in (("model.onnx", "1"), ("weights.bin", "2")):
        (models / name).rename(models / blob)
        (snapshot / name).symlink_to(models / blob)
    assert weights_of(snapshot / "model.onnx") == RIGHT.tolist()


@pytest.mark.parametrize(
    ("first", "entries"), [(0, {}), (4, {"offset": "4096"}), (4, {"offset": "4096", "length": "800"})]
)
def test_weights_are_taken_from_where_the_model_says(models, first, entries):
    path = write(models, **entries)
    (models / "weights.bin").write_bytes(bytes(4096 if entries else 0) + RIGHT.tobytes() + bytes(10))
    assert weights_of(path) == RIGHT.tolist()


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"offset": "4"}, "has 800: it is cut off"),
        ({"offset": "-4"}, "has 800: it is cut off"),
        ({"length": "804"}, "has 800: it is cut off"),
        ({"length": "99999999999999999999"}, "has 800: it is cut off"),
        ({"length": "many"}, "no number"),
    ],
)
def test_weights_that_are_not_in_their_file_are_refused(models, entries, said):
    assert said in refusal(write(models, **entries))


def test_weights_of_more_bytes_than_a_model_may_have_are_refused_and_not_read(models):
    path = write(models)
    os.truncate(models / "weights.bin", 3 << 30)  # it takes no space on the disk
    assert "more than 2 GB" in refusal(path)


def test_many_tensors_of_one_file_may_not_make_a_model_larger_than_that(monkeypatch):
    monkeypatch.setattr(onnx_weights, "LARGEST", 10_000)
    graph = helper.make_graph([], "g", [], [], [tensor(str(number), location="w") for number in range(20)])
    with pytest.raises(VisionError, match="more than 2 GB"):
        with_weights(helper.make_model(graph).SerializeToString(), lambda _: RIGHT.tobytes())


def test_replaced_weights_are_another_model_which_is_tried_again(models, monkeypatch):
    monkeypatch.setattr(trial, "_tried", {})
    path = write(models)
    assert weights_of(path) == RIGHT.tolist()
    (models / "weights.bin").write_bytes(WRONG.tobytes())
    assert weights_of(path) == WRONG.tolist()
    assert len(trial._tried) == 2
    weights_of(path)
    assert len(trial._tried) == 2


def test_weights_may_be_replaced_while_the_model_runs(models):
    path = write(models)
    loaded = load(path)
    (models / "weights.bin").write_bytes(b"")
    assert loaded.infer({"x": np.zeros(SIZE, np.float32)})["y"].tolist() == RIGHT.tolist()


def test_weights_wherever_a_model_may_have_them_are_put_into_it():
    """In branches, constants, sparse tensors, functions: none is left for the runtime to look for."""
    value = helper.make_tensor_value_info

    def everywhere(made) -> "onnx.ModelProto":
        sparse = onnx.SparseTensorProto(values=made("sparse"), indices=made("places"), dims=[9])
        branch = helper.make_graph(
            [helper.make_node("Identity", ["b"], ["c"])], "branch", [], [value("c", FLOAT, (SIZE,))], [made("b")]
        )
        nodes = [
            helper.make_node("Constant", [], ["d"], value=made("constant")),
            helper.make_node("If", ["which"], ["e"], then_branch=branch, else_branch=branch),
            helper.make_node("Own", [], ["f"], tensors=[made("one"), made("two")], domain="own"),
        ]
        graph = helper.make_graph(nodes, "g", [], [], [made("w")], sparse_initializer=[sparse])
        function = helper.make_function("own", "Own", [], ["f"], [nodes[0]], [], attribute_protos=[])
        return helper.make_model(graph, functions=[function], producer_name="somebody", doc_string="after the graph")

    def inside(name: str) -> "onnx.TensorProto":
        return onnx.TensorProto(name=name, dims=[SIZE], data_type=FLOAT, raw_data=RIGHT.tobytes())

    asked = []

    def read(name: str) -> bytes:
        asked.append(name)
        return RIGHT.tobytes()

    outside = everywhere(lambda name: tensor(name, location=name + ".bin")).SerializeToString()
    assert onnx.ModelProto.FromString(with_weights(outside, read)) == everywhere(inside)
    assert {"sparse.bin", "places.bin", "b.bin", "constant.bin", "one.bin", "two.bin", "w.bin"} == set(asked)


@pytest.mark.parametrize(
    ("data_type", "size"),
    [("INT4", 100), ("UINT2", 50), ("BFLOAT16", 400), ("BOOL", 200), ("DOUBLE", 1600), ("FLOAT16", 400)],
)
def test_where_the_model_gives_no_length_it_follows_from_shape_and_type(data_type, size):
    made = tensor("w", location="w")
    made.data_type = getattr(onnx.TensorProto, data_type)
    graph = helper.make_graph([], "g", [], [], [made])
    found = onnx.ModelProto.FromString(
        with_weights(helper.make_model(graph).SerializeToString(), lambda _: bytes(9999))
    )
    assert found.graph.initializer[0].raw_data == bytes(size)


def others(message) -> list[str]:
    """The tensors that a file keeps in other files, as protobuf itself reads it."""
    found = [message.name] if getattr(message, "data_location", 0) == onnx.TensorProto.EXTERNAL else []
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in value if not hasattr(value, "ListFields") else [value]:
                found += others(item)
    return found


@given(st.data())
def test_whatever_a_damaged_model_is_none_of_its_weights_are_left_in_other_files(data):
    content = bytearray(model(offset="0", length="800"))
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[position] ^= data.draw(st.integers(1, 255))
    try:
        made = with_weights(bytes(content), lambda _: RIGHT.tobytes())
    except VisionError as error:
        assert error.code == ErrorCode.INVALID_ARGUMENT
        return
    try:
        read = onnx.ModelProto.FromString(made)
    except Exception:  # protobuf's errors have no common type but this
        return
    assert others(read) == []


@pytest.mark.parametrize(
    ("plain", "odd"),
    [
        (b"p\x01", b"p\x81\x80\x80\x80\x10"),  # that it counts, as 2^32 + 1
        (b"p\x01", b"\xf0\x80\x80\x80\x00\x01"),  # the number of the field, in more bytes than it needs
        (b"j\x17", b"\xea\x80\x80\x80\x00\x17"),
        (b"\x08location", b"\x88\x00location"),
    ],
)
def test_a_tensor_that_is_written_oddly_leaves_nothing_in_other_files(plain, odd):
    piece = tensor("w", location="weights.bin").SerializeToString()
    assert piece.count(plain) == 1
    piece = piece.replace(plain, odd)
    if b"\x88\x00" in odd:
        piece = piece.replace(b"j\x17", b"j\x18")
    graph = bytes([5 << 3 | 2, len(piece)]) + piece
    whole = bytes([7 << 3 | 2, len(graph)]) + graph
    assert others(onnx.ModelProto.FromString(whole)) == ["w"]
    assert others(onnx.ModelProto.FromString(with_weights(whole, lambda _: RIGHT.tobytes()))) == []


def test_a_tensor_in_two_pieces_is_refused():
    """Protobuf puts together what a file holds twice: here a file's name, and that it counts."""

    def message(number: int, *pieces: bytes) -> bytes:
        content = b"".join(pieces)
        assert len(content) < 0x80
        return bytes([number << 3 | 2, len(content)]) + content

    named, counting = tensor("w", location="weights.bin"), tensor("w")
    named.ClearField("data_location")
    pieces = [message(5, item.SerializeToString()) for item in (named, counting)]
    whole = message(7, message(1, message(4, b"Constant"), message(5, *pieces)))
    assert others(onnx.ModelProto.FromString(whole)) == ["w"]
    with pytest.raises(VisionError, match="without the file's name"):
        with_weights(whole, lambda _: RIGHT.tobytes())


def test_a_tensor_in_another_file_without_the_file_s_name_is_refused():
    graph = helper.make_graph([], "g", [], [], [tensor("w")])
    with pytest.raises(VisionError, match="without the file's name"):
        with_weights(helper.make_model(graph).SerializeToString(), lambda _: RIGHT.tobytes())


def test_a_model_with_the_word_in_it_but_no_other_files_is_left_as_it_is():
    graph = helper.make_graph([helper.make_node("Identity", ["location"], ["y"])], "g", [], [])
    data = helper.make_model(graph).SerializeToString()
    assert with_weights(data, lambda name: pytest.fail(name)) is data


def test_the_file_that_torch_writes_gives_what_the_single_file_gives(tmp_path, monkeypatch):
    for name in ("yolo_external.onnx", "yolo_external.onnx.data", "yolo_raw.onnx", "yolo_external_missing.onnx"):
        shutil.copy(testdata.form(name), tmp_path)
    image = np.zeros((1, 3, 320, 320), np.float32)
    external, single = (load(tmp_path / f"yolo_{name}.onnx").infer({"images": image}) for name in ("external", "raw"))
    assert np.array_equal(external["output0"], single["output0"])
    assert "yolo_external_missing.onnx.data" in refusal(tmp_path / "yolo_external_missing.onnx")
