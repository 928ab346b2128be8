"""The Kalman filter of boxes: against the textbook's matrices, and what follows from its model of motion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.tracking.kalman import AGILITY, INITIAL_SPEED, MEASUREMENT, BoxFilter

STEPS = st.lists(st.floats(0.01, 0.5), min_size=1, max_size=30)


def boxes(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 500, (count, 2))
    return np.hstack([low, low + rng.uniform(50, 200, (count, 2))])


def filter_of(corners: np.ndarray) -> BoxFilter:
    made = BoxFilter()
    made.add(corners)
    return made


def everything(made: BoxFilter) -> np.ndarray:
    return np.ones(len(made), bool)


class Textbook:
    """One box by the equations of any textbook, with matrices of 8 numbers: four positions, then their rates."""

    def __init__(self, corners: np.ndarray) -> None:
        seen = self.centered(corners)
        size = np.sqrt(seen[2] * seen[3])
        self.mean = np.concatenate([seen, np.zeros(4)])
        self.covariance = np.diag([(MEASUREMENT * size) ** 2] * 4 + [(INITIAL_SPEED * size) ** 2] * 4)

    @staticmethod
    def centered(corners: np.ndarray) -> np.ndarray:
        x_min, y_min, x_max, y_max = corners
        return np.array([(x_min + x_max) / 2, (y_min + y_max) / 2, x_max - x_min, y_max - y_min])

    def predict(self, seconds: float) -> None:
        motion = np.kron([[1, seconds], [0, 1]], np.eye(4))
        density = AGILITY**2 * self.mean[2] * self.mean[3]
        noise = density * np.kron([[seconds**3 / 3, seconds**2 / 2], [seconds**2 / 2, seconds]], np.eye(4))
        self.mean = motion @ self.mean
        self.covariance = motion @ self.covariance @ motion.T + noise

    def update(self, corners: np.ndarray) -> None:
        seen = self.centered(corners)
        observed = np.hstack([np.eye(4), np.zeros((4, 4))])
        noise = np.eye(4) * MEASUREMENT**2 * seen[2] * seen[3]
        gain = self.covariance @ observed.T @ np.linalg.inv(observed @ self.covariance @ observed.T + noise)
        self.mean = self.mean + gain @ (seen - observed @ self.mean)
        self.covariance = (np.eye(8) - gain @ observed) @ self.covariance


@given(st.integers(0, 1000), STEPS)
def test_it_computes_what_the_textbook_computes(seed, steps):
    count = 3
    start = boxes(seed, count)
    made, books = filter_of(start), [Textbook(box) for box in start]
    for number, seconds in enumerate(steps):
        seen = start + np.random.default_rng((seed, number)).normal(0, 0.5, (count, 4))
        made.predict(seconds, everything(made))
        made.update(np.arange(count), seen)
        for book, box in zip(books, seen, strict=True):
            book.predict(seconds)
            book.update(box)
    for row, book in enumerate(books):
        np.testing.assert_allclose(made.mean[row], book.mean.reshape(2, 4).T, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(made.covariance[row, :, 0], np.diag(book.covariance)[:4], rtol=1e-9)
        np.testing.assert_allclose(made.covariance[row, :, 1], np.diag(book.covariance, 4), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(made.covariance[row, :, 2], np.diag(book.covariance)[4:], rtol=1e-9)


@given(
    st.integers(0, 1000),
    st.tuples(*[st.floats(-100, 100)] * 2),
    st.tuples(*[st.floats(0, 20)] * 2),
    st.sampled_from([5.0, 10.0, 30.0]),
)
def test_once_it_knows_a_constant_speed_its_predictions_are_exact(seed, speed, growth, rate):
    start = boxes(seed, 1)
    change = np.array([speed[0] - growth[0], speed[1] - growth[1], speed[0] + growth[0], speed[1] + growth[1]])
    made = filter_of(start)
    for number in range(1, 200):
        made.predict(1 / rate, everything(made))
        made.update(np.array([0]), start + change * number / rate)
    made.predict(0.5, everything(made))
    np.testing.assert_allclose(made.corners(), start + change * (199 / rate + 0.5), atol=0.01)


@given(st.integers(0, 1000), st.floats(0.01, 2), st.floats(0.01, 2))
def test_two_predictions_are_one_over_both_times(seed, first, second):
    one, two = filter_of(boxes(seed, 4)), filter_of(boxes(seed, 4))
    for made in (one, two):
        made.mean[..., 1] = np.random.default_rng(seed).normal(0, 20, (4, 4))
    still = np.zeros(4, bool)
    one.predict(first + second, still)
    two.predict(first, still)
    two.predict(second, still)
    np.testing.assert_allclose(two.mean, one.mean, rtol=1e-9)
    np.testing.assert_allclose(two.covariance, one.covariance, rtol=1e-9)


@given(st.integers(0, 1000), STEPS)
def test_boxes_do_not_influence_each_other(seed, steps):
    start = boxes(seed, 5)
    together, apart = filter_of(start), [filter_of(box[None]) for box in start]
    for number, seconds in enumerate(steps):
        rng = np.random.default_rng((seed, number))
        seen, rows = start + rng.normal(0, 5, (5, 4)), np.flatnonzero(rng.random(5) < 0.6)
        together.predict(seconds, everything(together))
        together.update(rows, seen[rows])
        for row, single in enumerate(apart):
            single.predict(seconds, everything(single))
            if row in rows:
                single.update(np.array([0]), seen[[row]])
    np.testing.assert_allclose(together.mean, np.concatenate([single.mean for single in apart]), rtol=1e-12)
    np.testing.assert_allclose(together.covariance, np.concatenate([single.covariance for single in apart]), rtol=1e-12)


@given(st.integers(0, 1000), STEPS, st.floats(0.0, 50.0))
def test_the_uncertainty_stays_one_whatever_is_seen(seed, steps, jitter):
    start = boxes(seed, 3)
    made = filter_of(start)
    for number, seconds in enumerate(steps):
        rng = np.random.default_rng((seed, number))
        made.predict(seconds, rng.random(3) < 0.5)
        made.update(np.array([0, 2]), start[[0, 2]] + rng.normal(0, jitter, (2, 4)))
        variance, tie, rate = np.moveaxis(made.covariance, -1, 0)
        assert (variance > 0).all()
        assert (variance * rate > tie**2).all()


def test_what_is_out_of_sight_moves_on_and_keeps_its_size():
    made = filter_of(np.array([[0.0, 0, 40, 40]] * 2))
    for number in range(1, 30):  # the right edge stands, the left one comes nearer: something goes before it
        made.predict(1 / 30, everything(made))
        made.update(np.arange(2), np.array([[number, 0.0, 40, 40]] * 2))
    made.predict(0.2, np.array([False, True]))
    hidden, seen = made.corners()
    assert hidden[2] - hidden[0] == pytest.approx(11, abs=1)
    assert seen[2] - seen[0] == pytest.approx(11 - 0.2 * 30, abs=1)
    assert (hidden[0] + hidden[2]) / 2 == pytest.approx((seen[0] + seen[2]) / 2)


def test_a_size_never_falls_below_nothing():
    made = filter_of(np.array([[0.0, 0, 40, 40]]))
    for number in range(1, 20):
        made.predict(1 / 30, everything(made))
        made.update(np.array([0]), np.array([[number, number, 40.0 - number, 40 - number]]))
    made.predict(5.0, everything(made))
    (box,) = made.corners()
    assert (box[2:] == box[:2]).all()


def test_a_box_can_be_asked_for_at_another_time():
    made = filter_of(np.array([[0.0, 0, 10, 10]]))
    made.mean[0, 0, 1] = 100
    assert made.corners(-0.1).tolist() == [[-10, 0, 0, 10]]
    assert made.corners().tolist() == [[0, 0, 10, 10]]
    assert made.corners(0.1).tolist() == [[10, 0, 20, 10]]


def test_boxes_are_added_behind_the_others_and_forgotten_by_a_mask():
    made = filter_of(boxes(1, 2))
    made.add(boxes(2, 3))
    assert len(made) == 5
    made.keep(np.array([True, False, False, True, False]))
    np.testing.assert_allclose(made.corners(), [boxes(1, 2)[0], boxes(2, 3)[1]])


def test_boxes_smaller_than_a_pixel_are_tracked_too():
    made = filter_of(np.array([[5.0, 5, 5, 5], [7, 7, 7.1, 7.1]]))
    made.predict(1 / 30, everything(made))
    made.update(np.arange(2), np.array([[6.0, 6, 6, 6], [8, 8, 8.1, 8.1]]))
    assert np.isfinite(made.mean).all()
    assert (made.covariance[..., [0, 2]] > 0).all()


def test_no_boxes_are_no_problem():
    made = BoxFilter()
    made.add(np.zeros((0, 4)))
    made.predict(1.0, np.zeros(0, bool))
    made.update(np.zeros(0, int), np.zeros((0, 4)))
    assert made.corners().shape == (0, 4)
