"""Pairing: messages of several topics that were taken at the same time."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.pairing import KEPT, Pairing, least_spread

MS = 10**6
KINDS = ("image", "depth", "cloud")


def feed(pairing, *items):
    """Add items (kind, milliseconds), and return the stamps of the sets they complete, in milliseconds."""
    sets = [pairing.add(kind, stamp * MS, stamp) for kind, stamp in items]
    return [tuple(found[kind] for kind in KINDS if kind in found) for found in sets if found]


def test_one_kind_needs_no_partner():
    assert feed(Pairing(["image"], 0.02), ("image", 5), ("image", 38)) == [(5,), (38,)]


def test_a_set_is_complete_when_its_last_item_comes():
    pairing = Pairing(KINDS, 0.02)
    assert feed(pairing, ("image", 5), ("cloud", 6)) == []
    assert feed(pairing, ("depth", 7)) == [(5, 7, 6)]


@pytest.mark.parametrize(("apart", "sets"), [(20, [(0, 20)]), (21, [])])
def test_stamps_differ_by_the_tolerance_at_most(apart, sets):
    assert feed(Pairing(["image", "depth"], 0.02), ("image", 0), ("depth", apart)) == sets


def test_the_tolerance_holds_between_all_items_not_only_to_the_last_one():
    assert feed(Pairing(KINDS, 0.02), ("depth", 0), ("cloud", 40), ("image", 20)) == []


def test_the_nearest_partner_is_taken():
    assert feed(Pairing(["image", "depth"], 0.02), ("image", 0), ("image", 16), ("depth", 14)) == [(16, 14)]


def test_of_equal_stamps_the_newest_item_is_taken():
    pairing = Pairing(["image", "depth"], 0.02)
    pairing.add("image", 0, "old")
    pairing.add("image", 0, "new")
    assert pairing.add("depth", 0, "depth") == {"image": "new", "depth": "depth"}


def test_zero_tolerance_pairs_equal_stamps():
    pairing = Pairing(["image", "depth"], 0.0)
    assert feed(pairing, ("image", 33), ("depth", 33), ("image", 66), ("depth", 67)) == [(33, 33)]


def test_what_came_before_a_set_is_dropped():
    pairing = Pairing(["image", "depth"], 0.02)
    assert feed(pairing, ("image", 0), ("image", 33), ("depth", 33)) == [(33, 33)]
    assert feed(pairing, ("depth", 0)) == []


def test_a_kind_that_lags_by_several_frames_finds_its_partners():
    images = [("image", 33 * number) for number in range(KEPT)]
    depths = [("depth", 33 * number + 3) for number in range(KEPT)]
    assert len(feed(Pairing(["image", "depth"], 0.02), *images, *depths)) == KEPT


def test_only_so_many_items_wait():
    images = [("image", 33 * number) for number in range(KEPT + 1)]
    assert feed(Pairing(["image", "depth"], 0.02), *images, ("depth", 0)) == []


def test_after_a_jump_back_in_time_no_item_is_used_twice():
    pairing = Pairing(["image", "depth"], 0.02)
    assert feed(pairing, ("image", 9000), ("image", 1), ("depth", 1), ("depth", 4)) == [(1, 1)]


# Why nothing belongs together.


def misfit(tolerance, **stamps):
    """Return what is said of kinds whose stamps are given in seconds."""
    pairing = Pairing(stamps, tolerance)
    for kind, seconds in stamps.items():
        for stamp in seconds:
            pairing.add(kind, round(stamp * 1e9), None)
    return pairing.misfit("pairing_tolerance")


def test_stamps_that_lie_apart_are_told_with_the_least_distance_and_the_parameter():
    said = misfit(0.02, image=[5.0, 6.0], depth=[5.4, 6.1])
    assert "image and depth do not belong together: their stamps are 0.1 s apart at least" in said
    assert "pairing_tolerance allows 0.02 s" in said


def test_the_farthest_of_three_kinds_counts():
    assert "image, depth and cloud do not belong together: their stamps are 0.3 s apart" in misfit(
        0.02, image=[5.0], depth=[5.01], cloud=[5.3]
    )


def test_stamps_of_different_clocks_are_called_that_with_both():
    said = misfit(0.02, image=[1_700_000_000.0], depth=[12.5])
    assert "(image 2023-11-14 22:13:20 UTC, depth 12.500 s): they were given by different clocks" in said
    assert "pairing_tolerance" not in said, "which would not help"


def test_stamps_that_stand_still_are_called_that():
    assert "the stamps of depth stand still" in misfit(0.02, image=[1e9, 1e9 + 1], depth=[5.0, 5.0])


def test_messages_without_stamps_are_called_that():
    assert "the stamps of depth are 0: stamp them" in misfit(0.02, image=[1e9, 1e9 + 1], depth=[0.0, 0.0])


@pytest.mark.parametrize("stamps", [{"image": [1.0], "depth": []}, {"image": [1.0], "depth": [1.0]}, {"image": [1.0]}])
def test_nothing_is_said_where_a_kind_is_missing_or_all_is_well(stamps):
    assert misfit(0.02, **stamps) == ""


@given(st.dictionaries(st.sampled_from(KINDS), st.lists(st.integers(-(2**31), 2**33), max_size=5), min_size=1))
def test_whatever_stamps_are_they_are_told(stamps):
    assert isinstance(misfit(0.02, **stamps), str)


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=5), min_size=2, max_size=3))
def test_the_least_spread_is_that_of_the_best_set(stamps):
    best = min(max(found) - min(found) for found in itertools.product(*stamps))
    assert least_spread(stamps) == best / 1e9


steps = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 20)), min_size=3, max_size=40)


@given(steps, st.integers(0, 10))
def test_whatever_comes_sets_lie_within_the_tolerance_and_use_an_item_once(items, tolerance):
    pairing = Pairing(KINDS, tolerance / 1000)
    used = []
    for number, (kind, stamp) in enumerate(items):
        found = pairing.add(kind, stamp * MS, (number, stamp))
        if found:
            assert set(found) == set(KINDS)
            stamps = [stamp for _, stamp in found.values()]
            assert max(stamps) - min(stamps) <= tolerance
            assert found[kind][0] == number
            used += [number for number, _ in found.values()]
    assert len(used) == len(set(used))


@given(st.integers(1, 30), st.randoms(use_true_random=False))
def test_topics_that_are_stamped_alike_pair_completely_in_whatever_order_they_come(count, random):
    pairing = Pairing(KINDS, 0.01)
    sets = []
    for number in range(count):
        for kind in random.sample(KINDS, len(KINDS)):
            sets += feed(pairing, (kind, 33 * number))
    assert sets == [(33 * number,) * 3 for number in range(count)]
