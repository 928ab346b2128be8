"""From which confidence on a result counts."""

import math

from vision_service.mlmodel.confidences import MinimumConfidence


def test_without_a_list_of_labels_the_default_holds_for_all():
    assert MinimumConfidence(0.4, {}).of("cat") == 0.4


def test_a_list_of_labels_replaces_the_default_and_drops_the_others():
    minimum = MinimumConfidence(0.4, {"cat": 0.1, "Dog": 0.7})
    assert (minimum.of("cat"), minimum.of("dog"), minimum.of("bird")) == (0.1, 0.7, math.inf)


def test_upper_and_lower_case_are_the_same():
    minimum = MinimumConfidence(0, {"Straße": 0.5})
    assert minimum.of("STRASSE") == 0.5


def test_of_several_results_those_count_that_are_certain_enough_for_their_class():
    minimum = MinimumConfidence(0.4, {"cat": 0.1, "Dog": 0.7})
    assert minimum.rows(["cat", "dog", "bird", "DOG", "cat"], [0.1, 0.6, 0.9, 0.7, math.nan]) == [0, 3]
