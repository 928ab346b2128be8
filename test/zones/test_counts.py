"""What get_status says of zones, as programs have it and as it is drawn."""

from vision_service.types import Detection
from vision_service.zones.config import ZoneConfig
from vision_service.zones.counts import ZoneCounts, counts_of
from vision_service.zones.monitor import CameraZones
from vision_service.zones.zone import make_zone

SIZE = (200, 100)


def zones(**configs):
    made = [make_zone(name, ZoneConfig(**values), "front", ("front",)) for name, values in configs.items()]
    watched = CameraZones("front", made)
    for stamp, x in enumerate((40, 60, 110)):
        box = (x - 5.0, 30.0, x + 5.0, 50.0)
        watched.update(stamp, "lens", SIZE, [Detection("person", 0.9, *box, id="person_1")])
    return watched


AREA = {"polygon": (50.0, 0.0, 150.0, 0.0, 150.0, 100.0, 50.0, 100.0), "camera": "front"}
GATE = {"line": (0.25, 0.0, 0.25, 1.0), "coordinates": "normalized", "sides": ("in", "out")}


def test_counts_have_the_place_as_it_was_given():
    told = counts_of({"zones": zones(area=AREA, gate=GATE).status()})
    assert told["area"].points == ((50.0, 0.0), (150.0, 0.0), (150.0, 100.0), (50.0, 100.0))
    assert not told["area"].normalized
    assert told["gate"].points == ((0.25, 0.0), (0.25, 1.0))
    assert told["gate"].normalized


def test_they_are_drawn_as_the_node_itself_draws_them():
    watched = zones(area=AREA, gate=GATE)
    views = [counts.view(name, SIZE) for name, counts in counts_of({"zones": watched.status()}).items()]
    assert views[0].inside == 1
    assert sum(views[1].crossed_to) == 1
    area, gate = watched.views(SIZE)
    assert (views[0].points, views[0].inside, views[0].is_line) == (area.points, area.inside, False)
    assert views[1] == gate


def test_what_an_older_node_says_has_no_place():
    assert counts_of({"zones": {"room": {"camera": "front", "inside": {}}}}) == {"room": ZoneCounts("front")}


def test_a_node_without_zones_has_no_counts():
    assert counts_of({}) == {}
