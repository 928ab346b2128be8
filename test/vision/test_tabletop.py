"""The parameter files for tables and people, on clouds of real cameras: solids are found whole, and nothing else."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

import testdata
from vision_service.configuration import configure
from vision_service.pointcloud.clusters import cluster
from vision_service.pointcloud.objects import finite
from vision_service.pointcloud.pcd import read_pcd, read_pcd_fields
from vision_service.pointcloud.planes import find_plane
from vision_service.resources import LocalResources
from vision_service.types import Frame, PointCloud, PointCloudObject
from vision_service.vision import MODELS

CONFIG = Path(__file__).resolve().parents[2] / "config"
PERSON_SIZE = (0.7, 1.9, 0.9)
"""A person who walks, at most: across, down and ahead, metres."""


@dataclass(frozen=True)
class Scene:
    """A cloud, and the pixel at which each of its points lies."""

    cloud: PointCloud
    pixels: dict[bytes, int]

    def pixels_of(self, item: PointCloudObject) -> list[int]:
        return [self.pixels[point.tobytes()] for point in item.cloud.xyz]


@cache
def scene(name: str) -> Scene:
    cloud = read_pcd(testdata.path(f"clouds/{name}.pcd"))
    return Scene(cloud, {point.tobytes(): pixel for pixel, point in enumerate(cloud.xyz.reshape(-1, 3))})


def find(name: str, model: str = "obstacles_pointcloud", **values) -> list[PointCloudObject]:
    known = MODELS.get(model)
    made = known(configure(known.Config, values, of=f"the model {model}"), LocalResources())
    return made.segment(Frame(cloud=scene(name).cloud))


def tabletop(name: str = "tabletop") -> dict:
    """The parameters of a file."""
    (section,) = yaml.safe_load((CONFIG / f"{name}.yaml").read_text(encoding="utf-8")).values()
    return dict(section["ros__parameters"])


# Five solids on a table, each labelled by hand


def test_the_five_solids_on_the_table_are_found_and_nothing_else():
    labels = read_pcd_fields(testdata.path("clouds/osd_learn33.pcd"))["label"].reshape(-1) // 10
    found = find("osd_learn33", **tabletop())
    overlaps = {}
    for item in found:
        seen = np.bincount(labels[scene("osd_learn33").pixels_of(item)], minlength=7)
        solid = int(seen.argmax())
        overlaps[solid] = seen[solid] / (np.count_nonzero(labels == solid) + len(item.cloud) - seen[solid])
        assert seen[:2].sum() < 0.01 * seen.sum()  # the table, and what is not labelled
    assert len(found) == 5
    assert set(overlaps) == {2, 3, 4, 5, 6}
    assert min(overlaps.values()) >= 0.9


def test_the_solids_have_the_sizes_of_the_objects():
    found = find("osd_learn33", oriented_boxes=True, **tabletop())
    heights = [item.size[2] for item in found]  # they stand on the table
    # A round tin, a bowl upside down, a bowl, two mugs
    np.testing.assert_allclose(heights, [0.07, 0.10, 0.09, 0.09, 0.09], atol=0.015)
    assert all(0.07 < edge < 0.21 for item in found for edge in item.size[:2])


def test_solids_keep_their_colours():
    for item in find("osd_learn33", **tabletop()):
        pixels = scene("osd_learn33").pixels_of(item)
        np.testing.assert_array_equal(item.cloud.rgb, scene("osd_learn33").cloud.rgb.reshape(-1, 3)[pixels])


@pytest.mark.parametrize("distance", [0.02, 0.05])
def test_clusters_are_those_of_euclidean_clustering_at_full_resolution(distance):
    xyz = finite(scene("osd_learn33").cloud).xyz
    plane = find_plane(xyz, tolerance=0.01, normal=(0, -1, -1), max_angle=45)
    xyz = xyz[plane.heights(xyz) > 0.01]
    assert rand_index(cluster(xyz, distance), euclidean(xyz, distance)) >= 0.98


# A mug on a table, seen by a stereo camera


def test_the_mug_is_the_only_object_on_its_table():
    (mug,) = find("table_scene_mug_stereo_textured", oriented_boxes=True, **tabletop())
    rows, columns = np.divmod(scene("table_scene_mug_stereo_textured").pixels_of(mug), 640)
    assert columns.min() >= 310 and columns.max() <= 500
    assert rows.min() >= 225 and rows.max() <= 390
    # Across, up to its rim, with its handle; wrong points beside it, 3 cm above its rim, are none of it
    np.testing.assert_allclose(np.sort(mug.size), [0.083, 0.111, 0.128], atol=0.01)


# People on a floor, three alone, two who touch each other


def test_people_who_stand_apart_are_solids_of_their_own():
    found = find("five_people", **tabletop("people"))
    assert {item.label for item in found} == {"person"}
    trees = [cKDTree(item.cloud.xyz) for item in found]
    owners = []
    for detection in testdata.expected()["clouds"]["five_people.pcd"]["detections_3d"][
        "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
    ]:
        distances = [tree.query(detection["median_xyz_central_half_of_box"])[0] for tree in trees]
        assert min(distances) < 0.05
        owners.append(int(np.argmin(distances)))
    right, left = owners[:2]
    assert right == left  # their shoulders and hands touch: no distance parts them
    assert len(set(owners)) == len(found) == 4
    for owner in set(owners) - {left}:
        assert (found[owner].size < PERSON_SIZE).all()


def test_at_the_height_of_their_heads_all_five_are_apart():
    found = find(
        "five_people",
        model="clusters",
        clustering_distance=0.05,
        min_points_in_segment=800,
        min_corner=[-1.7, -1.0, 0.0],
        max_corner=[2.0, -0.45, 4.0],
    )
    assert sorted(round(float(item.center[0]), 1) for item in found) == [-0.9, -0.6, 0.1, 0.5, 0.8]


def rand_index(one, other) -> float:
    """The adjusted Rand index of two partitions (Hubert and Arabie 1985)."""
    table = coo_matrix((np.ones(len(one)), (one, other))).tocsr()
    table.sum_duplicates()

    def pairs(counts) -> float:
        counts = np.asarray(counts, float)
        return float((counts * (counts - 1) / 2).sum())

    of_one, of_other = pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    chance = of_one * of_other / pairs([len(one)])
    return (pairs(table.data) - chance) / ((of_one + of_other) / 2 - chance)


def euclidean(xyz, distance):
    """Euclidean clustering as it is defined, of points that fine cells have joined before where that is certain."""
    size = distance / np.sqrt(12)  # points of two touching cells are never farther apart than the distance
    cells, of_point = np.unique(np.floor(xyz / size).astype(int), axis=0, return_inverse=True)
    touching = cKDTree(cells).query_pairs(1.8, output_type="ndarray")
    _, parts = connected(len(cells), touching)
    parts = parts[of_point.reshape(-1)]
    trees = [cKDTree(xyz[parts == part]) for part in range(parts.max() + 1)]
    near = [
        (one, other)
        for one in range(len(trees))
        for other in range(one)
        if trees[one].query(trees[other].data, distance_upper_bound=distance)[0].min() <= distance
    ]
    return connected(len(trees), np.array(near, int).reshape(-1, 2))[1][parts]


def connected(count, pairs):
    graph = coo_matrix((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)
