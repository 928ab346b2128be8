"""The model `mlmodel` on real models and pictures, against what was measured before with other programs."""

from functools import cache

import numpy as np
import pytest
import testdata

from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image, encode
from vision_service.resources import LocalResources
from vision_service.types import Classification, Detection, Frame
from vision_service.vision.mlmodel import MLModel
from vision_service.vision.model import methods, only_live_changes

COCO = "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
CUSTOM = "custom_ssd_mobilenet_v2_fpn_lite_320x320.tflite"
MOBILENET = "mobilenet_v2_1.0_224_quant.tflite"
FLOAT = "mobilenet_v1_0.25_224_1_metadata_1.tflite"
SCORE_SPREAD = 0.1015
"""Scores of robust detections differ by up to this between resizers (expected.json, "spread")."""

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")


def new(name: str, **values) -> MLModel:
    values = {"model_path": str(testdata.path(f"models/{name}")), **values}
    if name == CUSTOM:
        values.setdefault(
            "label_path", str(testdata.path("models/custom_ssd_mobilenet_v2_fpn_lite_320x320_labels.txt"))
        )
    return MLModel(configure(MLModel.Config, values, of="the model mlmodel"), LocalResources())


@cache
def model(name: str) -> MLModel:
    return new(name)


def refusal(name: str, **values) -> str:
    with pytest.raises(VisionError) as raised:
        new(name, **values)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    return raised.value.message


def detect(name: str, image: str, **values) -> list[Detection]:
    chosen = new(name, **values) if values else model(name)
    return chosen.detect(Frame(image=testdata.picture(image)))


def overlap(detection: Detection, box: list[float]) -> float:
    """Intersection over union with a box xmin, ymin, xmax, ymax."""
    x_min, y_min, x_max, y_max = box
    width = min(detection.x_max, x_max) - max(detection.x_min, x_min)
    height = min(detection.y_max, y_max) - max(detection.y_min, y_min)
    common = max(width, 0) * max(height, 0)
    return common / (detection.area + (x_max - x_min) * (y_max - y_min) - common)


def nearest(found: list[Detection], label: str, box: list[float]) -> Detection:
    return max((item for item in found if item.class_name == label), key=lambda item: overlap(item, box))


# What was measured before.


@pytest.mark.parametrize("result", testdata.results("detector"))
def test_detections_are_those_that_were_measured(result):
    found = detect(result["model"], result["image"])
    for item in result["detections_score_ge_0.3_cv2_linear"]:
        if not item["robust"]:
            continue
        box = item["box_px_xmin_ymin_xmax_ymax_clipped"]
        same = nearest(found, item["label"], box)
        assert overlap(same, box) >= 0.8
        assert same.confidence == pytest.approx(item["score"], abs=SCORE_SPREAD)


@pytest.mark.parametrize("result", testdata.results("classifier"))
def test_classifications_are_those_that_were_measured(result):
    found = model(result["model"]).classify(Frame(image=testdata.picture(result["image"])), 5)
    if result["robust_top1"]:
        low, high = result["top1_score_range"]
        assert found[0].class_name == result["top"]["cv2_linear"][0]["label"]
        assert low - 0.02 <= found[0].confidence <= high + 0.02
    assert len(found) == 5


@pytest.mark.parametrize(
    ("label", "score", "box"),
    [
        ("cat", 0.644531, [54, 396, 393, 196]),
        ("cat", 0.609375, [602, 157, 394, 447]),
        ("cat", 0.5625, [259, 394, 181, 209]),
        ("dog", 0.5, [387, 197, 281, 409]),
    ],
)
def test_detections_are_those_that_the_model_s_makers_published(label, score, box):
    x, y, width, height = box
    published = [x, y, x + width, min(y + height, 600)]
    same = nearest(detect(COCO, "images/cats_and_dogs.jpg"), label, published)
    assert overlap(same, published) >= 0.9
    assert same.confidence == pytest.approx(score, abs=0.03)


# What a model can do.


def test_a_detector_detects_and_a_classifier_classifies():
    assert methods(model(COCO)) == {"detect"}
    assert methods(model(MOBILENET)) == {"classify"}


def test_labels_come_from_the_model_s_file_unless_a_label_file_is_given():
    assert model(COCO).labels[:2] == ("person", "bicycle")
    assert model(CUSTOM).labels[-2:] == ("lettuce", "cantaloupe")
    assert model(MOBILENET).labels[1] == "tench, Tinca tinca"


@pytest.mark.parametrize("file", ["coco_labels.txt", "coco_labelmap_with_background.txt"])
def test_a_detector_s_label_file_may_count_the_background_or_not(file):
    found = detect(COCO, "images/cats_and_dogs.jpg", label_path=str(testdata.path(f"models/{file}")))
    assert found == detect(COCO, "images/cats_and_dogs.jpg")


def test_a_class_without_a_label_is_called_by_its_number(tmp_path):
    file = tmp_path / "labels.txt"
    file.write_text("person\n\ncar\n")
    some = new(COCO, label_path=str(file))
    assert some.labels == ("person", "1", "car")
    names = {item.class_name for item in some.detect(Frame(image=testdata.picture("images/cats_and_dogs.jpg")))[:4]}
    assert names == {"16", "17"}  # cat and dog


def test_a_classifier_with_another_number_of_labels_is_refused(tmp_path):
    labels = testdata.path("models/imagenet_labels.txt").read_text().splitlines()
    file = tmp_path / "labels.txt"
    file.write_text("\n".join(labels[1:]))
    message = refusal(MOBILENET, label_path=str(file))
    assert "length of output (1001) expected to be length of label list (1000)" in message


def test_a_label_file_that_is_missing_is_an_error_and_not_silence(tmp_path):
    assert "absent.txt" in refusal(COCO, label_path=str(tmp_path / "absent.txt"))


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("unsupported/dilated_conv.tflite", "'input_1' float32[-1, -1, -1, 3]"),
        ("unsupported/face_detection_short_range.tflite", "'regressors' float32[1, 896, 16]"),
        ("unsupported/keras_lstm_mnist_ptq.tflite", "'serving_default_x:0' uint8[1, 28, 28]"),
        ("unsupported/movenet_single_pose_lightning_ptq.tflite", "'StatefulPartitionedCall:0' float32[1, 1, 17, 3]"),
        ("unsupported/permute_uint8.tflite", "'input' uint8[1, 4]"),
        ("unsupported/split_concat.tflite", "'inputs/rnn2' uint8[1, 8, 8, 2]"),
        ("unsupported/bad_model.tflite", "no TensorFlow Lite file"),
        ("unsupported/mobilenet_v1_0.25_128_quant_edgetpu.tflite", "Edge TPU"),
        ("unsupported/model_invoking_error.tflite", "fake-op-double"),
        ("unsupported/person_detect.tflite", "quantized_dimension"),
        ("deeplabv3_mnv2_dm05_pascal_quant.tflite", "'ArgMax' int64[1, 513, 513]"),
    ],
)
def test_a_model_of_another_form_is_refused_with_what_was_found(file, found):
    message = refusal(file)
    assert found in message
    assert file in message


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"xmin_ymin_xmax_ymax_order": [0, 1, 2]}, "xmin_ymin_xmax_ymax_order"),
        ({"xmin_ymin_xmax_ymax_order": [0, 1, 2, 2]}, "xmin_ymin_xmax_ymax_order"),
        ({"xmin_ymin_xmax_ymax_order": [1, 2, 3, 4]}, "xmin_ymin_xmax_ymax_order"),
        ({"input_image_mean_value": [0.5]}, "input_image_mean_value"),
        ({"input_image_std_dev": [0.5, 0, 0.5]}, "input_image_std_dev"),
        ({"num_threads": 0}, "num_threads"),
        ({"default_minimum_confidence": 1.5}, "default_minimum_confidence"),
        ({"label_confidences": {"cat": -0.1}}, "label_confidences"),
    ],
)
def test_a_wrong_attribute_is_named(values, named):
    assert repr(named) in refusal(COCO, **values)


# Pictures.


def encodings(rgb: np.ndarray) -> dict[str, Image]:
    alpha = np.full((*rgb.shape[:2], 1), 200, np.uint8)
    bgr = rgb[..., ::-1]
    return {
        "bgr8": Image(bgr, "bgr8"),
        "rgba8": Image(np.dstack([rgb, alpha]), "rgba8"),
        "bgra8": Image(np.dstack([bgr, alpha]), "bgra8"),
        "png": Image.from_compressed(encode(rgb, "image/png")),
    }


@pytest.mark.parametrize("encoding", ["bgr8", "rgba8", "bgra8", "png"])
def test_every_encoding_of_a_picture_gives_the_same_results(encoding):
    rgb = testdata.picture("images/cats_and_dogs.jpg").rgb
    same = encodings(rgb)[encoding]
    assert model(COCO).detect(Frame(image=same)) == model(COCO).detect(Frame(image=Image(rgb)))
    assert model(FLOAT).classify(Frame(image=same), 3) == model(FLOAT).classify(Frame(image=Image(rgb)), 3)


def test_a_grey_picture_is_taken_for_three_equal_channels():
    rgb = testdata.picture("images/grace_hopper.bmp").rgb
    grey = np.ascontiguousarray(rgb[..., 1])
    found = model(COCO).detect(Frame(image=Image(grey, "mono8")))
    assert found == model(COCO).detect(Frame(image=Image(np.dstack([grey] * 3))))
    assert found[0].class_name == "person"


@pytest.mark.parametrize("size", [(1, 1), (3, 800), (800, 3), (640, 480), (300, 300), (299, 301), (1920, 1080)])
def test_boxes_lie_in_a_picture_of_any_size(size):
    width, height = size
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    for item in model(COCO).detect(Frame(image=Image(pixels))):
        assert 0 <= item.x_min <= item.x_max <= width
        assert 0 <= item.y_min <= item.y_max <= height


def test_a_stretched_picture_has_stretched_boxes():
    rgb = testdata.picture("images/cat.bmp").rgb
    wide = np.repeat(rgb, 2, axis=1)
    (cat, *_), (stretched, *_) = (model(COCO).detect(Frame(image=Image(pixels))) for pixels in (rgb, wide))
    assert stretched.class_name == cat.class_name == "cat"
    assert overlap(stretched, [2 * cat.x_min, cat.y_min, 2 * cat.x_max, cat.y_max]) > 0.9


def test_a_model_for_blue_green_red_sees_swapped_channels():
    rgb = testdata.picture("images/parrot.jpg").rgb
    swapped = Frame(image=Image(rgb[..., ::-1]))
    assert new(FLOAT, input_image_bgr=True).classify(swapped, 3) == model(FLOAT).classify(Frame(image=Image(rgb)), 3)


def test_a_float_model_is_given_what_mean_and_deviation_make():
    frame = Frame(image=testdata.picture("images/parrot.jpg"))
    same = new(FLOAT, input_image_mean_value=[0.5, 0.5, 0.5], input_image_std_dev=[0.5, 0.5, 0.5])
    other = new(FLOAT, input_image_mean_value=[0, 0, 0], input_image_std_dev=[1, 1, 1])
    assert same.classify(frame, 3) == model(FLOAT).classify(frame, 3)
    assert other.classify(frame, 3) != same.classify(frame, 3)


def test_the_order_of_a_box_s_numbers_can_be_told():
    (usual, *_), (swapped, *_) = (
        detect(COCO, "images/cat.bmp", xmin_ymin_xmax_ymax_order=order) for order in ([1, 0, 3, 2], [0, 1, 2, 3])
    )
    assert (swapped.x_min / 512, swapped.y_min / 341) == pytest.approx((usual.y_min / 341, usual.x_min / 512))


def test_a_frame_without_a_picture_is_an_error():
    with pytest.raises(VisionError) as raised:
        model(COCO).detect(Frame(camera_name="lidar"))
    assert raised.value.code == ErrorCode.NO_FRAME


# Confidences and counts.


def test_detections_come_best_first_and_all_of_them_unless_told_otherwise():
    found = detect(COCO, "images/cats_and_dogs.jpg")
    scores = [item.confidence for item in found]
    assert len(found) == 10
    assert scores == sorted(scores, reverse=True)


def test_a_minimum_confidence_keeps_what_reaches_it():
    found = detect(COCO, "images/cats_and_dogs.jpg")
    bound = found[2].confidence
    assert detect(COCO, "images/cats_and_dogs.jpg", default_minimum_confidence=bound) == found[:3]


def test_confidences_of_labels_replace_the_default_and_drop_the_others():
    found = detect(
        COCO, "images/cats_and_dogs.jpg", default_minimum_confidence=0.9, label_confidences={"CAT": 0.6, "bird": 0.0}
    )
    assert [item.class_name for item in found if item.class_name == "cat"] == ["cat", "cat"]
    assert {item.class_name for item in found} <= {"cat", "bird"}


def test_confidences_change_while_the_model_runs():
    some = new(COCO)
    frame = Frame(image=testdata.picture("images/cats_and_dogs.jpg"))
    values = {"model_path": some.config.model_path, "default_minimum_confidence": 0.55}
    stricter = configure(MLModel.Config, values, of="it")
    assert only_live_changes(some.config, stricter)
    some.update(stricter)
    assert len(some.detect(frame)) == 3


@pytest.mark.parametrize(("count", "expected"), [(-1, 1001), (0, 0), (1, 1), (5, 5), (5000, 1001)])
def test_the_count_is_how_many_classes_at_most_and_negative_is_all(count, expected):
    found = model(MOBILENET).classify(Frame(image=testdata.picture("images/burger.jpg")), count)
    assert len(found) == expected
    assert found == sorted(found, key=lambda item: -item.confidence)


def test_the_minimum_confidence_is_applied_before_the_count():
    some = new(MOBILENET, label_confidences={"bagel, beigel": 0.001})
    (found,) = some.classify(Frame(image=testdata.picture("images/burger.jpg")), 1)
    assert found == Classification("bagel, beigel", pytest.approx(0.02, abs=0.02))


def test_a_closed_model_answers_with_an_error():
    some = new(MOBILENET)
    some.close()
    some.close()
    with pytest.raises(VisionError) as raised:
        some.classify(Frame(image=testdata.picture("images/burger.jpg")))
    assert raised.value.code == ErrorCode.MODEL_ERROR
