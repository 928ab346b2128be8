"""How fast objects on hilly ground are found in the scan of a lidar, beside Open3D's plane and DBSCAN."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import open3d
import yaml
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.measuring import Times, alternate, milliseconds, quotient
from benchmarks.report import Figure, Report, markdown_table
from vision_service.configuration import configure
from vision_service.resources import LocalResources
from vision_service.ros.process.memory import keep_freed_memory
from vision_service.types import Frame, PointCloud
from vision_service.vision.obstacles_pointcloud import ObstaclesPointcloud

ROOT = Path(__file__).resolve().parents[1]
POINTS = 125_000
"""How many points a scan of 64 beams has, nearly all of them measured."""
GOAL_SECONDS = 0.05
GOAL_RATIO = 0.25
LINEAR_GOAL = 1.05
COUNTS = (POINTS, 500_000, 1_000_000, 2_000_000, 5_000_000)
"""Of ever larger scans of ever larger places."""

METHOD = """
The scan is made by formula: hills of 1.5 m within 60 m, with noise of 2 cm, and cars on them. **Ours** is the model
`obstacles_pointcloud` with config/lidar_outdoor.yaml: the ground by patches, the distance that grows with the range,
and the objects with their points and boxes. **Open3D** is `segment_plane` (0.2 m, 1000 tries) and `cluster_dbscan`
(0.7 m, 10 points), which knows neither hills nor ranges, and makes no objects. All are timed by the processor time of
their process, in turns; it is one process, which keeps the memory that is let go for the next call, as nodes do. The
larger scans are of the same density, over more ground.
"""


def street(count: int) -> NDArray[np.float32]:
    """Return the points of a street on hills: (N, 3), metres, nine tenths of them ground, the rest cars."""
    random = np.random.default_rng(0)
    wide = 60 * np.sqrt(count / POINTS)
    ground = random.uniform(-wide, wide, (count - count // 10, 2))
    places = random.uniform(-wide, wide, (max(1, count // 10 // 400), 2))
    cars = places.repeat(400, axis=0) + random.uniform(-0.5, 0.5, (len(places) * 400, 2)) * (4.4, 1.8)
    level = np.concatenate([ground, cars])
    heights = 1.5 * np.sin(level[:, 0] / 12) * np.cos(level[:, 1] / 10) - 1.8 + random.normal(0, 0.02, len(level))
    heights[len(ground) :] += random.uniform(0.3, 1.6, len(cars))
    return np.column_stack([level, heights]).astype(np.float32)


def model() -> ObstaclesPointcloud:
    """Return our model with the parameters of the file."""
    (section,) = yaml.safe_load((ROOT / "config" / "lidar_outdoor.yaml").read_text(encoding="utf-8")).values()
    settings = {name: value for name, value in section["ros__parameters"].items() if name != "model"}
    return ObstaclesPointcloud(configure(ObstaclesPointcloud.Config, settings, of="our model"), LocalResources())


def open3d_clusters(cloud: open3d.geometry.PointCloud) -> int:
    """Return how many clusters Open3D finds beside its plane."""
    _, plane = cloud.segment_plane(0.2, ransac_n=3, num_iterations=1000)
    labels = np.asarray(cloud.select_by_index(plane, invert=True).cluster_dbscan(0.7, min_points=10))
    return int(labels.max(initial=-1)) + 1


def processor_time(job: Callable[[], object]) -> float:
    """Do a job, and return the processor time that it took, seconds."""
    began = time.process_time()
    job()
    return time.process_time() - began


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure one scan beside Open3D, and ever larger ones."""
    del pages
    keep_freed_memory()
    ours, xyz = model(), street(POINTS)
    theirs = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(xyz.astype(np.float64)))
    with Progress() as progress:
        taken = alternate(
            {
                "ours": partial(processor_time, partial(ours.segment, Frame(cloud=PointCloud(xyz), frame_id="lidar"))),
                "Open3D": partial(processor_time, partial(open3d_clusters, theirs)),
            },
            3 if quick else 15,
            warm_up=1,
            progress=progress,
        )
        frames = {
            count: Frame(cloud=PointCloud(street(count)), frame_id="lidar") for count in COUNTS[: 3 if quick else 5]
        }
        grown = alternate(
            {f"{count}": partial(processor_time, partial(ours.segment, frame)) for count, frame in frames.items()},
            3 if quick else 7,
            warm_up=1,
            progress=progress,
        )
    ratio, median = quotient(taken["ours"], taken["Open3D"]), taken["ours"].median
    what = f"a scan of {POINTS:,} points"
    figures = [
        Figure(what, str(taken["ours"]), "", "", f"≤ {milliseconds(GOAL_SECONDS)}", median <= GOAL_SECONDS),
        Figure(what, str(taken["ours"]), f"Open3D: {taken['Open3D']}", str(ratio), f"≤ {GOAL_RATIO}",
               ratio.value <= GOAL_RATIO),
        growth(grown),
    ]  # fmt: skip
    table = markdown_table(("points", "ours"), [(f"{int(count):,}", times) for count, times in grown.items()])
    return Report("Lidars on hilly ground", METHOD.strip(), figures, f"## Growth\n\n{table}")


def growth(grown: dict[str, Times]) -> Figure:
    """Return the line of the time's growth."""
    counts, medians = np.array([int(count) for count in grown]), [times.median for times in grown.values()]
    slope = float(np.polyfit(np.log(counts), np.log(medians), 1)[0])
    what = f"growth with points, {counts[0] / 1e6:.2g} to {counts[-1] / 1e6:.2g} million"
    spans = f"{milliseconds(medians[0])} to {milliseconds(medians[-1])}"
    return Figure(what, spans, "", f"exponent {slope:.2f}", f"≤ {LINEAR_GOAL}", slope <= LINEAR_GOAL)
