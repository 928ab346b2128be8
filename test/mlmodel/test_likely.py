"""What is likely enough of a detector's outputs, beside what the definition says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from vision_service.mlmodel.activation import sigmoid
from vision_service.mlmodel.likely import activated, least_logit, likely, separate

KINDS = (np.float32, np.float64, np.float16)
SCORES = (0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 0.999, 1.0, math.nan, math.inf, -math.inf, -0.5)


def heads(kind, most: int = 20):
    """(N, numbers) of few values, so that many are equal, and of such as leave 0 to 1."""
    return arrays(
        kind, array_shapes(min_dims=2, max_dims=2, min_side=6, max_side=most), elements=st.sampled_from(SCORES)
    )


def likely_plainly(head, minimum, first, classes, objectness):
    """The places, the best classes' scores and their numbers, by the definition."""
    scores = head[:, first : first + classes]
    best = scores.max(axis=1)
    with np.errstate(invalid="ignore"):
        if objectness is not None:
            best = best * head[:, objectness]
        (places,) = (best >= head.dtype.type(minimum)).nonzero()
    return places.tolist(), best[places].astype(float).tolist(), scores[places].argmax(axis=1).tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("places_first", [True, False])
@given(st.data(), st.sampled_from([0.0, 0.1, 0.25, 0.3, 1.0]), st.booleans())
def test_a_place_is_likely_if_its_best_class_is(kind, places_first, data, minimum, has_objectness):
    head = data.draw(heads(kind))
    objectness = 4 if has_objectness else None
    first = 5 if has_objectness else data.draw(st.integers(0, 5))
    classes = data.draw(st.integers(1, head.shape[1] - first))
    found = likely(
        head if places_first else np.ascontiguousarray(head.T),
        minimum,
        places_first=places_first,
        first=first,
        classes=classes,
        objectness=objectness,
    )
    places, scores, numbers = likely_plainly(head, minimum, first, classes, objectness)
    assert found.places.tolist() == places
    assert found.scores.tolist() == scores
    assert found.classes.tolist() == numbers
    assert not found.table[:, :4].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("places_first", [True, False])
@pytest.mark.parametrize(("count", "classes"), [(1, 80), (1023, 1), (1024, 7), (1025, 8), (2500, 81), (2500, 3)])
def test_the_same_is_true_of_heads_as_large_as_real_ones(kind, places_first, count, classes):
    head = np.random.default_rng(count).random((count, 5 + classes)).astype(kind)
    for objectness in (None, 4):
        found = likely(
            head if places_first else np.ascontiguousarray(head.T),
            0.97,
            places_first=places_first,
            first=5,
            objectness=objectness,
            boxes=(2.0, 3.0),
        )
        places, scores, numbers = likely_plainly(head, 0.97, 5, classes, objectness)
        assert (found.places.tolist(), found.scores.tolist(), found.classes.tolist()) == (places, scores, numbers)
        center, size = (head[places, side : side + 2].astype(float) * (2.0, 3.0) for side in (0, 2))
        assert found.table[:, :4].tolist() == np.concatenate([center - size / 2, center + size / 2], 1).tolist()


def test_there_may_be_no_place_at_all():
    assert len(likely(np.zeros((0, 6), np.float32), 0.0).places) == 0
    assert len(likely(np.zeros((6, 0), np.float32), 0.0, places_first=False).places) == 0


def test_whole_numbers_are_scores_too():
    assert likely(np.array([[1, 9], [200, 3]], np.uint8), 9.0).scores.tolist() == [9, 200]


@pytest.mark.parametrize(
    ("shape", "wrong"),
    [((4, 6), {"first": 6}), ((4, 6), {"first": 2, "classes": 5}), ((4, 3), {"boxes": (1.0, 1.0)})],
    ids=["no class", "more classes than numbers", "no boxes"],
)
def test_what_a_head_does_not_have_is_not_read(shape, wrong):
    with pytest.raises(ValueError, match="do not belong together"):
        likely(np.zeros(shape, np.float32), 0.5, **wrong)


# Logits.

logits = st.sampled_from(
    [-600.0, -3.0, -1.1, -1.0986123, 0.0, 0.1, 1.0, 33.0, 40.0, 501.0, math.nan, math.inf, -math.inf]
)


@pytest.mark.parametrize("kind", KINDS)
@given(st.data(), st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.999999, 1.0]), st.integers(1, 9))
def test_logits_are_as_likely_as_their_logistic_function_is(kind, data, minimum, classes):
    values = data.draw(arrays(kind, (12, classes), elements=logits | st.floats(-6, 6, width=16)))
    chances = sigmoid(values.astype(float))
    (places,) = (chances.max(axis=1) >= minimum).nonzero()
    found, best, numbers = activated(values, "sigmoid", minimum)
    assert found.tolist() == places.tolist()
    assert best.tolist() == chances.max(axis=1)[places].tolist()
    assert numbers.tolist() == chances[places].argmax(axis=1).tolist()


@given(st.floats(0, 1), st.floats(-40, 40))
def test_what_is_likely_enough_is_never_below_the_least_logit(minimum, logit):
    if sigmoid(np.array([logit]))[0] >= minimum:
        assert logit >= least_logit(minimum)


# Boxes, scores and classes apart.


def separate_plainly(boxes, scores, classes, minimum, order, form, first_class, scale):
    """The rows by the definition, one by one."""
    rows = []
    for box, score, number in zip(boxes, scores, classes, strict=True):
        score = max(score, 0) if minimum <= 0 and not math.isnan(score) else score
        if not score >= scores.dtype.type(minimum):
            continue
        a, b, c, d = (float(box[order.index(place)]) * scale[place % 2] for place in range(4))
        if form == "corner_size":
            c, d = a + c, b + d
        elif form == "center_size":
            a, b, c, d = a - c / 2, b - d / 2, a + c / 2, b + d / 2
        label = round(number) - first_class if math.isfinite(number) and abs(number) < 2**31 else -1
        rows.append([min(a, c), min(b, d), max(a, c), max(b, d), min(float(score), 1.0), label])
    return rows


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@given(
    st.data(),
    st.sampled_from([0.0, 0.25, 0.3]),
    st.permutations(range(4)),
    st.sampled_from(["corners", "corner_size", "center_size"]),
    st.integers(0, 1),
)
def test_boxes_are_read_as_their_format_says(kind, data, minimum, order, form, first_class):
    count = data.draw(st.integers(0, 12))
    boxes = data.draw(arrays(kind, (count, 4), elements=st.floats(-2, 3, width=32)))
    scores = data.draw(arrays(kind, count, elements=st.sampled_from(SCORES)))
    classes = data.draw(arrays(kind, count, elements=st.sampled_from([0, 1, 2.5, 3.5, -1, 5e9, math.nan, math.inf])))
    columns = sum(order.index(place) << (2 * place) for place in range(4))
    number = ("corners", "corner_size", "center_size").index(form)
    table = separate(boxes, scores, classes, minimum, columns, number, first_class, (300, 200))
    assert table.tolist() == separate_plainly(boxes, scores, classes, minimum, order, form, first_class, (300, 200))


def test_outputs_of_several_types_are_read_too():
    boxes, scores = np.array([[1, 2, 3, 4]], np.float32), np.array([0.3], np.float16)
    (row,) = separate(boxes, scores, np.array([7], np.int64), 0.3, 0b11100100, 0, 1, (1.0, 1.0)).tolist()
    assert row == [1, 2, 3, 4, float(np.float16(0.3)), 6]
