"""Where a picture lies in what a model sees, and the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.mlmodel.placement import letterboxed, stretched

lengths = st.integers(1, 2000)


@pytest.mark.parametrize(
    ("source", "content", "corner"),
    [
        ((400, 200), (100, 50), (0, 25)),
        ((200, 400), (50, 100), (25, 0)),
        ((100, 100), (100, 100), (0, 0)),
        ((50, 10), (100, 20), (0, 40)),
        ((3, 1), (100, 33), (0, 33)),
        ((2000, 1), (100, 1), (0, 49)),
    ],
)
def test_a_letterboxed_picture_keeps_its_aspect_in_the_middle(source, content, corner):
    placement = letterboxed(source, (100, 100))
    assert (placement.content, placement.corner) == (content, corner)


@given(lengths, lengths, st.integers(1, 500), st.integers(1, 500), st.booleans())
def test_the_picture_s_edges_come_back_exactly(width, height, model_width, model_height, letterbox):
    place = letterboxed if letterbox else stretched
    placement = place((width, height), (model_width, model_height))
    (left, top), (across, down) = placement.corner, placement.content
    edges = (left / model_width, top / model_height, (left + across) / model_width, (top + down) / model_height)
    assert 0 <= left <= left + across <= model_width
    assert 0 <= top <= top + down <= model_height
    assert np.allclose(placement.to_source([edges]), [0, 0, width, height], atol=1e-9 * max(width, height))


def test_a_box_is_where_the_picture_shows_it():
    placement = letterboxed((400, 200), (100, 100))  # at a quarter, from row 25 on
    assert np.allclose(placement.to_source([(0.1, 0.3, 0.5, 0.5)]), [40, 20, 200, 100])


def test_what_lies_beside_the_picture_is_clipped():
    boxes = [(-1.0, 0.0, 2.0, 1.0), (0.0, 0.0, 1.0, 0.1)]
    assert letterboxed((400, 200), (100, 100)).to_source(boxes) == [(0, 0, 400, 200), (0, 0, 400, 0)]
    assert stretched((400, 200), (100, 100)).to_source(boxes[:1]) == [(0, 0, 400, 200)]


def test_labels_come_back_in_the_picture_s_size_without_what_lies_beside_it():
    labels = np.full((10, 10), 9, np.uint16)  # the model returns a tenth of its size
    labels[2:8, :5], labels[2:8, 5:] = 1, 2
    placement = letterboxed((400, 200), (100, 100))
    found = placement.labels_to_source(labels)
    assert found.shape == (200, 400)
    assert set(np.unique(found)) == {1, 2}
    assert (found[:, :200] == 1).all()
    assert (found[:, 200:] == 2).all()


@given(lengths, lengths)
def test_labels_come_back_in_any_size(width, height):
    for place in (stretched, letterboxed):
        assert place((width, height), (33, 33)).labels_to_source(np.ones((7, 7), np.uint16)).shape == (height, width)
