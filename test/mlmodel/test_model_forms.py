"""Every form that exporters write: files with known answers, served without any attribute that the file tells.

The files lie outside the project; without them the tests are skipped. Images are of 640×360 pixels.
"""

import json
import re

import numpy as np
import pytest
import yaml

import served
import testdata
from vision_service.errors import VisionError
from vision_service.image import Image
from vision_service.mlmodel.loading import load
from vision_service.types import Frame
from vision_service.vision.mlmodel import MLModel
from vision_service.vision.model import methods

LIST = testdata.FORMS / "expected.json"
ENTRIES = json.loads(LIST.read_text(encoding="utf-8"))["files"] if LIST.exists() else {}
ABSENT = [pytest.param("", marks=pytest.mark.skip(f"no test data: {LIST} is not there"))]


def those_with(*keys: str) -> list:
    """The names of files whose entry has one of these keys."""
    return [name for name, entry in ENTRIES.items() if set(keys) & set(entry)] or ABSENT


def model(name: str, **attributes) -> MLModel:
    entry = ENTRIES[name]
    values = dict(attributes)
    if "labels" in entry:
        values["label_path"] = str(testdata.form(entry["labels"]))
    for item in entry.get("attributes", []):
        key, _, value = item.partition("=")
        values[key] = yaml.safe_load(value)
    if entry["verb"] == "detect":
        values.setdefault("default_minimum_confidence", 0.25)
    return served.serve(served.load_form(testdata.form(name)), **values)


def frame(name: str) -> Frame:
    """What the entry looks at: grey, one colour, or one colour in the middle square and white beside it."""
    text = ENTRIES[name].get("picture", "")
    pixels = np.full((360, 640, 3), 128 if not text else 255 if "middle" in text else (102, 153, 204), np.uint8)
    if "middle" in text:
        pixels[:, 140:500] = 51, 102, 153
    return Frame(image=Image(pixels))


def edges(found) -> np.ndarray:
    return np.array([found.x_min, found.y_min, found.x_max, found.y_max])


@pytest.mark.parametrize("name", those_with("detections"))
def test_a_detector_finds_what_is_there_and_nothing_else(name):
    entry = ENTRIES[name]
    left = model(name).detect(frame(name))
    tolerance = entry.get("score_tolerance", 0.005)
    for item in entry["detections"]:
        same = [
            found
            for found in left
            if found.class_name == item["label"]
            and found.class_index == item["class"]
            and abs(found.confidence - item["score"]) <= tolerance
            and np.abs(edges(found) - item["box"]).max() <= 1
        ]
        assert same, f"no {item['label']} {item['score']} at {item['box']} among {served.brief(left)}"
        left.remove(same[0])
    also = {item["label"] for item in entry.get("may_also", [])}
    assert [found for found in left if found.class_name not in also] == []


@pytest.mark.parametrize("name", those_with("classifications"))
def test_a_classifier_says_what_it_sees(name):
    entry = ENTRIES[name]
    found = {item.class_name: item.confidence for item in model(name).classify(frame(name))}
    for item in entry["classifications"]:
        assert found[item["label"]] == pytest.approx(item["score"], abs=entry.get("score_tolerance", 0.005))


@pytest.mark.parametrize("name", those_with("segments"))
def test_a_segmentation_model_says_the_class_of_each_pixel(name):
    found = model(name).label(frame(name))
    assert found.labels.shape == (360, 640)
    for label, wanted in ENTRIES[name]["segments"].items():
        mask = found.mask(label)
        assert mask.sum() == pytest.approx(wanted["pixels"], rel=wanted.get("tolerance", 0.02), abs=5)
        if "box" in wanted:
            left, top, right, bottom = wanted["box"]
            whole = np.zeros_like(mask)
            whole[top:bottom, left:right] = True
            assert (mask & whole).sum() / (mask | whole).sum() >= 0.95


@pytest.mark.parametrize("name", those_with("refuse"))
def test_what_must_not_be_served_is_refused_with_a_reason_that_fits(name):
    entry = ENTRIES[name]
    with pytest.raises(VisionError) as raised:
        model(name)
    said = re.sub(re.escape(name.rpartition("/")[2]) + r"(?!\.data)", "", raised.value.message)
    assert re.search(entry["refuse_words"], said, re.IGNORECASE | re.DOTALL), said
    assert not ("refuse_not" in entry and re.search(entry["refuse_not"], said, re.IGNORECASE)), said


def disc() -> np.ndarray:
    rows, columns = np.mgrid[:360, :640] + 0.5
    return (columns - 180) ** 2 + (rows - 80) ** 2 <= 40**2


def rectangle(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    made = np.zeros((360, 640), bool)
    made[top:bottom, left:right] = True
    return made


@pytest.mark.parametrize("name", ["yolo_seg.onnx", "yolo_seg_end2end.onnx"])
def test_masks_of_prototypes_are_where_they_were_drawn(name):
    testdata.form(name)
    drawn = {"cat": disc(), "person": disc(), "dog": rectangle(440, 220, 560, 320)}
    found = model(name).detect(frame(name))
    assert {item.class_name for item in found} == set(drawn)
    for item in found:
        assert intersection_over_union(item, drawn[item.class_name]) >= 0.8


def test_masks_of_queries_fill_their_boxes():
    name = "adversarial/rfdetr_seg.onnx"
    testdata.form(name)
    found = model(name).detect(frame(name))
    assert len(found) == 3
    for item in found:
        box = rectangle(*(round(value) for value in edges(item)))
        assert intersection_over_union(item, box) >= 0.95


def intersection_over_union(item, drawn: np.ndarray) -> float:
    mask, made = item.extra.mask, np.zeros((360, 640), bool)
    made[mask.y : mask.y + mask.height, mask.x : mask.x + mask.width] = mask.pixels()
    inside = np.zeros_like(made)
    inside[int(item.y_min) : int(np.ceil(item.y_max)), int(item.x_min) : int(np.ceil(item.x_max))] = True
    assert not (made & ~inside).any()
    drawn = drawn & inside
    return (made & drawn).sum() / (made | drawn).sum()


@pytest.mark.parametrize("name", those_with("keypoints"))
def test_keypoints_are_within_a_pixel(name):
    (found,) = model(name).detect(frame(name))
    wanted = ENTRIES[name]["keypoints"]
    assert len(found.extra.keypoints) == len(wanted)
    for point, (x, y, confidence) in zip(found.extra.keypoints, wanted, strict=True):
        assert (point.x, point.y) == pytest.approx((x, y), abs=1)
        assert point.confidence == pytest.approx(confidence, abs=0.005)


@pytest.mark.parametrize("name", those_with("note_box"))
def test_turned_boxes_have_their_centre_size_and_angle_and_are_enveloped(name):
    wanted = ENTRIES[name]["detections"][0]
    found = model(name).detect(frame(name))[0]
    box = found.extra.box
    assert (box.center_x, box.center_y) == pytest.approx(wanted["oriented"]["center"], abs=1)
    assert (box.width, box.height) == pytest.approx(wanted["oriented"]["size"], abs=1)
    assert box.angle == pytest.approx(wanted["oriented"]["angle_rad"], abs=0.01)
    corners = np.array(box.corners)
    assert edges(found) == pytest.approx([*corners.min(axis=0), *corners.max(axis=0)])


FAMILIES_OWN = sorted(
    name
    for name, entry in ENTRIES.items()
    if "refuse" not in entry and re.match(r"yolo_(?!.*nometa)|yolox|rfdetr_|detectnet", name)
)


@pytest.mark.parametrize("name", FAMILIES_OWN or ABSENT)
def test_of_families_with_one_convention_nothing_is_assumed(name):
    if not testdata.form(name).exists() or "external_missing" in name:
        pytest.skip("it is not there")
    assert model(name).warning == ""


@pytest.mark.parametrize("name", ["yolo_raw.onnx", "hf_detr.onnx", "depth_midas.onnx"])
def test_what_is_tried_in_another_process_first_is_the_same(name):
    path = testdata.form(name)
    here, tried = served.load_form(path), load(path)
    assert (here.inputs, here.outputs, here.labels) == (tried.inputs, tried.outputs, tried.labels)


def test_every_form_is_looked_at():
    if not ENTRIES:
        pytest.skip("no test data")
    looked_at = those_with("detections", "classifications", "segments", "refuse")
    assert sorted(looked_at) == sorted(ENTRIES)
    assert methods(model("yolo_raw.onnx")) == {"detect"}
