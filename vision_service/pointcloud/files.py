"""Files of points: PCD, which says what it holds, and the raw records of KITTI and nuScenes, which say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import read_file
from vision_service.pointcloud.coordinates import cloud_of_columns
from vision_service.pointcloud.pcd import read_pcd
from vision_service.types import PointCloud

RECORDS = {".pcd.bin": ("nuScenes", 5), ".bin": ("KITTI", 4)}
"""By how a file's name ends, whose records it holds: 32-bit floats, x, y and z first; and how many a point has."""

_FARTHEST = 1000.0  # metres that a lidar sees: numbers beyond are none of a point
_HOW = (
    "convert it to PCD, for example with NumPy: read the points as an (N, 3) array and write them with"
    " vision_service.pointcloud.pcd.write_pcd(PointCloud(xyz))"
)


@dataclass(frozen=True, eq=False)
class CloudFile:
    """What is in a file of points.

    Attributes:
        cloud: The points.
        frame_id: The coordinate frame that files of this kind are in; empty = the file does not say it.
        assumed: What the file does not say of itself, and was assumed; empty = nothing.
    """

    cloud: PointCloud
    frame_id: str = ""
    assumed: str = ""


def is_records(name: str) -> bool:
    """Return whether a file holds raw records, by its name."""
    return name.lower().endswith(".bin")


def read_cloud(name: str, data: bytes | None = None) -> CloudFile:
    """Return what is in a file of points.

    Args:
        name: Its name; it decides between PCD and raw records.
        data: Its content; None = it is read.

    Raises:
        VisionError: INVALID_ARGUMENT, if it cannot be read, or is not what its name says.
    """
    if not is_records(name):
        return CloudFile(read_pcd(name if data is None else data))
    return read_records(name, read_file(Path(name)) if data is None else data)


def read_records(name: str, data: bytes) -> CloudFile:
    """Return the points of a file of raw records of 32-bit floats, as KITTI's velodyne files and nuScenes' sweeps are.

    Raises:
        VisionError: INVALID_ARGUMENT, if it cannot be one, with what to do.
    """
    whose, numbers = next(form for ending, form in RECORDS.items() if name.lower().endswith(ending))
    fields = "x, y, z, intensity" + (", ring" if numbers == 5 else "")
    of = f"{name!r}: read as {whose}'s file of points, {numbers} 32-bit floats each ({fields}),"
    if len(data) % (4 * numbers):
        msg = f"{of} it has {len(data)} bytes, which are no whole points of {4 * numbers}: {_HOW}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    values = np.frombuffer(data, "<f4").reshape(-1, numbers)
    xyz = values[:, :3]
    with np.errstate(invalid="ignore"):
        far = int(np.count_nonzero(~(np.abs(xyz) < _FARTHEST).all(axis=1)))
    if far > len(xyz) // 100:
        msg = f"{of} {far} of {len(xyz)} points are no numbers, or farther away than {_FARTHEST:g} m: {_HOW}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    odd = int(np.count_nonzero(~(values[:, 3] >= 0)))
    if numbers == 5:
        odd += int(np.count_nonzero(values[:, 4] != np.rint(values[:, 4])))
    if odd > len(xyz) // 100:  # points of another length are read crosswise
        msg = f"{of} {odd} of {len(xyz)} points have an intensity below 0 or a ring that is no whole number: {_HOW}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    assumed = f"points of {numbers} 32-bit floats ({fields}) with z up, as {whose} writes them, by the file's name"
    return CloudFile(cloud_of_columns([xyz[:, axis] for axis in range(3)]), "velodyne", assumed)
