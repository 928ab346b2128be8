"""The textures of the synthetic camera's room."""

import numpy as np
import pytest

from vision_service.rendering.scene import Room, Scene, Surface
from vision_service.rendering.textures import TEXTURES, texture


@pytest.mark.parametrize("name", TEXTURES)
def test_textures_are_patterns_about_zero(name):
    tile = texture(Surface((0.5, 0.5, 0.5), name, 0.1), (1, 2))
    assert tile.dtype == np.float32
    assert abs(tile.mean()) < 0.3
    assert 0.05 < tile.std() < 1.0
    assert np.abs(tile).max() < 3.0


def test_rooms_of_all_seeds_have_known_textures():
    rooms: list[Room] = [Scene.random(seed, count=0).room for seed in range(30)]
    used = {surface.texture for room in rooms for surface in (room.table, room.floor, room.wall)}
    assert used == set(TEXTURES)
