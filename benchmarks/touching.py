"""Objects that touch: `split_touching` beside PCL's LCCP, and plain clustering beside the build before it."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.executor import running, sources
from benchmarks.measuring import Times, alternate, milliseconds, number, quotient
from benchmarks.peers.pcl_lccp import Lccp, compiled
from benchmarks.report import Figure, Report, markdown_table
from benchmarks.rig.networks import ROOT
from benchmarks.rig.tables import FOLDER, HARDER, WHERE_FROM, Table, formula, learn, more_pixels
from vision_service.configuration import configure
from vision_service.resources import LocalResources
from vision_service.ros.process.memory import keep_freed_memory
from vision_service.types import Frame
from vision_service.vision.obstacles import is_optical
from vision_service.vision.obstacles_pointcloud import ObstaclesPointcloud
from vision_service.vision.touching import split_labels

LABELS = "labels of a table's points"
"""Our job that is LCCP's too."""
OBJECTS = "objects of a table, with colours and upright boxes (LCCP: labels only)"
"""Our job that is what a node asks for."""
GOAL = 8
"""How many times as fast as LCCP each cloud is to be, at least."""
FITTED = 3
"""To how many of the largest images the growth is fitted: in smaller ones, what every call costs makes it less."""
LINEAR_GOAL = 1.1
"""The exponent up to which growth counts as linear: caches and pages of memory cost more with larger clouds."""
TIMED = 3
"""Of so many tables one is timed."""
PLAIN_GOAL = 1.0
PLAIN_SLACK = 0.03
"""What one and the same build may differ by from itself in this measurement."""
WIDTHS = (640, 816, 1156, 1634, 2310)
"""Columns of 4:3 images of 0.3 to 4 megapixels."""
BEFORE = "bcb822472"
"""The last commit without `split_touching`; its sources are taken from this project's history."""
FOUND = 0.75
"""From which overlap (IoU) on an object counts as found."""
FALSE = 200
"""From how many points on a segment that overlaps no object by half is counted, at full resolution."""

METHOD = """
Everybody gets {what}, already in memory in their own form, and all run alternately in one run, OpenCV in one
thread. All processes keep the memory that is let go for the next cloud, as nodes do. Every third table is timed, all
are scored.

- **Ours** is the model `obstacles_pointcloud` with config/tabletop.yaml, timed for two jobs. *Labels* are LCCP's job:
  from the organized cloud to the number of the object of every point, the search for the table included. *Objects* are
  what a node asks for, which LCCP does not make: of each object its points with their colours, and its upright box. The
  table is not among the objects.
- **LCCP** is PCL's `LCCPSegmentation` on `SupervoxelClustering` (voxels of 7.5 mm, seeds of 30 mm, normals weighted by
  4, creases of up to 10° are none) in C++, by its own clock, in CMake's mode Release (-O3) with Debian's library.
  It gets only points that exist, and is timed until each of them has its label; it finds no table and makes no boxes.
  **LCCP for this processor** is the same program with all of PCL's templates compiled anew by `PCL_NO_PRECOMPILE` and
  `-O3 -march=native`.

An object is *found* if one segment overlaps it by an IoU of at least 0.75; the overlap is the best segment's IoU, its
mean weighted by points. Objects of fewer than 300 points do not count. *False* are segments of at least 200
points (50 with half the rows and columns) that overlap no object by half; of LCCP's, not those that are mostly table.
"""


@dataclass(frozen=True)
class Score:
    """How well clouds were told apart.

    Attributes:
        overlaps: Of each object, the IoU of its best segment.
        points: Of each object, how many.
        false: How many segments are no object.
    """

    overlaps: list[float]
    points: list[int]
    false: int

    @property
    def found(self) -> int:
        """How many objects were found."""
        return sum(overlap >= FOUND for overlap in self.overlaps)

    @property
    def weighted(self) -> float:
        """The mean overlap, weighted by points."""
        return float(np.average(self.overlaps, weights=self.points))

    def __str__(self) -> str:
        return f"{self.found} of {len(self.overlaps)} / {self.weighted:.3f} / {self.false}"


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure the speed, the growth and how well objects are told apart."""
    del pages
    cv2.setNumThreads(1)
    keep_freed_memory()
    load = os.getloadavg()[0]
    programs, tables = compiled(), learn()
    real = bool(tables)
    tables = tables or formula()
    tables = tables[:: max(1, len(tables) // 5)] if quick else tables
    with Progress() as progress, ExitStack() as stack:
        lccp = {name: stack.enter_context(Lccp(path)) for name, path in programs.items()}
        speeds = [speed(table, lccp, 3 if quick else 20, progress) for table in tables[::TIMED]]
        plain = plain_clustering(tables[:: max(1, len(tables) // 5)], 5 if quick else 40, progress)
        grown = growth(WIDTHS[:3] if quick else WIDTHS, 3 if quick else 11, progress)
        scores = robustness(tables, lccp["LCCP"], progress)
    figures = [*speed_figures(speeds), growth_figure(grown), *plain_figures(plain), found_figure(scores)]
    return Report("Objects that touch", METHOD.strip().format(what=_what(tables, real=real)), figures,
                  more(load, grown, scores, real=real))  # fmt: skip


def _what(tables: list[Table], *, real: bool) -> str:
    if real:
        return f"the organized cloud (640×480) of each of {len(tables)} tables, the learn set of mOSD ({WHERE_FROM})"
    return f"the organized cloud (640×480) of each of {len(tables)} tables made by formula, with noise of 1 mm"


def model_of(table: Table, **values: object) -> ObstaclesPointcloud:
    """Return our model with the parameters of config/tabletop.yaml; fewer points are an object at less resolution."""
    (section,) = yaml.safe_load((ROOT / "config" / "tabletop.yaml").read_text(encoding="utf-8")).values()
    settings = {name: value for name, value in section["ros__parameters"].items() if name not in ("model", "cameras")}
    settings["min_points_in_segment"] = math.ceil(settings["min_points_in_segment"] * table.share)
    configured: Any = configure(ObstaclesPointcloud.Config, {**settings, **values}, of="our model")
    return ObstaclesPointcloud(configured, LocalResources())


def frame_of(table: Table) -> Frame:
    """Return the frame of the camera that sees a table."""
    return Frame(cloud=table.cloud, frame_id="camera_optical_frame")


def speed(table: Table, lccp: Mapping[str, Lccp], rounds: int, progress: Progress) -> dict[str, Times]:
    """Return how long each contestant takes for a table."""
    model, frame = model_of(table), frame_of(table)
    for process in lccp.values():
        process.load(table.cloud.xyz)
    others: dict[str, Callable[[], object]] = {name: process.run for name, process in lccp.items()}
    config = model.config
    up, optical = config.ground_plane_normal_vec, is_optical(frame)
    ours: dict[str, Callable[[], object]] = {
        LABELS: partial(split_labels, table.cloud, frame, config, up, optical=optical),
        OBJECTS: partial(model.segment, frame),
    }
    return alternate({**ours, **others}, rounds, warm_up=1, progress=progress)


def plain_clustering(tables: list[Table], rounds: int, progress: Progress) -> list[dict[str, Times]]:
    """Return how long plain clustering takes with today's sources and those before, for each of some tables."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        files = [Path(folder) / f"{place}.npy" for place in range(len(tables))]
        for file, table in zip(files, tables, strict=True):
            np.save(file, table.cloud.xyz)
        builds = {"now": ROOT, "before": sources(Path(folder), BEFORE)}
        arguments = (str(ROOT / "benchmarks/peers/plain_clusters.py"), *map(str, files))
        processes = {
            name: stack.enter_context(running(root, *arguments, stdout=subprocess.PIPE))
            for name, root in builds.items()
        }

        def asking(process: subprocess.Popen[bytes], place: int) -> Callable[[], float]:
            def ask() -> float:
                assert process.stdin and process.stdout
                process.stdin.write(f"{place}\n".encode())
                process.stdin.flush()
                return float(process.stdout.readline().split()[0])

            return ask

        return [
            alternate({name: asking(process, place) for name, process in processes.items()}, rounds, progress=progress)
            for place in range(len(tables))
        ]


def growth(widths: tuple[int, ...], rounds: int, progress: Progress) -> list[tuple[int, Times]]:
    """Return how many pixels each of ever larger images of one table has, and how long it takes."""
    tables = more_pixels(widths)
    jobs = {table.name: partial(model_of(table).segment, frame_of(table)) for table in tables}
    taken = alternate(jobs, rounds, warm_up=1, progress=progress)
    return [(table.truth.size, taken[table.name]) for table in tables]


def robustness(tables: list[Table], lccp: Lccp, progress: Progress) -> dict[str, tuple[Score, Score]]:
    """Return how well we and LCCP tell all tables apart, by what was made of them."""
    scores = {}
    for name, harder in progress.track(HARDER.items(), description="robustness"):
        ours, theirs = [], []
        for table in map(harder, tables):
            ours.append(score(table, labels_of(table)))
            lccp.load(table.cloud.xyz)
            lccp.run()
            theirs.append(score(table, lccp.labels(), table_is_found=False))
        scores[name] = together(ours), together(theirs)
    return scores


def labels_of(table: Table) -> NDArray[np.intp]:
    """Return the number of the object, from 1 on, that we find each point in, in a row; 0 = in none."""
    xyz = np.ascontiguousarray(table.cloud.xyz.reshape(-1, 3))
    order = np.argsort(_keys(xyz))
    keys = _keys(xyz)[order]
    result = np.zeros(len(xyz), np.intp)
    for place, item in enumerate(model_of(table).segment(frame_of(table)), 1):
        result[order[np.searchsorted(keys, _keys(np.ascontiguousarray(item.cloud.xyz)))]] = place
    return result


def _keys(xyz: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return a number for each of (N, 3) points: x and z of one view are another pair for each point."""
    bits = xyz.view(np.uint32).astype(np.uint64)
    return (bits[:, 0] << np.uint64(32)) ^ (bits[:, 1] * np.uint64(0x9E3779B1)) ^ bits[:, 2]


def score(table: Table, labels: NDArray[np.integer], *, table_is_found: bool = True) -> Score:
    """Return how well labels, one a point, 0 = none, tell a table's objects apart.

    Args:
        table: The table.
        labels: Of each of its points.
        table_is_found: Whether segments that are mostly table are false: not of who does not look for it.
    """
    there = np.isfinite(table.cloud.xyz.reshape(-1, 3)[:, 2])
    _, numbers = np.unique(np.append(labels.reshape(-1)[there].astype(np.intp), 0), return_inverse=True)
    truth, numbers = table.truth.reshape(-1)[there], numbers[:-1]
    count = int(numbers.max(initial=0)) + 1
    common = np.bincount(truth * count + numbers, minlength=(int(truth.max()) + 1) * count).reshape(-1, count)
    sizes, segments = common.sum(axis=1), common.sum(axis=0)
    overlaps = common / np.maximum(sizes[:, None] + segments - common, 1)
    overlaps[:, 0] = overlaps[0] = 0
    judged = segments >= FALSE * table.share
    judged[0] = False
    if not table_is_found:
        judged &= 2 * common[0] < segments
    false = judged & (overlaps.max(axis=0) < 0.5)
    of_objects = [number for number in table.objects if sizes[number]]
    return Score(
        [float(overlaps[item].max()) for item in of_objects],
        [int(sizes[item]) for item in of_objects],
        int(false.sum()),
    )


def together(scores: list[Score]) -> Score:
    """Return the score of several clouds."""
    return Score(
        [overlap for item in scores for overlap in item.overlaps],
        [points for item in scores for points in item.points],
        sum(item.false for item in scores),
    )


def speed_figures(speeds: list[dict[str, Times]]) -> list[Figure]:
    """Return a line for each of the others."""
    figures = []
    for job in (LABELS, OBJECTS):
        for name in speeds[0]:
            if name in (LABELS, OBJECTS):
                continue
            faster = sorted(1 / quotient(taken[job], taken[name]).value for taken in speeds)
            reached = sum(ratio >= GOAL for ratio in faster)
            ratio = (
                f"{number(statistics.median(faster))} ({number(faster[0])}–{number(faster[-1])}) × as fast;"
                f" ≥ {GOAL} on {reached} of {len(faster)}"
            )
            what, ours, beside = f"{job}, {len(speeds)} clouds", _pooled(speeds, job), _pooled(speeds, name)
            if job == LABELS:
                goal, met = f"≥ {GOAL} on each", reached == len(faster)
                figures.append(Figure(what, str(ours), f"{name}: {beside}", ratio, goal, met))
            else:  # more than LCCP's job: for information
                figures.append(Figure(what, str(ours), f"{name}: {beside}", ratio))
    return figures


def _pooled(speeds: list[dict[str, Times]], name: str) -> Times:
    return Times(tuple(seconds for taken in speeds for seconds in taken[name].seconds))


def exponent(grown: list[tuple[int, Times]]) -> float:
    """Return the slope of a line through the logarithms of the largest: 1 = the time grows as the pixels do."""
    pixels, medians = zip(*((pixels, times.median) for pixels, times in grown[-FITTED:]), strict=True)
    return float(np.polyfit(np.log(pixels), np.log(medians), 1)[0])


def growth_figure(grown: list[tuple[int, Times]]) -> Figure:
    """Return the line of the time's growth."""
    slope = exponent(grown)
    (first, one), (last, other) = grown[0], grown[-1]
    what = f"growth with pixels, {first / 1e6:.1f} to {last / 1e6:.1f} megapixels"
    spans = f"{milliseconds(one.median)} to {milliseconds(other.median)}"
    return Figure(what, spans, "", f"exponent {slope:.2f}", f"≤ {LINEAR_GOAL}", slope <= LINEAR_GOAL)


def plain_figures(plain: list[dict[str, Times]]) -> list[Figure]:
    """Return the line of plain clustering."""
    ratio = quotient(_pooled(plain, "now"), _pooled(plain, "before"))
    goal = f"≤ {PLAIN_GOAL}, to {PLAIN_SLACK:.0%}"
    met = ratio.value <= PLAIN_GOAL + PLAIN_SLACK
    now, before = _pooled(plain, "now"), f"before split_touching ({BEFORE}): {_pooled(plain, 'before')}"
    return [Figure(f"plain clustering, {len(plain)} clouds", str(now), before, str(ratio), goal, met)]


def found_figure(scores: Mapping[str, tuple[Score, Score]]) -> Figure:
    """Return the line of what is found."""
    ours, theirs = next(iter(scores.values()))
    return Figure(
        "objects found, for information",
        f"{ours.found} of {len(ours.overlaps)}, overlap {ours.weighted:.3f}",
        f"LCCP: {theirs.found}, overlap {theirs.weighted:.3f}",
    )


def more(
    load: float,
    grown: list[tuple[int, Times]],
    scores: Mapping[str, tuple[Score, Score]],
    *,
    real: bool,
) -> str:
    """Return what stands below the table."""
    parts = []
    if load > 1:
        parts.append(
            f"When it began, {load:.0f} other processes were running on {os.cpu_count()} cores (the load average):"
            " durations are longer than on an idle machine, ratios are of contestants in turns."
        )
    if not real:
        parts.append(
            f"The learn clouds of mOSD were not there ({WHERE_FROM}; looked for in `{FOLDER.relative_to(ROOT.parent)}`"
            " beside the project), so that tables made by formula stand for them."
        )
    rows = [(name, *pair) for name, pair in scores.items()]
    parts += [
        "## What makes it harder",
        "The same clouds for both, each as: found / overlap weighted by points / false segments. Noise is normal, along"
        " the rays, added to what the sensor has; *holes* are 40 of 17 pixels across and every tenth pixel;"
        " *unorganized* are the same points in any order, without rows and columns. Of our settings, only"
        " min_points_in_segment is another with half the rows and columns: a quarter.",
        markdown_table(("cloud", "ours", "LCCP"), rows),
        "## Growth",
        "One crowded table made by formula, as cameras of ever more pixels see it. The exponent is the slope of a line"
        " through the logarithms of the three largest.",
        markdown_table(("pixels", "ours"), [(f"{pixels:,}", times) for pixels, times in grown]),
    ]
    return "\n\n".join(parts)
