"""From a model's file, its labels and one run on noise to what the model is."""

import numpy as np
import pytest

import served
from served import detect, head, one_hot, onnx, refusal, sources, tflite
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.mlmodel.config import MLModelConfig, given
from vision_service.mlmodel.decoders import FAMILIES, families
from vision_service.mlmodel.preprocessing import find_image
from vision_service.mlmodel.recognition import noise, probe_size
from vision_service.mlmodel.runtime import TensorInfo
from vision_service.vision.mlmodel import MLModel
from vision_service.vision.model import methods

NHWC = {"image": ("float32", (1, 100, 100, 3))}
DETECTOR = {
    "location": np.array([[[0.1, 0.2, 0.3, 0.4]]], np.float32),
    "category": np.array([[1]], np.float32),
    "score": np.array([[0.9]], np.float32),
}
NAMES = ("cat", "dog", "ship")
HEAD = head({0: [90, 110, 100, 40, *one_hot(3, 0, 0.9)], 5: [90, 110, 100, 40, *one_hot(3, 0, 0.1)]}, 7)


def yolo(**values) -> MLModel:
    return onnx({"output0": HEAD}, labels=NAMES, **values)


# The user's word.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("resize", "stretch"),
        ("resize", "center_crop"),
        ("letterbox_color", 0),
        ("interpolation", "area"),
        ("color_order", "bgr"),
        ("input_image_mean_value", (0.1, 0.2, 0.3)),
        ("input_image_std_dev", (0.1, 0.2, 0.3)),
        ("box_coordinates", "normalized"),
        ("nms", "class_agnostic"),
        ("nms_iou_threshold", 0.5),
        ("max_detections", 7),
        ("default_minimum_confidence", 0.5),
        ("activation", "none"),
        ("box_format", "center_size"),
    ],
)
def test_what_the_user_says_overrides_each_item_and_is_said_so(name, value):
    model = yolo(**{name: list(value) if isinstance(value, tuple) else value})
    assert sources(model, name) == {name: (value, "attribute")}


@pytest.mark.parametrize(
    ("name", "value"), [("box_format", "corners"), ("activation", "sigmoid"), ("background", "first")]
)
def test_what_the_family_s_decoder_does_not_look_at_is_refused_instead_of_being_shown(name, value):
    message = refusal(yolo, **{name: value})
    assert f"{name!r} cannot be changed for this model (YOLO, detection, raw head): it is" in message


@pytest.mark.parametrize(
    ("name", "value"),
    [("xmin_ymin_xmax_ymax_order", (1, 0, 3, 2)), ("first_class_number", 1), ("box_coordinates", "normalized"),
     ("box_format", "corner_size"), ("activation", "sigmoid")],
)  # fmt: skip
def test_of_outputs_that_stand_alone_everything_can_be_told(name, value):
    outputs = {
        "boxes": np.array([[[10, 20, 30, 50]]], np.float32),
        "labels": np.array([[1]], np.int64),
        "scores": np.array([[0.9]], np.float32),
    }
    usual, told = onnx(outputs), onnx(outputs, **{name: list(value) if isinstance(value, tuple) else value})
    assert sources(told, name) == {name: (value, "attribute")}
    assert detect(told) != detect(usual)


def test_the_border_of_a_letterbox_can_be_told_where_the_family_stretches():
    white = Image(np.full((50, 100, 3), 255, np.uint8))
    for colour in (0, 114):
        model = tflite(DETECTOR, {"image": ("uint8", (1, 100, 100, 3))}, resize="letterbox", letterbox_color=colour)
        tensor = model.input.tensor(white)
        assert (tensor[0, 50] == 255).all()
        assert (tensor[0, 0] == colour).all()
    assert tflite(DETECTOR, NHWC, resize="letterbox").contract["letterbox_color"].value == 0


def test_the_shorter_edge_can_be_told_where_the_family_stretches():
    model = tflite(DETECTOR, NHWC, resize="center_crop", shorter_edge=200)
    assert model.input.placement(Image(np.zeros((50, 100, 3), np.uint8))).content == (400, 200)
    usual = tflite(DETECTOR, NHWC, resize="center_crop")
    assert sources(usual, "shorter_edge") == {"shorter_edge": (100, "family")}


def test_limits_change_while_the_model_runs_and_go_back_to_the_family_s_own():
    model = yolo(default_minimum_confidence=0.05, nms_iou_threshold=1.0)

    def found(**values) -> int:
        model.update(configure(MLModelConfig, {"mlmodel_name": "tiny", **values}, of="it"))
        return len(detect(model, 0))

    assert len(detect(model, 0)) == 2
    assert found() == 1
    assert sources(model, "default_minimum_confidence", "nms_iou_threshold") == {
        "default_minimum_confidence": (0.25, "family"),
        "nms_iou_threshold": (0.7, "family"),
    }
    assert found(default_minimum_confidence=0.05) == 1  # suppressed
    assert found(default_minimum_confidence=0.05, nms_iou_threshold=1.0) == 2
    assert found(default_minimum_confidence=0.05, nms_iou_threshold=1.0, max_detections=1) == 1
    assert model.contract["max_detections"].source == "attribute"


def test_attributes_that_are_not_set_are_not_given():
    assert given(configure(MLModelConfig, {"model_path": "x"}, of="it")) == {}
    values = {"model_path": "x", "input_image_bgr": True, "nms": "none", "input_size": [4, 6]}
    assert given(configure(MLModelConfig, values, of="it")) == {
        "color_order": "bgr", "nms": "none", "input_size": (4, 6),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"input_image_mean_value": [0.5]}, "'input_image_mean_value' needs three numbers"),
        ({"input_image_std_dev": [0.5, 0.5]}, "'input_image_std_dev' needs three numbers"),
        ({"input_image_std_dev": [0.5, 0.0, 0.5]}, "'input_image_std_dev' is divided by"),
        ({"input_size": [4]}, "'input_size' needs two numbers"),
        ({"input_size": [320, 240]}, "'input_size' is 320×240, but the model takes 'images' float32[1, 3, 320, 320]"),
        ({"xmin_ymin_xmax_ymax_order": [0, 1, 2, 2]}, "'xmin_ymin_xmax_ymax_order' must hold 0, 1, 2 and 3"),
        ({"remap_input_names": {"image": "image"}}, "no input 'image'"),
    ],
)
def test_what_does_not_fit_the_input_is_refused(values, message):
    assert message in refusal(yolo, **values)


# What is assumed.


def test_what_is_assumed_is_warned_of_and_described():
    model = tflite(DETECTOR, NHWC)
    assert model.contract.assumed() == [
        "input_image_mean_value", "input_image_std_dev", "box_format", "xmin_ymin_xmax_ymax_order",
    ]  # fmt: skip
    assert model.warning == model.contract.warning() != ""
    described = model.describe()
    assert described["title"] == "detector, TensorFlow's form"
    assert described["contract"]["box_format"] == {"value": "corners", "source": "assumed"}
    assert described["summary"].startswith("the model is taken for: detector, TensorFlow's form: decoder=detector (")
    assert yolo().warning == ""


def test_who_requires_certainty_gets_no_model_of_which_anything_is_assumed():
    message = refusal(tflite, DETECTOR, NHWC, require_certain=True)
    assert "'require_certain' is set, but the model's file does not tell input_image_mean_value" in message
    certain = {
        "input_image_mean_value": [0.5] * 3,
        "input_image_std_dev": [0.5] * 3,
        "box_format": "corners",
        "xmin_ymin_xmax_ymax_order": [1, 0, 3, 2],
    }
    assert tflite(DETECTOR, NHWC, require_certain=True, **certain).warning == ""
    yolo(require_certain=True)


# Which family.


def test_our_families_are_asked_in_the_order_in_which_their_evidence_is_good():
    names = [family.name for family in families()]
    assert names == FAMILIES.own()
    assert names.index("ultralytics") < names.index("detr") < names.index("yolo") < names.index("classifier")
    assert [family.name for family in families("yolox")] == ["yolox"]


@pytest.mark.parametrize("decoder", [name for name in FAMILIES.own() if name not in ("detector",)])
def test_outputs_that_the_asked_decoder_does_not_read_are_refused(decoder):
    message = refusal(tflite, DETECTOR, NHWC, decoder=decoder)
    assert f"which is not what 'decoder: {decoder}' reads" in message
    assert "'location' float32[1, 1, 4]" in message


def test_a_decoder_that_nobody_has_is_named_with_those_that_there_are():
    with pytest.raises(VisionError) as raised:
        tflite(DETECTOR, NHWC, decoder="yolos")
    assert "no decoder 'yolos': did you mean 'yolo' or 'yolox'?" in raised.value.message


def test_the_asked_decoder_s_source_is_the_user():
    assert sources(yolo(decoder="yolo"), "decoder") == {"decoder": ("yolo", "attribute")}


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """An installed package with a family of its own, of everything that returns 'guest', and one that is broken."""
    (tmp_path / "guest_decoders.py").write_text(
        "import numpy as np\n"
        "from vision_service.mlmodel.contract import known\n"
        "from vision_service.mlmodel.decoders.base import Recognition, image_items\n"
        "from vision_service.mlmodel.found import Found\n"
        "class Decoder:\n"
        "    serves, extras = 'detect', frozenset()\n"
        "    def decode(self, tensors, placement, minimum):\n"
        "        return Found(np.array([[10.0, 20.0, 30.0, 40.0]]), np.array([0.9]), np.array([1]))\n"
        "class Guest:\n"
        "    name = 'guest'\n"
        "    def recognise(self, facts):\n"
        "        if 'broken' in facts.by_name():\n"
        "            return facts.no_such_attribute\n"
        "        if 'guest' not in facts.by_name() and facts.asked != self.name:\n"
        "            return None\n"
        "        items = image_items(resize='stretch', way='bilinear') | known('names', nms='none')\n"
        "        return Recognition('a guest', 'names', items, lambda told: Decoder())\n"
    )
    metadata = tmp_path / "guest_decoders-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: guest_decoders\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[vision_service.decoders]\nguest = guest_decoders:Guest\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("third_party")
def test_a_third_party_s_family_is_asked_before_ours():
    assert FAMILIES.foreign() == ["guest"]
    assert next(family.name for family in families()) == "guest"
    model = onnx({"guest": HEAD}, labels=NAMES)
    assert model.title == "a guest"
    assert sources(model, "decoder") == {"decoder": ("guest", "names")}
    assert detect(model) == [("dog", 0.9, (20.0, 22.5, 60.0, 45.0))]
    assert yolo().contract.value("decoder") == "yolo"
    assert yolo(decoder="guest").title == "a guest"
    assert methods(model) == {"detect"}


@pytest.mark.usefixtures("third_party")
def test_a_third_party_s_family_that_fails_is_named_and_can_be_passed_over():
    message = refusal(onnx, {"broken": HEAD}, labels=NAMES)
    assert "the decoder 'guest' failed on this model: AttributeError(" in message
    assert onnx({"broken": HEAD}, labels=NAMES, decoder="yolo").title == "YOLO, detection, raw head"


# Refused.


@pytest.mark.parametrize(
    ("shapes", "advice"),
    [
        ([(1, 5), (1, 5)], "'remap_output_names' (probability)"),
        ([(1, 17, 3)], "export it in one of these forms"),
        ([(2, 5)], "export it in one of these forms"),
        ([(5,)], "export it in one of these forms"),
        ([(1, 1, 17, 3)], "it looks like a pose model"),
        ([(1, 10, 4), (1, 10), (1, 9), (1,)], "name its outputs by 'remap_output_names'"),
        ([(1, 10, 5), (1, 10), (1, 10), (1,)], "'remap_output_names'"),
        ([(1, 1917, 4), (1, 1917, 91)], "name its outputs by 'remap_output_names'"),
    ],
)
def test_outputs_of_no_known_form_are_refused_with_their_shapes_and_what_to_do(shapes, advice):
    outputs = {f"t{number}": np.full(shape, 9.5, np.float32) for number, shape in enumerate(shapes)}
    message = refusal(onnx, outputs, NHWC)
    for number, shape in enumerate(shapes):
        assert f"'t{number}' float32{list(shape)}" in message
    assert "boxes [1, N, 4]" in message
    assert advice in message


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ((1, 84, 8400), "a raw head of another make or for another input size"),
        ((1, 25200, 85), "a raw head of another make or for another input size"),
    ],
)
def test_a_head_for_another_input_size_is_refused(shape, why):
    message = refusal(onnx, {"t0": np.full(shape, 0.5, np.float32)}, NHWC)
    assert why in message


@pytest.mark.parametrize(
    "second",
    [("input_ids", ("int64", (1, 16))), ("scale_factor", ("float32", (1, 2))), ("im_shape", ("float32", (1, 2)))],
)
def test_a_model_that_takes_more_than_its_image_is_refused_before_anything_else(second):
    outputs = {"logits": np.zeros((1, 9, 4), np.float32), "pred_boxes": np.zeros((1, 9, 4), np.float32)}
    message = refusal(onnx, outputs, dict([*served.SQUARE.items(), second]), labels=("a", "b", "c", "d"))
    assert repr(second[0]) in message
    assert "made-up values would give wrong results" in message


@pytest.mark.parametrize(
    "names",
    [
        ("logits", "pred_boxes"),
        ("dets", "labels"),
        ("scores", "boxes"),
        ("boxes", "labels", "scores"),
        ("num_dets", "det_boxes", "det_scores", "det_classes"),
        ("BatchedNMS", "BatchedNMS_1", "BatchedNMS_2", "BatchedNMS_3"),
        ("detected_boxes", "detected_scores", "detected_classes"),
        ("output_cov", "output_bbox"),
        ("detection_boxes", "detection_scores", "detection_classes"),
        ("output",),
        ("probability",),
        ("mask",),
    ],
)
@pytest.mark.parametrize(
    "shape",
    [
        (),
        (0,),
        (1,),
        (4,),
        (1, 0),
        (1, 4),
        (0, 4),
        (1, 0, 4),
        (1, 3, 0),
        (1, 1, 1),
        (1, 9, 4),
        (1, 4, 0, 0),
        (1, 1, 1, 1),
    ],
)
@pytest.mark.parametrize("value", [0.0, np.nan])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_the_right_names_with_outputs_of_any_shape_are_served_or_refused_and_never_a_crash(names, shape, value):
    try:
        model = onnx({name: np.full(shape, value, np.float32) for name in names})
    except VisionError as error:
        assert error.code is ErrorCode.INVALID_ARGUMENT
        assert "failed on this model" not in error.message
    else:
        for method in methods(model):
            try:
                getattr(model, method)(served.frame())
            except VisionError as error:
                assert np.isnan(value)
                assert error.code is ErrorCode.MODEL_ERROR
                assert "has returned NaN" in error.message


# The noise.


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [("float32", (1, 3, 20, 30)), ("float16", (1, 20, 30, 3)), ("uint8", (20, 30, 3)), ("int8", (1, 1, 20, 30))],
)
def test_models_are_probed_with_the_same_noise_over_all_values(dtype, shape):
    image, _ = find_image([TensorInfo("x", dtype, shape)])
    tensor = noise(image, (30, 20))
    assert (tensor.shape, tensor.dtype) == (shape, dtype)
    assert np.array_equal(tensor, noise(image, (30, 20)))
    low, high = {"uint8": (0, 255), "int8": (-128, 127)}.get(dtype, (0, 1))
    assert low <= tensor.min() < low + (high - low) / 20
    assert high - (high - low) / 20 < tensor.max() <= high


def test_the_size_of_the_noise_is_the_input_s_else_the_user_s_else_the_file_s():
    fixed, _ = find_image([TensorInfo("x", "float32", (1, 3, 20, 30))])
    free, _ = find_image([TensorInfo("x", "float32", (1, 3, -1, -1))])
    assert probe_size(fixed, {"imgsz": [64, 96]}, (5, 6)) == (30, 20)
    assert probe_size(free, {"imgsz": [64, 96]}, (5, 6)) == (5, 6)
    assert probe_size(free, {"imgsz": [64, 96]}, ()) == (96, 64)  # height first
    assert probe_size(free, {"imgsz": 64}, ()) == (64, 64)
    for wrong in (None, "64", [64], [0, 64], [64, 1 << 20], [1.5, 2]):
        assert probe_size(free, {"imgsz": wrong}, ()) == (224, 224)


def test_the_error_names_the_model_and_its_code_is_that_of_a_wrong_argument():
    with pytest.raises(VisionError) as raised:
        onnx({"y": np.ones((1, 5), np.int64)})
    assert raised.value.code is ErrorCode.INVALID_ARGUMENT
    assert raised.value.message.startswith("'tiny': the model returns 'y' int64[1, 5]")
