"""Pairing: messages of several topics that were taken at the same time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.pairing import KEPT, Pairing

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
