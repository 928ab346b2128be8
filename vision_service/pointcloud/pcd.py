"""PCD, the Point Cloud Library's file format, in all three of its forms.

The format: https://pointclouds.org/documentation/tutorials/pcd_file_format.html. Files are read as PCL 1.15 and Open3D
0.20 read them: what is not needed does not decide whether there are points.
"""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import VisionError
from vision_service.image import read_file
from vision_service.pointcloud.coordinates import cloud_of_columns
from vision_service.pointcloud.pcd_data import Fields, read_fields
from vision_service.pointcloud.pcd_header import wrong
from vision_service.pointcloud.viewpoint import viewpoints_of
from vision_service.types import PointCloud

_PART = 1 << 16  # points that are written at once as text


def read_pcd(source: str | Path | bytes) -> PointCloud:
    """Return the points of a PCD file, in the frame they are written in: VIEWPOINT is told, but not applied.

    Points that were not measured are NaN, and large coordinates of 8 bytes are counted from an origin (see
    :mod:`~vision_service.pointcloud.coordinates`).

    Args:
        source: A path, or the file's bytes.

    Returns:
        The points, organized if the file has both several rows and several columns; with colour, if it has a field
        rgb or rgba of four bytes, or fields r, g and b of one.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read, is no PCD, is cut off, or has no x, y and z;
            NOT_SUPPORTED, if it is compressed and the library for it is absent.
    """
    try:
        data = _content(source)
        fields = read_fields(data)
        absent = [name for name in "xyz" if fields.count(name) != 1]
        if absent:
            raise wrong(f"no field {', '.join(absent)} with one number a point: its fields are {' '.join(fields)}")
        cloud = cloud_of_columns([fields[name] for name in "xyz"], _colours(fields))
        return dataclasses.replace(cloud, viewpoints=viewpoints_of(data))
    except VisionError as error:
        raise _in(source, error) from None


def read_pcd_fields(source: str | Path | bytes) -> dict[str, NDArray[Any]]:
    """Return all fields of a PCD file by name, in the types they are stored in.

    Args:
        source: A path, or the file's bytes.

    Returns:
        For each field an (N,) or, organized, (H, W) array, with a last dimension of COUNT where that is above 1.
        Fields named _ are padding, and left out, as are those of COUNT 0.

    Raises:
        VisionError: As :func:`read_pcd`; also if a field has an unknown type, or its text is no number.
    """
    try:
        return dict(read_fields(_content(source)))
    except VisionError as error:
        raise _in(source, error) from None


def write_pcd(cloud: PointCloud, form: str = "binary", *, labels: NDArray[np.integer[Any]] | None = None) -> bytes:
    """Return points as the bytes of a PCD file with the fields x y z, with colour rgb, and with labels label.

    Points that are counted from an origin of their own have x y z of 8 bytes, counted from the frame's.

    Args:
        cloud: The points; an organized cloud stays organized.
        form: binary or ascii.
        labels: A number for each point, 0 to 2³² - 1, in the shape of the cloud; None = the file has none.

    Raises:
        VisionError: INVALID_ARGUMENT, for another form.
    """
    if form not in {"binary", "ascii"}:
        raise wrong(f"PCD is written as binary or ascii, not as {form!r}")
    xyz = cloud.absolute
    fields: dict[str, NDArray[Any]] = {name: xyz[..., index] for index, name in enumerate("xyz")}
    if cloud.rgb is not None:
        red, green, blue = np.moveaxis(cloud.rgb.astype(np.uint32), -1, 0)
        fields["rgb"] = red << 16 | green << 8 | blue
    if labels is not None:
        fields["label"] = labels
    kinds = {
        name: values.dtype.newbyteorder("<") if name in {"x", "y", "z"} else "<u4" for name, values in fields.items()
    }
    points = np.empty(len(cloud), list(kinds.items()))
    for name, values in fields.items():
        points[name] = values.reshape(-1)
    height, width = cloud.xyz.shape[:2] if cloud.organized else (1, len(cloud))
    header = [
        "# .PCD v0.7 - Point Cloud Data file format",
        "VERSION 0.7",
        f"FIELDS {' '.join(fields)}",
        f"SIZE {' '.join(str(points.dtype[name].itemsize) for name in fields)}",
        f"TYPE {' '.join(points.dtype[name].kind.upper() for name in fields)}",
        f"COUNT {' '.join('1' for _ in fields)}",
        f"WIDTH {width}",
        f"HEIGHT {height}",
        "VIEWPOINT 0 0 0 1 0 0 0",
        f"POINTS {len(cloud)}",
        f"DATA {form}\n",
    ]
    if form == "binary":
        return "\n".join(header).encode() + points.tobytes()
    # So many digits bring every float back exactly. One format for many points is six times faster than np.savetxt.
    formats = {"f4": "%.9g", "f8": "%.17g", "u4": "%d"}
    line = " ".join(formats[points.dtype[name].str[1:]] for name in fields) + "\n"
    parts = (points[start : start + _PART].tolist() for start in range(0, len(points), _PART))
    text = "".join((line * len(part)) % tuple(itertools.chain.from_iterable(part)) for part in parts)
    return ("\n".join(header) + text).encode()


def _content(source: str | Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else read_file(source)


def _colours(fields: Fields) -> NDArray[np.uint8] | None:
    """Return (…, 3) colours; None if there are none that can be read: points are not refused for them."""
    try:
        for name in ("rgb", "rgba"):
            if fields.count(name) == 1 and fields.size(name) == 4:
                return _unpack(fields[name])
        if all(fields.count(name) == fields.size(name) == 1 for name in "rgb"):
            return np.stack([fields[name].astype(np.uint8) for name in "rgb"], axis=-1)
    except VisionError:  # of text that is no number
        pass
    return None


def _unpack(packed: NDArray[Any]) -> NDArray[np.uint8]:
    """Return (..., 3) colours of (...) numbers 0xRRGGBB; a float's bits are such a number too."""
    return np.ascontiguousarray(np.ascontiguousarray(packed)[..., None].view(np.uint8)[..., 2::-1])


def _in(source: str | Path | bytes, error: VisionError) -> VisionError:
    """Return the error with the name of the file, unless it has it."""
    name = "the PCD data" if isinstance(source, bytes) else repr(str(source))
    return error if name in error.message else VisionError(error.code, f"{name}: {error.message}")
