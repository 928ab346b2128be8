"""From boxes to objects in space, and one cloud for all consumers of a frame, beside the build before."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.executor import running, sources
from benchmarks.measuring import Times, alternate, milliseconds, number, quotient
from benchmarks.report import Figure, Report
from benchmarks.rig.networks import ROOT
from vision_service.rendering.renderer import Renderer
from vision_service.rendering.scene import Scene, pinhole

BEFORE = "d678315c0"
"""The last commit that looked at all pixels; its sources are taken from this project's history."""
FRAMES = range(60, 600, 120)
"""Of the demo's scene, at 30 a second."""
JOBS = {
    "defaults": "five objects of boxes, 640×480, defaults",
    "table": "the same as in the demo: split_touching, upright_boxes",
    "clouds": "depth of 640×480 to points, for four consumers of a frame",
}
GOALS = {"defaults": 0.2, "table": 0.2, "clouds": 0.5}
"""Which part of the time before each may take."""
LEAST = 8e-3
"""How long five objects may take, seconds."""

METHOD = f"""
The demo's scene of five solids on a table before a wall, as rendered colour and depth of 640×480 at {len(FRAMES)}
moments, with the solids' true boxes as detections. Two processes, one with the sources of today and one with those of
the commit {BEFORE}, do the same frame in turns; time is each process's processor time, because that is what remains of
a robot's cores, and it shows little of what else the machine does. Making points of the depth is part of it.

*The same points* compares each object's points with those of the build before (intersection over union), and both with
the pixels that truly show the solid. With the defaults a box's points are told from its background by depth alone, so
that the table around a solid is among them.
"""


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure the time and compare the objects."""
    del pages
    rounds = 2 if quick else 12
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack, Progress(transient=True) as progress:
        truths = _write_frames(Path(folder) / "frames.npz")
        program = str(ROOT / "benchmarks/peers/segments.py")
        processes = {
            name: stack.enter_context(
                running(root, program, f"{folder}/frames.npz", f"{folder}/{name}.npz", stdout=subprocess.PIPE)
            )
            for name, root in {"now": ROOT, "before": sources(Path(folder), BEFORE)}.items()
        }
        times = {job: _timed(processes, job, rounds, progress) for job in JOBS}
        for process in processes.values():
            assert process.stdin
            process.stdin.close()
            process.stdin = None  # who stops the process would flush it once more
            process.wait(60)
        found = {name: dict(np.load(f"{folder}/{name}.npz")) for name in processes}
    return Report("Objects in space of detections", METHOD, [*_figures(times), *_overlaps(found, truths)])


def _write_frames(path: Path) -> dict[str, NDArray[np.float32]]:
    """Write the frames to a file; return the points that truly are of each object, by "frame object"."""
    camera = pinhole(640, 480)
    renderer = Renderer(Scene.random(3, count=5, distinct=True, variety=0.5, occlusion=0.6), camera)
    given: dict[str, Any] = {"camera": np.array([camera.fx, camera.fy, camera.cx, camera.cy])}
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    truths = {}
    for place, moment in enumerate(FRAMES):
        seen = renderer.render(moment / 30)
        depth = seen.depth.astype(np.float32)
        given |= {f"depth {place}": depth, f"rgb {place}": seen.color}
        given[f"boxes {place}"] = np.array([truth.box for truth in seen.truth], np.float64)
        rays = np.stack([(columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy], axis=-1)
        for index, truth in enumerate(seen.truth):
            shown = _pixels_of(seen.ids, truth.box)
            truths[f"{place} {index}"] = rays[shown].astype(np.float32)
    np.savez(path, **given)
    return truths


def _pixels_of(ids: NDArray[Any], box: Any) -> NDArray[np.bool_]:
    """Return the pixels of the solid whose visible pixels end where a box does."""
    left, top, right, bottom = (round(value) for value in box)
    inside = np.zeros(ids.shape, bool)
    inside[top:bottom, left:right] = True
    numbers = [value for value in np.unique(ids[inside]).tolist() if value and not (ids[~inside] == value).any()]
    best = max(numbers, key=lambda value: np.count_nonzero(ids == value), default=0)
    return np.asarray(ids == best) if best else np.zeros(ids.shape, bool)


def _timed(
    processes: dict[str, subprocess.Popen[bytes]], job: str, rounds: int, progress: Progress
) -> dict[str, Times]:
    """Return how long a job takes in each process, all frames in each round."""

    def asking(process: subprocess.Popen[bytes]) -> Callable[[], float]:
        place = 0

        def ask() -> float:
            nonlocal place
            assert process.stdin and process.stdout
            process.stdin.write(f"{job} {place % len(FRAMES)}\n".encode())
            process.stdin.flush()
            place += 1
            return float(process.stdout.readline())

        return ask

    contestants = {name: asking(process) for name, process in processes.items()}
    return alternate(contestants, rounds * len(FRAMES), warm_up=len(FRAMES), progress=progress)


def _figures(times: dict[str, dict[str, Times]]) -> list[Figure]:
    figures = []
    for job, taken in times.items():
        ratio = quotient(taken["now"], taken["before"])
        goal, met = f"≤ {GOALS[job]}", ratio.value <= GOALS[job]
        if job == "defaults":
            goal, met = f"{goal}, ≤ {milliseconds(LEAST)}", met and taken["now"].median <= LEAST
        figures.append(Figure(JOBS[job], str(taken["now"]), f"before: {taken['before']}", str(ratio), goal, met))
    return figures


def _overlaps(found: dict[str, dict[str, Any]], truths: dict[str, NDArray[np.float32]]) -> list[Figure]:
    """Return how far the points of the objects are the same as before, and those that they should be."""
    figures = []
    for job in ("defaults", "table"):
        keys = sorted(key for key in found["before"] if key.startswith(f"{job} "))
        same = [_overlap(found["now"].get(key), found["before"][key]) for key in keys]
        true = {
            name: np.mean([_overlap(_rays(objects.get(key)), truths[key.partition(" ")[2]], 4) for key in keys])
            for name, objects in found.items()
        }
        ours = f"the same as before: {number(float(np.median(same)))} in the middle, {number(min(same))} at least"
        beside = f"the solid's own pixels: now {true['now']:.3f}, before {true['before']:.3f}"
        figures.append(
            Figure(f"points of {len(keys)} objects, {JOBS[job]}", ours, beside, "", "≥ 0.98", min(same) >= 0.98)
        )
    return figures


def _rays(xyz: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    return None if xyz is None else xyz[:, :2] / xyz[:, 2:]


def _overlap(one: NDArray[np.float32] | None, other: NDArray[np.float32], digits: int | None = None) -> float:
    """Return the intersection over union of two sets of points, whose coordinates may be rounded."""
    if one is None:
        return 0.0
    sets = [
        {row.tobytes() for row in np.ascontiguousarray(points if digits is None else np.rint(points * 10**digits))}
        for points in (one, other)
    ]
    return len(sets[0] & sets[1]) / max(len(sets[0] | sets[1]), 1)
