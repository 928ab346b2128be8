"""Detectors whose boxes, scores and class numbers are outputs of their own."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import served
from served import detect, onnx, refusal, sources, tflite
from vision_service.errors import VisionError
from vision_service.mlmodel.boxes import FORMATS
from vision_service.mlmodel.decoders.separate import SeparateDecoder, SoftmaxDecoder
from vision_service.mlmodel.found import Found
from vision_service.mlmodel.placement import stretched
from vision_service.mlmodel.runtime import RuntimeOptions
from vision_service.mlmodel.runtimes import open_model
from vision_service.mlmodel.suppression import NO_SUPPRESSION, kept

PLACEMENT = stretched((200, 100), (200, 100))
TENSORS = {
    "boxes": np.array([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.9, 0.9], [0.0, 0.0, 1.0, 1.0]]], np.float32),
    "classes": np.array([[4, 0, 2]], np.float32),
    "scores": np.array([[0.9, 0.6, 0.25]], np.float32),
    "count": np.array([3], np.float32),
}
Y_FIRST = (1, 0, 3, 2)
FULL = SeparateDecoder(**{role: role for role in TENSORS}, order=Y_FIRST)
PLAIN = SeparateDecoder("boxes", "scores", order=Y_FIRST)


def read(decoder, tensors=TENSORS, minimum: float = 0.0) -> Found:
    found = served.meaningful(decoder.decode(tensors, PLACEMENT, minimum))
    at_once = getattr(decoder, "decode_in_image", None)
    if at_once is not None:
        table = at_once(tensors, PLACEMENT, minimum, NO_SUPPRESSION)
        assert table is None or table.tolist() == kept(found, NO_SUPPRESSION, PLACEMENT)[0].tolist()
    return found


def classes(found: Found) -> list[int]:
    return found.classes.tolist()


# What the outputs mean.


def test_boxes_come_out_as_xmin_ymin_xmax_ymax_in_pixels_of_the_input():
    found = read(FULL)
    assert found.boxes[0] == pytest.approx([40, 10, 80, 30])
    assert classes(found) == [4, 0, 2]
    assert found.scores == pytest.approx([0.9, 0.6, 0.25])


BOX = {"corners": (0.2, 0.1, 0.6, 0.9), "corner_size": (0.2, 0.1, 0.4, 0.8), "center_size": (0.4, 0.5, 0.4, 0.8)}
"""The same box in every format."""


@given(st.sampled_from(FORMATS), st.permutations([0, 1, 2, 3]), st.sampled_from(["normalized", "pixels"]))
def test_place_p_of_a_box_holds_number_order_p_of_its_format(form, order, coordinates):
    scale = (200, 100, 200, 100) if coordinates == "pixels" else (1, 1, 1, 1)
    written = np.array([[[BOX[form][code] * scale[code] for code in order]]], np.float32)
    decoder = SeparateDecoder("boxes", "scores", box_format=form, order=tuple(order), coordinates=coordinates)
    found = read(decoder, {"boxes": written, "scores": np.ones((1, 1), np.float32)})
    assert found.boxes[0] == pytest.approx([40, 10, 120, 90], abs=1e-3)


def test_the_unit_of_boxes_never_depends_on_their_values():
    far = {"boxes": np.array([[[0.1, 0.1, 3.0, 4.0]]], np.float32), "scores": np.ones((1, 1), np.float32)}
    assert read(SeparateDecoder("boxes", "scores"), far).boxes[0] == pytest.approx([20, 10, 600, 400], abs=1e-3)
    near = SeparateDecoder("boxes", "scores", coordinates="pixels")
    assert read(near, far).boxes[0] == pytest.approx([0.1, 0.1, 3, 4])


def test_boxes_in_pixels_of_the_source_image_are_not_brought_back_again():
    decoder = SeparateDecoder("boxes", "scores", coordinates="source_pixels")
    assert read(decoder).in_source


def test_a_box_that_stands_on_its_head_is_the_same_box():
    tensors = {"boxes": np.array([[[0.6, 0.9, 0.2, 0.1]]], np.float32), "scores": np.ones((1, 1), np.float32)}
    assert read(SeparateDecoder("boxes", "scores"), tensors).boxes[0] == pytest.approx([40, 10, 120, 90], abs=1e-3)


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (1, 1), (3, 3), (300, 3), (-1, 0), (np.nan, 0), (np.inf, 0)])
def test_the_number_of_detections_is_respected(count, expected):
    assert len(read(FULL, {**TENSORS, "count": np.array([count], np.float32)})) == expected


def test_without_a_number_of_detections_all_rows_count():
    assert len(read(SeparateDecoder("boxes", "scores", "classes"))) == 3


def test_what_lies_below_the_minimum_is_left_out():
    assert classes(read(FULL, minimum=float(np.float32(0.6)))) == [4, 0]
    assert len(read(FULL, minimum=math.inf)) == 0


def test_scores_a_little_beyond_0_and_1_are_those():
    tensors = {**TENSORS, "scores": np.array([[1.1, -0.1, 0.5]], np.float32)}
    assert read(PLAIN, tensors).scores.tolist() == [1.0, 0.5, 0.0]


@pytest.mark.parametrize("rubbish", [np.nan, np.inf, 1e30, -1e30, -1])
def test_a_row_whose_class_is_no_number_of_a_class_is_left_out(rubbish):
    assert classes(read(FULL, {**TENSORS, "classes": np.array([[4, rubbish, 2]], np.float32)})) == [4, 2]


def test_padding_without_an_area_is_left_out():
    boxes = TENSORS["boxes"].copy()
    boxes[0, 0] = 0
    assert classes(read(FULL, {**TENSORS, "boxes": boxes})) == [0, 2]


def test_scores_without_classes_are_of_class_zero():
    assert classes(read(PLAIN)) == [0, 0, 0]


@pytest.mark.parametrize("axis", [1, 2])
def test_of_scores_for_each_class_the_best_counts_whichever_axis_the_classes_are_on(axis):
    by_class = np.array([[[0.1, 0.7], [0.6, 0.2], [0.3, 0.4]]], np.float32)
    found = read(PLAIN, {**TENSORS, "scores": by_class if axis == 2 else by_class.transpose(0, 2, 1)})
    assert classes(found) == [1, 0, 1]
    assert found.scores == pytest.approx([0.7, 0.6, 0.4])


def test_tensors_without_a_batch_axis_are_read_as_well():
    tensors = {name: tensor[0] for name, tensor in TENSORS.items() if name != "count"}
    assert classes(read(SeparateDecoder("boxes", "scores", "classes"), tensors)) == [4, 0, 2]


def test_logits_are_brought_to_probabilities_where_that_is_asked_for():
    logits = np.array([[[2.0, 0.0], [-1.0, 1.0], [0.0, 0.0]]], np.float32)
    tensors = {**TENSORS, "scores": logits}
    sigmoid = read(SeparateDecoder("boxes", "scores", activation="sigmoid"), tensors)
    softmax = read(SeparateDecoder("boxes", "scores", activation="softmax"), tensors)
    assert read(PLAIN, tensors).scores == pytest.approx([1, 1, 0])
    assert sigmoid.scores == pytest.approx([0.8808, 0.7311, 0.5], abs=1e-4)
    assert softmax.scores == pytest.approx([0.8808, 0.8808, 0.5], abs=1e-4)
    assert classes(softmax) == [0, 1, 0]


def test_the_first_label_may_have_another_number():
    assert classes(read(SeparateDecoder("boxes", "scores", "classes", first_class=1))) == [3, 1]  # number 0 is none


@given(
    arrays(np.float32, (1, 6, 4), elements=st.floats(width=32)),
    arrays(np.float32, (1, 6), elements=st.floats(width=32)),
    st.permutations([0, 1, 2, 3]),
    st.sampled_from(FORMATS),
)
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_whatever_the_model_returns_boxes_stand_upright_and_scores_fall(boxes, confidences, order, form):
    decoder = SeparateDecoder("boxes", "scores", box_format=form, order=tuple(order))
    found = read(decoder, {"boxes": boxes, "scores": confidences})
    assert np.isfinite(found.boxes).all()
    assert (found.boxes[:, :2] < found.boxes[:, 2:]).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert (np.diff(found.scores) <= 0).all()


# End to end, by names.


PIXELS = np.array([[[40, 20, 140, 60], [200, 100, 300, 170]]], np.float32)
"""Of the cat and the dog, in an input of 320×240 pixels that is half the image (and has 180 of its rows)."""
WIDE = {"images": ("float32", (1, 3, 180, 320))}
CAT, DOG = ("cat", 0.9, (80.0, 40.0, 280.0, 120.0)), ("dog", 0.6, (400.0, 200.0, 600.0, 340.0))
FRACTIONS = PIXELS / np.array([320, 180, 320, 180], np.float32)
SCORES = np.array([[0.9, 0.6]], np.float32)
NAMES = ("cat", "dog")


def test_tensorrt_s_names_mean_pixels_and_its_letterbox_is_assumed():
    outputs = {
        "num_dets": np.array([[2]], np.int32),
        "det_boxes": np.concatenate([PIXELS, PIXELS], axis=1),
        "det_scores": np.array([[0.9, 0.6, 0.5, 0.5]], np.float32),
        "det_classes": np.array([[0, 1, 1, 1]], np.int32),
    }
    model = onnx(outputs, WIDE, labels=NAMES)
    assert detect(model) == [CAT, DOG]
    assert sources(model, "decoder") == {"decoder": ("end_to_end", "names")}
    assert sources(model, "box_coordinates", "resize", "nms") == {
        "box_coordinates": ("pixels", "family"),
        "resize": ("letterbox", "assumed"),
        "nms": ("none", "family"),
    }
    assert model.contract.assumed() == [
        "resize", "letterbox_color", "input_image_mean_value", "input_image_std_dev",
    ]  # fmt: skip


def test_nvidia_tao_s_names_mean_fractions_of_a_stretched_image():
    outputs = {
        "BatchedNMS": np.array([[2]], np.int32),
        "BatchedNMS_1": FRACTIONS,
        "BatchedNMS_2": SCORES,
        "BatchedNMS_3": np.array([[0, 1]], np.float32),
    }
    model = onnx(outputs, WIDE, labels=NAMES)
    assert detect(model) == [CAT, DOG]
    assert model.contract.assumed() == ["input_image_mean_value", "input_image_std_dev"]
    assert sources(model, "resize", "box_coordinates") == {
        "resize": ("stretch", "family"),
        "box_coordinates": ("normalized", "family"),
    }


def test_custom_vision_s_names_mean_values_to_255_whose_order_is_assumed():
    outputs = {
        "detected_boxes": FRACTIONS[0],
        "detected_classes": np.array([0, 1], np.int64),
        "detected_scores": SCORES[0],
    }
    model = onnx(outputs, WIDE, labels=NAMES)
    assert detect(model) == [CAT, DOG]
    assert model.contract.assumed() == ["color_order"]
    assert model.input.tensor(served.frame(colour=(10, 20, 30)).image)[0, :, 0, 0] == pytest.approx([10, 20, 30])
    told = onnx(outputs, WIDE, labels=NAMES, color_order="bgr")
    assert told.warning == ""
    assert told.input.tensor(served.frame(colour=(10, 20, 30)).image)[0, :, 0, 0] == pytest.approx([30, 20, 10])


# PyTorch, by types.


def typed(names=("boxes", "labels", "scores"), batch: bool = True, **more) -> dict[str, np.ndarray]:
    boxes, labels, scores = PIXELS, np.array([[1, 2]], np.int64), SCORES
    tensors = [value if batch else value[0] for value in (boxes, labels, scores)]
    return {**dict(zip(names, tensors, strict=True)), **more}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    ("names", "source"), [(("boxes", "labels", "scores"), "names"), (("805", "774", "775"), "shapes")]
)
def test_float_boxes_and_scores_and_integer_labels_are_torchvision_s(names, source, batch):
    model = onnx(typed(names, batch), WIDE, labels=("background", *NAMES))
    assert detect(model) == [CAT, DOG]
    assert model.contract["decoder"].source == source
    assert sources(model, "box_coordinates", "resize", "input_image_mean_value") == {
        "box_coordinates": ("pixels", "family"),
        "resize": ("stretch", "family"),
        "input_image_mean_value": ((0.0,) * 3, "family"),
    }
    assert model.warning == ""


def test_torchvision_s_input_may_lack_an_axis_for_images():
    assert detect(onnx(typed(), {"image": ("float32", (3, 180, 320))}, labels=("background", *NAMES))) == [CAT, DOG]


def test_with_a_size_input_boxes_are_in_pixels_of_the_image_and_the_size_is_the_image_s():
    inputs = {**WIDE, "orig_target_sizes": ("int64", (1, 2))}
    outputs = typed(("boxes", "labels", "scores"))
    outputs["boxes"] = PIXELS * 2
    model = onnx(outputs, inputs, labels=("none", *NAMES))
    assert detect(model) == [CAT, DOG]
    assert sources(model, "box_coordinates") == {"box_coordinates": ("source_pixels", "family")}
    assert "RT-DETR or D-FINE" in model.title


def deployed(fractions, resize: str):
    """The model of a file that multiplies boxes by the size that it is told, as RT-DETR's deploy form does it."""
    package = pytest.importorskip("onnx", reason="onnx, which makes models, is not installed")
    helper, numbers = package.helper, package.TensorProto
    constants = {
        "fractions": np.array([fractions], np.float32),
        "labels": np.array([[0]], np.int64),
        "scores": np.array([[0.9]], np.float32),
    }
    nodes = [
        helper.make_node("Constant", [], [name], value=package.numpy_helper.from_array(value))
        for name, value in constants.items()
    ]
    nodes.append(helper.make_node("Concat", ["orig_target_sizes"] * 2, ["twice"], axis=1))
    nodes.append(helper.make_node("Cast", ["twice"], ["sizes"], to=numbers.FLOAT))
    nodes.append(helper.make_node("Mul", ["fractions", "sizes"], ["boxes"]))
    inputs = [
        helper.make_tensor_value_info("images", numbers.FLOAT, (1, 3, 320, 320)),
        helper.make_tensor_value_info("orig_target_sizes", numbers.INT64, (1, 2)),
    ]
    outputs = [
        helper.make_tensor_value_info("labels", numbers.INT64, (1, 1)),
        helper.make_tensor_value_info("boxes", numbers.FLOAT, (1, 1, 4)),
        helper.make_tensor_value_info("scores", numbers.FLOAT, (1, 1)),
    ]
    graph = helper.make_graph(nodes, "deployed", inputs, outputs)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return served.serve(open_model("onnx", made.SerializeToString(), RuntimeOptions(), path="tiny.onnx"), resize=resize)


@pytest.mark.parametrize(
    ("resize", "box"),
    [
        ("stretch", [80 / 640, 40 / 360, 280 / 640, 120 / 360]),
        ("letterbox", [40 / 320, 90 / 320, 140 / 320, 130 / 320]),
        ("letterbox_top_left", [40 / 320, 20 / 320, 140 / 320, 60 / 320]),  # Isaac ROS
        ("center_crop", [(80 - 140) / 360, 40 / 360, (280 - 140) / 360, 120 / 360]),
    ],
)
def test_boxes_in_pixels_of_the_told_size_come_back_whichever_way_the_image_is_resized(resize, box):
    ((_, _, found),) = detect(deployed([box], resize))
    assert found == pytest.approx((80, 40, 280, 120), abs=1)


def test_an_input_that_is_no_image_and_no_size_is_refused():
    for name in ("input_ids", "scale_factor"):
        message = refusal(onnx, typed(), {**WIDE, name: ("int64", (1, 2))})
        assert "besides its image 'images' float32[1, 3, 180, 320]: what belongs there is not known" in message
        assert repr(name) in message


def test_two_outputs_of_boxes_are_not_told_apart():
    with pytest.raises(VisionError):
        onnx(typed(("a", "b", "c"), more=PIXELS), WIDE)
    assert detect(onnx(typed(more=PIXELS), WIDE, labels=("none", *NAMES))) == [CAT, DOG]


# SSDs of PyTorch.


def ssd(scores=None, boxes=None, names=("scores", "boxes"), **values):
    scores = [[0.05, 0.9, 0.05], [0.15, 0.8, 0.05], [0.3, 0.1, 0.6], [0.98, 0.01, 0.01]] if scores is None else scores
    boxes = FRACTIONS[0][[0, 0, 1, 1]] if boxes is None else boxes
    outputs = dict(zip(names, (np.array([scores], np.float32), np.array([boxes], np.float32)), strict=True))
    return onnx(outputs, WIDE, **values)


@pytest.mark.parametrize("labels", [("BACKGROUND", *NAMES), NAMES])
def test_the_background_comes_first_and_is_never_reported(labels):
    model = ssd(labels=labels)
    assert detect(model, 0.15) == [CAT, DOG]
    assert sources(model, "decoder", "background", "nms", "nms_iou_threshold", "box_coordinates") == {
        "decoder": ("pytorch_ssd", "names"),
        "background": ("first", "family"),
        "nms": ("per_class", "family"),
        "nms_iou_threshold": (0.3, "family"),
        "box_coordinates": ("normalized", "family"),
    }
    assert model.contract.value("input_image_mean_value") == pytest.approx((127 / 255,) * 3)
    assert model.contract.value("input_image_std_dev") == pytest.approx((128 / 255,) * 3)


def test_scores_that_do_not_sum_to_1_are_of_it_if_the_first_label_is_the_background():
    scores = [[0.05, 0.9, 0.4], [0.3, 0.1, 0.1]]
    assert detect(ssd(scores, FRACTIONS[0], labels=("background", *NAMES)), 0.2) == [CAT]
    for labels in ((), NAMES, ("a", "b", "c")):
        message = refusal(ssd, scores, FRACTIONS[0], labels=labels)
        assert "sigmoid scores without background, as YOLO-NAS has them" in message
        assert "'box_format'" in message


def test_logits_are_refused():
    assert "3 logits" in refusal(ssd, [[-4.0, 5, 1], [7, 1, 1]], FRACTIONS[0])


def test_offsets_to_anchors_are_refused():
    offsets = np.random.default_rng(0).normal(size=(50, 4))
    scores = np.tile([0.9, 0.05, 0.05], (50, 1))
    assert "offsets to anchors (priors)" in refusal(ssd, scores, offsets, labels=("background", *NAMES))
    assert "offsets to anchors" in refusal(ssd, None, PIXELS[0][[0, 0, 1, 1]])  # corners, but far beyond 0 to 1


def test_softmax_scores_have_their_background_where_it_is_said():
    tensors = {"b": FRACTIONS, "s": np.array([[[0.05, 0.9, 0.05], [0.1, 0.2, 0.7]]], np.float32)}
    for background, numbers in (("first", [1, 2]), ("last", [1]), ("none", [1, 2])):
        found = SoftmaxDecoder("b", "s", background).decode(tensors, PLACEMENT, 0.25)
        assert found.classes.tolist() == numbers
    sizes = {"b": np.array([[[0.5, 0.5, 0.2, 0.4]] * 2], np.float32), "s": tensors["s"]}
    found = SoftmaxDecoder("b", "s", box_format="center_size").decode(sizes, PLACEMENT, 0.8)
    assert found.boxes[0] == pytest.approx([80, 30, 120, 70])


# TensorFlow.


TF = {
    "location": np.array([[[0.1, 0.2, 0.3, 0.4], [0.6, 0.6, 0.9, 0.9]]], np.float32),
    "category": np.array([[0, 1]], np.float32),
    "score": SCORES,
}
HUNDRED = {"image": ("float32", (1, 100, 100, 3))}


def test_tensorflow_s_boxes_have_y_first_which_is_assumed_unless_said():
    model = tflite(TF, HUNDRED, labels=("???", *NAMES))
    assert detect(model)[0] == ("cat", 0.9, (128.0, 36.0, 256.0, 108.0))
    assert sources(model, "box_format", "xmin_ymin_xmax_ymax_order", "box_coordinates", "activation") == {
        "box_format": ("corners", "assumed"),
        "xmin_ymin_xmax_ymax_order": (Y_FIRST, "assumed"),
        "box_coordinates": ("normalized", "probe"),
        "activation": ("none", "family"),
    }
    told = tflite(TF, HUNDRED, box_format="corners", xmin_ymin_xmax_ymax_order=[0, 1, 2, 3])
    assert detect(told)[0][2] == (64.0, 72.0, 192.0, 144.0)
    assert sources(told, "xmin_ymin_xmax_ymax_order") == {"xmin_ymin_xmax_ymax_order": ((0, 1, 2, 3), "attribute")}
    assert told.contract.assumed() == ["input_image_mean_value", "input_image_std_dev"]


@pytest.mark.parametrize("values", [{"box_coordinates": "pixels"}, {}])
def test_boxes_in_pixels_are_told_from_fractions_once(values):
    outputs = {**TF, "location": TF["location"] * 100}
    model = tflite(outputs, HUNDRED, **values)
    assert detect(model)[0][2] == (128.0, 36.0, 256.0, 108.0)
    assert sources(model, "box_coordinates") == {
        "box_coordinates": ("pixels", "attribute" if values else "probe"),
    }  # fmt: skip


def test_logits_of_a_detector_need_their_activation():
    outputs = {"location": TF["location"], "score": np.array([[[4.0, -3.0], [-2.0, 1.0]]], np.float32)}
    message = refusal(tflite, outputs, HUNDRED)
    assert "tell 'activation'" in message
    assert "its scores are not between 0 and 1, but logits" in message
    found = detect(tflite(outputs, HUNDRED, activation="sigmoid"))
    assert [(name, score) for name, score, _ in found] == [("0", 0.982), ("1", 0.731)]


def test_an_onnx_file_with_such_names_does_not_tell_its_boxes():
    outputs = {"boxes": PIXELS / 4, "score": SCORES, "category": np.array([[0, 1]], np.float32)}
    message = refusal(onnx, outputs, HUNDRED)
    assert "tell 'box_format'" in message
    assert "(corners, corner_size or center_size)" in message
    order = refusal(onnx, outputs, HUNDRED, box_format="corners", box_coordinates="pixels")
    assert "tell 'xmin_ymin_xmax_ymax_order'" in order
    told = {"box_format": "corners", "box_coordinates": "pixels", "xmin_ymin_xmax_ymax_order": [0, 1, 2, 3]}
    assert len(detect(onnx(outputs, HUNDRED, **told))) == 2


BY_NAME = {
    "boxes": np.array([[[64, 48, 320, 240], [300, 200, 400, 400], *[[0] * 4] * 20]], np.float32),
    "scores": np.array([[0.9, 0.8, *[0] * 20]], np.float32),
}


def test_class_numbers_may_be_floats_where_the_names_are_those_of_pytorch():
    model = onnx({**BY_NAME, "labels": np.zeros((1, 22), np.float32)}, {"image": ("float32", (1, 3, 640, 640))})
    assert sources(model, "decoder", "box_coordinates") == {
        "decoder": ("torchvision", "names"),
        "box_coordinates": ("pixels", "family"),
    }
    assert [box for _, _, box in detect(model, 0.5)] == [(64, 27, 320, 135), (300, 112.5, 400, 225)]


def test_who_gives_the_order_of_corners_need_give_no_more_and_padding_does_not_decide():
    model = onnx(
        {**BY_NAME, "classes": np.zeros((1, 22), np.float32)},
        {"image": ("float32", (1, 3, 640, 640))},
        xmin_ymin_xmax_ymax_order=[0, 1, 2, 3],
    )
    assert sources(model, "box_format", "box_coordinates") == {
        "box_format": ("corners", "attribute"),
        "box_coordinates": ("pixels", "probe"),
    }
    assert len(detect(model, 0.0)) == len(detect(model, 0.5)) == 2


def test_tensorflow_s_own_names_tell_it_and_classes_are_counted_from_1():
    outputs = {
        "detection_boxes": TF["location"],
        "detection_classes": np.array([[1, 2]], np.float32),
        "detection_scores": SCORES,
        "num_detections": np.array([2], np.float32),
    }
    uint8 = {"input_tensor": ("uint8", (1, "h", "w", 3))}
    for labels in (NAMES, ("background", *NAMES), ("n/a", *NAMES)):
        model = onnx(outputs, uint8, labels=labels)
        assert [name for name, *_ in detect(model)] == ["cat", "dog"]
        assert model.contract["xmin_ymin_xmax_ymax_order"].source == "names"
        assert model.contract.assumed() == []
    assert [name for name, *_ in detect(onnx(outputs, uint8))] == ["1", "2"]
    other = onnx(outputs, uint8, labels=NAMES, first_class_number=0)
    assert sources(other, "first_class_number") == {"first_class_number": (0, "attribute")}
    assert [name for name, *_ in detect(other)] == ["dog", "2"]
