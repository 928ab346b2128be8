"""Raw heads over grids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from served import head
from vision_service.mlmodel.decoders.grids import STRIDES, GridDecoder, places, strides_of
from vision_service.mlmodel.placement import stretched

PLACEMENT = stretched((640, 640), (320, 320))


@pytest.mark.parametrize(
    ("size", "count"),
    [((640, 640), 8400), ((320, 320), 2100), ((224, 224), 1029), ((416, 416), 3549), ((320, 192), 1260)],
)
def test_the_usual_grids_have_as_many_places_as_published(size, count):
    assert places(size, (8, 16, 32)) == count
    assert strides_of(count, size) == (8, 16, 32)
    assert strides_of(3 * count, size, anchors=3) == (8, 16, 32)
    assert strides_of(count + 1, size) == ()


@given(st.integers(2, 40), st.integers(2, 40), st.sampled_from(STRIDES))
def test_strides_are_found_by_their_places_whatever_the_size(columns, rows, strides):
    size = (32 * columns, 32 * rows)
    count = places(size, strides)
    assert places(size, strides_of(count, size)) == count


@pytest.mark.parametrize("count", [0, 100, 300])
def test_counts_of_queries_are_no_grids(count):
    assert strides_of(count, (640, 640)) == ()
    assert strides_of(count, (320, 320)) == ()


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_best_class_of_each_place_counts_and_equal_ones_are_the_first(dtype):
    values = head({3: [100, 50, 20, 10, 0.5, 0.75, 0.75], 4: [100, 50, 20, 10, 0.25, 0.0, 0.0]}, 7).astype(dtype)
    found = GridDecoder("x", 3).decode({"x": values}, PLACEMENT, 0.25)
    assert found.classes.tolist() == [1, 0]
    assert found.scores.tolist() == [0.75, 0.25]
    assert found.boxes[0] == pytest.approx([90, 45, 110, 55])
    assert GridDecoder("x", 3).decode({"x": values}, PLACEMENT, 0.8).boxes.shape == (0, 4)


def test_what_belongs_to_boxes_is_told():
    assert GridDecoder("x", 1).extras == frozenset()
    assert GridDecoder("x", 1, angle=True).extras == {"oriented_boxes"}
    assert GridDecoder("x", 1, keypoints=(17, 3)).extras == {"keypoints"}
    assert GridDecoder("x", 1, prototypes="y").extras == {"masks"}
