"""The model `mlmodel` on real models and images, against what was measured before with other programs."""

from functools import cache

import numpy as np
import pytest

import testdata
import tinymodels
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image, encode
from vision_service.mlmodel.loading import load
from vision_service.mlmodel.placement import letterboxed
from vision_service.resources import LocalResources
from vision_service.types import Classification, Detection, Frame, LabelImage
from vision_service.vision.mlmodel import MLModel
from vision_service.vision.model import methods, only_live_changes

COCO = "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
CUSTOM = "custom_ssd_mobilenet_v2_fpn_lite_320x320.tflite"
MOBILENET = "mobilenet_v2_1.0_224_quant.tflite"
FLOAT = "mobilenet_v1_0.25_224_1_metadata_1.tflite"
DEEPLAB = "deeplabv3_mnv2_dm05_pascal_quant.tflite"
BLAZEFACE = "unsupported/face_detection_short_range.tflite"

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")


def new(name: str, **values) -> MLModel:
    values = {**testdata.attributes(name), **values}
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
    return chosen.detect(Frame(image=testdata.image(image)))


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
    testdata.check_detections(result, detect(result["model"], result["image"]))


@pytest.mark.parametrize("result", testdata.results("classifier"))
def test_classifications_are_those_that_were_measured(result):
    found = model(result["model"]).classify(Frame(image=testdata.image(result["image"])), 5)
    testdata.check_classifications(result, found)
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


@pytest.mark.parametrize("image", ["images/face.jpg", "images/grace_hopper.bmp"])
def test_faces_are_those_that_another_program_finds_with_the_same_model(image):
    expected = testdata.expected()["unsupported"]["face_detection_short_range.tflite"]["reference_decode"][image]
    found = detect(BLAZEFACE, image)
    assert [item.class_name for item in found] == ["face"] * len(expected)
    for item, (score, box) in zip(found, expected, strict=True):
        assert overlap(item, box) >= 0.9  # another resizer moves an edge by up to 5 of 200 pixels
        assert item.confidence == pytest.approx(score, abs=0.02)


def labelled(image: str, **values) -> LabelImage:
    return (new(DEEPLAB, **values) if values else model(DEEPLAB)).label(Frame(image=testdata.image(image)))


@pytest.mark.parametrize("result", testdata.results("segmenter"))
def test_what_pixels_show_is_what_was_measured(result):
    found = labelled(result["image"])
    shown = testdata.image(result["image"])
    assert found.labels.shape == (shown.height, shown.width)
    measured = [result["class_area_fraction"][resizer] for resizer in ("pil_bilinear", "cv2_linear", "cv2_area")]
    for name in set().union(*measured):
        areas = [areas.get(name, 0.0) for areas in measured]
        assert min(areas) - 0.02 <= found.mask(name).mean() <= max(areas) + 0.02


def test_the_bird_is_where_people_drew_it():
    drawn = testdata.image("images/bird_segmentation_mask.bmp").pixels[..., 0]
    (result,) = (
        result.values[0]["class_area_fraction"]["iou_against_mask"]
        for result in testdata.results("segmenter")
        if result.values[0].get("image") == "images/bird_segmentation.bmp"
    )
    found = labelled("images/bird_segmentation.bmp").mask("bird")
    counted, bird = (drawn == 0) | (drawn == 3), drawn == 3
    assert (found & bird & counted).sum() / ((found | bird) & counted).sum() >= result["bird"] - 0.005


# What a model can do.


def test_a_segmentation_model_labels_pixels():
    assert methods(model(DEEPLAB)) == {"label"}


def test_without_labels_pixels_are_called_by_their_numbers():
    found = labelled("images/cat.bmp", label_path="")
    assert found.class_names[8] == "8"
    assert np.array_equal(found.mask("8"), labelled("images/cat.bmp").mask("cat"))
    assert not found.mask("cat").any()
    assert len(found.class_names) > found.labels.max()


def test_a_letterboxed_image_is_labelled_where_it_shows_what_it_shows():
    whole, letterboxed = (labelled("images/cat.bmp", resize=way).mask("cat") for way in ("stretch", "letterbox"))
    assert whole.shape == letterboxed.shape
    assert (whole & letterboxed).sum() / (whole | letterboxed).sum() > 0.85


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
    names = {item.class_name for item in some.detect(Frame(image=testdata.image("images/cats_and_dogs.jpg")))[:4]}
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
        ("unsupported/dilated_conv.tflite", "'Identity' float32[1, 224, 224, 16]"),
        ("unsupported/keras_lstm_mnist_ptq.tflite", "'serving_default_x:0' uint8[1, 28, 28]"),
        ("unsupported/movenet_single_pose_lightning_ptq.tflite", "'StatefulPartitionedCall:0' float32[1, 1, 17, 3]"),
        ("unsupported/permute_uint8.tflite", "'input' uint8[1, 4]"),
        ("unsupported/split_concat.tflite", "'inputs/rnn2' uint8[1, 8, 8, 2]"),
        ("unsupported/bad_model.tflite", "no TensorFlow Lite file"),
        ("unsupported/mobilenet_v1_0.25_128_quant_edgetpu.tflite", "Edge TPU"),
        ("unsupported/model_invoking_error.tflite", "fake-op-double"),
        ("unsupported/person_detect.tflite", "quantized_dimension"),
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
        ({"nms_iou_threshold": 1.1}, "nms_iou_threshold"),
        ({"max_detections": -1}, "max_detections"),
        ({"input_size": [320]}, "input_size"),
        ({"input_size": [320, 240]}, "input_size"),
        ({"input_size": [0, 0]}, "input_size"),
        ({"resize": "crop"}, "resize"),
        ({"decoder": "yolo"}, "decoder: yolo"),
        ({"decoder": "classifier"}, "decoder: classifier"),
        ({"activation": "relu"}, "activation"),
        ({"box_format": "polygon"}, "box_format"),
        ({"box_coordinates": "metres"}, "box_coordinates"),
        ({"trial_timeout": 0}, "trial_timeout"),
        ({"remap_input_names": {"photo": "image"}}, "remap_input_names"),
        ({"remap_input_names": {"normalized_input_image_tensor": "photo"}}, "remap_input_names"),
        ({"remap_output_names": {"boxes": "location"}}, "remap_output_names"),
        ({"delegate": "/absent/delegate.so"}, "/absent/delegate.so"),
    ],
)
def test_a_wrong_attribute_is_named(values, named):
    assert repr(named) in refusal(COCO, **values)


def test_a_model_s_file_or_a_model_s_name_is_needed_and_not_both():
    for values, said in (({}, "neither is given"), ({"model_path": "x", "mlmodel_name": "y"}, "both are given")):
        with pytest.raises(VisionError, match=said) as raised:
            MLModel(configure(MLModel.Config, values, of="it"), LocalResources())
        assert raised.value.code == ErrorCode.INVALID_ARGUMENT
        assert "'model_path'" in raised.value.message
        assert "'mlmodel_name'" in raised.value.message


def test_a_file_that_crashes_the_runtime_is_refused_and_this_process_lives(tmp_path):
    data = bytearray(testdata.path("models/unsupported/split_concat.tflite").read_bytes())
    data[208] ^= 0xFF
    path = tinymodels.write(tmp_path, bytes(data))
    with pytest.raises(VisionError, match="crashed native code"):
        MLModel(configure(MLModel.Config, {"model_path": path}, of="it"), LocalResources())


# A model that somebody else holds.


def test_a_model_may_be_held_by_an_ml_model_service():
    path = testdata.path(f"models/{COCO}")
    resources = LocalResources({"mlmodel": {"coco": lambda _: load(path)}})
    config = configure(MLModel.Config, {"mlmodel_name": "coco"}, of="it")
    first, second = MLModel(config, resources), MLModel(config, resources)
    frame = Frame(image=testdata.image("images/cat.bmp"))
    assert first.runtime is second.runtime
    assert first.detect(frame) == model(COCO).detect(frame)
    first.close()
    assert second.detect(frame) == model(COCO).detect(frame)  # it is not ours to close
    resources.close()
    with pytest.raises(VisionError, match="closed"):
        second.detect(frame)


def test_a_name_that_nobody_has_is_an_error():
    with pytest.raises(VisionError) as raised:
        MLModel(configure(MLModel.Config, {"mlmodel_name": "coco"}, of="it"), LocalResources())
    assert raised.value.code == ErrorCode.UNKNOWN_RESOURCE


# Tiny models, whose answers are known.


def tiny(tmp_path, data: bytes, name: str = "model.tflite", **values) -> MLModel:
    values["model_path"] = tinymodels.write(tmp_path, data, name)
    return MLModel(configure(MLModel.Config, values, of="it"), LocalResources())


def colour(*rgb: int, size=(6, 4)) -> Frame:
    return Frame(image=Image(np.full((size[1], size[0], 3), rgb, np.uint8)))


def scores(found: list[Classification]) -> dict[str, float]:
    return {item.class_name: item.confidence for item in found}


COLOURS = {"labels.txt": "red\ngreen\nblue"}
NO_DEVIATION = {"input_image_mean_value": [0.0] * 3, "input_image_std_dev": [1.0] * 3}


@pytest.mark.parametrize(
    ("dtype", "shape", "scale", "values"),
    [
        ("float32", (1, 4, 6, 3), None, NO_DEVIATION),
        ("float16", (1, 4, 6, 3), None, NO_DEVIATION),
        ("float32", (1, 3, 4, 6), None, NO_DEVIATION),
        ("float32", (1, -1, -1, 3), None, NO_DEVIATION),
        ("uint8", (1, 4, 6, 3), (1 / 255, 0), {}),
        ("int8", (1, 4, 6, 3), (1 / 255, -128), {}),
        ("int8", (1, 3, 4, 6), (1 / 255, -128), NO_DEVIATION),
    ],
)
def test_the_mean_colour_is_told_by_models_of_every_type_and_layout(tmp_path, dtype, shape, scale, values):
    axes = (2, 3) if shape[1] == 3 else (1, 2)
    quantization = {"image": scale} if scale else {}
    data = tinymodels.tflite({"image": (dtype, shape)}, mean_of=axes, quantization=quantization, files=COLOURS)
    some = tiny(tmp_path, data, **values)
    found = some.classify(colour(51, 204, 102))
    assert [item.class_name for item in found] == ["green", "blue", "red"]
    assert [item.confidence for item in found] == pytest.approx([0.8, 0.4, 0.2], abs=1e-3)


@pytest.mark.parametrize("shape", [(1, 3, 4, 6), ("n", 3, "h", "w"), (1, 4, 6, 3)])
def test_onnx_models_tell_it_as_well(tmp_path, shape):
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    axes = (1, 2) if shape[-1] == 3 else (2, 3)
    metadata = {"names": "{0: 'red', 1: 'green', 2: 'blue'}"}
    data = tinymodels.onnx({"image": ("float32", shape)}, mean_of=axes, metadata=metadata)
    some = tiny(tmp_path, data, "model.onnx", **NO_DEVIATION)
    assert scores(some.classify(colour(51, 204, 102), 1)) == {"green": pytest.approx(0.8)}


def test_the_activation_can_be_told(tmp_path):
    data = tinymodels.tflite({"image": ("float32", (1, 4, 6, 3))}, mean_of=(1, 2), files=COLOURS)
    black = colour(0, 0, 0)  # -1 each
    assert scores(tiny(tmp_path, data, activation="softmax").classify(black))["red"] == pytest.approx(1 / 3)
    assert scores(tiny(tmp_path, data, activation="sigmoid").classify(black))["red"] == pytest.approx(0.2689, abs=1e-4)
    assert scores(tiny(tmp_path, data, activation="none").classify(black))["red"] == 0


BOXES = np.array(
    [[[0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.49], [0.1, 0.1, 0.5, 0.48], [0.6, 0.6, 0.9, 0.9]]], np.float32
)
DETECTOR = {
    "location": BOXES,
    "category": np.array([[0, 0, 1, 0]], np.float32),
    "score": np.array([[0.9, 0.8, 0.7, 0.6]], np.float32),
}
IMAGE = {"image": ("float32", (1, 100, 100, 3))}


def test_overlapping_boxes_of_a_class_are_one_if_that_is_asked_for(tmp_path):
    some = tiny(tmp_path, tinymodels.tflite(IMAGE, DETECTOR))
    frame = colour(0, 0, 0)

    def confidences(**values) -> list[float]:
        some.update(configure(MLModel.Config, {"model_path": some.config.model_path, **values}, of="it"))
        return [round(item.confidence, 1) for item in some.detect(frame)]

    assert confidences() == [0.9, 0.8, 0.7, 0.6]
    assert confidences(nms_iou_threshold=0.5) == [0.9, 0.7, 0.6]
    assert confidences(nms_iou_threshold=1.0) == [0.9, 0.8, 0.7, 0.6]
    assert confidences(nms_iou_threshold=0.5, max_detections=2) == [0.9, 0.7]
    assert confidences(nms_iou_threshold=0.5, label_confidences={"1": 0.1}) == [0.7]


def test_who_gives_a_threshold_of_suppression_reads_in_the_contract_that_there_is_one(tmp_path):
    data = tinymodels.tflite(IMAGE, DETECTOR)
    assert tiny(tmp_path, data).contract.value("nms") == "none"
    said = tiny(tmp_path, data, nms_iou_threshold=0.5).contract
    assert (said.value("nms"), said["nms"].source, said.value("nms_iou_threshold")) == ("per_class", "attribute", 0.5)


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (lambda: tinymodels.tflite(IMAGE, DETECTOR), {"letterbox_color": 7}),
        (lambda: tinymodels.tflite(IMAGE, DETECTOR), {"shorter_edge": 120}),
        (
            lambda: tinymodels.tflite({"image": ("float32", (1, 4, 6, 3))}, mean_of=(1, 2), files=COLOURS),
            {"nms": "none"},
        ),
        (
            lambda: tinymodels.tflite({"image": ("float32", (1, 4, 6, 3))}, mean_of=(1, 2), files=COLOURS),
            {"first_class_number": 1, "tiles": (2, 2), "minimum_area": 0.1},
        ),
    ],
)
def test_an_attribute_without_a_meaning_for_the_model_is_told(tmp_path, data, values):
    warning = tiny(tmp_path, data(), **values).warning
    assert "without any meaning for this model" in warning
    assert all(repr(name) in warning for name in values)


def test_attributes_with_a_meaning_are_not_complained_of(tmp_path):
    heeded = {"nms_iou_threshold": 0.5, "tiles": (2, 2), "max_detections": 3, "minimum_area": 0.1}
    heeded |= {"resize": "letterbox", "letterbox_color": 7, "default_minimum_confidence": 0.2}
    assert "without any meaning" not in tiny(tmp_path, tinymodels.tflite(IMAGE, DETECTOR), **heeded).warning


def test_two_channel_orders_at_once_are_refused(tmp_path):
    with pytest.raises(VisionError, match="'input_image_bgr' says BGR, 'color_order' says RGB"):
        tiny(tmp_path, tinymodels.tflite(IMAGE, DETECTOR), input_image_bgr=True, color_order="rgb")


def test_a_model_that_returns_no_numbers_is_an_error_and_not_nothing(tmp_path):
    broken = DETECTOR | {"score": np.full((1, 4), np.nan, np.float32)}
    with pytest.raises(VisionError, match="has returned NaN") as raised:
        tiny(tmp_path, tinymodels.tflite(IMAGE, broken)).detect(colour(0, 0, 0))
    assert raised.value.code == ErrorCode.MODEL_ERROR


def test_boxes_on_a_letterboxed_image_come_back_in_its_pixels_exactly(tmp_path):
    placement = letterboxed((400, 200), (100, 100))
    left, top, right, bottom = 40.0, 20.0, 200.0, 100.0  # in the image; in the model's at a quarter, 25 down
    box = np.array([[[(top / 4 + 25) / 100, left / 400, (bottom / 4 + 25) / 100, right / 400]]], np.float32)
    data = tinymodels.tflite(IMAGE, {"location": box, "score": np.array([[0.9]], np.float32)})
    (found,) = tiny(tmp_path, data, resize="letterbox").detect(colour(0, 0, 0, size=(400, 200)))
    assert placement.corner == (0, 25)
    assert (found.x_min, found.y_min, found.x_max, found.y_max) == pytest.approx((left, top, right, bottom), abs=1e-3)


def test_outputs_without_meaning_are_named_by_the_user(tmp_path):
    outputs = {f"Identity_{number}": tensor for number, tensor in enumerate(DETECTOR.values())}
    data = tinymodels.tflite(IMAGE, outputs)
    with pytest.raises(VisionError, match="'remap_output_names'"):
        tiny(tmp_path, data)
    remap = {"Identity_0": "location", "Identity_1": "category", "Identity_2": "score"}
    found = tiny(tmp_path, data, remap_output_names=remap, remap_input_names={"image": "image"}).detect(colour(0, 0, 0))
    assert [item.class_name for item in found] == ["0", "0", "1", "0"]


def test_boxes_in_another_form_are_read_as_the_user_says(tmp_path):
    centre = np.array([[[50, 40, 20, 10]]], np.float32)
    data = tinymodels.tflite(IMAGE, {"location": centre, "score": np.array([[0.9]], np.float32)})
    (found,) = tiny(tmp_path, data, box_format="center_size").detect(colour(0, 0, 0, size=(200, 100)))
    assert (found.x_min, found.y_min, found.x_max, found.y_max) == pytest.approx((80, 35, 120, 45))


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_detector_may_be_quantized_throughout(tmp_path, dtype):
    zero_point = 0 if dtype == "uint8" else -128
    steps = {"location": np.array([[[25, 51, 102, 204]]]), "score": np.array([[230]])}
    outputs = {name: (values + zero_point).astype(dtype) for name, values in steps.items()}
    quantization = dict.fromkeys(steps, (1 / 255, zero_point))
    data = tinymodels.tflite({"image": (dtype, (1, 100, 100, 3))}, outputs, quantization=quantization)
    (found,) = tiny(tmp_path, data).detect(colour(0, 0, 0, size=(255, 255)))
    assert found.confidence == pytest.approx(230 / 255, abs=1e-3)
    assert (found.x_min, found.y_min, found.x_max, found.y_max) == pytest.approx((51, 25, 204, 102), abs=1e-3)


def test_scores_of_pixels_are_read_with_as_many_labels(tmp_path):
    logits = np.zeros((1, 2, 3, 3), np.float32)
    logits[0, 0, :, 1], logits[0, 1, :, 2] = 5, 5
    data = tinymodels.tflite(IMAGE, {"masks": logits}, files={"labels.txt": "background\ncat\ndog"})
    found = tiny(tmp_path, data).label(colour(0, 0, 0, size=(60, 40)))
    assert found.class_names == ("background", "cat", "dog")
    assert found.mask("cat")[:20].all()
    assert found.mask("dog")[20:].all()


# Images.


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
def test_every_encoding_of_an_image_gives_the_same_results(encoding):
    rgb = testdata.image("images/cats_and_dogs.jpg").rgb
    same = encodings(rgb)[encoding]
    assert model(COCO).detect(Frame(image=same)) == model(COCO).detect(Frame(image=Image(rgb)))
    assert model(FLOAT).classify(Frame(image=same), 3) == model(FLOAT).classify(Frame(image=Image(rgb)), 3)


def test_a_grey_image_is_taken_for_three_equal_channels():
    rgb = testdata.image("images/grace_hopper.bmp").rgb
    grey = np.ascontiguousarray(rgb[..., 1])
    found = model(COCO).detect(Frame(image=Image(grey, "mono8")))
    assert found == model(COCO).detect(Frame(image=Image(np.dstack([grey] * 3))))
    assert found[0].class_name == "person"


@pytest.mark.parametrize("size", [(1, 1), (3, 800), (800, 3), (640, 480), (300, 300), (299, 301), (1920, 1080)])
def test_boxes_lie_in_an_image_of_any_size(size):
    width, height = size
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    for item in model(COCO).detect(Frame(image=Image(pixels))):
        assert 0 <= item.x_min <= item.x_max <= width
        assert 0 <= item.y_min <= item.y_max <= height


def test_a_stretched_image_has_stretched_boxes():
    rgb = testdata.image("images/cat.bmp").rgb
    wide = np.repeat(rgb, 2, axis=1)
    (cat, *_), (stretched, *_) = (model(COCO).detect(Frame(image=Image(pixels))) for pixels in (rgb, wide))
    assert stretched.class_name == cat.class_name == "cat"
    assert overlap(stretched, [2 * cat.x_min, cat.y_min, 2 * cat.x_max, cat.y_max]) > 0.9


def test_a_model_for_blue_green_red_sees_swapped_channels():
    rgb = testdata.image("images/parrot.jpg").rgb
    swapped = Frame(image=Image(rgb[..., ::-1]))
    assert new(FLOAT, input_image_bgr=True).classify(swapped, 3) == model(FLOAT).classify(Frame(image=Image(rgb)), 3)


def test_a_float_model_is_given_what_mean_and_deviation_make():
    frame = Frame(image=testdata.image("images/parrot.jpg"))
    same = new(FLOAT, input_image_mean_value=[0.5, 0.5, 0.5], input_image_std_dev=[0.5, 0.5, 0.5])
    other = new(FLOAT, input_image_mean_value=[0, 0, 0], input_image_std_dev=[1, 1, 1])
    assert same.classify(frame, 3) == model(FLOAT).classify(frame, 3)
    assert other.classify(frame, 3) != same.classify(frame, 3)


def test_the_order_of_a_box_s_numbers_can_be_told():
    (usual, *_), (swapped, *_) = (
        detect(COCO, "images/cat.bmp", xmin_ymin_xmax_ymax_order=order) for order in ([1, 0, 3, 2], [0, 1, 2, 3])
    )
    assert (swapped.x_min / 512, swapped.y_min / 341) == pytest.approx((usual.y_min / 341, usual.x_min / 512))


def test_a_frame_without_an_image_is_an_error():
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
    frame = Frame(image=testdata.image("images/cats_and_dogs.jpg"))
    values = {"model_path": some.config.model_path, "default_minimum_confidence": 0.55}
    stricter = configure(MLModel.Config, values, of="it")
    assert only_live_changes(some.config, stricter)
    some.update(stricter)
    assert len(some.detect(frame)) == 3


@pytest.mark.parametrize(("count", "expected"), [(-1, 1001), (0, 0), (1, 1), (5, 5), (5000, 1001)])
def test_the_count_is_how_many_classes_at_most_and_negative_is_all(count, expected):
    found = model(MOBILENET).classify(Frame(image=testdata.image("images/burger.jpg")), count)
    assert len(found) == expected
    assert found == sorted(found, key=lambda item: -item.confidence)


def test_the_minimum_confidence_is_applied_before_the_count():
    some = new(MOBILENET, label_confidences={"bagel, beigel": 0.001})
    (found,) = some.classify(Frame(image=testdata.image("images/burger.jpg")), 1)
    assert found == Classification("bagel, beigel", pytest.approx(0.02, abs=0.02))


def test_a_closed_model_answers_with_an_error():
    some = new(MOBILENET)
    some.close()
    some.close()
    with pytest.raises(VisionError) as raised:
        some.classify(Frame(image=testdata.image("images/burger.jpg")))
    assert raised.value.code == ErrorCode.MODEL_ERROR
