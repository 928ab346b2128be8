"""What ONNX files say of themselves, read without the package that makes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import testdata
import tinymodels
from vision_service.mlmodel.file_facts import FileFacts
from vision_service.mlmodel.onnx_file import read_facts

onnx = pytest.importorskip("onnx", reason="onnx, which makes models, is not installed")
helper = onnx.helper

IMAGE = {"image": ("float32", (1, 3, 4, 6))}


def model() -> "onnx.ModelProto":
    """A model with all that is read: weights, a branch with weights of its own, a function, and who wrote it."""
    value = helper.make_tensor_value_info
    inner = helper.make_graph(
        [helper.make_node("Identity", ["branch.weight"], ["taken"])],
        "branch",
        [],
        [value("taken", onnx.TensorProto.FLOAT, (2,))],
        [onnx.numpy_helper.from_array(np.ones(2, np.float32), "branch.weight")],
    )
    nodes = [
        helper.make_node("Add", ["x", "head.weight"], ["sum"]),
        helper.make_node("If", ["which"], ["out"], then_branch=inner, else_branch=inner),
        helper.make_node("Double", ["sum"], ["y"], domain="own"),
    ]
    for node, module in zip(nodes, ("a.Model", "a.Model", "a.Head"), strict=True):
        node.metadata_props.add(key="namespace", value=module)
        node.metadata_props.add(key="pkg.torch.onnx.fx_node", value="anything")
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", onnx.TensorProto.FLOAT, (2,)), value("which", onnx.TensorProto.BOOL, ())],
        [value("y", onnx.TensorProto.FLOAT, (2,))],
        [onnx.numpy_helper.from_array(np.zeros(2, np.float32), "head.weight")],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    body = [helper.make_node("Mul", ["a", "a"], ["b"])]
    function = helper.make_function("own", "Double", ["a"], ["b"], body, opsets[:1])
    made = helper.make_model(graph, opset_imports=opsets, functions=[function], producer_name="pytorch")
    made.producer_version = "2.14.1"
    helper.set_model_props(made, {"names": "{0: 'cat'}", "task": "detect", "imgsz": "[320, 320]", "version": "8.0"})
    return made


def test_metadata_weights_modules_operations_and_who_wrote_it_are_read():
    assert read_facts(model().SerializeToString()) == FileFacts(
        metadata={"names": {0: "cat"}, "task": "detect", "imgsz": [320, 320], "version": "8.0"},
        metadata_from="metadata_props",
        parameters=("branch.weight", "branch.weight", "head.weight"),
        namespaces=("a.Model", "a.Head"),
        operations=frozenset({"Add", "If", "Identity", "Double", "Mul"}),
        producer="pytorch 2.14.1",
    )


def test_a_model_without_any_of_that_says_so():
    facts = read_facts(tinymodels.onnx(IMAGE, mean_of=(2, 3)))
    assert (facts.metadata, facts.metadata_from, facts.parameters, facts.namespaces) == ({}, "", (), ())
    assert facts.operations == {"Cast", "Constant", "ReduceMean"}


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("hf_detr.onnx", "transformers.models.detr.modeling_detr.DetrForObjectDetection"),
        ("hf_conditional_detr.onnx", "transformers.models.conditional_detr"),
    ],
)
def test_the_modules_that_torch_s_exporter_names_are_read(file, module):
    facts = read_facts(testdata.form(file).read_bytes())
    assert any(module in name for name in facts.namespaces)


def test_an_ultralytics_file_is_read():
    facts = read_facts(testdata.form("yolo_pose.onnx").read_bytes())
    assert facts.metadata["author"] == "Ultralytics"
    assert facts.metadata["kpt_shape"] == [17, 3]
    assert facts.metadata["end2end"] is False


def test_what_the_package_onnx_reads_is_read():
    for path in sorted(testdata.form("yolo_raw.onnx").parent.glob("*.onnx")):
        read = onnx.load(path, load_external_data=False)
        facts = read_facts(path.read_bytes())
        assert set(facts.metadata) == {entry.key for entry in read.metadata_props}
        assert facts.parameters == tuple(item.name for item in read.graph.initializer)
        assert facts.operations == {node.op_type for node in read.graph.node}


# Damaged files.


@given(st.binary())
def test_bytes_of_any_kind_are_no_error(data):
    assert isinstance(read_facts(data), FileFacts)


@given(st.data())
def test_a_file_that_is_cut_off_or_damaged_is_no_error(data):
    content = bytearray(model().SerializeToString())
    del content[data.draw(st.integers(1, len(content))) :]
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[position] ^= data.draw(st.integers(1, 255))
    assert isinstance(read_facts(bytes(content)), FileFacts)


@pytest.mark.parametrize(
    "data",
    [
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a graph of 2^64 bytes
        b"\x3a" + b"\xff" * 20,  # an integer without an end
        b"\x0b" * 1000,  # groups in groups
        b"\x0b\x14",  # a group that another ends
        b"\x06",
        b"\x00",
    ],
)
def test_fields_that_cannot_be_are_no_error(data):
    assert read_facts(data) == FileFacts()


def test_graphs_that_lie_in_one_another_without_end_are_no_error():
    def field(tag: int, content: bytes) -> bytes:
        size, written = len(content), b""
        while size >= 0x80:
            written, size = written + bytes([size & 0x7F | 0x80]), size >> 7
        return bytes([tag]) + written + bytes([size]) + content

    graph = b""
    for _ in range(2000):
        graph = field(0x0A, field(0x22, b"If") + field(0x2A, field(0x32, graph)))
    assert read_facts(field(0x3A, graph)) == FileFacts()


def test_a_group_is_passed_over():
    inner = b"\x13" + b"\x09" + bytes(8) + b"\x14"
    group = b"\xa3\x06" + b"\x08\x01" + b"\x12\x02ab" + b"\x1d" + bytes(4) + inner + b"\xa4\x06"
    assert read_facts(group + model().SerializeToString()) == read_facts(model().SerializeToString())
