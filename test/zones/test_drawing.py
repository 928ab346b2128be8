"""Zones on images."""

import numpy as np
import pytest

from vision_service.drawing import class_color
from vision_service.drawing.zones import draw_zones
from vision_service.zones.config import ZoneConfig
from vision_service.zones.monitor import CameraZones
from vision_service.zones.zone import make_zone

BLACK = np.zeros((240, 320, 3), np.uint8)
ROOM = (40.0, 60.0, 280.0, 60.0, 280.0, 200.0, 40.0, 200.0)


def drawn(name, **values):
    zone = make_zone(name, ZoneConfig(**values), "front", ("front",))
    return draw_zones(BLACK, CameraZones("front", [zone]).views((320, 240)))


def like(image, color):
    """Return where an image has a colour, about."""
    return np.abs(image.astype(int) - color).max(axis=-1) < 40


def test_an_area_is_tinted_inside_and_has_a_border():
    image = drawn("room", polygon=ROOM)
    color = np.array(class_color("room"))
    assert like(image[100:180, 40], color).all()
    np.testing.assert_allclose(image[150, 160], 0.2 * color, atol=1)
    assert not image[220:, :].any()
    assert not BLACK.any()


def test_a_line_has_its_counts_on_both_sides():
    image = drawn("gate", line=(160.0, 20.0, 160.0, 220.0))
    color = class_color("gate")
    assert like(image[40:100, 160], color).all()
    labels = like(image[110:130], color).any(axis=0)
    assert labels[:150].any()
    assert labels[170:].any()


@pytest.mark.parametrize("line", [(-1e12, 5.0, 1e12, 5.0), (1000.0, 1000.0, 2000.0, 1000.0), (0.0, 0.0, 1e-9, 0.0)])
def test_places_far_outside_do_no_harm(line):
    assert drawn("gate", line=line).shape == BLACK.shape


def test_a_polygon_far_outside_does_no_harm():
    assert drawn("room", polygon=(-1e12, -1e12, 1e12, -1e12, 1e12, 1e12)).shape == BLACK.shape


def test_without_zones_an_image_stays_as_it_is():
    assert (draw_zones(BLACK, []) == BLACK).all()
