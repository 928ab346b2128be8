"""Tables with objects that touch, labelled: of a real camera, or by formula; and what makes them harder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.rig.networks import ROOT
from vision_service.pointcloud.pcd import read_pcd, read_pcd_fields
from vision_service.types import PointCloud

sys.path.insert(0, str(ROOT / "test"))
from touching_scenes import Box, Cylinder, Solid, seen

FOLDER = ROOT.parent / "shared" / "touching_objects" / "learn"
"""Where the learn clouds of mOSD are, if they are; see `WHERE_FROM`."""
WHERE_FROM = "https://github.com/PointCloudLibrary/data, terms: BSD-3-Clause, folder segmentation/mOSD/learn"
FEWEST = 300
"""Points of an object that counts."""
NOISE = 0.001
"""Along the rays of tables made by formula, metres."""

_LABELS_OF_AN_OBJECT = 10
_HOLES, _HOLE_RADIUS, _DROPPED = 40, 8, 0.1


@dataclass(frozen=True, eq=False)
class Table:
    """A cloud of a table, and what its points belong to.

    Attributes:
        name: Of the scene.
        cloud: Organized or not, in a camera's optical frame.
        truth: (H, W) or (N,) the object of each point, from 1 on; 0 = table, or no point.
        objects: Which objects count: those with enough points at full resolution.
        share: How many points the cloud has of those at full resolution.
    """

    name: str
    cloud: PointCloud
    truth: NDArray[np.intp]
    objects: tuple[int, ...]
    share: float = 1.0


def learn() -> list[Table]:
    """Return the learn clouds; nothing, if they are not there."""
    files = sorted(FOLDER.glob("learn*.pcd"), key=lambda file: int(file.stem.removeprefix("learn")))
    return [_read(file) for file in files]


def _read(file: Path) -> Table:
    cloud = read_pcd(file)
    labels = read_pcd_fields(file)["label"].reshape(cloud.xyz.shape[:-1]).astype(np.intp)
    # Rows and columns where nothing was measured have a place in the image; labels there say nothing.
    return _table(file.stem, cloud, np.where(np.isfinite(cloud.xyz[..., 2]), labels // _LABELS_OF_AN_OBJECT, 0))


def formula() -> list[Table]:
    """Return tables made by formula: boxes and cylinders side by side, on each other and before each other."""
    scenes: dict[str, tuple[Solid, ...]] = {
        "side by side": (Box((0, -0.06), (0.2, 0.12, 0.1)), Box((0.03, 0.06), (0.2, 0.12, 0.2))),
        "on each other": (
            Box((-0.1, 0), (0.2, 0.16, 0.08), 0.3),
            Box((-0.1, 0), (0.1, 0.08, 0.1), 0.7, 0.08),
            Cylinder((0.15, 0.0), 0.06, 0.12),
            Box((0.15, 0), (0.06, 0.05, 0.08), 0.2, 0.12),
        ),
        "before each other": (
            Box((0, -0.1), (0.08, 0.06, 0.12)),
            Box((0, 0.06), (0.3, 0.08, 0.1)),
            Cylinder((0.25, -0.05), 0.04, 0.1),
        ),
        "a row": tuple(Box((x, 0.0), (0.1, 0.1 + x / 2, 0.08 + 0.3 * (x + 0.2))) for x in (-0.2, -0.1, 0.0, 0.1, 0.2)),
        "tins": (
            Cylinder((-0.07, 0), 0.05, 0.12),
            Cylinder((0.03, 0), 0.05, 0.15),
            Cylinder((0.13, 0.01), 0.05, 0.1),
            Box((0.03, 0.12), (0.3, 0.1, 0.18)),
        ),
    }
    return [crowd(name, solids) for name, solids in scenes.items()]


def crowd(name: str, solids: tuple[Solid, ...], width: int = 640) -> Table:
    """Return objects on a table as a camera of 4:3 with so many columns sees them."""
    view = seen(*solids, width=width, height=width * 3 // 4, noise=NOISE, seed=1)
    grey = (60 * view.numbers % 200 + 40).astype(np.uint8)
    return _table(name, PointCloud(view.xyz, np.repeat(grey[..., None], 3, axis=-1)), view.numbers)


def more_pixels(widths: tuple[int, ...]) -> list[Table]:
    """Return one crowded table as cameras of more and more pixels see it."""
    solids = tuple(
        Box((x, y), (0.1, 0.09, 0.06 + 0.02 * (number % 4)), 0.2 * (number % 3))
        if number % 3
        else Cylinder((x, y), 0.05, 0.06 + 0.02 * (number % 4))
        for number, (x, y) in enumerate((x, y) for x in (-0.2, -0.1, 0.0, 0.1, 0.2) for y in (-0.1, 0.0, 0.1))
    )
    return [crowd(f"{width} columns", solids, width) for width in widths]


def _table(name: str, cloud: PointCloud, truth: NDArray[np.intp]) -> Table:
    sizes = np.bincount(truth.reshape(-1))
    return Table(name, cloud, truth, tuple(np.flatnonzero(sizes[1:] >= FEWEST) + 1))


def noisy(table: Table, deviation: float) -> Table:
    """Return a table with normal noise along the rays, metres."""
    xyz = table.cloud.xyz
    lengths = np.linalg.norm(xyz, axis=-1, keepdims=True)
    noise = np.random.default_rng(7).normal(0, deviation, lengths.shape)
    return replace(table, cloud=replace(table.cloud, xyz=(xyz * (1 + noise / lengths)).astype(np.float32)))


def halved(table: Table) -> Table:
    """Return a table with every second row and column."""
    some = slice(None, None, 2), slice(None, None, 2)
    rgb = table.cloud.rgb
    cloud = PointCloud(
        np.ascontiguousarray(table.cloud.xyz[some]),
        None if rgb is None else np.ascontiguousarray(rgb[some]),
        viewpoints=table.cloud.viewpoints,
    )
    return replace(table, cloud=cloud, truth=table.truth[some], share=0.25)


def holed(table: Table) -> Table:
    """Return a table with holes of 17 pixels, and a tenth of the other pixels missing."""
    random = np.random.default_rng(11)
    height, width = table.truth.shape
    gone = random.random((height, width)) < _DROPPED
    rows, columns = np.mgrid[:height, :width]
    places = np.argwhere(np.isfinite(table.cloud.xyz[..., 2]))
    for row, column in places[random.integers(len(places), size=_HOLES)]:
        gone |= (rows - row) ** 2 + (columns - column) ** 2 <= _HOLE_RADIUS**2
    xyz = np.where(gone[..., None], np.float32(np.nan), table.cloud.xyz)
    return replace(table, cloud=replace(table.cloud, xyz=xyz), truth=np.where(gone, 0, table.truth))


def shuffled(table: Table) -> Table:
    """Return a table's points in any order, without rows and columns."""
    xyz = table.cloud.xyz.reshape(-1, 3)
    order = np.random.default_rng(13).permutation(np.flatnonzero(np.isfinite(xyz[:, 2])))
    rgb = table.cloud.rgb
    cloud = PointCloud(
        xyz[order], None if rgb is None else rgb.reshape(-1, 3)[order], viewpoints=table.cloud.viewpoints
    )
    return replace(table, cloud=cloud, truth=table.truth.reshape(-1)[order])


HARDER: dict[str, Callable[[Table], Table]] = {
    "as measured": lambda table: table,
    "noise of 2 mm": lambda table: noisy(table, 0.002),
    "noise of 5 mm": lambda table: noisy(table, 0.005),
    "half the rows and columns": halved,
    "holes": holed,
    "unorganized": shuffled,
}
"""What is made of a table, by name."""
