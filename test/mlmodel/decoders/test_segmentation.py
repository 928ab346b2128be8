"""Models that say of each pixel which class it shows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

import served
from served import onnx, refusal, sources, tflite
from vision_service.mlmodel.decoders.segmentation import MaskDecoder, NumbersDecoder, ScoresDecoder
from vision_service.mlmodel.placement import stretched

SAME = stretched((5, 4), (5, 4))
NCHW = {"x": ("float32", (1, 3, 64, 64))}
NHWC = {"x": ("float32", (1, 64, 64, 3))}
NAMES = ("nothing", "cat", "dog")

# The decoders.


@given(arrays(np.int64, (1, 4, 5), elements={"min_value": 0, "max_value": 300}))
def test_class_numbers_are_taken_as_they_are(numbers):
    for shape in ((1, 4, 5), (1, 4, 5, 1), (1, 1, 4, 5)):
        found = NumbersDecoder("x").labels({"x": numbers.reshape(shape)}, SAME)
        assert found.dtype == np.uint16
        assert np.array_equal(found, numbers[0])


@given(arrays(np.float32, (1, 4, 5, 3), elements={"min_value": -8, "max_value": 8}))
def test_of_scores_the_largest_decides_and_of_equal_ones_the_first(scores):
    last = ScoresDecoder("x", classes_last=True).labels({"x": scores}, SAME)
    first = ScoresDecoder("x").labels({"x": scores.transpose(0, 3, 1, 2)}, SAME)
    assert np.array_equal(last, scores[0].argmax(axis=2))
    assert np.array_equal(first, last)


def test_quantized_scores_need_not_be_brought_to_real_values():
    scores = np.array([[[[-128, 127]], [[5, 4]]]], np.int8)
    found = ScoresDecoder("x", classes_last=True).labels({"x": scores}, stretched((1, 2), (1, 2)))
    assert found.tolist() == [[1], [0]]


@pytest.mark.parametrize("shape", [(1, 1, 4, 5), (1, 4, 5), (1, 4, 5, 1)])
def test_a_mask_is_what_lies_above_the_threshold(shape):
    values = np.linspace(0, 1, 20, dtype=np.float32).reshape(shape)
    found = MaskDecoder("x").labels({"x": values}, SAME)
    assert np.array_equal(found, (values.reshape(4, 5) > 0.5).astype(np.uint16))


# What is one.


def halves(channels: int = 3, size: tuple[int, int] = (16, 16)) -> np.ndarray:
    """Scores [1, channels, H, W]: the left half is of class 1, the right of class 2."""
    made = np.random.default_rng(0).normal(size=(1, channels, *size)).astype(np.float32) * 0.1
    made[0, 1, :, : size[1] // 2], made[0, 2, :, size[1] // 2 :] = 5, 5
    return made


@pytest.mark.parametrize("shape", [(1, 16, 16), (1, 16, 16, 1), (1, 1, 16, 16)])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_maps_of_whole_numbers_are_class_numbers(dtype, shape):
    numbers = np.ones(shape, dtype)
    model = onnx({"y": numbers}, NCHW, labels=NAMES)
    assert model.label(served.frame()).mask("cat").all()
    assert model.contract["decoder"].source == "shapes"


@pytest.mark.parametrize("last", [False, True])
def test_as_many_channels_as_labels_are_scores_of_classes(last):
    scores = halves().transpose(0, 2, 3, 1) if last else halves()
    model = onnx({"y": np.ascontiguousarray(scores)}, NHWC if last else NCHW, labels=NAMES)
    found = model.label(served.frame())
    assert found.class_names == NAMES
    assert found.mask("cat")[:, :310].all()
    assert found.mask("dog")[:, 330:].all()
    assert model.contract["decoder"].source == "labels"
    assert set(model.contract.assumed()) <= {
        "resize",
        "input_image_mean_value",
        "input_image_std_dev",
        "letterbox_color",
    }


def test_segformer_is_known_by_its_graph_or_its_names():
    inputs = {"pixel_values": ("float32", (1, 3, 64, 64))}
    named = onnx({"logits": halves()}, inputs)
    proven = onnx({"y": halves()}, NCHW, namespace="transformers.models.segformer.modeling_segformer.X")
    for model, source in ((named, "names"), (proven, "graph")):
        assert sources(model, "decoder", "interpolation", "input_image_mean_value", "resize") == {
            "decoder": ("segmentation", source),
            "interpolation": ("antialias", "family"),
            "input_image_mean_value": ((0.485, 0.456, 0.406), "family"),
            "resize": ("stretch", "family"),
        }
        assert model.label(served.frame()).mask("1")[:, :310].all()
    assert "it has 3 channels, but there are 2 labels" in refusal(onnx, {"logits": halves()}, inputs, labels=NAMES[:2])
    dynamic = onnx({"logits": halves()}, {"pixel_values": ("float32", ("b", 3, "h", "w"))})
    assert sources(dynamic, "input_size") == {"input_size": ((512, 512), "family")}


def test_the_user_may_say_that_channels_are_classes():
    model = onnx({"y": halves()}, NCHW, decoder="segmentation")
    assert model.contract["decoder"].source == "attribute"
    assert model.label(served.frame()).mask("2")[:, 330:].all()


@pytest.mark.parametrize("channels", [3, 17, 32])
def test_channels_without_labels_are_refused(channels):
    message = refusal(onnx, {"y": halves(channels)}, NCHW)
    assert f"{channels} channels, and there are no labels (names): classes, an image" in message
    assert "'decoder: segmentation'" in message


def test_channels_and_labels_of_another_number_are_refused():
    many = tuple(f"class {number}" for number in range(80))
    assert "32 channels, but there are 80 labels: features" in refusal(onnx, {"y": halves(32)}, NCHW, labels=many)


@pytest.mark.parametrize("name", ["mask", "saliency", "segmentation", "alpha", "foreground"])
def test_one_channel_is_a_mask_if_it_is_called_so_and_lies_in_0_to_1(name):
    values = np.zeros((1, 1, 16, 16), np.float32)
    values[..., :8] = 0.9
    found = onnx({name: values}, NCHW, labels=("person",)).label(served.frame())
    assert found.class_names == ("background", "person")
    assert found.mask("person")[:, :310].all()
    assert not found.mask("person")[:, 330:].any()


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("y", np.full((1, 1, 16, 16), 0.5, np.float32), "it may be a mask, saliency or depth"),
        ("mask", np.full((1, 1, 16, 16), 5.0, np.float32), "it may be a mask, saliency or depth"),
        ("predicted_depth", np.full((1, 64, 64), 5.0, np.float32), "it returns a depth map ('predicted_depth')"),
        ("disparity", np.full((1, 1, 64, 64), 5.0, np.float32), "depth map"),
        ("y", np.zeros((1, 40, 97), np.float32), "a sequence (text), tokens or features"),
    ],
)
def test_one_channel_that_may_be_anything_is_refused_by_name(name, values, why):
    assert why in refusal(onnx, {name: values}, NCHW)


def test_one_channel_of_logits_is_a_mask_if_the_user_says_so():
    values = np.full((1, 1, 16, 16), -3.0, np.float32)
    values[..., :8] = 0.4
    found = onnx({"y": values}, NCHW, decoder="segmentation").label(served.frame())
    assert found.labels[:, :300].all()
    assert not found.labels[:, 330:].any()


@pytest.mark.parametrize("other", ["aux", "aux_out", "deep_supervision_1", "side2", "d1"])
def test_outputs_that_only_training_needs_are_left_aside(other):
    model = onnx({other: -halves(), "out": halves()}, NCHW, labels=NAMES)
    assert model.label(served.frame()).mask("cat")[:, :310].all()


def test_of_several_maps_none_is_chosen():
    outputs = {"a": halves(), "b": halves()[..., :8]}
    assert "of no form that is known" in refusal(onnx, outputs, NCHW, labels=NAMES)


@pytest.mark.parametrize("shapes", [[(1, 896, 16), (1, 896, 2)], [(1, 1917, 4), (1, 1917, 91)]])
def test_raw_heads_of_several_outputs_are_not_taken_for_sequences(shapes):
    outputs = {f"t{number}": np.full(shape, 9.0, np.float32) for number, shape in enumerate(shapes)}
    message = refusal(onnx, outputs, NHWC)
    assert "which is of no form that is known" in message
    assert all(f"'t{number}' float32{list(shape)}" in message for number, shape in enumerate(shapes))


def test_a_litert_map_of_fewer_channels_than_labels_is_read():
    scores = np.ascontiguousarray(halves().transpose(0, 2, 3, 1))
    model = tflite({"y": scores}, NHWC, labels=(*NAMES, "unused"))
    assert model.label(served.frame()).mask("cat")[:, :310].all()
