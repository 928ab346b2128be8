"""Masks of objects, and classes of pixels, in the source image's size."""

import tracemalloc

import cv2
import numpy as np
import pytest

from vision_service.mlmodel.masks import best_classes, instance_masks
from vision_service.mlmodel.placement import cropped, letterboxed, letterboxed_top_left, stretched

SOURCE, SIZE = (640, 360), (320, 320)
PLACEMENTS = {
    "stretch": stretched(SOURCE, SIZE),
    "letterbox": letterboxed(SOURCE, SIZE),
    "letterbox_top_left": letterboxed_top_left(SOURCE, SIZE),
    "center_crop": cropped(SOURCE, SIZE, 366),
}
each_placement = pytest.mark.parametrize("placement", PLACEMENTS.values(), ids=PLACEMENTS)


def smooth(seed: int, count: int = 8, side: int = 80) -> np.ndarray:
    """Maps as networks make them: without jumps from pixel to pixel."""
    noise = np.random.default_rng(seed).normal(size=(count, side // 8, side // 8)).astype(np.float32)
    return np.stack([cv2.resize(each, (side, side), interpolation=cv2.INTER_CUBIC) for each in noise])


def whole(mask) -> np.ndarray:
    made = np.zeros((SOURCE[1], SOURCE[0]), bool)
    made[mask.y : mask.y + mask.height, mask.x : mask.x + mask.width] = mask.pixels()
    return made


def fully(scores: np.ndarray, placement, box) -> np.ndarray:
    """The mask by enlarging the whole map to the input, and that to the image, and cutting the box out at last."""
    (left, top), (width, height) = placement.corner, placement.content
    across = ((np.arange(SOURCE[0]) + 0.5) * width / SOURCE[0] + left).astype(np.float32) * scores.shape[1] / SIZE[0]
    down = ((np.arange(SOURCE[1]) + 0.5) * height / SOURCE[1] + top).astype(np.float32) * scores.shape[0] / SIZE[1]
    x, y = np.meshgrid((across - 0.5).astype(np.float32), (down - 0.5).astype(np.float32))
    made = cv2.remap(scores, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) > 0
    inside = np.zeros_like(made)
    inside[int(box[1]) : int(np.ceil(box[3])), int(box[0]) : int(np.ceil(box[2]))] = True
    return made & inside


def intersection_over_union(one: np.ndarray, other: np.ndarray) -> float:
    return (one & other).sum() / (one | other).sum() if (one | other).any() else 1.0


@each_placement
@pytest.mark.parametrize("seed", range(4))
def test_prototypes_on_the_box_alone_are_as_good_as_on_the_whole_image(placement, seed):
    random = np.random.default_rng(seed)
    prototypes, weights = smooth(seed), random.normal(size=(5, 8)).astype(np.float32)
    corner, size = random.uniform(0, 200, (5, 2)), random.uniform(60, 150, (5, 2))
    boxes = np.concatenate([corner, corner + size], axis=1)
    found = instance_masks(boxes, placement, coefficients=weights, prototypes=prototypes)
    for mask, weight, box in zip(found, weights, boxes, strict=True):
        expected = fully(np.tensordot(weight, prototypes, 1), placement, box)
        assert intersection_over_union(whole(mask), expected) >= 0.95


@each_placement
def test_maps_of_objects_give_the_same_masks_as_prototypes_of_which_each_is_one(placement):
    maps = smooth(7, 3)
    boxes = np.array([[100.0, 50.0, 300.0, 250.0], [200.5, 20.25, 400, 340], [0, 0, 640, 360]])
    by_map = instance_masks(boxes, placement, masks=maps)
    by_weight = instance_masks(boxes, placement, coefficients=np.eye(3), prototypes=maps)
    for one, other, scores, box in zip(by_map, by_weight, maps, boxes, strict=True):
        assert intersection_over_union(whole(one), whole(other)) >= 0.999
        assert intersection_over_union(whole(one), fully(scores, placement, box)) >= 0.95


@each_placement
def test_a_mask_lies_within_its_box_and_the_box_within_the_image(placement):
    everywhere = np.ones((3, 80, 80), np.float32)
    boxes = np.array([[10.3, 20.7, 30.2, 40.9], [0, 0, 640, 360], [639.5, 359.5, 640, 360]])
    found = instance_masks(boxes, placement, masks=everywhere)
    assert [(mask.x, mask.y, mask.width, mask.height) for mask in found] == [
        (10, 20, 21, 21), (0, 0, 640, 360), (639, 359, 1, 1),
    ]  # fmt: skip
    assert [mask.area for mask in found] == [21 * 21, 640 * 360, 1]


def test_a_score_of_0_and_less_is_not_the_object():
    boxes = np.array([[10.0, 10, 50, 50]])
    for value, area in ((0.0, 0), (-1.0, 0), (0.01, 1600)):
        (mask,) = instance_masks(boxes, PLACEMENTS["stretch"], masks=np.full((1, 80, 80), value, np.float32))
        assert mask.area == area


def test_there_are_no_masks_of_nothing():
    assert instance_masks(np.zeros((0, 4)), PLACEMENTS["stretch"], masks=np.zeros((0, 8, 8))) == []


@pytest.mark.parametrize("given", [{}, {"coefficients": np.ones((1, 3))}, {"prototypes": np.ones((3, 8, 8))}])
def test_masks_need_maps_or_prototypes_and_coefficients(given):
    with pytest.raises(ValueError, match="prototypes and coefficients"):
        instance_masks(np.array([[0.0, 0, 9, 9]]), PLACEMENTS["stretch"], **given)


# Classes of pixels.


@each_placement
def test_scores_are_enlarged_before_the_greatest_is_chosen(placement):
    scores = smooth(3, 6)
    found = best_classes(scores, placement)
    expected = np.stack([placement.map_scores(each) for each in scores]).argmax(axis=0)
    assert found.dtype == np.uint16
    assert np.array_equal(found, expected)


def test_of_equal_scores_the_first_class_counts():
    assert (best_classes(np.zeros((4, 8, 8), np.float32), PLACEMENTS["letterbox"]) == 0).all()


def test_scores_of_any_type_are_compared():
    scores = np.zeros((2, 8, 8), np.int8)
    scores[1] = 1
    assert (best_classes(scores, PLACEMENTS["stretch"]) == 1).all()
    assert (best_classes(scores.astype(np.float16), PLACEMENTS["stretch"]) == 1).all()


def test_many_classes_take_the_memory_of_few():
    scores = smooth(5, 150, 40)
    best_classes(scores, PLACEMENTS["letterbox"])
    tracemalloc.start()
    try:
        best_classes(scores, PLACEMENTS["letterbox"])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 20 * SOURCE[0] * SOURCE[1]  # a stack of all would take 600 bytes for each pixel
