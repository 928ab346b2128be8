"""How the time and the memory of segmentation grow with the points, and what limits the memory."""

from __future__ import annotations

import ctypes
import gc
import math
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.measuring import Times, alternate
from benchmarks.peers.pcl_segmentation import PclSegmentation
from benchmarks.rig.clouds import LEAF, Sight, model_of, rendered, tiled
from vision_service.configuration import configure
from vision_service.errors import VisionError
from vision_service.pointcloud.objects import finite
from vision_service.resources import LocalResources
from vision_service.types import Frame, PointCloud
from vision_service.vision.clusters import Clusters, ClustersConfig

COUNTS = (100_000, 250_000, 500_000, 1_000_000, 2_000_000, 5_000_000)
"""How many points the clouds have."""
FITTED = 3
"""To how many of the largest clouds the growth is fitted."""
HOSTILE_CELL = 0.01
"""The edge of the cells that hostile clouds fill, metres."""


@dataclass(frozen=True)
class Growth:
    """How the time grows with the points of one kind of cloud.

    Attributes:
        kind: How the cloud becomes larger.
        points: How many points exist in each cloud.
        ours, pcl: How long each cloud took: us at full resolution, PCL on its voxel grid.
        peaks: How much memory we took besides the cloud, at most, bytes.
    """

    kind: str
    points: list[int]
    ours: list[Times]
    pcl: list[Times]
    peaks: list[int]

    def exponent(self) -> float:
        """Return the slope of a line through the logarithms of the largest: 1 = the time grows as the points do."""
        points, medians = self.points[-FITTED:], [times.median for times in self.ours[-FITTED:]]
        return float(np.polyfit(np.log(points), np.log(medians), 1)[0])


@dataclass(frozen=True)
class Hostile:
    """What a cloud takes that is made to take much.

    Attributes:
        what: The cloud.
        points: How many.
        peak: The memory besides the cloud, at most, bytes.
        answer: What became of it.
    """

    what: str
    points: int
    peak: int
    answer: str


def more_space(sight: Sight, counts: tuple[int, ...]) -> list[Sight]:
    """Return clouds of more and more copies, side by side."""
    return [tiled(sight, count) for count in counts]


def more_pixels(counts: tuple[int, ...]) -> list[Sight]:
    """Return one scene as cameras of more and more pixels see it."""
    heights = [math.isqrt(count * 3 // 4) for count in counts]
    return [rendered(height * 4 // 3, height) for height in heights]


def growth(program: Path, kind: str, sights: list[Sight], rounds: int, progress: Progress) -> Growth:
    """Measure clouds of one kind, all of them in turns.

    Args:
        program: PCL's.
        kind: How the cloud becomes larger.
        sights: From small to large.
        rounds: How often each is segmented.
        progress: Where to show how far it is.
    """
    with ExitStack() as stack:
        jobs: dict[str, Callable[[], object]] = {}
        peaks = []
        for place, sight in enumerate(sights):
            model, frame = model_of(sight), Frame(cloud=sight.cloud)
            pcl = stack.enter_context(PclSegmentation(program, sight))
            jobs[f"ours {place}"] = lambda model=model, frame=frame: model.segment(frame)
            jobs[f"PCL {place}"] = lambda pcl=pcl, sight=sight: pcl.run(LEAF, sight.search.min_cells)
            peaks.append(peak(jobs[f"ours {place}"]))
        taken = alternate(jobs, rounds, warm_up=1, progress=progress)
    ours, pcl = ([taken[f"{who} {place}"] for place in range(len(sights))] for who in ("ours", "PCL"))
    return Growth(kind, [len(finite(sight.cloud)) for sight in sights], ours, pcl, peaks)


def peak(job: Callable[[], object]) -> int:
    """Return by how much the memory of this process grows at most while it does a job, bytes.

    That counts what C++ takes too. What was let go before is given back first, so that it is taken anew.
    """
    job()  # what is imported and kept with the first call is no part of it
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # sets the greatest size so far to what it is now
    before = _resident("VmRSS")
    job()
    return max(0, _resident("VmHWM") - before)


def _resident(which: str) -> int:
    """Return a size of this process as Linux tells it, bytes."""
    found = re.search(rf"{which}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise RuntimeError(f"/proc/self/status does not tell {which}")
    return int(found[1]) << 10


def hostile() -> list[Hostile]:
    """Measure clouds that are made to take as much memory as they can, with the limits that the models have."""
    cells, points = ClustersConfig().max_voxels, ClustersConfig().max_points
    random = np.random.default_rng(0)
    # Each cell with an empty one before it in its row: as many runs as can be, and each meets as many as it can.
    longest = round(cells ** (1 / 3))
    lattice = np.indices((cells // longest**2, longest, longest)).reshape(3, -1).T * (2, 1, 1) + 0.5

    def spread(count: int, metres: float) -> NDArray[np.float32]:
        return (random.random((count, 3)) * metres).astype(np.float32)

    return [
        _hostile("a lattice of cells that all are neighbours", (lattice * HOSTILE_CELL).astype(np.float32)),
        _hostile("the same, `clustering_radius` 8", (lattice * HOSTILE_CELL).astype(np.float32), radius=8),
        _hostile("each point in a cell of its own, over 3 km", spread(cells, 3e3)),
        _hostile("the same, more than the limit of cells", spread(points, 3e3)),
        _hostile("over 30 km", spread(points, 3e4)),
    ]


def _hostile(what: str, xyz: NDArray[np.float32], radius: int = 2) -> Hostile:
    settings = {"clustering_distance": HOSTILE_CELL * (radius + 1), "clustering_radius": radius}
    model = Clusters(configure(Clusters.Config, settings, of="the model clusters"), LocalResources())
    answer = ""

    def job() -> None:
        nonlocal answer
        try:
            answer = f"{len(model.segment(Frame(cloud=PointCloud(xyz))))} objects"
        except VisionError as error:
            answer = f"refused: {error.message}"

    return Hostile(what, len(xyz), peak(job), answer)
