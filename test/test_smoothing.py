"""Smoothing: means over the last frames, and when the best label changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.errors import ErrorCode, VisionError
from vision_service.smoothing import ClassificationWindow, LabelMonitor
from vision_service.types import Classification, LabelChange

NAMES = st.sampled_from(["cat", "dog", "cow", "VIAM_UNKNOWN"])
FRAMES = st.lists(st.dictionaries(NAMES, st.floats(0, 1)), min_size=1, max_size=20)


def classifications(**confidences: float) -> list[Classification]:
    """Return classifications, best first."""
    return sorted(
        (Classification(name, confidence) for name, confidence in confidences.items()),
        key=lambda item: -item.confidence,
    )


def by_name(found: list[Classification]) -> dict[str, float]:
    assert len({item.class_name for item in found}) == len(found)
    return {item.class_name: item.confidence for item in found}


# The window.


def test_each_class_has_the_mean_of_its_confidences_best_first():
    window = ClassificationWindow(3)
    window.add(classifications(cat=0.9, dog=0.1))
    window.add(classifications(cat=0.3, dog=0.7))
    found = window.add(classifications(cat=0.3, dog=0.7))
    assert [item.class_name for item in found] == ["cat", "dog"]
    assert [item.confidence for item in found] == pytest.approx([0.5, 0.5])


def test_only_the_last_frames_count():
    window = ClassificationWindow(2)
    for cat in (1.0, 0.2, 0.4):
        found = window.add(classifications(cat=cat))
    assert by_name(found) == pytest.approx({"cat": 0.3})


def test_a_class_that_a_frame_does_not_name_counts_as_zero_there():
    window = ClassificationWindow(4)
    window.add(classifications(cat=0.8))
    window.add([])
    assert by_name(window.add(classifications(dog=0.6))) == pytest.approx({"cat": 0.8 / 3, "dog": 0.2})


def test_before_there_are_enough_frames_the_mean_is_of_those_there_are():
    window = ClassificationWindow(10)
    assert by_name(window.add(classifications(cat=0.8))) == {"cat": 0.8}
    assert by_name(window.add(classifications(cat=0.4))) == pytest.approx({"cat": 0.6})


def test_a_class_that_no_frame_names_any_more_is_gone():
    window = ClassificationWindow(2)
    window.add(classifications(cat=0.8))
    window.add([])
    assert window.add([]) == []


def test_a_class_that_is_named_with_nothing_stays_in_the_list():
    assert ClassificationWindow(2).add(classifications(cat=0.0)) == [Classification("cat", 0.0)]


def test_of_a_class_that_is_named_twice_the_better_one_counts():
    found = ClassificationWindow(2).add([Classification("crane", 0.5), Classification("crane", 0.2)])
    assert found == [Classification("crane", 0.5)]


def test_a_window_of_one_frame_changes_nothing():
    window = ClassificationWindow(1)
    window.add(classifications(cow=1.0))
    assert window.add(classifications(cat=0.7, dog=0.2)) == classifications(cat=0.7, dog=0.2)


def test_after_a_reset_nothing_is_remembered():
    window = ClassificationWindow(5)
    window.add(classifications(cow=1.0))
    window.reset()
    assert window.add(classifications(cat=0.7)) == classifications(cat=0.7)


@pytest.mark.parametrize("length", [0, -1])
def test_a_window_holds_at_least_one_frame(length):
    with pytest.raises(VisionError, match="at least 1") as raised:
        ClassificationWindow(length)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


@given(FRAMES, st.integers(1, 6))
def test_it_is_the_mean_that_one_computes_by_hand(frames, length):
    window = ClassificationWindow(length)
    for number, frame in enumerate(frames, 1):
        found = window.add(classifications(**frame))
        last = frames[max(0, number - length) : number]
        names = {name for other in last for name in other}
        assert by_name(found) == pytest.approx(
            {name: sum(other.get(name, 0.0) for other in last) / len(last) for name in names}
        )
        assert [item.confidence for item in found] == sorted((item.confidence for item in found), reverse=True)


def test_classes_that_come_and_go_do_not_pile_up():
    window = ClassificationWindow(3)
    for number in range(100):
        found = window.add([Classification(f"class {number}", 0.9)])
    assert {item.class_name for item in found} == {"class 97", "class 98", "class 99"}


# The monitor.


def test_the_loop_of_the_seeds():
    monitor = LabelMonitor(0.6)
    assert monitor.update(classifications(cat=0.5, dog=0.4)) is None
    assert monitor.update(classifications(cat=0.7, dog=0.2)) == LabelChange("", "cat", 0.7)
    assert monitor.update(classifications(cat=0.9)) is None
    assert monitor.update(classifications(dog=0.8, cat=0.1)) == LabelChange("cat", "dog", 0.8)
    assert monitor.update(classifications(dog=0.3, cat=0.2)) == LabelChange("dog", "", 0.0)
    assert monitor.update(classifications(dog=0.3, cat=0.2)) is None
    assert monitor.current == ""


def test_the_threshold_itself_is_enough():
    assert LabelMonitor(0.6).update(classifications(cat=0.6)) == LabelChange("", "cat", 0.6)


def test_nothing_is_nothing():
    monitor = LabelMonitor(0.6)
    assert monitor.update([]) is None
    monitor.update(classifications(cat=0.7))
    assert monitor.update([]) == LabelChange("cat", "", 0.0)


def test_a_confidence_about_the_threshold_changes_it_once():
    monitor = LabelMonitor(0.6, hysteresis=0.05)
    changes = [monitor.update(classifications(cat=confidence)) for confidence in (0.58, 0.61, 0.58, 0.61, 0.56, 0.54)]
    assert changes == [None, LabelChange("", "cat", 0.61), None, None, None, LabelChange("cat", "", 0.0)]


def test_two_labels_equally_good_do_not_take_turns():
    monitor = LabelMonitor(0.6, hysteresis=0.05)
    monitor.update(classifications(cat=0.72, dog=0.7))
    assert monitor.update(classifications(cat=0.7, dog=0.72)) is None
    assert monitor.update(classifications(cat=0.7, dog=0.76)) == LabelChange("cat", "dog", 0.76)


def test_a_label_that_falls_gives_way_to_one_that_reaches_the_threshold():
    monitor = LabelMonitor(0.6)
    monitor.update(classifications(cat=0.9))
    assert monitor.update(classifications(dog=0.6, cat=0.4)) == LabelChange("cat", "dog", 0.6)


def test_without_hysteresis_it_reacts_to_everything():
    monitor = LabelMonitor(0.5, hysteresis=0.0)
    changes = [monitor.update(item) for item in (classifications(a=0.6, b=0.5), classifications(b=0.6, a=0.5))]
    assert changes == [LabelChange("", "a", 0.6), LabelChange("a", "b", 0.6)]
    assert monitor.update(classifications(b=0.49)) == LabelChange("b", "", 0.0)


def test_a_hysteresis_larger_than_the_threshold_does_not_hold_on_to_nothing():
    monitor = LabelMonitor(0.1, hysteresis=0.2)
    monitor.update(classifications(cat=0.5))
    assert monitor.update(classifications(cat=0.0)) == LabelChange("cat", "", 0.0)


def test_after_a_reset_the_label_is_new_again():
    monitor = LabelMonitor(0.6)
    monitor.update(classifications(cat=0.7))
    monitor.reset()
    assert monitor.update(classifications(cat=0.7)) == LabelChange("", "cat", 0.7)


@given(FRAMES, st.floats(0.05, 1), st.floats(0, 0.3))
def test_changes_follow_from_each_other_and_are_sure(frames, threshold, hysteresis):
    monitor = LabelMonitor(threshold, hysteresis)
    current = ""
    for frame in frames:
        change = monitor.update(classifications(**frame))
        if change is not None:
            assert change.previous == current
            assert change.current != current
            assert change.confidence == (frame[change.current] if change.current else 0.0)
            assert change.confidence >= threshold or not change.current
            current = change.current
        assert monitor.current == current
        assert not current or frame[current] >= max(threshold - hysteresis, threshold / 2)
        assert current or max(frame.values(), default=0.0) < threshold
