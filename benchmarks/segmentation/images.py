"""The images of the page about segmentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Times, milliseconds
from benchmarks.rig.clouds import Sight
from benchmarks.segmentation.growth import Growth

mpl.use("Agg")
from matplotlib import pyplot as plt

COLORS = {"ours": "#1f77b4", "PCL": "#d95f02", "PCL for this processor": "#fdae6b", "Open3D": "#7f7f7f"}
"""Of the contestants."""
DOTS_PER_INCH = 110


def bars(taken: Mapping[str, Mapping[str, Times]], path: Path) -> None:
    """Draw how long each contestant took on each cloud.

    Args:
        taken: By the name of the cloud and that of the contestant, which begins like one of COLORS.
        path: The file to write.
    """
    heights = [len(times) for times in taken.values()]
    figure, panels = plt.subplots(
        len(taken), 1, figsize=(7.5, 0.3 * sum(heights) + 0.9 * len(taken)), layout="constrained", squeeze=False,
        sharex=True, height_ratios=heights,
    )  # fmt: skip
    for panel, (cloud, times) in zip(panels[:, 0], taken.items(), strict=True):
        names = list(times)[::-1]
        medians = [times[name].median * 1e3 for name in names]
        drawn = panel.barh(names, medians, color=[COLORS[name.split(",")[0]] for name in names])
        panel.bar_label(drawn, [milliseconds(times[name].median) for name in names], padding=3)
        panel.set(title=cloud, xscale="log")
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1, 0].set_xlabel("ms, logarithmic")
    _write(figure, path)


def growth(grown: Sequence[Growth], path: Path) -> None:
    """Draw how the time grows with the points, both axes logarithmic."""
    figure, panels = plt.subplots(1, len(grown), figsize=(9, 3.8), layout="constrained", sharey=True)
    for panel, of_kind in zip(panels, grown, strict=True):
        points = np.array(of_kind.points)
        ours, pcl = (np.array([times.median * 1e3 for times in taken]) for taken in (of_kind.ours, of_kind.pcl))
        panel.loglog(points, pcl, "o-", color=COLORS["PCL"], label="PCL, 1 cm voxels")
        panel.loglog(points, ours, "o-", color=COLORS["ours"], label="ours, every point")
        panel.loglog(points, ours[-1] * points / points[-1], ":", color="black", label="as the points")
        panel.set(title=f"{of_kind.kind}: exponent {of_kind.exponent():.2f}", xlabel="points")
        panel.grid(alpha=0.3, which="both")
        panel.legend()
    panels[0].set_ylabel("ms")
    _write(figure, path)


def objects(sight: Sight, labels: Mapping[str, NDArray[np.intp]], path: Path) -> None:
    """Draw the objects that each found in an organized cloud, in the cloud's own pixels.

    Args:
        sight: The cloud.
        labels: By contestant: for each point that exists, the number of its object from 1 on, 0 and less = none.
        path: The file to write.
    """
    palette = np.array([mpl.colors.to_rgb(color) for color in mpl.colormaps["tab10"].colors]) * 255
    exists = np.isfinite(sight.cloud.xyz).all(axis=-1)
    figure, panels = plt.subplots(1, len(labels), figsize=(10, 4.1), layout="constrained")
    for panel, (name, numbers) in zip(panels, labels.items(), strict=True):
        image = np.full((*exists.shape, 3), 24.0)
        grey = np.full((*exists.shape, 3), 120.0) if sight.cloud.rgb is None else sight.cloud.rgb * 0.5
        seen = grey[exists]
        inside = numbers > 0
        seen[inside] = 0.7 * palette[(numbers[inside] - 1) % len(palette)] + 0.6 * seen[inside]
        image[exists] = seen
        panel.imshow(image.clip(0, 255).astype(np.uint8))
        panel.set_title(name)
        panel.set_axis_off()
    _write(figure, path)


def _write(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, dpi=DOTS_PER_INCH)
    plt.close(figure)
