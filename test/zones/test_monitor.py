"""Who is in a zone, who enters, leaves and crosses."""

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vision_service.types import Detection
from vision_service.zones.config import ZoneConfig
from vision_service.zones.events import ZoneEvent, zone_event
from vision_service.zones.monitor import FORGOTTEN, CameraZones
from vision_service.zones.zone import make_zone

SIZE = (200, 100)
ROOM = (50.0, 20.0, 150.0, 20.0, 150.0, 80.0, 50.0, 80.0)
GATE = (100.0, 0.0, 100.0, 100.0)
"""Seen downwards, so that its left is the image's right."""


def zone(name="room", **values):
    return make_zone(name, ZoneConfig(**values), "front", ("front",))


def person(x, y, track="person_1", name="person"):
    """A person of 10×20 pixels whose foot is there."""
    return Detection(name, 0.9, x - 5.0, y - 20.0, x + 5.0, float(y), id=track)


class Watched:
    """Zones of a camera that look at one frame after the other."""

    def __init__(self, *zones):
        self.zones = CameraZones("front", zones)
        self.stamp = 10**9

    def see(self, *found, ended=(), step=10**8):
        self.stamp += step
        changes = [change for track in ended for change in self.zones.end(track, self.stamp, "lens")]
        changes += self.zones.update(self.stamp, "lens", SIZE, found)
        assert all((each.camera_name, each.frame_id) == ("front", "lens") for each in changes)
        return [(each.previous, each.current) for each in changes]

    def status(self, name="room"):
        return {key: value for key, value in self.zones.status()[name].items() if key not in ("camera", "place")}


def test_who_enters_and_leaves_is_told_once_and_counted():
    room = Watched(zone(polygon=ROOM))
    assert room.see(person(20, 50)) == []
    assert room.see(person(60, 50)) == [("", "person_1@room")]
    assert room.see(person(90, 50)) == []
    assert room.status() == {"inside": {"person": 1}, "entered": {"person": 1}, "left": {}}
    assert room.see(person(160, 50)) == [("person_1@room", "")]
    assert room.status() == {"inside": {}, "entered": {"person": 1}, "left": {"person": 1}}


def test_the_foot_counts_unless_the_centre_or_the_box_shall():
    tall = person(100, 85)  # its foot is below the room, its centre in it, 15 of its 20 rows are
    assert Watched(zone(polygon=ROOM)).see(tall) == []
    assert Watched(zone(polygon=ROOM, inside_by="center")).see(tall) == [("", "person_1@room")]
    assert Watched(zone(polygon=ROOM, inside_by="box", minimum_share=0.8)).see(tall) == []
    assert Watched(zone(polygon=ROOM, inside_by="box", minimum_share=0.7)).see(tall) == [("", "person_1@room")]


def test_a_box_leaves_when_clearly_less_of_it_is_inside():
    room = Watched(zone(polygon=ROOM, inside_by="box", minimum_share=0.5))
    assert room.see(person(50, 50)) == [("", "person_1@room")]  # a half
    assert room.see(person(49, 50)) == []  # 0.4
    assert room.see(person(48.9, 50)) == [("person_1@room", "")]


def test_only_labels_that_are_asked_for_count():
    room = Watched(zone(polygon=ROOM, labels=("Person",)))
    assert room.see(person(100, 50), person(90, 50, "dog_1", "dog")) == [("", "person_1@room")]


def test_an_object_keeps_the_class_that_it_was_first_seen_as():
    room = Watched(zone(polygon=ROOM, labels=("person",)))
    room.see(person(100, 50))
    assert room.see(person(160, 50, name="dog")) == [("person_1@room", "")]
    assert room.status() == {"inside": {}, "entered": {"person": 1}, "left": {"person": 1}}


def test_who_is_not_seen_for_a_while_stays_and_who_has_gone_leaves():
    room = Watched(zone(polygon=ROOM))
    room.see(person(100, 50))
    assert room.see() == []
    assert room.status()["inside"] == {"person": 1}
    assert room.see(ended=["person_1", "person_7"]) == [("person_1@room", "")]
    assert room.status()["inside"] == {}


def test_an_end_that_nobody_tells_is_noticed_at_last():
    room = Watched(zone(polygon=ROOM))
    room.see(person(100, 50))
    assert room.see(step=FORGOTTEN) == []
    assert room.see() == [("person_1@room", "")]


def test_who_stands_on_the_border_does_not_enter_and_leave_again_and_again():
    room = Watched(zone(polygon=ROOM, hysteresis=0.02))  # 2 pixels
    changes = [room.see(person(50 + shift, 50)) for shift in (-1, 1, -1, 1, -2, 0.5, -1.9, 1)]
    assert list(itertools.chain(*changes)) == [("", "person_1@room")]
    assert room.see(person(47.9, 50)) == [("person_1@room", "")]


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(20, 100)), max_size=30))
def test_who_entered_has_left_or_is_inside(way):
    room = Watched(zone(polygon=ROOM))
    events = list(itertools.chain(*(room.see(person(x, y)) for x, y in way)))
    told = room.status()
    entered, left = (told[key].get("person", 0) for key in ("entered", "left"))
    assert entered - left == told["inside"].get("person", 0) in (0, 1)
    kinds = [zone_event(*each).kind for each in events]
    assert kinds == ["enter", "leave"] * left + ["enter"] * (entered - left)


def test_without_tracks_only_what_is_inside_is_counted_in_each_frame():
    room = Watched(zone(polygon=ROOM, events=False))
    assert room.see(person(100, 50, ""), person(60, 50, ""), person(10, 50, "")) == []
    assert room.status() == {"inside": {"person": 2}}
    room.see()
    assert room.status() == {"inside": {}}


def test_a_frame_that_comes_late_changes_nothing_and_one_of_a_new_beginning_does():
    room = Watched(zone(polygon=ROOM))
    room.see(person(100, 50))
    assert room.see(person(160, 50), step=-5 * 10**8) == []
    assert room.see(person(160, 50), step=-20 * 10**8) == [("person_1@room", "")]


# Lines.


def gate(**values):
    return Watched(zone("gate", line=GATE, sides=("shop", "street"), **values))


def test_who_crosses_a_line_is_told_with_both_sides_and_counted_by_the_side_he_came_to():
    watched = gate()
    assert watched.see(person(80, 50)) == []
    assert watched.see(person(120, 50)) == [("person_1@gate:street", "person_1@gate:shop")]
    assert watched.see(person(70, 50)) == [("person_1@gate:shop", "person_1@gate:street")]
    assert watched.see(person(130, 60, "person_2")) == []
    assert watched.status("gate") == {"crossed_to": {"shop": {"person": 1}, "street": {"person": 1}}}


def test_one_step_over_the_whole_image_is_a_crossing():
    watched = gate()
    watched.see(person(5, 50))
    assert len(watched.see(person(195, 50))) == 1


def test_who_was_not_seen_on_the_line_has_crossed_it_all_the_same():
    watched = gate()
    watched.see(person(80, 50))
    for _ in range(5):
        assert watched.see() == []
    assert len(watched.see(person(120, 50))) == 1


def test_who_goes_around_the_end_of_a_line_has_not_crossed_it():
    watched = Watched(zone("gate", line=(100.0, 0.0, 100.0, 60.0)))
    assert [watched.see(person(*place)) for place in ((80, 40), (80, 90), (120, 90), (120, 40))] == [[]] * 4


def test_who_turns_back_on_the_line_has_not_crossed_it():
    watched = gate(hysteresis=0.05)  # 5 pixels
    assert [watched.see(person(x, 50)) for x in (80, 99, 104, 97, 103, 90)] == [[]] * 6
    assert watched.status("gate") == {"crossed_to": {"shop": {}, "street": {}}}


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from([-30, 30]), min_size=1, max_size=8),
    st.lists(st.lists(st.floats(-4.9, 4.9), max_size=6), min_size=8, max_size=8),
)
def test_each_crossing_counts_once_however_much_it_jitters_on_the_line(stays, jitter):
    watched = gate(hysteresis=0.05)
    way = [stays[0], *itertools.chain(*([*shifts, stay] for stay, shifts in zip(stays, jitter, strict=False)))]
    events = list(itertools.chain(*(watched.see(person(100 + shift, 50)) for shift in way)))
    crossed = [(before, after) for before, after in itertools.pairwise(stays) if before != after]
    sides = {-30: "street", 30: "shop"}
    assert events == [(f"person_1@gate:{sides[a]}", f"person_1@gate:{sides[b]}") for a, b in crossed]


@given(st.lists(st.integers(0, 200), min_size=1, max_size=30))
def test_counts_tell_on_which_side_an_object_is(way):
    assume(way[-1] != 100)  # who stands on the line has not crossed it yet
    watched = gate(hysteresis=0.0)
    for x in way:
        watched.see(person(x, 50))
    to = {side: count.get("person", 0) for side, count in watched.status("gate")["crossed_to"].items()}
    assert to["shop"] - to["street"] == (way[-1] > 100) - (way[0] > 100)


# What else.


def test_a_place_outside_of_the_image_is_a_problem_until_it_is_mended():
    zones = CameraZones("front", [zone(polygon=ROOM)])
    zones.update(1, "", (120, 100), ())
    assert (
        "reaches beyond the images of camera 'front', which have 120×100 pixels: (150, 20), (150, 80)" in zones.problem
    )
    zones.update(2, "", SIZE, ())
    assert zones.problem == ""


def test_zones_that_stay_the_same_go_on_counting_when_others_change():
    room, hall = zone(polygon=ROOM), zone("hall", polygon=ROOM)
    before = CameraZones("front", [room, hall])
    before.update(1, "", SIZE, [person(100, 50)])
    moved = zone("hall", polygon=(0.0, 0.0, 20.0, 0.0, 20.0, 20.0))
    told = CameraZones("front", [room, moved], before).status()
    assert told["room"]["inside"] == {"person": 1}
    assert told["hall"]["inside"] == {}


def test_counts_begin_anew_when_they_are_forgotten():
    room = Watched(zone(polygon=ROOM))
    room.see(person(100, 50))
    room.zones.forget()
    assert room.status() == {"inside": {}, "entered": {}, "left": {}}
    assert room.see(person(100, 50)) == [("", "person_1@room")]


@pytest.mark.parametrize(
    ("previous", "current", "event"),
    [
        ("", "cup_1@door", ZoneEvent("enter", "door", "cup_1")),
        ("a@b_2@door", "", ZoneEvent("leave", "door", "a@b_2")),
        ("cup_1@gate:in", "cup_1@gate:out", ZoneEvent("cross", "gate", "cup_1", "in", "out")),
        ("", "cup_1", None),
        ("cat", "dog", None),
        ("cat", "dog@home", None),
        ("", "", None),
        ("", "@door", None),
    ],
)
def test_events_of_zones_are_told_from_others(previous, current, event):
    assert zone_event(previous, current) == event


@pytest.mark.parametrize("values", [{"line": (0.6, 0.0, 0.6, 1.0), "coordinates": "normalized"}, {"line": GATE}])
@pytest.mark.parametrize("factor", [2, 0.5, 1.1])
def test_who_stands_still_crosses_nothing_when_the_images_get_another_size(values, factor):
    gates = CameraZones("front", [zone("gate", **values)])
    for x in (55, 95, 110, 130, 180):  # of 200
        foot = person(x, 50)
        larger = Detection(
            "person", 0.9, *(factor * edge for edge in (foot.x_min, foot.y_min, x + 5.0, 50.0)), id="a_1"
        )
        near = Detection("person", 0.9, foot.x_min, foot.y_min, x + 5.0, 50.0, id="a_1")
        gates.forget()
        assert gates.update(10**9, "lens", SIZE, [near]) == []
        assert gates.update(10**9, "lens", (round(200 * factor), round(100 * factor)), [larger]) == []


def test_a_place_that_is_changed_is_known_to_be_in_the_images_or_not_at_once():
    before = CameraZones("front", [zone(polygon=ROOM)])
    before.update(10**9, "lens", SIZE, [])
    outside = CameraZones("front", [zone(polygon=(50.0, 20.0, 350.0, 20.0, 150.0, 80.0))], before)
    assert "zone 'room' reaches beyond" in outside.problem
    assert CameraZones("front", [zone(polygon=ROOM)], outside).problem == ""
