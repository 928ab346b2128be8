"""Where an image lies in what a model sees, and the way back."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.mlmodel.found import Found
from vision_service.mlmodel.placement import (
    RULES,
    Placement,
    cropped,
    dynamic_size,
    letterboxed,
    letterboxed_top_left,
    stretched,
)
from vision_service.mlmodel.suppression import NO_SUPPRESSION, kept

lengths, sizes = st.integers(1, 2000), st.integers(1, 500)
images, inputs = st.tuples(lengths, lengths), st.tuples(sizes, sizes)


def place(rule: str, source: tuple[int, int], size: tuple[int, int]) -> Placement:
    if rule == "center_crop":
        return cropped(source, size, round(max(size) / 0.875))
    makers = {"stretch": stretched, "letterbox": letterboxed, "letterbox_top_left": letterboxed_top_left}
    return makers[rule](source, size)


# Letterboxed in the middle, as Ultralytics does it.


@pytest.mark.parametrize(
    ("source", "content", "corner"),
    [
        ((400, 200), (100, 50), (0, 25)),
        ((200, 400), (50, 100), (25, 0)),
        ((100, 100), (100, 100), (0, 0)),
        ((50, 10), (100, 20), (0, 40)),
        ((3, 1), (100, 33), (0, 33)),
        ((2000, 1), (100, 1), (0, 49)),
        ((200, 51), (100, 26), (0, 37)),  # 25.5: half to even
        ((200, 49), (100, 24), (0, 38)),  # 24.5
        ((200, 50), (100, 25), (0, 37)),  # an odd border: the 38th pixel is below
        ((50, 200), (25, 100), (37, 0)),  # and on the right
    ],
)
def test_a_letterboxed_image_keeps_its_aspect_in_the_middle(source, content, corner):
    placement = letterboxed(source, (100, 100))
    assert (placement.content, placement.corner) == (content, corner)


@given(images, inputs)
def test_its_size_and_borders_are_those_of_the_published_rule(source, size):
    ratio = min(size[0] / source[0], size[1] / source[1])
    content = tuple(max(round(length * ratio), 1) for length in source)
    halves = [(length - made) / 2 for length, made in zip(size, content, strict=True)]
    placement = letterboxed(source, size)
    assert placement.content == content
    assert placement.corner == tuple(round(half - 0.1) for half in halves)
    rest = [length - made - at for length, made, at in zip(size, content, placement.corner, strict=True)]
    assert rest == [round(half + 0.1) for half in halves]


# In the corner, as YOLOX does it.


@pytest.mark.parametrize(
    ("source", "content"),
    [((400, 200), (100, 50)), ((200, 51), (100, 25)), ((51, 200), (25, 100)), ((2000, 1), (100, 1))],
)
def test_an_image_in_the_corner_keeps_its_aspect_and_its_size_is_cut_off(source, content):
    placement = letterboxed_top_left(source, (100, 100))
    assert (placement.content, placement.corner) == (content, (0, 0))
    scale = min(100 / source[0], 100 / source[1])
    assert placement.scale == (scale, scale)  # by which boxes go back, not by the size that was cut off
    assert placement.points_to_source(np.array([100.0, 50.0])) == pytest.approx([100 / scale, 50 / scale])


# Cut out of the middle, as torchvision does it.


@pytest.mark.parametrize(
    ("source", "edge", "content", "corner"),
    [
        ((640, 360), 256, (455, 256), (-116, -16)),  # int(256 · 640 / 360); 115.5 goes to the even 116
        ((360, 640), 256, (256, 455), (-16, -116)),
        ((300, 300), 256, (256, 256), (-16, -16)),
        ((640, 360), 224, (398, 224), (-87, 0)),
        ((640, 360), 0, (398, 224), (-87, 0)),  # at least the input's own edge
    ],
)
def test_the_shorter_edge_is_brought_to_a_length_and_the_middle_is_cut_out(source, edge, content, corner):
    placement = cropped(source, (224, 224), edge)
    assert (placement.content, placement.corner, placement.size) == (content, corner, (224, 224))


# The way back.


def to_source(placement: Placement, boxes: np.ndarray) -> np.ndarray:
    """Boxes in the image, without those that lie beside it."""
    found = Found(boxes, np.ones(len(boxes)), np.zeros(len(boxes)))
    return kept(found, NO_SUPPRESSION, placement)[0][:, :4]


@pytest.mark.parametrize("rule", RULES)
@given(images, inputs)
def test_the_image_s_edges_come_back_exactly(rule, source, size):
    placement = place(rule, source, size)
    (left, top), (across, down) = placement.corner, placement.content
    if rule == "letterbox_top_left":  # whose scale is that of the size before it was cut off
        across, down = source[0] * placement.scale[0], source[1] * placement.scale[1]
    edges = np.array([[left, top, left + across, top + down]], float)
    if rule != "center_crop":
        assert 0 <= left <= left + placement.content[0] <= size[0]
        assert 0 <= top <= top + placement.content[1] <= size[1]
    assert to_source(placement, edges)[0] == pytest.approx([0, 0, *source], abs=1e-9 * max(source))


@pytest.mark.parametrize("rule", RULES)
@given(images, inputs, st.tuples(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5)))
def test_points_come_back_where_they_were_even_beside_the_image(rule, source, size, fraction):
    placement = place(rule, source, size)
    point = np.multiply(fraction, source)
    in_input = point * placement.scale + placement.corner
    assert placement.points_to_source(in_input) == pytest.approx(point, abs=1e-6 * max(source))
    beyond = np.multiply(2, source) * placement.scale + placement.corner
    boxes = to_source(placement, np.array([[*in_input, *beyond]]))
    if (point < np.subtract(source, 1e-3)).all():
        assert boxes[0] == pytest.approx([*point.clip(0, source), *source], abs=1e-6 * max(source))


def test_a_box_is_where_the_image_shows_it():
    placement = letterboxed((400, 200), (100, 100))  # at a quarter, from row 25 on
    assert to_source(placement, np.array([[10, 30, 50, 50]])).tolist() == [[40, 20, 200, 100]]


def test_what_lies_beside_the_image_is_clipped():
    boxes = np.array([(-100, 0, 200, 100), (0, 0, 100, 10)])  # the second lies in the letterbox's border
    assert to_source(letterboxed((400, 200), (100, 100)), boxes).tolist() == [[0, 0, 400, 200]]
    assert to_source(stretched((400, 200), (100, 100)), boxes).tolist() == [[0, 0, 400, 200], [0, 0, 400, 20]]


# Maps of class numbers and of scores.


def test_labels_come_back_in_the_image_s_size_without_what_lies_beside_it():
    labels = np.full((10, 10), 9, np.uint16)  # the model returns a tenth of its size
    labels[2:8, :5], labels[2:8, 5:] = 1, 2
    found = letterboxed((400, 200), (100, 100)).map_labels(labels)
    assert found.shape == (200, 400)
    assert set(np.unique(found)) == {1, 2}
    assert (found[:, :200] == 1).all()
    assert (found[:, 200:] == 2).all()


@pytest.mark.parametrize("rule", RULES)
@given(images, st.booleans())
def test_maps_come_back_in_any_size(rule, source, labels):
    placement = place(rule, source, (33, 33))
    if labels:
        found = placement.map_labels(np.ones((7, 7), np.uint16))
    else:
        found = placement.map_scores(np.ones((7, 7), np.float32))
    assert found.shape == (source[1], source[0])
    assert (found == 1).all()


@pytest.mark.parametrize("rule", RULES)
@given(st.integers(0, 300), st.integers(0, 200), st.integers(1, 100), st.integers(1, 80), st.integers(0, 9))
def test_a_part_of_a_map_is_that_part_of_the_whole(rule, left, top, width, height, seed):
    placement = place(rule, (400, 280), (96, 96))
    scores = np.random.default_rng(seed).normal(size=(24, 24)).astype(np.float32)
    whole = placement.map_part(scores, (0, 0, 400, 280))
    part = placement.map_part(scores, (left, top, width, height))
    expected = whole[top : top + height, left : left + width]
    # The places between two scores are rounded to 1/32.
    assert np.abs(part[: expected.shape[0], : expected.shape[1]] - expected).max() <= 0.15
    assert np.abs(placement.map_scores(scores) - whole).max() <= 0.15


def test_scores_are_bilinear_between_the_middles_of_their_places():
    ramp = np.tile(np.arange(10, dtype=np.float32), (10, 1))
    for rule in ("stretch", "letterbox", "letterbox_top_left"):
        found = place(rule, (400, 400), (100, 100)).map_scores(ramp)
        middles = ((np.arange(400) + 0.5) / 40 - 0.5).clip(0, 9)
        assert np.abs(found - middles).max() <= 0.05


@pytest.mark.parametrize("rule", RULES)
def test_a_weighted_sum_of_maps_is_the_same_whole_or_in_parts(rule):
    random = np.random.default_rng(1)
    prototypes, weights = random.normal(size=(8, 24, 24)).astype(np.float32), random.normal(size=8).astype(np.float32)
    placement = place(rule, (400, 280), (96, 96))
    whole = placement.map_scores(np.tensordot(weights, prototypes, 1))
    part = placement.map_part_of(prototypes, weights, (37, 51, 120, 99))
    assert np.abs(part - whole[51:150, 37:157]).max() <= 0.6  # of values to 10


# Inputs of any size.


@given(images, st.sampled_from([(320, 320), (640, 480)]), st.sampled_from([1, 32, 64]))
def test_an_input_of_any_size_holds_the_image_up_to_the_next_stride(source, largest, stride):
    width, height = dynamic_size(source, largest, stride)
    scale = min(largest[0] / source[0], largest[1] / source[1])
    for made, length in ((width, source[0]), (height, source[1])):
        content = max(1, round(length * scale))
        assert made % stride == 0
        assert content <= made < content + stride
    placement = letterboxed(source, (width, height))
    assert all(0 <= at <= stride for at in placement.corner) or min(placement.content) == 1


def test_a_wide_image_makes_a_wide_input():
    assert dynamic_size((1200, 600), (320, 320), 32) == (320, 160)
    assert dynamic_size((640, 360), (320, 320), 32) == (320, 192)
    assert dynamic_size((640, 360), (640, 360), 32) == (640, 384)  # the image's own size


def test_an_image_without_pixels_has_a_placement():
    assert Placement((0, 0), (8, 8), (8, 8)).scale == (1.0, 1.0)
    assert math.isfinite(Placement((0, 5), (8, 8), (8, 8)).points_to_source(np.ones(2))[0])
