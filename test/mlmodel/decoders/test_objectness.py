"""Heads with an objectness: the original YOLOv5 and v7, and YOLOX."""

import math

import numpy as np
import pytest

import served
from served import COCO80, detect, head, one_hot, onnx, refusal, sources

CAT_BOX, DOG_BOX = [90, 110, 100, 40], [250, 205, 100, 70]
CAT, DOG = (0.9, (80.0, 40.0, 280.0, 120.0)), (0.6, (400.0, 200.0, 600.0, 340.0))


def objects(boxes=(CAT_BOX, DOG_BOX)) -> dict:
    return {
        0: [*boxes[0], 0.95, *one_hot(80, 15, 0.9 / 0.95)],
        3: [*boxes[0], 0.9, *one_hot(80, 15, 0.9)],
        99: [*boxes[1], 0.8, *one_hot(80, 16, 0.75)],
    }


# YOLOv5 and v7.


def v5(labels=COCO80, **values):
    return onnx({"output": head(objects(), 85, anchors=3).transpose(0, 2, 1)}, labels=labels, **values)


def test_three_boxes_at_each_place_are_yolov5_s_and_scores_are_multiplied_by_the_objectness():
    model = v5()
    assert detect(model) == [("class 15", *CAT), ("class 16", *DOG)]
    assert (model.title, model.warning) == ("YOLOv5 or v7 with objectness, raw head", "")
    assert sources(model, "decoder", "nms_iou_threshold", "box_coordinates", "resize") == {
        "decoder": ("yolov5", "shapes"),
        "nms_iou_threshold": (0.45, "family"),
        "box_coordinates": ("pixels", "probe"),
        "resize": ("letterbox", "family"),
    }


def test_fractions_are_told_from_pixels_by_all_places():
    values = head(objects(), 85, anchors=3)
    values[0, :4] /= 320
    model = onnx({"output": values.transpose(0, 2, 1)}, labels=COCO80)
    assert detect(model) == [("class 15", *CAT), ("class 16", *DOG)]
    assert model.contract["box_coordinates"].value == "normalized"


def test_prototypes_of_masks_may_stand_beside_it():
    """A mask is a sum of prototypes: here of the first, which is 1 in the box's left half."""
    prototypes = np.zeros((1, 32, 80, 80), np.float32)
    prototypes[0, 0] = -1
    prototypes[0, 0, :, : CAT_BOX[0] // 4] = 1
    rows = {place: [*row, 1, *[0] * 31] for place, row in objects().items()}
    outputs = {"output0": head(rows, 117, anchors=3).transpose(0, 2, 1), "output1": prototypes}
    model = onnx(outputs, labels=COCO80)
    assert model.title == "YOLOv5 or v7 with objectness, instance segmentation, raw head"
    assert model.extras == {"masks"}
    (cat,) = model.detect(served.frame())  # the others have no pixel
    mask = cat.extra.mask
    assert (mask.x, mask.y, mask.width, mask.height) == (80, 40, 200, 80)
    assert mask.pixels()[:, :90].all()
    assert not mask.pixels()[:, 110:].any()


def test_labels_of_another_number_are_refused():
    assert "it has 80 classes, but there are 79 labels" in refusal(v5, COCO80[:79])
    assert [name for name, *_ in detect(v5(()))] == ["15", "16"]


# YOLOX.


def x(boxes=(CAT_BOX, DOG_BOX), labels=COCO80, name="output", **values):
    return onnx({name: head(objects(boxes), 85).transpose(0, 2, 1)}, labels=labels, **values)


IN_CORNER = [90, 40, 100, 40], [250, 135, 100, 70]
"""Centres and sizes in an input in which the image lies at the top left, at half its size."""


def test_yolox_sees_blue_green_red_from_0_to_255_at_the_top_left():
    model = x(IN_CORNER)
    assert detect(model) == [("class 15", *CAT), ("class 16", *DOG)]
    assert (model.title, model.warning) == ("YOLOX, decoded head", "")
    assert sources(model, "decoder", "resize", "letterbox_color", "color_order", "nms", "box_offsets") == {
        "decoder": ("yolox", "labels"),
        "resize": ("letterbox_top_left", "family"),
        "letterbox_color": (114, "family"),
        "color_order": ("bgr", "family"),
        "nms": ("class_agnostic", "family"),
        "box_offsets": (False, "probe"),
    }
    tensor = model.input.tensor(served.frame(colour=(10, 20, 30)).image)
    assert np.allclose(tensor[0, :, 0, 0], [30, 20, 10], atol=1e-3)
    assert np.allclose(tensor[0, :, 319, 0], 114, atol=1e-3)


def test_boxes_of_a_raw_head_are_offsets_to_their_places_and_logarithms():
    made = []
    for place, (x_middle, y_middle, width, height) in zip((0, 99), IN_CORNER, strict=True):
        column, row = place % 40, place // 40
        made.append([x_middle / 8 - column, y_middle / 8 - row, math.log(width / 8), math.log(height / 8)])
    values = head({}, 85)
    values[0, :4] = 0.3  # all other places: near their middles, and small
    first, second = objects(tuple(made)), {}
    for place, row in {0: first[0], 99: first[99], **second}.items():
        values[0, : len(row), place] = row
    model = onnx({"output": values.transpose(0, 2, 1)}, labels=COCO80)
    assert detect(model) == [("class 15", *CAT), ("class 16", *DOG)]
    assert model.title == "YOLOX, raw head"
    assert sources(model, "box_offsets") == {"box_offsets": (True, "probe")}


def test_places_of_coarser_grids_have_wider_strides():
    values = head({}, 85)
    values[0, :4] = 0.3
    place = 1600 + 400 + 3 * 10 + 2  # in the grid of 32 pixels: column 2, row 3
    values[0, :, place] = [0.25, 0.5, math.log(2), math.log(1), 0.9, *one_hot(80, 7, 1.0)]
    ((_, score, box),) = detect(onnx({"output": values.transpose(0, 2, 1)}, labels=COCO80))
    middle = (2.25 * 32, 3.5 * 32)
    assert score == pytest.approx(0.9)
    assert box == pytest.approx(
        [2 * (middle[0] - 32), 2 * (middle[1] - 16), 2 * (middle[0] + 32), 2 * (middle[1] + 16)]
    )


def test_without_labels_the_output_s_name_tells_it_and_else_it_is_a_detector_of_one_class_more():
    assert x(IN_CORNER, ()).contract["decoder"].source == "assumed"
    assert "'decoder: yolo' (no objectness) or 'decoder: yolox'" in refusal(x, labels=(), name="output0")
    assert x(labels=(), name="output0", decoder="yolo").contract.value("decoder") == "yolo"
    assert x(IN_CORNER, (), "output0", decoder="yolox").contract["decoder"].source == "attribute"


def test_the_user_may_ask_for_it_and_labels_must_fit():
    assert "it has 80 classes, but there are 81 labels" in refusal(x, labels=(*COCO80, "more"), decoder="yolox")
