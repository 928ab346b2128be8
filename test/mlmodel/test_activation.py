"""From what a network's last layer returns to probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vision_service.mlmodel.activation import probabilities, sigmoid, softmax


def auto(values) -> np.ndarray:
    return probabilities(np.array(values, np.float32), "auto")


def test_probabilities_stay_what_they_are_even_if_they_are_rounded_a_little_above_one():
    assert np.allclose(auto([0.25, 0.75]), [0.25, 0.75])
    assert np.allclose(auto([0.0, 1.00001]), [0.0, 1.0])
    assert np.allclose(auto([0.9, 0.8, 0.1]), [0.9, 0.8, 0.1])  # of several labels each may hold


def test_what_is_no_number_says_nothing_of_the_others():
    assert np.allclose(auto([0.25, np.nan, 0.75]), [0.25, np.nan, 0.75], equal_nan=True)


def test_values_beyond_zero_to_one_are_taken_for_logits():
    assert np.allclose(auto([1000.0, 1000.0, 0.0]), [0.5, 0.5, 0])
    assert np.allclose(auto([-1.0, -2.0]), [0.7311, 0.2689], atol=1e-4)


@pytest.mark.parametrize(("value", "score"), [(0.3, 0.3), (-0.5, 0.3775), (2.0, 0.8808), (-1e9, 0.0), (1e9, 1.0)])
def test_a_single_logit_goes_through_the_logistic_function(value, score):
    assert auto([value])[0] == pytest.approx(score, abs=1e-4)


def test_what_the_user_says_holds_whatever_the_values_are():
    values = np.array([0.0, 0.5], np.float32)
    assert np.allclose(probabilities(values, "softmax"), [0.3775, 0.6225], atol=1e-4)
    assert np.allclose(probabilities(values, "sigmoid"), [0.5, 0.6225], atol=1e-4)
    assert np.allclose(probabilities(np.array([-3.0, 7.0]), "none"), [0, 1])


@given(arrays(np.float32, st.integers(2, 20), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_logits_of_any_size_become_probabilities_that_sum_to_one(logits):
    scores = softmax(logits.astype(np.float64))
    assert scores.sum() == pytest.approx(1)
    assert scores[logits.argmax()] == scores.max()


@given(st.floats(-1e300, 1e300))
def test_the_logistic_function_of_a_number_and_of_its_opposite_sum_to_one(value):
    assert sigmoid(np.array([value, -value])).sum() == pytest.approx(1)
