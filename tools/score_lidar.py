"""Scores the model of a parameter file on lidar scans with labels: how many labelled objects are found.

    python -m tools.score_lidar config/lidar_outdoor.yaml FOLDER

FOLDER has scans in lidar/NAME.pcd (or .bin) and labels in label/NAME.json, as the folder data/example of the public
repository naurril/SUSTechPOINTS: a list of {"obj_type", "psr": {position, scale, rotation}} in metres and radians, in
the frame of the scan. Labels count that hold at least ten points, between the ranges given. An object is found if a box
overlaps it by an IoU of 0.3, both seen from above; and its centre may lie in exactly one box.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.cli.parameter_file import model_attributes, read_sections, vision_section
from vision_service.configuration import configure
from vision_service.pointcloud.files import read_cloud
from vision_service.pointcloud.motion import rotation_matrix
from vision_service.resources import LocalResources
from vision_service.types import Frame, PointCloudObject
from vision_service.vision import MODELS

GOOD = 0.3
"""From which overlap (IoU, seen from above) on a labelled object is found."""
LEAST = 10
"""How many points a labelled object has at least."""
_MARGIN = 0.1  # metres by which labels are widened when their points are counted


@dataclass(frozen=True)
class Score:
    """What was found; scores of several scans add up.

    Attributes:
        labels: How many labelled objects count.
        found: Of these, how many a box overlaps well.
        in_one: Of these, how many have their centre in exactly one box.
        boxes: How many boxes there are, wherever.
    """

    labels: int = 0
    found: int = 0
    in_one: int = 0
    boxes: int = 0

    def __add__(self, other: Score) -> Score:
        """Return both together."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Score(*(one + another for one, another in pairs))

    def __radd__(self, zero: int) -> Score:
        """Return itself: what ``sum`` begins with is 0."""
        return self

    def __str__(self) -> str:
        """Return it in a line."""
        return f"{self.found} of {self.labels} found, {self.in_one} centres in one box, {self.boxes} boxes"


def score(
    xyz: NDArray[np.float32],
    labels: Sequence[Mapping[str, Any]],
    found: Sequence[PointCloudObject],
    *,
    nearest: float = 0.0,
    farthest: float = 40.0,
) -> Score:
    """Return how many labelled objects are among those found.

    Args:
        xyz: (…, 3) the points.
        labels: As SUSTechPOINTS writes them.
        found: The objects, in the frame of the points, with z up.
        nearest: Labels that are nearer do not count, metres.
        farthest: Nor those that are farther away.
    """
    points = xyz.reshape(-1, 3)
    boxes = [_footprint(item) for item in found]
    total = Score(boxes=len(boxes))
    for item in labels:
        place, size = (np.array([item["psr"][name][axis] for axis in "xyz"]) for name in ("position", "scale"))
        if not nearest < np.hypot(*place[:2]) <= farthest:
            continue
        yaw = item["psr"]["rotation"]["z"]
        turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
        inside = (np.abs((points - place) @ turn) < size / 2 + _MARGIN).all(axis=1)
        if np.count_nonzero(inside) < LEAST:
            continue
        truth = _corners(place, size, turn)
        good = any(_overlap(truth, box) >= GOOD for box in boxes)
        around = sum(cv2.pointPolygonTest(box, place[:2].tolist(), False) >= 0 for box in boxes)
        total += Score(1, int(good), int(around == 1))
    return total


def _footprint(item: PointCloudObject) -> NDArray[np.float32]:
    x, y = rotation_matrix(item.orientation)[:2, 0]
    yaw = np.arctan2(y, x)
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    return _corners(item.center, item.size, turn)


def _corners(center: NDArray[np.float64], size: NDArray[np.float64], turn: NDArray[np.float64]) -> NDArray[np.float32]:
    half = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)]) * size[:2] / 2
    return (half @ turn[:2, :2].T + center[:2]).astype(np.float32)


def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    common = cv2.intersectConvexConvex(one, other)[0]
    whole = cv2.contourArea(one) + cv2.contourArea(other) - common
    return common / whole if whole > 0 else 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Score the scans of a folder, and print a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("params", help="a parameter file")
    parser.add_argument("folder", type=Path, help="with lidar/NAME.pcd and label/NAME.json")
    parser.add_argument("--nearest", type=float, default=0.0, help="labels that are nearer do not count, metres")
    parser.add_argument("--farthest", type=float, default=40.0, help="nor those that are farther away, metres")
    given = parser.parse_args(arguments)
    section = vision_section(read_sections(given.params), "")
    known = MODELS.get(str(section["model"]))
    config = configure(known.Config, model_attributes(section), of="the model")
    total = Score()
    for path in sorted((given.folder / "label").glob("*.json")):
        (scan,) = (given.folder / "lidar").glob(f"{path.stem}.*")
        read = read_cloud(str(scan))
        found = known(config, LocalResources()).segment(Frame(cloud=read.cloud, frame_id=read.frame_id or "lidar"))
        labels = json.loads(path.read_text(encoding="utf-8"))
        scored = score(read.cloud.xyz, labels, found, nearest=given.nearest, farthest=given.farthest)
        print(f"{scan.name}: {scored}", flush=True)
        total += scored
    print(f"all: {total}")


if __name__ == "__main__":
    sys.exit(main())
