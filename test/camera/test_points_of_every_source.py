"""The same points from a message, a PCD file, a folder and a bag are the same cloud, and the same objects are in it."""

import numpy as np
import pytest

import bags
from vision_service.camera import DRIVERS
from vision_service.configuration import configure
from vision_service.messages import cloud_from_message
from vision_service.resources import LocalResources
from vision_service.types import Frame
from vision_service.vision import MODELS

THING = np.stack(np.meshgrid(*[np.arange(1, 7) * 0.02] * 3), axis=-1).reshape(-1, 3)
MAP = np.array((492818.25, 5527515.5, 100.0))
TWO = np.concatenate([THING + np.array((1, 0, 0)), THING + np.array((1, 0.35, 0))])
SCENES = {"near": TWO, "far": TWO + MAP}
NOT_MEASURED = np.array([(0, 0, 0)] * 50 + [(np.nan, 1, 1)] * 50 + [(np.inf, 0, 1), (0, -np.inf, 1)])


def message(points):
    """Return a PointCloud2 of float64, as rosbags knows it."""
    made = bags.points(np.zeros((len(points), 3)), 10**9, frame_id="lidar")
    for index, field in enumerate(made.fields):
        field.offset, field.datatype = 8 * index, 8
    made.point_step, made.row_step = 24, 0
    made.data = np.ascontiguousarray(points, "<f8").reshape(-1).view(np.uint8)
    return made


def pcd(points):
    lines = ["FIELDS x y z", "SIZE 8 8 8", "TYPE F F F", f"POINTS {len(points)}", "DATA binary", ""]
    return "\n".join(lines).encode() + np.ascontiguousarray(points, "<f8").tobytes()


def frame(source, points, folder):
    """Return the frame in which a source shows points."""
    if source == "message":
        return Frame(cloud=cloud_from_message(message(points)), frame_id="lidar")
    path = folder / ("bag" if source == "bag" else "000001.pcd")
    if source == "bag":
        bags.write(path, [("/lidar/points", message(points))])
        name, values = "replay", {"path": str(path)}
    else:
        path.write_bytes(pcd(points))
        name, values = ("image_file", {"pointcloud_file_path": str(path)})
        if source == "folder":
            name, values = "replay", {"path": str(folder)}
    driver = DRIVERS.get(name)
    camera = driver(configure(driver.Config, values, of="the camera"), LocalResources())
    try:
        return camera.read()
    finally:
        camera.close()


def find(name, seen, **values):
    model = MODELS.get(name)
    return model(configure(model.Config, values, of="the model"), LocalResources()).segment(seen)


@pytest.mark.parametrize("source", ["message", "PCD", "folder", "bag"])
@pytest.mark.parametrize("scene", SCENES)
def test_what_was_not_measured_does_not_count_and_large_coordinates_keep_their_places(source, scene, tmp_path):
    points = SCENES[scene]
    mixed = np.concatenate([points, NOT_MEASURED])[
        np.random.default_rng(0).permutation(len(points) + len(NOT_MEASURED))
    ]
    seen = frame(source, mixed, tmp_path)
    assert len(seen.cloud) == len(mixed)
    found = find("clusters", seen, clustering_distance=0.2, min_points_in_segment=1)
    assert [len(item.cloud) for item in found] == [len(THING)] * 2
    for item in found:
        np.testing.assert_allclose(item.size, [0.1] * 3, atol=1e-6)
    centers = sorted(item.center.tolist() for item in found)
    halves = points.reshape(2, -1, 3)
    np.testing.assert_allclose(centers, (halves.min(axis=1) + halves.max(axis=1)) / 2, rtol=0, atol=1e-6)
    (nearest,) = find("obstacles_distance", seen)
    assert np.linalg.norm(nearest.center) == pytest.approx(np.linalg.norm(points, axis=1).min(), abs=1e-6)


@pytest.mark.parametrize("source", ["message", "PCD", "folder", "bag"])
@pytest.mark.parametrize("model", ["clusters", "obstacles_pointcloud", "obstacles_distance"])
def test_where_nothing_was_measured_nothing_is_found(source, model, tmp_path):
    for number, points in enumerate((NOT_MEASURED, np.zeros((9, 3)))):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert find(model, frame(source, points, folder)) == []


@pytest.mark.parametrize("source", ["message", "PCD", "bag"])
def test_a_source_may_have_no_points_at_all(source, tmp_path):
    assert find("clusters", frame(source, np.empty((0, 3)), tmp_path)) == []
