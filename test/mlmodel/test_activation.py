"""From what a network's last layer returns to probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vision_service.mlmodel.activation import probabilities, sigmoid, softmax


def made(values, activation: str) -> np.ndarray:
    return probabilities(np.array(values, np.float32), activation)


def test_probabilities_stay_what_they_are_and_are_cut_off_at_0_and_1():
    assert np.allclose(made([0.25, 0.75], "none"), [0.25, 0.75])
    assert np.allclose(made([0.0, 1.00001], "none"), [0.0, 1.0])
    assert np.allclose(made([0.9, 0.8, 0.1], "none"), [0.9, 0.8, 0.1])  # of several labels each may hold
    assert np.allclose(made([-3.0, 7.0], "none"), [0, 1])


def test_what_is_no_number_says_nothing_of_the_others():
    assert np.allclose(made([0.25, np.nan, 0.75], "none"), [0.25, np.nan, 0.75], equal_nan=True)
    assert np.allclose(made([0.0, np.nan], "sigmoid"), [0.5, np.nan], equal_nan=True)


def test_the_same_activation_is_applied_to_all_values_whatever_they_are():
    assert np.allclose(made([1000.0, 1000.0, 0.0], "softmax"), [0.5, 0.5, 0])
    assert np.allclose(made([-1.0, -2.0], "softmax"), [0.7311, 0.2689], atol=1e-4)
    assert np.allclose(made([0.0, 0.5], "softmax"), [0.3775, 0.6225], atol=1e-4)  # though they could be probabilities
    assert np.allclose(made([0.0, 0.5], "sigmoid"), [0.5, 0.6225], atol=1e-4)


@pytest.mark.parametrize(("value", "score"), [(0.0, 0.5), (-0.5, 0.3775), (2.0, 0.8808), (-1e9, 0.0), (1e9, 1.0)])
def test_a_logit_goes_through_the_logistic_function(value, score):
    assert made([value], "sigmoid")[0] == pytest.approx(score, abs=1e-4)


@given(arrays(np.float32, st.integers(2, 20), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_logits_of_any_size_become_probabilities_that_sum_to_one(logits):
    scores = softmax(logits.astype(np.float64))
    assert scores.sum() == pytest.approx(1)
    assert scores[logits.argmax()] == scores.max()


@given(st.floats(-1e300, 1e300))
def test_the_logistic_function_of_a_number_and_of_its_opposite_sum_to_one(value):
    assert sigmoid(np.array([value, -value])).sum() == pytest.approx(1)
