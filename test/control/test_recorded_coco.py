"""A recording as a COCO data set."""

import json
import math

import numpy as np
import pytest

from vision_service.control.recorded_moment import Moment
from vision_service.control.recording import save
from vision_service.image import decode, encode
from vision_service.keypoints import COCO
from vision_service.types import (
    Classification,
    Detection,
    DetectionExtra,
    InstanceMask,
    Keypoint,
    OrientedBox,
)

WIDTH, HEIGHT = 60, 40
ELLIPSE = ((np.indices((20, 16)) - [[[9.5]], [[7.5]]]) ** 2 / [[[100]], [[64]]]).sum(axis=0) <= 1
PERSON = tuple(
    Keypoint(name, 10.0 + number, 20.0, (0.9, 0.1, math.nan)[number % 3]) for number, name in enumerate(COCO)
)


def moment(*detections, width=WIDTH, height=HEIGHT, shrink=1, **values):
    jpeg = encode(np.full((height // shrink, width // shrink, 3), 90, np.uint8), "image/jpeg")
    return Moment(10**18, jpeg, width, height, {"detect": list(detections)}, camera="front", **values)


def saved(tmp_path, *moments, labels=()):
    result = save(moments, "coco", tmp_path, name="set", labels=labels)
    return json.loads((result.path / "annotations.json").read_text()), result


def test_images_and_annotations_belong_together(tmp_path):
    found = [Detection("dog", 0.75, 1, 2, 11, 22, class_index=1, id="dog_1"), Detection("cat", 0.5, 30, 10, 50, 20)]
    told, result = saved(tmp_path, moment(*found), moment(), moment(found[1]), labels=["cat", "dog", "cow"])
    assert [(image["id"], image["file_name"]) for image in told["images"]] == [
        (number, f"images/00000{number}.jpg") for number in (1, 2, 3)
    ]
    for image in told["images"]:
        pixels = decode((result.path / image["file_name"]).read_bytes())
        assert pixels.shape[:2] == (image["height"], image["width"])
    assert [(item["id"], item["name"]) for item in told["categories"]] == [(1, "cat"), (2, "dog"), (3, "cow")]
    first, second, third = told["annotations"]
    assert (first["image_id"], first["category_id"], first["bbox"]) == (1, 2, [1, 2, 10, 20])
    assert (first["area"], first["score"], first["track_id"], first["iscrowd"]) == (200, 0.75, "dog_1", 0)
    assert (second["image_id"], second["category_id"], third["image_id"]) == (1, 1, 3)
    assert len({item["id"] for item in told["annotations"]}) == 3
    assert (result.images, result.remarks) == (3, ())


def test_labels_of_the_same_name_are_told_apart_and_unknown_ones_follow(tmp_path):
    found = [
        Detection("x", 0.5, 0, 0, 5, 5, class_index=1),
        Detection("new", 0.5, 0, 0, 5, 5),
        Detection("", 1, 0, 0, 5, 5),
    ]
    told, _ = saved(tmp_path, moment(*found), labels=["x", "x"])
    assert [item["category_id"] for item in told["annotations"]] == [2, 3, 4]
    assert [item["name"] for item in told["categories"]] == ["x", "x", "new", "object"]


def test_boxes_end_at_the_image_and_what_is_none_is_left_out(tmp_path):
    found = [
        Detection("a", math.nan, -10, -10, 20, 100),
        Detection("a", 0.5, 70, 10, 80, 20),
        Detection("a", 0.5, math.nan, 10, 80, 20),
        Detection("a", 0.5, 10, 10, 10, 20),
    ]
    told, _ = saved(tmp_path, moment(*found))
    (only,) = told["annotations"]
    assert only["bbox"] == [0, 0, 20, HEIGHT]
    assert "score" not in only, "JSON knows no NaN"


def test_a_turned_box_is_a_polygon(tmp_path):
    box = OrientedBox(30, 20, 20, 10, 0.3)
    left, top, right, bottom = box.envelope
    told, _ = saved(tmp_path, moment(Detection("a", 0.5, left, top, right, bottom, extra=DetectionExtra(box=box))))
    (only,) = told["annotations"]
    np.testing.assert_allclose(np.reshape(only["segmentation"], (4, 2)), box.corners, atol=1e-3)
    assert only["area"] == 200


def test_a_smaller_copy_of_the_image_has_its_annotations_in_its_own_pixels(tmp_path):
    extra = DetectionExtra(mask=InstanceMask.of(ELLIPSE, 20, 10), keypoints=(Keypoint("tip", 24, 12),))
    told, _ = saved(tmp_path, moment(Detection("a", 0.5, 20, 10, 36, 30, extra=extra), shrink=2))
    (only,) = told["annotations"]
    assert (told["images"][0]["width"], told["images"][0]["height"]) == (30, 20)
    assert only["bbox"] == [10, 5, 8, 10]
    assert only["segmentation"]["size"] == [20, 30]
    assert only["area"] == pytest.approx(ELLIPSE.sum() / 4, rel=0.1)
    assert only["keypoints"] == [12, 6, 2]


def test_keypoints_are_those_of_their_category(tmp_path):
    other = (Keypoint("tip", 1, 2),)
    found = [
        Detection("person", 0.5, 5, 5, 40, 30, extra=DetectionExtra(keypoints=PERSON)),
        Detection("person", 0.5, 5, 5, 40, 30, extra=DetectionExtra(keypoints=other)),
        Detection("pen", 0.5, 5, 5, 40, 30, extra=DetectionExtra(keypoints=other)),
    ]
    told, _ = saved(tmp_path, moment(*found))
    person, odd, pen = told["annotations"]
    assert person["keypoints"][:9] == [10, 20, 2, 0, 0, 0, 12, 20, 2], "one that is uncertain is not labelled"
    assert person["num_keypoints"] == 12 - 1
    assert "keypoints" not in odd
    assert pen["keypoints"] == [1, 2, 2]
    persons, pens = told["categories"]
    assert (persons["keypoints"], len(persons["skeleton"])) == (list(COCO), 19)
    assert persons["skeleton"][0] == [1, 2], "counted from 1"
    assert pens == {"id": 2, "name": "pen", "supercategory": "", "keypoints": ["tip"], "skeleton": []}


def test_what_coco_cannot_hold_is_said(tmp_path):
    only_classes = Moment(1, moment().jpeg, WIDTH, HEIGHT, {"classify": [Classification("table", 0.5)], "segment": []})
    told, result = saved(tmp_path, only_classes)
    assert (len(told["images"]), told["annotations"]) == (1, [])
    assert result.remarks == (
        "a COCO data set has no classifications and no objects in space: save a bag to keep them",
    )


def test_coco_s_own_tools_read_it(tmp_path):
    coco = pytest.importorskip("pycocotools.coco", reason="no reference: pycocotools is not installed")
    extra = DetectionExtra(mask=InstanceMask.of(ELLIPSE, 50, 10), keypoints=PERSON)
    _, result = saved(tmp_path, moment(Detection("person", 0.5, 50, 10, 66, 30, extra=extra)), labels=["person"])
    read = coco.COCO(str(result.path / "annotations.json"))
    (annotation,) = read.loadAnns(read.getAnnIds(catIds=read.getCatIds(["person"])))
    mask = read.annToMask(annotation)
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[10:30, 50:60] = ELLIPSE[:, :10]
    np.testing.assert_array_equal(mask, expected)
    assert annotation["area"] == expected.sum()
