"""Ultralytics' exports, by their metadata; and raw heads and finished rows of YOLO without metadata."""

import math

import numpy as np
import pytest

import served
from served import COCO80, detect, head, one_hot, onnx, refusal, sources, tflite
from vision_service.types import InstanceMask

CAT = ("cat", 0.9, (80.0, 40.0, 280.0, 120.0))
DOG = ("dog", 0.6, (400.0, 200.0, 600.0, 340.0))
CAT_BOX, DOG_BOX = [90, 110, 100, 40], [250, 205, 100, 70]
"""Centre and size in the letterboxed input, at half the image's size, 70 pixels down."""

NAMES = ("cat", "dog", "ship")
META = {"author": "Ultralytics", "task": "detect", "stride": 32, "imgsz": [320, 320]}
THREE = {
    0: [*CAT_BOX, *one_hot(3, 0, 0.9)],
    7: [92, 112, 100, 40, *one_hot(3, 0, 0.8)],  # the same cat
    8: [*CAT_BOX, *one_hot(3, 2, 0.7)],  # another class at its place
    99: [*DOG_BOX, *one_hot(3, 1, 0.6)],
    100: [*DOG_BOX, *one_hot(3, 1, 0.2)],
}


def said(**more) -> dict:
    return {**META, "names": dict(enumerate(NAMES)), **more}


def raw(rows=None, more: int = 0, classes: int = 3, **values) -> np.ndarray:
    return head(rows or THREE, 4 + classes + more, **values)


def ultralytics(outputs, task: str = "detect", **metadata):
    return onnx(outputs, metadata=said(task=task, **metadata))


# By metadata.


def test_a_raw_head_is_letterboxed_suppressed_within_classes_and_nothing_is_assumed():
    model = onnx({"output0": raw()}, metadata=said())
    assert detect(model) == [CAT, ("ship", 0.7, CAT[2]), DOG]
    assert model.title == "Ultralytics YOLO, detection, raw head"
    assert model.warning == ""
    assert sources(model, "decoder", "resize", "letterbox_color", "color_order", "nms", "nms_iou_threshold") == {
        "decoder": ("ultralytics", "metadata"),
        "resize": ("letterbox", "family"),
        "letterbox_color": (114, "family"),
        "color_order": ("rgb", "family"),
        "nms": ("per_class", "family"),
        "nms_iou_threshold": (0.7, "family"),
    }
    assert sources(model, "box_coordinates", "box_format", "default_minimum_confidence", "max_detections") == {
        "box_coordinates": ("pixels", "probe"),
        "box_format": ("center_size", "family"),
        "default_minimum_confidence": (0.25, "family"),
        "max_detections": (300, "family"),
    }
    assert sources(model, "input_image_mean_value", "input_image_std_dev", "interpolation") == {
        "input_image_mean_value": ((0.0,) * 3, "family"),
        "input_image_std_dev": ((1.0,) * 3, "family"),
        "interpolation": ("bilinear", "family"),
    }


def test_the_family_s_least_confidence_counts_unless_the_user_says_another():
    assert len(detect(ultralytics({"output0": raw()}), 0)) == 3
    lower = onnx({"output0": raw()}, metadata=said(), default_minimum_confidence=0.1, nms="none")
    assert len(detect(lower, 0)) == 5


@pytest.mark.parametrize("metadata", [{"author": "somebody else"}, {"author": "Ultralytics", "stride": "?"}])
def test_its_metadata_are_known_by_the_author_or_by_task_names_and_stride(metadata):
    assert detect(onnx({"output0": raw()}, metadata=said(**metadata)))[0] == CAT


def test_metadata_of_the_original_yolov5_are_not_ultralytics():
    model = onnx({"output0": raw()}, metadata={"names": {0: "cat", 1: "dog", 2: "ship"}, "stride": "32"})
    assert model.contract.value("decoder") == "yolo"
    assert detect(model)[0] == CAT


def test_a_head_may_have_its_places_first():
    assert detect(ultralytics({"output0": raw().transpose(0, 2, 1)})) == [CAT, ("ship", 0.7, CAT[2]), DOG]


def test_a_head_of_two_classes_has_six_rows_and_is_no_list_of_rows():
    rows = {0: [*CAT_BOX, 0.9, 0.001], 99: [*DOG_BOX, 0.001, 0.6]}
    model = onnx({"output0": head(rows, 6)}, metadata=said(names={0: "cat", 1: "dog"}))
    assert detect(model) == [CAT, DOG]
    assert "raw head" in model.title


def test_fractions_are_told_from_pixels_by_all_places_of_the_grid():
    values = raw()
    values[:, :4] /= 320
    model = onnx({"output0": values}, metadata=said())
    assert detect(model)[0] == CAT
    assert sources(model, "box_coordinates") == {"box_coordinates": ("normalized", "probe")}


def test_litert_files_with_the_metadata_beside_them_are_the_same():
    values = raw()
    values[:, :4] /= 320
    for name, text in (("metadata.json", '{"task": "detect", "names": {"0": "cat", "1": "dog", "2": "ship"}, "stride": '
                        '32, "author": "Ultralytics"}'), ("temp_meta.txt", str(said()))):  # fmt: skip
        for shape in ((1, 320, 320, 3), (1, 3, 320, 320)):
            model = tflite({"Identity": values}, {"images": ("float32", shape)}, files={name: text})
            assert detect(model) == [CAT, ("ship", 0.7, CAT[2]), DOG]
            assert model.contract["decoder"].source == "metadata"


def test_integer_inputs_are_cut_off_as_its_own_backend_does_it():
    values = raw()
    values[:, :4] /= 320
    image = {"images": ("int8", (1, 320, 320, 3))}
    model = tflite({"Identity": values}, image, files={"temp_meta.txt": str(said())},
                   quantization={"images": (1 / 255, -128)})  # fmt: skip
    assert sources(model, "input_rounding") == {"input_rounding": ("truncate", "family")}
    tensor = model.input.tensor(served.frame(320, 320, (107, 13, 255)).image)
    expected = (np.array([107, 13, 255], np.float32) / np.float32(255) / np.float32(1 / 255) - 128).astype(np.int8)
    assert tensor[0, 5, 5].tolist() == expected.tolist()
    assert detect(model)[0] == CAT


def finished(rows, numbers: int = 6, count: int = 300) -> np.ndarray:
    made = np.zeros((1, count, numbers), np.float32)
    for place, values in enumerate(rows):
        made[0, place, : len(values)] = values
    return made


CORNERS = [[40, 90, 140, 130, 0.9, 0], [200, 170, 300, 240, 0.6, 1]]


@pytest.mark.parametrize("metadata", [{}, {"end2end": True}, {"args": {"nms": True}}])
def test_finished_rows_are_corners_in_pixels_and_rows_of_zeros_are_empty(metadata):
    model = ultralytics({"output0": finished(CORNERS)}, **metadata)
    assert detect(model) == [CAT, DOG]
    assert "finished rows" in model.title
    assert sources(model, "nms", "box_coordinates", "box_format") == {
        "nms": ("none", "family"),
        "box_coordinates": ("pixels", "family"),
        "box_format": ("corners", "family"),
    }
    lowest = onnx({"output0": finished(CORNERS)}, metadata=said(**metadata), default_minimum_confidence=0.0)
    assert len(detect(lowest, 0)) == 2


def test_rt_detr_has_centres_in_fractions_of_a_stretched_image():
    rows = finished(
        [[180 / 640, 80 / 360, 200 / 640, 80 / 360, 0.9, 0], [500 / 640, 0.75, 200 / 640, 140 / 360, 0.6, 1]]
    )
    model = ultralytics({"output0": rows}, head="RTDETRDecoder")
    assert detect(model) == [CAT, DOG]
    assert sources(model, "resize", "box_coordinates", "nms") == {
        "resize": ("stretch", "family"),
        "box_coordinates": ("normalized", "family"),
        "nms": ("none", "family"),
    }


def test_older_rt_detr_has_a_score_for_each_class():
    rows = finished([[180 / 640, 80 / 360, 200 / 640, 80 / 360, *one_hot(3, 0, 0.9)]], 7)
    model = ultralytics({"output0": rows})
    assert detect(model) == [CAT]
    assert sources(model, "resize", "box_coordinates")["resize"] == ("stretch", "family")
    assert model.contract["decoder"].source == "shapes"


def prototypes() -> np.ndarray:
    """Of two: everything, and the left half of the input."""
    made = np.full((1, 2, 80, 80), 1.0, np.float32)
    made[0, 1, :, 40:] = -1
    return made


def area(mask: InstanceMask) -> tuple[int, ...]:
    rows, columns = mask.pixels().nonzero()
    return (mask.x + columns.min(), mask.y + rows.min(), mask.x + columns.max() + 1, mask.y + rows.max() + 1, mask.area)


@pytest.mark.parametrize("form", ["raw", "finished"])
def test_masks_are_sums_of_prototypes_within_the_box(form):
    wide = [160, 110, 200, 40]
    if form == "raw":
        outputs = {"output0": raw({0: [*wide, *one_hot(3, 0, 0.9), 0, 4], 9: [*DOG_BOX, *one_hot(3, 1, 0.6), 4, 0]}, 2)}
    else:
        outputs = {"output0": finished([[60, 90, 260, 130, 0.9, 0, 0, 4], [200, 170, 300, 240, 0.6, 1, 4, 0]], 8)}
    for order in ((0, 1), (1, 0)):
        both = [("output0", outputs["output0"]), ("output1", prototypes())]
        model = ultralytics(dict(both[place] for place in order), "segment")
        assert model.extras == {"masks"}
        cat, dog = model.detect(served.frame())
        assert area(cat.extra.mask) == (120, 40, 320, 120, 200 * 80)
        assert area(dog.extra.mask) == (400, 200, 600, 340, 200 * 140)


@pytest.mark.parametrize("numbers", [3, 2])
@pytest.mark.parametrize("form", ["raw", "finished"])
def test_keypoints_are_in_pixels_of_the_image_and_may_have_no_confidence(form, numbers):
    points = [[50, 95, 0.9], [130, 128, 0.1]]
    flat = [value for point in points for value in point[:numbers]]
    names = {0: "person"}
    if form == "raw":
        output = head({0: [*CAT_BOX, 0.9, *flat]}, 5 + 2 * numbers)
    else:
        output = finished([[*CORNERS[0], *flat]], 6 + 2 * numbers)
    model = ultralytics({"output0": output}, "pose", names=names, kpt_shape=[2, numbers])
    (found,) = model.detect(served.frame())
    assert model.extras == {"keypoints"}
    assert [point.name for point in found.extra.keypoints] == ["0", "1"]
    assert [(point.x, point.y) for point in found.extra.keypoints] == [(100, 50), (260, 116)]
    if numbers == 3:
        assert [point.confidence for point in found.extra.keypoints] == pytest.approx([0.9, 0.1])
    else:
        assert all(math.isnan(point.confidence) for point in found.extra.keypoints)


def test_keypoints_of_a_litert_file_are_fractions_as_its_boxes_are():
    values = head({0: [*CAT_BOX, 0.9, 50, 95, 0.9, 130, 128, 0.1]}, 11)
    values[0, [0, 1, 2, 3, 5, 6, 8, 9]] /= 320
    (found,) = ultralytics({"output0": values}, "pose", names={0: "person"}, kpt_shape=[2, 3]).detect(served.frame())
    assert [(point.x, point.y) for point in found.extra.keypoints] == [
        pytest.approx((100, 50), abs=1e-3), pytest.approx((260, 116), abs=1e-3),
    ]  # fmt: skip


@pytest.mark.parametrize("shape", [None, "?", [17], [17, 4], ["a", 3]])
def test_a_pose_model_without_the_shape_of_its_keypoints_is_refused(shape):
    told = {} if shape is None else {"kpt_shape": shape}
    message = refusal(ultralytics, {"output0": raw(more=6)}, "pose", **told)
    assert "kpt_shape" in message


@pytest.mark.parametrize("form", ["raw", "finished"])
def test_oriented_boxes_have_their_angle_last_and_are_suppressed_by_it(form):
    angle = math.pi / 6
    if form == "raw":
        same = [152, 161, 100, 30, *one_hot(3, 2, 0.8), angle]
        crossing = [150, 160, 100, 30, *one_hot(3, 2, 0.7), angle + math.pi / 2]
        values = raw({0: [150, 160, 100, 30, *one_hot(3, 2, 0.9), angle], 5: same, 6: crossing}, 1)
        values[0, -1] = np.where(values[0, -1] == np.float32(0.001), 0, values[0, -1])
    else:
        values = finished([[150, 160, 100, 30, 0.9, 2, angle], [150, 160, 100, 30, 0.7, 2, angle + math.pi / 2]], 7)
    model = ultralytics({"output0": values}, "obb")
    assert model.extras == {"oriented_boxes"}
    ship, other = model.detect(served.frame())
    box = ship.extra.box
    assert (box.center_x, box.center_y, box.width, box.height, box.angle) == pytest.approx((300, 180, 200, 60, angle))
    assert (ship.x_max - ship.x_min) == pytest.approx(200 * math.cos(angle) + 60 * math.sin(angle))
    assert other.confidence == pytest.approx(0.7)
    assert other.extra.box.angle == pytest.approx(angle - math.pi / 2)


def test_a_classifier_is_cut_out_of_the_middle_and_its_scores_are_taken_as_they_are():
    scores = np.array([[0.7, 0.2, 0.1]], np.float32)
    model = ultralytics({"output0": scores}, "classify")
    assert [(item.class_name, round(item.confidence, 3)) for item in model.classify(served.frame())] == [
        ("cat", 0.7), ("dog", 0.2), ("ship", 0.1),
    ]  # fmt: skip
    assert sources(model, "resize", "shorter_edge", "interpolation", "activation") == {
        "resize": ("center_crop", "family"),
        "shorter_edge": (320, "family"),
        "interpolation": ("antialias", "family"),
        "activation": ("none", "family"),
    }
    wide = onnx({"output0": scores}, {"images": ("float32", (1, 3, 160, 320))}, metadata=said(task="classify"))
    assert wide.contract.value("resize") == "stretch"


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_a_map_of_classes_is_brought_back_from_the_letterboxed_input(dtype):
    numbers = np.zeros((1, 320, 320), dtype)
    numbers[0, 70:160] = 1
    numbers[0, :70] = numbers[0, 250:] = 2  # beside the image
    found = ultralytics({"output0": numbers}, "semantic").label(served.frame())
    assert set(np.unique(found.labels)) == {0, 1}
    assert found.mask("dog")[:180].all()
    assert found.mask("cat")[180:].all()


@pytest.mark.parametrize(
    ("task", "output", "said_why"),
    [
        ("depth", np.ones((1, 1, 320, 320), np.float32), "it is a depth model"),
        ("track", np.ones((1, 5), np.float32), "for the task 'track', which is not served"),
        ("classify", np.ones((1, 5, 5), np.float32), "does not return scores"),
        ("semantic", np.ones((1, 3, 320, 320), np.float32), "does not return class numbers"),
        ("segment", np.ones((1, 7, 2100), np.float32), "for the task 'segment' with outputs of no known form"),
        ("detect", np.ones((1, 9, 2100), np.float32), "of none of their forms with 3 classes"),
        ("detect", np.ones((1, 7, 2099), np.float32), "[1, 7, 2099]"),
    ],
)
def test_what_its_metadata_say_and_the_outputs_do_not_is_refused_by_name(task, output, said_why):
    assert said_why in refusal(ultralytics, {"output0": output}, task)


def test_labels_of_another_number_are_refused(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("a\nb\n")
    message = refusal(onnx, {"output0": raw()}, metadata=said(), label_path=str(path))
    assert "it has 3 classes, but there are 2 labels" in message
    path.write_text("Katze\nHund\nSchiff\n")
    assert detect(onnx({"output0": raw()}, metadata=said(), label_path=str(path)))[0][0] == "Katze"


@pytest.mark.parametrize(("stride", "source"), [(64, "metadata"), (None, "family"), ("x", "family"), (0, "family")])
def test_an_input_of_any_size_is_padded_to_the_stride(stride, source):
    values = said(stride=stride) if stride is not None else {k: v for k, v in said().items() if k != "stride"}
    model = onnx({"output0": raw()}, {"images": ("float32", ("b", 3, "h", "w"))}, metadata=values)
    wanted = stride if source == "metadata" else 32
    assert sources(model, "stride", "input_size") == {
        "stride": (wanted, source), "input_size": ((320, 320), "metadata"),
    }  # fmt: skip
    assert model.input.placement(served.frame().image).size == (320, math.ceil(180 / wanted) * wanted)


# Without metadata.


def plain(rows=None, **values):
    rows = rows or {place: [*row[:4], *row[4:7], *[0.001] * 77] for place, row in THREE.items()}
    return onnx({"output0": head(rows, 84)}, **values)


def test_a_raw_head_is_known_by_the_number_of_its_places_and_labels():
    model = plain(labels=COCO80)
    assert detect(model)[0] == ("class 0", 0.9, CAT[2])
    assert (model.title, model.contract["decoder"].source) == ("YOLO, detection, raw head", "labels")
    assert "2100 places are those of the grids of 320×320 pixels" in model.contract["decoder"].why
    assert model.warning == ""


def test_without_labels_the_probe_decides_and_classes_are_numbers():
    model = plain()
    assert [name for name, *_ in detect(model)] == ["0", "2", "1"]
    assert model.contract["decoder"].source == "probe"


@pytest.mark.parametrize(
    ("size", "strides"),
    [
        ((320, 320), (8, 16, 32)),
        ((640, 384), (8, 16, 32)),
        ((640, 640), (8, 16, 32, 64)),
        ((320, 320), (4, 8, 16, 32)),
        ((416, 416), (16, 32)),
    ],
)
def test_the_grids_of_every_size_and_of_smaller_and_larger_models_are_known(size, strides):
    values = head({0: [size[0] / 2, size[1] / 2, 20, 10, 0.9, 0.001, 0.001]}, 7, size=size, strides=strides)
    model = onnx({"output0": values}, {"images": ("float32", (1, 3, size[1], size[0]))}, labels=NAMES)
    assert detect(model)[0][:2] == ("cat", 0.9)


@pytest.mark.parametrize(
    ("count", "why"),
    [
        (3, "it has 80 columns of scores, but there are 3 labels: the wrong label file?"),
        (79, "there are 79 labels: the fifth may be an objectness (decoder: yolox)"),
    ],
)
def test_labels_of_another_number_than_columns_are_refused(count, why):
    assert why in refusal(plain, labels=COCO80[:count])


def test_a_head_whose_columns_are_no_scores_is_refused():
    tokens = np.random.default_rng(0).normal(size=(1, 2100, 768)).astype(np.float32)
    assert "768 columns are no scores, angles or keypoints: these are features (tokens)" in refusal(onnx, {"x": tokens})


@pytest.mark.parametrize("labels", [(), NAMES])
def test_a_last_column_of_angles_makes_oriented_boxes(labels):
    values = raw({0: [150, 160, 100, 30, *one_hot(3, 2, 0.9), 0.5]}, 1)
    values[0, -1, 1:] = np.linspace(-math.pi / 4, 3 * math.pi / 4, 2099)
    model = onnx({"output0": values}, labels=labels)
    (found,) = model.detect(served.frame())
    assert found.extra.box.angle == pytest.approx(0.5)
    assert found.class_index == 2
    assert model.title == "YOLO, oriented boxes, raw head"


def test_threes_of_columns_make_keypoints():
    values = head({0: [*CAT_BOX, 0.9, *[50, 95, 0.9] * 17]}, 56)
    values[0, 5::3, 1:] = values[0, 6::3, 1:] = 100
    model = onnx({"output0": values}, labels=("person",))
    (found,) = model.detect(served.frame())
    assert [point.name for point in found.extra.keypoints][:2] == ["nose", "left_eye"]
    assert len(model.skeleton) == 19
    assert model.title == "YOLO, keypoints, raw head"


def falling(rows, count: int = 300) -> np.ndarray:
    made = finished(rows, 6, count)
    made[0, len(rows) :, 4] = np.linspace(0.02, 0.001, count - len(rows))
    made[0, len(rows) :, :4] = 1, 2, 3, 4
    return made


def test_finished_rows_are_known_by_falling_scores_and_whole_numbers():
    model = onnx({"output0": falling(CORNERS)}, labels=COCO80)
    assert detect(model) == [("class 0", *CAT[1:]), ("class 1", *DOG[1:])]
    assert sources(model, "decoder", "box_format", "box_coordinates", "resize") == {
        "decoder": ("yolo_rows", "probe"),
        "box_format": ("corners", "probe"),
        "box_coordinates": ("pixels", "probe"),
        "resize": ("letterbox", "family"),
    }


def test_rows_of_zeros_alone_are_of_a_model_that_suppresses_inside():
    model = onnx({"output0": finished([])}, labels=COCO80)
    assert sources(model, "box_coordinates") == {"box_coordinates": ("pixels", "probe")}
    assert detect(model) == []


def test_rows_in_fractions_are_rt_detr_s():
    rows = falling([[180 / 640, 80 / 360, 200 / 640, 80 / 360, 0.9, 0]])
    rows[0, 1:, :4] = 0.5
    model = onnx({"output0": rows}, labels=COCO80)
    assert detect(model) == [("class 0", *CAT[1:])]
    assert model.contract["resize"].value == "stretch"
    assert model.contract["box_coordinates"].source == "probe"


def test_rows_with_the_class_first_are_refused():
    paddle = finished([[0, 0.9, 40, 90, 140, 130.5], [1, 0.6, 200, 170, 300, 240.5]], 6, 2)
    assert "PaddleDetection writes the class first" in refusal(onnx, {"output0": paddle})
    rising = falling(CORNERS)[:, ::-1].copy()
    assert "the fifth column must be a falling score" in refusal(onnx, {"output0": rising})


def test_rows_of_seven_numbers_begin_with_the_number_of_the_image():
    rows = np.array([[0, 40, 90, 140, 130, 0, 0.9], [0, 200, 170, 300, 240, 1, 0.6]], np.float32)
    model = onnx({"output": rows}, labels=COCO80)
    assert detect(model) == [("class 0", *CAT[1:]), ("class 1", *DOG[1:])]
    assert model.contract["decoder"].source == "shapes"


def test_numbers_that_are_none_are_nothing():
    values = raw()
    values[0, 4, 0], values[0, 0, 99], values[0, 1, 8] = np.nan, np.nan, np.inf
    model = onnx({"output0": raw()}, metadata=said())
    found = model.decoder.decode({"output0": values}, model.input.placement(served.frame().image), 0.25)
    assert served.meaningful(found).classes.tolist() == [0]


# Masks without metadata.


def masked(coefficient: float = 1.0, columns: int = 116) -> dict[str, np.ndarray]:
    rows = {0: [*CAT_BOX, *one_hot(80, 15, 0.9), coefficient, *[0] * 31]}
    return {"output0": head(rows, columns), "output1": np.ones((1, 32, 80, 80), np.float32)}


def test_prototypes_of_masks_beside_a_raw_head_are_recognised_without_metadata():
    model = onnx(masked(), labels=COCO80)
    assert (model.title, model.extras) == ("YOLO, instance segmentation, raw head", {"masks"})
    (cat,) = model.detect(served.frame())
    assert cat.class_name == "class 15"
    assert cat.extra.mask.area == 200 * 80
    assert not onnx(masked(-1.0), labels=COCO80).detect(served.frame())  # without a pixel


def test_a_head_with_prototypes_and_columns_that_are_no_scores_is_refused():
    outputs = masked()
    outputs["output0"][0, 4:84] += 5
    assert "its columns are no scores" in refusal(onnx, outputs, labels=COCO80)
    assert "it has 80 classes, but there are 79 labels" in refusal(onnx, masked(), labels=COCO80[:79])


# What the user says of keypoints.


def pose(**values):
    rows = head({0: [*CAT_BOX, 0.9, *[50, 95, 0.9] * 5]}, 20)
    rows[0, 5::3, 1:] = rows[0, 6::3, 1:] = 100
    metadata = {"author": "Ultralytics", "task": "pose", "kpt_shape": [5, 3], "stride": 32}
    return onnx({"output0": rows}, labels=("hand",), metadata=metadata, **values)


def test_keypoints_are_called_and_joined_as_the_user_says():
    assert [point.name for point in pose().detect(served.frame())[0].extra.keypoints] == ["0", "1", "2", "3", "4"]
    assert pose().skeleton == ()
    named = pose(keypoint_names=["thumb", "index", "middle", "ring", "little"], skeleton=[0, 1, 1, 2])
    assert [point.name for point in named.detect(served.frame())[0].extra.keypoints][:2] == ["thumb", "index"]
    assert named.skeleton == ((0, 1), (1, 2))


def test_names_and_pairs_that_do_not_fit_are_refused():
    assert "'keypoint_names' has 1 names, but the model has 5 keypoints" in refusal(pose, keypoint_names=["thumb"])
    assert "'skeleton' must be pairs of keypoint numbers from 0 to 4" in refusal(pose, skeleton=[0, 5])
    assert "'skeleton' must be pairs" in refusal(pose, skeleton=[0, 1, 2])
