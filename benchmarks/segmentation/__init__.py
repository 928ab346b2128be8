"""How fast a plane and what lies apart from it are found in point clouds, beside PCL and Open3D."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress
from scipy.sparse import coo_array

from benchmarks.measuring import Times, alternate, milliseconds, quotient
from benchmarks.peers.open3d_segmentation import Open3dSegmentation
from benchmarks.peers.pcl_segmentation import PclSegmentation, compiled
from benchmarks.report import Figure, Report, markdown_table
from benchmarks.rig.clouds import LEAF, Sight, model_of, real, rendered
from benchmarks.segmentation import images
from benchmarks.segmentation.growth import COUNTS, Growth, Hostile, growth, hostile, more_pixels, more_space
from vision_service.pointcloud.clusters import cluster
from vision_service.pointcloud.objects import finite, grouped, select
from vision_service.pointcloud.planes import Plane, find_plane
from vision_service.ros.process.memory import keep_freed_memory
from vision_service.types import Frame, PointCloud
from vision_service.vision.clusters import ClustersConfig

GOALS = {"osd_learn33": 3, "five_people": 5, "table_scene_mug_stereo_textured": 5}
"""How many times as fast as PCL on its voxel grid we are to be, at least."""
FOR_THIS_PROCESSOR_GOALS = {"osd_learn33": 2}
"""The same, of PCL that was compiled for this processor."""
FULL_GOAL = 100
"""The same, of PCL at full resolution."""
ALIKE_GOAL = 0.98
MIB = 2**20
LINEAR_GOAL = 1.05
"""The exponent up to which growth counts as linear: caches and pages of memory cost more with larger clouds."""

METHOD = """
Everybody finds the largest plane of a given direction and tolerance, and what lies apart from it: points that are
connected by steps of at most 5 cm, and are at least 200 (people: 5000). All get the organized cloud of a camera with
the points that do not exist, already in memory in their own form, and all run alternately in one run. All processes
keep the memory that is let go for the next cloud, as nodes do.

- **Ours** is the model `obstacles_pointcloud` as a node calls it: every point at full resolution, in one thread, and in
  the time are the colours, the sizes and the boxes of the objects that it answers with. What is done with every point
  is C++ of our own (`vision_service/native`): which points exist, the plane, what is off it, the clusters, the points
  and bounds of each object. It is compiled for every x86-64 processor; what gains by AVX2 is compiled for that too, and
  chosen when it is loaded. Before, it was done by NumPy and OpenCV, which took 2.57 (2.53–2.65) times as long for the
  first cloud and 2.68 (2.47–2.81) times for the second: 80 rounds in turns with each other and with PCL, each in a
  process of its own, of the commit before the first C++ (ffcf97c) and of that which has all of it, on two cores.
- **PCL** is its tutorial's pipeline in C++: VoxelGrid of 1 cm (at full resolution: removeNaNFromPointCloud),
  SACSegmentation with RANSAC for a plane perpendicular to an axis, ExtractIndices, EuclideanClusterExtraction with a
  KdTree, which may leave neighbours unsorted, as that is faster. Points have no colours, and what each point of the
  full cloud belongs to is not told. CMake's mode Release (-O3), one thread, Debian's library, which is compiled for
  every x86-64 processor; it measures itself by its steady clock. **PCL for this processor** is the same program with
  all of PCL's templates compiled anew by `PCL_NO_PRECOMPILE` and `-march=native`, which takes the compiler a minute. It
  stands here for fairness, as ours chooses wider instructions when it is loaded.
- **Open3D** is `voxel_down_sample`, `segment_plane` (which takes no direction) and `cluster_dbscan`, for information.
  It uses all cores.

The adjusted Rand index (Hubert and Arabie 1985) says how alike two partitions of the same points are: 1 = the same, 0 =
by chance. It is taken over all points that exist, where what is in no object is one class, and again over the points
that both put in an object.
"""


GROWTH = """
More space: the plane of the first cloud is laid out with copies of what is seen, side by side, so that the density
stays and the space grows with the points. More pixels: one rendered table as depth cameras of ever more pixels see it,
with their noise, so that the space stays and the density grows. The exponent is the slope of a line through the
logarithms of the three largest clouds; in smaller ones, what every call costs whatever the cloud makes it less.
"""
MEMORY = """
The grid is never laid out: only cells with a point in them are kept, as runs along x. Two attributes limit them,
whatever the cloud: `max_points` ({config.max_points:,}) and `max_voxels` ({config.max_voxels:,} occupied cells). A
cloud with more is refused with INVALID_ARGUMENT and a message that says what to raise. These clouds are made to take as
much as they can; memory is by how much the resident memory of the process grows at most (VmHWM), which does not count
the cloud itself.
"""


@dataclass(frozen=True)
class Contest:
    """What was measured on one cloud.

    Attributes:
        sight: The cloud.
        coarse: How long each contestant took, the others on their voxel grid.
        full: How long each took at full resolution; empty where that was not measured.
        alike: How alike our objects and PCL's at full resolution are; None where that was not measured.
        steps: How long each step of ours took by itself; empty where that was not measured.
    """

    sight: Sight
    coarse: dict[str, Times]
    full: dict[str, Times]
    alike: Alike | None = None
    steps: dict[str, Times] = field(default_factory=dict)


@dataclass(frozen=True)
class Alike:
    """How alike two partitions are.

    Attributes:
        everywhere: The adjusted Rand index over all points; what is in no object is one class.
        in_objects: Over the points that both put in an object.
        counts: How many objects each has.
    """

    everywhere: float
    in_objects: float
    counts: tuple[int, int]


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure the clouds that are there, then the growth and the memory."""
    keep_freed_memory()
    programs = compiled()
    sights = real() or [rendered()]
    counts = COUNTS[:3] if quick else COUNTS
    with Progress() as progress:
        contests = [
            contest(programs, sight, pages, full=sight is sights[0], quick=quick, progress=progress) for sight in sights
        ]
        rounds = 2 if quick else 5
        grown = [
            growth(programs["PCL"], "more space", more_space(sights[0], counts), rounds, progress),
            growth(programs["PCL"], "more pixels", more_pixels(counts), rounds, progress),
        ]
    limits = hostile()
    taken = {
        item.sight.name: item.coarse | {name: times for name, times in item.full.items() if name != "ours"}
        for item in contests
    }
    images.bars(taken, pages / "segmentation.png")
    images.growth(grown, pages / "segmentation_growth.png")
    figures = [figure for item in contests for figure in figures_of(item)]
    return Report(
        "Segmentation",
        METHOD,
        [*figures, *(growth_figure(item) for item in grown), memory_figure(limits)],
        more(contests, grown, limits),
    )


def contest(
    programs: Mapping[str, Path], sight: Sight, pages: Path, *, full: bool, quick: bool, progress: Progress
) -> Contest:
    """Measure all contestants on one cloud, and on demand the others at full resolution too, with an image."""
    model, frame, search = model_of(sight), Frame(cloud=sight.cloud), sight.search
    open3d = Open3dSegmentation(sight)
    with ExitStack() as stack:
        pcl = {name: stack.enter_context(PclSegmentation(program, sight)) for name, program in programs.items()}

        def contestants(leaf: float, min_points: int, name: str) -> dict[str, Callable[[], object]]:
            return {
                "ours": lambda: model.segment(frame),
                **{f"{which}, {name}": partial(process.run, leaf, min_points) for which, process in pcl.items()},
                f"Open3D, {name}": lambda: open3d.run(leaf, min_points),
            }

        coarse = alternate(contestants(LEAF, search.min_cells, "1 cm voxels"), 10 if quick else 100, progress=progress)
        if not full:
            return Contest(sight, coarse, {})
        every = contestants(0, search.min_points, "every point")
        fine = alternate(every, 2 if quick else 10, warm_up=1, progress=progress)
        ours, theirs = labels(sight), pcl["PCL"].labels()
    found = {"ours": ours, "PCL, every point": theirs}
    images.objects(sight, found, pages / "segmentation_objects.png")
    return Contest(sight, coarse, fine, alike(ours, np.maximum(theirs, 0)), steps(sight, 10 if quick else 100))


def steps(sight: Sight, rounds: int) -> dict[str, Times]:
    """Measure each step of ours by itself, as often as told."""
    search, cloud = sight.search, finite(sight.cloud)

    def plane() -> Plane | None:
        return find_plane(cloud.xyz, tolerance=search.tolerance, normal=search.up, max_angle=search.max_angle)

    ground, reach = plane(), search.tolerance

    def off_plane() -> PointCloud:
        return cloud if ground is None else select(cloud, ground.apart(cloud.xyz, reach, np.inf, -reach)[0])

    foreground = off_plane()
    jobs: dict[str, Callable[[], object]] = {
        "points that exist": lambda: finite(sight.cloud),
        "plane": plane,
        "what is off the plane": off_plane,
        "clusters": lambda: grouped(foreground, cluster(foreground.xyz, search.distance), search.min_points),
    }
    return {name: alternate({name: job}, rounds)[name] for name, job in jobs.items()}


def labels(sight: Sight) -> NDArray[np.intp]:
    """Return the number of the object, from 1 on, that each point that exists is in; 0 = in none."""
    xyz = finite(sight.cloud).xyz
    # Colours stay with their points: here they are the points' numbers.
    numbers = np.arange(len(xyz), dtype="<u4").view(np.uint8).reshape(-1, 4)[:, :3]
    result = np.zeros(len(xyz), np.intp)
    for number, item in enumerate(model_of(sight).segment(Frame(cloud=PointCloud(xyz, numbers.copy()))), 1):
        result[np.asarray(item.cloud.rgb, np.intp) @ (1, 1 << 8, 1 << 16)] = number
    return result


def alike(one: NDArray[np.intp], other: NDArray[np.intp]) -> Alike:
    """Return how alike two partitions into objects from 1 on are, 0 = in no object."""
    both = (one > 0) & (other > 0)
    return Alike(rand_index(one, other), rand_index(one[both], other[both]), (int(one.max()), int(other.max())))


def rand_index(one: NDArray[np.intp], other: NDArray[np.intp]) -> float:
    """Return the adjusted Rand index of two partitions of the same points, numbers from 0 on."""
    table = coo_array((np.ones(len(one)), (one, other))).toarray()

    def pairs(counts: NDArray[np.float64]) -> float:
        return float((counts * (counts - 1) / 2).sum())

    of_one, of_other, of_all = pairs(table.sum(axis=1)), pairs(table.sum(axis=0)), pairs(table.sum(keepdims=True))
    chance = of_one * of_other / of_all
    return (pairs(table) - chance) / ((of_one + of_other) / 2 - chance)


def figures_of(item: Contest) -> list[Figure]:
    """Return the lines of one cloud."""
    cloud = f"{item.sight.name}, {len(finite(item.sight.cloud)):,} points"
    figures = []
    coarse = {
        "PCL": GOALS.get(item.sight.name),
        "PCL for this processor": FOR_THIS_PROCESSOR_GOALS.get(item.sight.name),
    }
    for taken, goals in ((item.coarse, coarse), (item.full, {"PCL": FULL_GOAL})):
        for name, times in taken.items():
            if name == "ours":
                continue
            faster = quotient(taken["ours"], times).inverse()
            aim = goals.get(name.split(",")[0])
            beside, reached = f"{name}: {times}", faster.value >= aim if aim else None
            goal_said = f"≥ {aim} × as fast" if aim else ""
            figures.append(Figure(cloud, str(taken["ours"]), beside, f"{faster} × as fast", goal_said, reached))
    if item.alike:
        ours, theirs = item.alike.counts
        index = item.alike.everywhere
        what, said = f"{item.sight.name}, the same objects", f"adjusted Rand index {index:.4f}"
        beside = f"PCL, every point: {theirs} objects"
        figures.append(Figure(what, f"{ours} objects", beside, said, f"≥ {ALIKE_GOAL}", index >= ALIKE_GOAL))
    return figures


def growth_figure(item: Growth) -> Figure:
    """Return the line of the time's growth."""
    exponent = item.exponent()
    what = f"growth with {item.kind}, {item.points[0]:,} to {item.points[-1]:,} points"
    first, last = (milliseconds(item.ours[place].median) for place in (0, -1))
    met = exponent <= LINEAR_GOAL
    return Figure(what, f"{first} to {last}", "", f"exponent {exponent:.2f}", f"≤ {LINEAR_GOAL}", met)


def memory_figure(limits: list[Hostile]) -> Figure:
    """Return the line of the memory that any cloud can take."""
    config = ClustersConfig()
    accepted = max(item.peak for item in limits)
    what = f"memory beside the cloud, at most, with {config.max_voxels:,} cells"
    return Figure(
        what, f"{accepted / MIB:.0f} MiB", "", f"{accepted / config.max_voxels:.0f} bytes a cell", "a limit", True
    )


def more(contests: list[Contest], grown: list[Growth], limits: list[Hostile]) -> str:
    """Return what stands below the table."""
    parts = []
    if contests[0].sight.name not in GOALS:
        parts.append(
            "The clouds of real cameras were not there, so that a rendered one stands for them, without goals."
        )
    parts.append("![The median time of each contestant](segmentation.png)")
    if similar := contests[0].alike:
        parts += [
            f"![Our objects beside PCL's, in the pixels of {contests[0].sight.name}](segmentation_objects.png)",
            f"Over all points the adjusted Rand index is {similar.everywhere:.4f}, over those that both put in an"
            f" object {similar.in_objects:.4f}.",
            "## Where our time goes",
            "Each step by itself, again and again; in turns with others, as above, the same steps take longer.",
            markdown_table(("step", contests[0].sight.name), contests[0].steps.items()),
        ]
    parts += ["## Growth", GROWTH.strip(), "![Time over points, both logarithmic](segmentation_growth.png)"]
    titles = ("cloud grows by", "points", "ours, every point", "PCL, 1 cm voxels", "our memory beside the cloud")
    rows = [
        (item.kind, f"{points:,}", ours, pcl, f"{peak / MIB:.0f} MiB, {peak / points:.0f} bytes a point")
        for item in grown
        for points, ours, pcl, peak in zip(item.points, item.ours, item.pcl, item.peaks, strict=True)
    ]
    parts += [markdown_table(titles, rows), "## Memory", MEMORY.strip().format(config=ClustersConfig())]
    hostile_rows = [(item.what, f"{item.points:,}", f"{item.peak / MIB:.0f} MiB", item.answer) for item in limits]
    parts.append(
        markdown_table(("cloud", "points", "memory beside it", "answer of the model `clusters`"), hostile_rows)
    )
    return "\n\n".join(parts)
