"""Detectors of the DETR kind: of Hugging Face, by their names, and RF-DETR."""

import numpy as np
import pytest

import served
from served import COCO80, detect, onnx, refusal, sources

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PLAIN = (0.0,) * 3, (1.0,) * 3
CAT_BOX, DOG_BOX = [180 / 640, 80 / 360, 200 / 640, 80 / 360], [500 / 640, 270 / 360, 200 / 640, 140 / 360]
CAT, DOG = (80.0, 40.0, 280.0, 120.0), (400.0, 200.0, 600.0, 340.0)
INPUT = {"pixel_values": ("float32", (1, 3, 320, 320))}


def logit(score: float) -> float:
    return float(np.log(score / (1 - score)))


def queries(rows, classes: int, count: int = 100, low: float = -8.0) -> dict[str, np.ndarray]:
    """Boxes and logits by query: number -> box and logits by class."""
    boxes, logits = np.full((1, count, 4), 0.5, np.float32), np.full((1, count, classes), low, np.float32)
    for query, (box, values) in rows.items():
        boxes[0, query] = box
        for number, value in values.items():
            logits[0, query, number] = value
    return {"logits": logits, "pred_boxes": boxes}


SIGMOID = {3: (CAT_BOX, {1: logit(0.9), 0: logit(0.4)}), 9: (DOG_BOX, {2: logit(0.6)})}
SOFTMAX = {3: (CAT_BOX, {1: 8.0}), 9: (DOG_BOX, {2: 8.0})}


def softmaxed(classes: int = 4) -> dict[str, np.ndarray]:
    """As with softmax: of all other queries the last class says that there is no object."""
    made = queries(SOFTMAX, classes)
    made["logits"][..., -1] = 6.0
    for query in SOFTMAX:
        made["logits"][0, query, -1] = -8.0
    return made


def names(count: int) -> tuple[str, ...]:
    return tuple(f"class {number}" for number in range(count))


def about(model) -> tuple:
    return tuple(model.contract.value(name) for name in ("activation", "background", "input_image_mean_value"))


# Hugging Face: by the graph.


@pytest.mark.parametrize(
    ("module", "activation", "background", "values"),
    [
        ("rt_detr", "sigmoid", "none", PLAIN),
        ("rt_detr_v2", "sigmoid", "none", PLAIN),
        ("d_fine", "sigmoid", "none", PLAIN),
        ("conditional_detr", "sigmoid", "none", IMAGENET),
        ("deformable_detr", "sigmoid", "none", IMAGENET),
        ("dab_detr", "sigmoid", "none", IMAGENET),
        ("detr", "softmax", "last", IMAGENET),
        ("yolos", "softmax", "last", IMAGENET),
        ("table_transformer", "softmax", "last", IMAGENET),
    ],
)
def test_the_modules_in_the_graph_say_which_it_is_and_nothing_is_assumed(module, activation, background, values):
    space = f"transformers.models.{module}.modeling_{module}.Model/"
    model = onnx(queries(SIGMOID, 4), INPUT, namespace=space)
    assert about(model) == (activation, background, values[0])
    assert model.contract.value("input_image_std_dev") == values[1]
    assert {source for _, source in sources(model, "activation", "background", "input_image_mean_value").values()} == {
        "graph"
    }
    assert sources(model, "resize", "interpolation", "box_format", "box_coordinates", "nms") == {
        "resize": ("stretch", "family"),
        "interpolation": ("antialias", "family"),
        "box_format": ("center_size", "family"),
        "box_coordinates": ("normalized", "family"),
        "nms": ("none", "family"),
    }
    assert model.warning == ""


def test_with_sigmoid_one_query_may_be_several_objects():
    form = (queries(SIGMOID, 4), INPUT)
    model = onnx(*form, namespace="transformers.models.rt_detr.x", default_minimum_confidence=0.25)
    assert detect(model) == [("1", 0.9, CAT), ("2", 0.6, DOG), ("0", 0.4, CAT)]
    by_itself = onnx(*form, namespace="transformers.models.rt_detr.x")
    assert detect(by_itself) == [("1", 0.9, CAT), ("2", 0.6, DOG)]  # what lies below 0.5 is nothing, as there


def test_with_softmax_the_last_class_is_no_object_and_never_reported():
    model = onnx(softmaxed(), INPUT, labels=names(3), namespace="transformers.models.detr.x")
    assert [(name, box) for name, _, box in detect(model)] == [("class 1", CAT), ("class 2", DOG)]
    lowest = onnx(softmaxed(), INPUT, labels=names(3), namespace="transformers.models.detr.x", max_detections=1000)
    assert {item.class_name for item in lowest.detect(served.frame())} <= set(names(3))


def test_names_of_weights_say_that_it_is_rt_detr():
    model = onnx(queries(SIGMOID, 80), INPUT, parameters=["model.enc_score_head.bias"])
    assert about(model) == ("sigmoid", "none", PLAIN[0])
    assert model.warning == ""


@pytest.mark.parametrize(
    ("classes", "labels", "activation", "source"),
    [
        (4, 3, "softmax", "labels"),
        (4, 4, "sigmoid", "labels"),
        (92, 0, "softmax", "assumed"),
        (91, 0, "sigmoid", "assumed"),
    ],
)
def test_names_of_weights_and_the_number_of_labels_tell_detr_from_conditional_detr(classes, labels, activation, source):
    model = onnx(queries(SIGMOID, classes), INPUT, labels=names(labels), parameters=["class_labels_classifier.weight"])
    assert sources(model, "activation") == {"activation": (activation, source)}
    assert sources(model, "input_image_mean_value") == {"input_image_mean_value": (IMAGENET[0], "graph")}


def test_where_labels_do_not_tell_the_activation_must_be_told():
    parameters = ["class_labels_classifier.weight"]
    for labels in ((), names(2)):
        message = refusal(onnx, queries(SIGMOID, 4), INPUT, labels=labels, parameters=parameters)
        assert "neither the file nor its outputs tell 'activation'" in message
        assert "softmax (one class at a time), sigmoid" in message
    told = onnx(queries(SIGMOID, 4), INPUT, parameters=parameters, activation="sigmoid", background="none")
    assert sources(told, "activation", "background") == {
        "activation": ("sigmoid", "attribute"),
        "background": ("none", "attribute"),
    }
    assert detect(told)[0] == ("1", 0.9, CAT)


# Without names in the graph.


@pytest.mark.parametrize(
    ("classes", "labels", "activation", "mean"),
    [
        (4, 3, "softmax", IMAGENET[0]),
        (92, 0, "softmax", IMAGENET[0]),
        (80, 80, "sigmoid", PLAIN[0]),
        (80, 0, "sigmoid", PLAIN[0]),
        (91, 91, "sigmoid", IMAGENET[0]),
        (4, 4, "sigmoid", PLAIN[0]),
    ],
)
def test_without_names_the_image_s_values_are_only_assumed(classes, labels, activation, mean):
    model = onnx(queries(SIGMOID, classes), INPUT, labels=names(labels))
    assert about(model)[0] == activation
    assert sources(model, "input_image_mean_value") == {"input_image_mean_value": (mean, "assumed")}
    assert "input_image_mean_value" in model.warning
    assert model.contract["activation"].source == ("labels" if labels else "assumed")


def test_without_names_and_with_labels_of_another_number_it_is_refused():
    for labels in ((), names(7)):
        message = refusal(onnx, queries(SIGMOID, 4), INPUT, labels=labels)
        assert f"4 logits and {len(labels)} labels" in message
        assert "give 'label_path', or the attribute 'activation'" in message


@pytest.mark.parametrize("last", ["no-object", "N/A", "none", "background"])
def test_a_last_label_that_is_no_object_counts_as_such(last):
    model = onnx(softmaxed(), INPUT, labels=(*names(3), last))
    assert about(model)[:2] == ("softmax", "last")
    assert {name for name, *_ in detect(model)} == {"class 1", "class 2"}
    assert model.labels == names(3)


@pytest.mark.parametrize("other", ["last_hidden_state", "aux_outputs", "enc_outputs_class", "intermediate_logits"])
def test_outputs_that_only_training_needs_do_not_matter(other):
    more = {**queries(SIGMOID, 80), other: np.zeros((1, 100, 8), np.float32)}
    assert detect(onnx(more, INPUT, labels=COCO80))[0] == ("class 1", 0.9, CAT)


@pytest.mark.parametrize("other", ["text_embeds", "image_embeds", "class_embeds"])
def test_a_detector_of_texts_is_refused_by_the_outputs_that_it_has_besides(other):
    more = {**queries(SIGMOID, 4), other: np.zeros((1, 100, 8), np.float32)}
    message = refusal(onnx, more, INPUT, labels=names(4))
    assert repr(other) in message
    assert "OWL-ViT" in message


def test_as_many_are_returned_as_there_are_queries_but_a_hundred_at_least():
    logits = np.full((1, 20, 10), 2.0, np.float32)
    logits[0, :, 0] += np.arange(20)
    boxes = np.full((1, 20, 4), 0.5, np.float32)
    model = onnx({"logits": logits, "pred_boxes": boxes}, INPUT, labels=names(10))
    assert len(model.detect(served.frame())) == 100
    many = {"logits": np.full((1, 130, 10), 2.0, np.float32), "pred_boxes": np.full((1, 130, 4), 0.5, np.float32)}
    assert len(onnx(many, INPUT, labels=names(10)).detect(served.frame())) == 130


# RF-DETR.


def rfdetr(classes: int = 4, rows=None, **more) -> dict[str, np.ndarray]:
    made = queries(rows or SIGMOID, classes)
    return {"dets": made["pred_boxes"], "labels": made["logits"], **more}


@pytest.mark.parametrize(
    ("classes", "labels", "background", "source"),
    [(4, 4, "none", "labels"), (4, 3, "last", "labels"), (91, 0, "none", "family"), (4, 0, "last", "assumed")],
)
def test_rf_detr_s_labels_are_logits_and_their_number_tells_the_background(classes, labels, background, source):
    model = onnx(rfdetr(classes), labels=names(labels), default_minimum_confidence=0.25)
    assert detect(model)[0][1:] == (0.9, CAT)
    assert len(detect(model)) == 3
    assert sources(model, "decoder", "background", "activation", "interpolation", "input_image_mean_value") == {
        "decoder": ("rfdetr", "names"),
        "background": (background, source),
        "activation": ("sigmoid", "family"),
        "interpolation": ("bilinear", "family"),
        "input_image_mean_value": (IMAGENET[0], "family"),
    }


def test_a_background_in_the_last_slot_is_not_reported():
    rows = {0: (CAT_BOX, {3: logit(0.99), 1: logit(0.9)})}
    assert detect(onnx(rfdetr(4, rows), labels=names(3))) == [("class 1", 0.9, CAT)]
    assert [name for name, *_ in detect(onnx(rfdetr(4, rows), labels=names(3), background="none"))] == ["3", "class 1"]


def test_labels_of_another_number_are_refused():
    assert "it has 4 slots for classes, but there are 2 labels" in refusal(onnx, rfdetr(), labels=names(2))


@pytest.mark.parametrize(
    "outputs",
    [
        {"dets": np.zeros((1, 100, 5), np.float32), "labels": np.zeros((1, 100), np.int64)},
        {"dets": np.zeros((1, 100, 4), np.float32), "labels": np.zeros((1, 100), np.int64)},
    ],
)
def test_mmdeploy_has_the_same_names_and_is_refused(outputs):
    assert "mmdeploy" in refusal(onnx, outputs)


def test_masks_of_queries_are_within_their_boxes():
    masks = np.full((1, 100, 80, 80), -5.0, np.float32)
    masks[0, 3], masks[0, 9, :, 60:] = 5, 5
    model = onnx(rfdetr(4, masks=masks), labels=names(4))
    assert model.extras == {"masks"}
    cat, dog, *_ = model.detect(served.frame())
    assert (cat.extra.mask.x, cat.extra.mask.y) == (80, 40)
    assert cat.extra.mask.area == pytest.approx(200 * 80, rel=0.02)  # the last row is covered by a millionth
    assert dog.extra.mask.area == pytest.approx(120 * 140, rel=0.05)
    assert model.title == "RF-DETR, instance segmentation"
