"""Patches are parted where a straight edge of colour goes from border to border."""

import numpy as np
import pytest

from touching_scenes import Box, seen
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.touching.grid import grid_of
from vision_service.pointcloud.touching.seams import parted
from vision_service.pointcloud.touching.surfaces import surface_of

RED, BLUE = (50, 60, 40), (40, 20, -60)
SCENE = seen(Box((0, 0), (0.3, 0.2, 0.1)), noise=0.001)
GRID = grid_of(SCENE.xyz, SCENE.numbers > 0, Plane(SCENE.up, float(SCENE.up @ SCENE.pose.translation), 0.01))
SURFACE = surface_of(GRID)
ROWS, COLUMNS = np.indices(GRID.foreground.shape)
TOP = (GRID.foreground & (GRID.heights > 0.097)).astype(np.int32)
FRONT = (GRID.foreground & (GRID.heights < 0.09)).astype(np.int32)


def painted(there):
    noise = np.random.default_rng(0).normal(0, 2, (*there.shape, 3))
    return (np.where(there[..., None], RED, BLUE) + noise).astype(np.float32)


def middle(patch):
    rows, columns = np.nonzero(patch)
    return rows.mean(), columns.mean()


@pytest.mark.parametrize("slant", [0.0, 0.4, -0.8])
def test_a_straight_edge_parts_a_patch_where_it_is(slant):
    row, column = middle(TOP)
    right = COLUMNS - column > slant * (ROWS - row) + 10
    patches, seams = parted(TOP, 1, GRID, SURFACE, painted(right))
    assert seams.tolist() == [0, 1, 1]  # the seam speaks for two objects
    one = right[TOP > 0]
    agree = np.mean((patches[TOP > 0] == patches[TOP > 0][one.argmax()]) == one)
    assert agree > 0.98


def test_a_level_edge_on_an_upright_face_parts_the_patch_and_leaves_it_to_others():
    row, _ = middle(FRONT)
    patches, seams = parted(FRONT, 1, GRID, SURFACE, painted(row < ROWS))
    assert patches.max() == 2
    assert seams[1] != seams[2]


def test_edges_that_end_within_a_patch_that_bend_and_that_are_bands_part_nothing():
    row, column = middle(TOP)
    label = (np.abs(ROWS - row) < 6) & (np.abs(COLUMNS - column) < 20)
    corner = (row > ROWS) & (column > COLUMNS)
    band = np.abs(COLUMNS - column) < 12
    for paint in (label, corner, band):
        patches, seams = parted(TOP, 1, GRID, SURFACE, painted(paint))
        assert patches is TOP
        assert seams.tolist() == [0, 1]


def test_light_that_changes_evenly_parts_nothing():
    colors = np.zeros((*TOP.shape, 3), np.float32)
    colors[..., 0] = 20 + COLUMNS * 0.8
    assert parted(TOP, 1, GRID, SURFACE, colors)[0] is TOP


def test_no_patches_have_no_seams():
    nothing = np.zeros_like(TOP)
    patches, seams = parted(nothing, 0, GRID, SURFACE, painted(nothing > 0))
    assert patches is nothing
    assert seams.tolist() == [0]
