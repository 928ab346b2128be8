"""The plane at each pixel, and how two pixels' planes meet."""

import numpy as np
import pytest

from touching_scenes import Box, Cylinder, seen
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.touching.grid import Grid, grid_of, pitches
from vision_service.pointcloud.touching.surfaces import convex, cosines, misses, surface_of, window_radius


def table_of(scene) -> Plane:
    return Plane(scene.up, float(scene.up @ scene.pose.translation), 0.01)


def looked_at(scene, stride: int = 1) -> Grid:
    foreground = np.isfinite(scene.xyz[..., 2]) & (scene.numbers > 0)
    grid = grid_of(scene.xyz, foreground, table_of(scene), stride * pitches(scene.xyz)[0])
    assert grid is not None
    return grid


def numbers_of(scene, grid):
    height, width = grid.foreground.shape
    part = scene.numbers[grid.top :: grid.stride, grid.left :: grid.stride]
    return part[:height, :width]


@pytest.mark.parametrize("noise", [0.0, 0.002])
def test_normals_of_a_box_are_those_of_its_faces_up_to_their_edges(noise):
    scene = seen(Box((0, 0), (0.3, 0.2, 0.15), yaw=0.5), width=640, height=480, noise=noise)
    grid = looked_at(scene, 2)
    surface = surface_of(grid).surface
    cos, sin = np.cos(0.5), np.sin(0.5)
    faces = scene.pose.rotation @ np.array([[0, 0, 1], [sin, -cos, 0], [-cos, -sin, 0]], float).T
    nearest = np.einsum("ki,kl->li", surface.normals, faces).max(axis=0)
    assert np.mean(nearest > np.cos(np.radians(8))) > 0.93
    assert np.median(nearest) > np.cos(np.radians(4 if noise else 0.5))


def test_the_smooth_inverse_depth_of_a_plane_is_the_measured_one():
    scene = seen(Box((0, 0), (0.3, 0.3, 0.1)))
    grid = looked_at(scene)
    surface = surface_of(grid).surface
    miss = np.abs(1 / surface.inverse - grid.depth[grid.foreground])
    assert np.median(miss) < 1e-5
    assert np.quantile(miss, 0.95) < 1e-3


def test_the_noise_of_the_inverse_depth_is_measured_and_widens_the_windows():
    scenes = [seen(Box((0, 0), (0.3, 0.3, 0.1)), noise=noise) for noise in (0.0, 0.005)]
    quiet, loud = map(looked_at, scenes)
    assert quiet.noise < 1e-4
    assert loud.noise == pytest.approx(0.005 / np.nanmedian(scenes[1].xyz[..., 2]) ** 2, rel=0.3)
    assert window_radius(quiet) == 2
    assert window_radius(loud) > 2


def test_an_edge_is_convex_and_a_corner_with_the_table_would_be_concave():
    scene = seen(Box((0, 0), (0.3, 0.2, 0.15)), Box((0, 0.25), (0.3, 0.3, 0.35)))
    grid = looked_at(scene)
    surface, numbers = surface_of(grid), numbers_of(scene, grid)
    up = np.zeros(grid.foreground.shape, bool)
    up[grid.foreground] = scene.up @ surface.surface.normals > 0.9
    top, front = numbers.reshape(-1), up.reshape(-1)
    column = grid.foreground.shape[1] // 2
    places = np.arange(grid.foreground.size).reshape(grid.foreground.shape)[:, column]
    first_top = places[(top[places] == 1) & front[places]]
    first_front = places[(top[places] == 1) & ~front[places]]
    behind = places[(top[places] == 2) & ~front[places]]
    tops, fronts, walls = (surface.at(rows[len(rows) // 2 :][:1]) for rows in (first_top, first_front, behind))
    assert convex(tops, fronts)[0]
    assert not convex(tops, walls)[0]
    assert cosines(tops, fronts)[0] == pytest.approx(0, abs=0.02)


def test_a_crease_is_no_step_but_a_gap_in_depth_is():
    near, far = Box((0, 0), (0.2, 0.1, 0.1)), Box((0, 0.3), (0.4, 0.1, 0.1))
    scene = seen(near, far)
    grid = looked_at(scene)
    surface, numbers = surface_of(grid), numbers_of(scene, grid)
    vertical = numbers[:, grid.foreground.shape[1] // 2]
    change = np.flatnonzero((vertical[:-1] == 2) & (vertical[1:] == 1))
    if len(change):
        row = int(change[0])
        pixels = np.array([row, row + 1]) * grid.foreground.shape[1] + grid.foreground.shape[1] // 2
        assert misses(surface.at(pixels[:1]), surface.at(pixels[1:]))[0] > 0.05
    inner = np.flatnonzero((vertical[:-1] == 1) & (vertical[1:] == 1))
    pixels = inner * grid.foreground.shape[1] + grid.foreground.shape[1] // 2
    assert misses(surface.at(pixels), surface.at(pixels + grid.foreground.shape[1])).max() < 0.004


def test_a_standing_cylinder_curves_about_its_axis():
    scene = seen(Cylinder((0, 0), 0.05, 0.2), width=640, height=480)
    grid = looked_at(scene, 2)
    surface = surface_of(grid).surface
    side = np.abs(scene.up @ surface.normals) < 0.3
    world = scene.pose.inverse.rotation @ surface.centres[:, side] + scene.pose.inverse.translation[:, None]
    assert np.median(np.hypot(*world[:2])) == pytest.approx(0.05, abs=0.003)
    assert side.sum() > 100


def test_no_objects_have_no_grid():
    scene = seen()
    assert grid_of(scene.xyz, np.zeros(scene.numbers.shape, bool), None) is None


def test_pitches_are_those_of_the_pixels_and_nothing_is_told_by_nothing():
    across, down = pitches(seen().xyz)
    assert across == pytest.approx(1 / (0.95 * 320), rel=0.01)
    assert down == pytest.approx(1 / (0.95 * 320), rel=0.01)
    assert np.isnan(pitches(np.full((48, 64, 3), np.nan, np.float32))).all()
    assert np.isnan(pitches(np.zeros((1, 1, 3), np.float32))).all()


def test_a_surface_is_asked_for_by_pixels_of_the_grid():
    scene = seen(Box((0, 0), (0.3, 0.2, 0.15)))
    grid = looked_at(scene)
    surface = surface_of(grid)
    assert surface.pixels.tolist() == np.flatnonzero(grid.foreground).tolist()
    some = surface.pixels[::7]
    np.testing.assert_array_equal(surface.at(some).depth, grid.depth.reshape(-1)[some])
    np.testing.assert_array_equal(surface.at(some).normals, surface.surface.normals[:, ::7])
    assert surface.at(np.stack([some, some])).planes.shape == (3, 2, len(some))


def test_windows_at_the_border_of_an_image_see_what_is_in_it_alone():
    # The tilted plane fills all rows and columns: no window beyond the last column goes on in the next row.
    rows, columns = np.mgrid[:40, :60].astype(np.float32)
    alpha, beta = (columns - 30) / 300, (rows - 20) / 300
    depth = 1 / (1 + 0.8 * alpha - 0.5 * beta)
    xyz = np.stack([alpha * depth, beta * depth, depth], axis=-1).astype(np.float32)
    grid = grid_of(xyz, np.ones(depth.shape, bool), None)
    surface = surface_of(grid).surface
    expected = np.array([0.8, -0.5, 1]) / np.linalg.norm([0.8, -0.5, 1])
    assert len(surface.depth) == grid.depth.size
    assert (-expected @ surface.normals).min() > np.cos(np.radians(0.5))


def plain_planes(grid, base, radius):
    """The planes through all windows by least squares, less a base, and the mean squares that they leave; (H, W, …)."""
    shape = grid.foreground.shape
    planes, left = np.zeros((*shape, 3)), np.full(shape, np.inf)
    inverse = 1 / grid.depth.astype(float) - (base[0] * grid.alpha + base[1] * grid.beta + base[2])
    for row, column in np.ndindex(shape):
        window = slice(max(row - radius, 0), row + radius + 1), slice(max(column - radius, 0), column + radius + 1)
        mine = grid.foreground[window]
        count = int(mine.sum())
        if count < 0.35 * (2 * radius + 1) ** 2:
            continue
        rays = np.column_stack([grid.alpha[window][mine], grid.beta[window][mine], np.ones(count)])
        planes[row, column], *_ = np.linalg.lstsq(rays, inverse[window][mine], rcond=None)
        off = inverse[window][mine] - rays @ planes[row, column]
        left[row, column] = (off @ off) / max(count - 3, 1)
    return planes, left


@pytest.mark.parametrize("radius", [2, 3])
def test_each_pixel_has_the_plane_of_the_window_that_fits_best(radius):
    scene = seen(Box((0, 0), (0.09, 0.07, 0.06), yaw=0.5), noise=0.001, width=240, height=180)
    grid = looked_at(scene)
    normal, offset = grid.plane.normal, grid.plane.offset
    base = normal / offset
    planes, left = plain_planes(grid, base, radius)
    surface = surface_of(grid, radius).surface
    steps = [(down, right) for down in (-radius, 0, radius) for right in (-radius, 0, radius)]
    same = 0
    for number, (row, column) in enumerate(np.argwhere(grid.foreground)):
        able = [
            (left[row + down, column + right] * (1.3 if down or right else 1), row + down, column + right)
            for down, right in steps
            if 0 <= row + down < left.shape[0] and 0 <= column + right < left.shape[1]
        ]
        least, *best = min(able)
        if not np.isfinite(least):
            continue
        same += np.allclose(surface.planes[:, number], planes[tuple(best)] + base, rtol=1e-3, atol=1e-4)
    assert same > 0.97 * grid.foreground.sum()  # but for windows whose pixels lie nearly on a line
