"""Bags for tests, written by the library rosbags: real recordings of a camera, without ROS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from vision_service.types import CameraIntrinsics

pytest.importorskip("rosbags", reason="no bags: the package rosbags is not installed")
pytest.importorskip("mcap", reason="no bags: the package mcap is not installed")

from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
STORAGES = {"sqlite3": StoragePlugin.SQLITE3, "mcap": StoragePlugin.MCAP}


def message(kind: str, **fields: Any) -> Any:
    """Return a message of a type such as sensor_msgs/msg/Image."""
    return STORE.types[kind](**fields)


def header(stamp: int, frame_id: str = "camera_optical_frame") -> Any:
    seconds, nanoseconds = divmod(stamp, 10**9)
    time = message("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)
    return message("std_msgs/msg/Header", stamp=time, frame_id=frame_id)


def image(pixels: Any, stamp: int, encoding: str = "rgb8", **names: str) -> Any:
    """Return an Image of (H, W) or (H, W, channels) pixels."""
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    data = pixels.reshape(-1).view(np.uint8)
    return message(
        "sensor_msgs/msg/Image",
        header=header(stamp, **names),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=data.size // height,
        data=data,
    )


def compressed(data: bytes, stamp: int, form: str = "jpeg", **names: str) -> Any:
    """Return a CompressedImage."""
    data = np.frombuffer(data, np.uint8)
    return message("sensor_msgs/msg/CompressedImage", header=header(stamp, **names), format=form, data=data)


def camera_info(intrinsics: CameraIntrinsics, stamp: int, **names: str) -> Any:
    """Return a CameraInfo."""
    fx, fy, cx, cy = intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy
    region = message("sensor_msgs/msg/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    return message(
        "sensor_msgs/msg/CameraInfo",
        header=header(stamp, **names),
        height=intrinsics.height,
        width=intrinsics.width,
        distortion_model=intrinsics.distortion_model or "plumb_bob",
        d=np.array(intrinsics.distortion or [0.0] * 5),
        k=np.array([fx, 0, cx, 0, fy, cy, 0, 0, 1.0]),
        r=np.eye(3).ravel(),
        p=np.array([fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1.0, 0]),
        binning_x=0,
        binning_y=0,
        roi=region,
    )


def points(xyz: Any, stamp: int, **names: str) -> Any:
    """Return a PointCloud2 of (N, 3) points."""
    xyz = np.ascontiguousarray(xyz, "<f4")
    fields = [
        message("sensor_msgs/msg/PointField", name=name, offset=4 * index, datatype=7, count=1)
        for index, name in enumerate("xyz")
    ]
    return message(
        "sensor_msgs/msg/PointCloud2",
        header=header(stamp, **names),
        height=1,
        width=len(xyz),
        fields=fields,
        is_bigendian=False,
        point_step=12,
        row_step=12 * len(xyz),
        data=xyz.reshape(-1).view(np.uint8),
        is_dense=True,
    )


def split(folder: Path, parts: list[list[tuple[str, Any]]], storage: str = "sqlite3") -> Path:
    """Write a bag of several files, which are named in the order of the parts, and listed in it."""
    folder.mkdir()
    information: dict[str, Any] = {}
    names = []
    for number, part in enumerate(parts):
        alone = write(folder.parent / f"{folder.name}_{number}", part, storage)
        (file,) = [file for file in alone.iterdir() if file.suffix != ".yaml"]
        names.append(file.name)
        file.rename(folder / file.name)
        information = information or yaml.safe_load((alone / "metadata.yaml").read_text())
    information["rosbag2_bagfile_information"]["relative_file_paths"] = names
    (folder / "metadata.yaml").write_text(yaml.safe_dump(information))
    return folder


def write(path: Path, recorded: list[tuple[str, Any]], storage: str = "sqlite3", compression: str = "") -> Path:
    """Write messages with their topics, in this order, each at the time of its stamp; return the bag's folder.

    Args:
        path: The folder.
        recorded: Topics and messages.
        storage: One of STORAGES.
        compression: file, message, or storage, which is MCAP's own; empty = none.
    """
    writer = Writer(path, version=9, storage_plugin=STORAGES[storage])
    if compression:
        writer.set_compression(CompressionMode[compression.upper()], CompressionFormat.ZSTD)
    with writer:
        connections: dict[str, Any] = {}
        for topic, item in recorded:
            kind = item.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
            stamp = item.header.stamp
            writer.write(connections[topic], stamp.sec * 10**9 + stamp.nanosec, STORE.serialize_cdr(item, kind))
    return path
