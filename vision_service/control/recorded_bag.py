"""A recording as a ROS 2 bag (MCAP): the camera's JPEGs and calibration, and the service's results, on their topics.

`ros2 bag play FOLDER` publishes them again, and the driver `replay` plays the images. Bags are written by the library
rosbags, with the definitions of the messages that are installed with this package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from vision_service.boxes import box_of
from vision_service.control.recorded_moment import Moment
from vision_service.errors import ErrorCode, VisionError, missing_package
from vision_service.files import share_file
from vision_service.masks import part_of_image
from vision_service.types import (
    CameraIntrinsics,
    Classification,
    Detection,
    InstanceMask,
    LabelChange,
    LabelImage,
    PointCloudObject,
)

_OURS = {
    "vision_msgs": (
        "VisionClass", "ObjectHypothesis", "ObjectHypothesisWithPose", "Point2D", "Pose2D", "BoundingBox2D",
        "BoundingBox3D", "Classification", "Detection2D", "Detection2DArray", "Detection3D", "Detection3DArray",
    ),
    "vision_service": (
        "InstanceMask", "InstanceArray", "Keypoint", "ObjectKeypoints", "ObjectKeypointsArray", "LabelEvent",
    ),
}  # fmt: skip


def write_bag(folder: Path, moments: Sequence[Moment]) -> tuple[str, ...]:
    """Write a bag.

    Args:
        folder: Where; it must not be there.
        moments: What is written, in this order.

    Returns:
        No remarks.

    Raises:
        VisionError: NOT_SUPPORTED, without rosbags or the messages' definitions.
        OSError: If it cannot be written.
    """
    try:
        from rosbags.rosbag2 import StoragePlugin, Writer
    except ImportError:
        raise missing_package("rosbags", "saving a recording as a bag", extra="bags") from None
    store = typestore()
    messages = Messages(store)
    connections: dict[str, Any] = {}
    time = 0
    # The version of metadata.yaml that Jazzy to Lyrical write.
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for recorded in moments:
            time = max(time, recorded.received)  # clocks may be set back, bags go on
            for topic, message in messages.of(recorded.as_encoded()):
                kind = message.__msgtype__
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=store)
                writer.write(connections[topic], time, store.serialize_cdr(message, kind))
    return ()


@lru_cache(maxsize=1)
def typestore() -> Any:
    """Return the types of the messages.

    Raises:
        VisionError: NOT_SUPPORTED, without rosbags or the messages' definitions.
    """
    try:
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore
    except ImportError:
        raise missing_package("rosbags", "saving a recording as a bag", extra="bags") from None
    store = get_typestore(Stores.ROS2_JAZZY)
    types: dict[str, Any] = {}
    for package, names in _OURS.items():
        for name in names:
            path = share_file(f"msg/{name}.msg", package=package)
            try:
                types |= get_types_from_msg(path.read_text(encoding="utf-8"), f"{package}/msg/{name}")
            except OSError:
                msg = f"a bag cannot be written: the definition {path} is missing; install {package} again"
                raise VisionError(ErrorCode.NOT_SUPPORTED, msg) from None
    store.register({name: kind for name, kind in types.items() if name not in store.types})
    return store


class Messages:
    """Makes the messages of moments."""

    def __init__(self, store: Any) -> None:
        """Make messages of a typestore of the library rosbags."""
        self._store = store

    def of(self, moment: Moment) -> Iterator[tuple[str, Any]]:
        """Yield topics and messages of a moment, whose results are in pixels of its JPEG."""
        header = self._header(moment.stamp, moment.frame_id)
        yield (
            f"{moment.raw_topic}/compressed",
            self._make(
                "sensor_msgs/msg/CompressedImage",
                header=header,
                format="jpeg",
                data=np.frombuffer(moment.jpeg, np.uint8),
            ),
        )
        if moment.intrinsics is not None:
            yield f"{moment.raw_topic.rpartition('/')[0]}/camera_info", self._camera_info(moment.intrinsics, header)
        if not moment.service:
            return
        prefix = f"{moment.service}/{moment.camera.strip('/').replace('/', '_')}"
        makers: dict[str, Callable[[Any, Any, Moment], Iterator[tuple[str, Any]]]] = {
            "detect": self._detections,
            "classify": self._classifications,
            "label": self._label_image,
            "segment": self._objects,
        }
        for method, make in makers.items():
            if method in moment.found:
                for name, message in make(moment.found[method], header, moment):
                    yield f"{prefix}/{name}", message
        for change in moment.changes:
            yield f"{prefix}/events", self._event(change)

    def _make(self, kind: str, **fields: Any) -> Any:
        return self._store.types[kind](**fields)

    def _header(self, stamp: int, frame_id: str) -> Any:
        seconds, nanoseconds = divmod(stamp, 10**9)
        time = self._make("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)
        return self._make("std_msgs/msg/Header", stamp=time, frame_id=frame_id)

    def _camera_info(self, lens: CameraIntrinsics, header: Any) -> Any:
        region = self._make(
            "sensor_msgs/msg/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
        )
        return self._make(
            "sensor_msgs/msg/CameraInfo",
            header=header,
            height=lens.height,
            width=lens.width,
            distortion_model=lens.distortion_model or "plumb_bob",
            d=np.array(lens.distortion or [0.0] * 5, np.float64),
            k=np.array([lens.fx, lens.skew, lens.cx, 0, lens.fy, lens.cy, 0, 0, 1], np.float64),
            r=np.eye(3).ravel(),
            p=np.array([lens.fx, lens.skew, lens.cx, 0, 0, lens.fy, lens.cy, 0, 0, 0, 1, 0], np.float64),
            binning_x=0,
            binning_y=0,
            roi=region,
        )

    def _detections(self, found: Sequence[Detection], header: Any, moment: Moment) -> Iterator[tuple[str, Any]]:
        detections = [self._detection(each, header) for each in found]
        yield "detections", self._make("vision_msgs/msg/Detection2DArray", header=header, detections=detections)
        if any(each.extra is not None and each.extra.mask is not None for each in found):
            yield (
                "instances",
                self._make(
                    "vision_service/msg/InstanceArray",
                    header=header,
                    image_width=moment.width,
                    image_height=moment.height,
                    detections=detections,
                    masks=[self._mask(each.extra.mask if each.extra is not None else None, moment) for each in found],
                ),
            )
        if any(each.extra is not None and each.extra.keypoints for each in found):
            objects = [
                self._make(
                    "vision_service/msg/ObjectKeypoints",
                    detection=detection,
                    keypoints=[
                        self._make(
                            "vision_service/msg/Keypoint",
                            name=point.name,
                            x=float(point.x),
                            y=float(point.y),
                            confidence=float(point.confidence),
                        )
                        for point in (each.extra.keypoints if each.extra is not None else ())
                    ],
                )
                for each, detection in zip(found, detections, strict=True)
            ]
            yield "keypoints", self._make("vision_service/msg/ObjectKeypointsArray", header=header, objects=objects)

    def _detection(self, found: Detection, header: Any) -> Any:
        x, y, angle, width, height = box_of(found)
        position = self._make("vision_msgs/msg/Point2D", x=x, y=y)
        center = self._make("vision_msgs/msg/Pose2D", position=position, theta=angle)
        return self._make(
            "vision_msgs/msg/Detection2D",
            header=header,
            results=[self._result(found.class_name, found.confidence, self._pose())],
            bbox=self._make("vision_msgs/msg/BoundingBox2D", center=center, size_x=width, size_y=height),
            id=found.id,
        )

    def _mask(self, mask: InstanceMask | None, moment: Moment) -> Any:
        if mask is None:
            mask = InstanceMask(0, 0, 0, 0, ())
        elif min(mask.x, mask.y) < 0 or mask.x + mask.width > moment.width or mask.y + mask.height > moment.height:
            rows, columns, pixels = part_of_image(mask, moment.width, moment.height)
            mask = InstanceMask.of(pixels, columns.start, rows.start)
        return self._make(
            "vision_service/msg/InstanceMask",
            x=int(mask.x),
            y=int(mask.y),
            width=int(mask.width),
            height=int(mask.height),
            counts=np.array(mask.counts, np.uint32),
        )

    def _classifications(self, found: Sequence[Classification], header: Any, _: Moment) -> Iterator[tuple[str, Any]]:
        results = [self._hypothesis(each.class_name, each.confidence) for each in found]
        yield "classifications", self._make("vision_msgs/msg/Classification", header=header, results=results)

    def _label_image(self, found: LabelImage, header: Any, _: Moment) -> Iterator[tuple[str, Any]]:
        small = len(found.class_names) <= 256
        labels = np.ascontiguousarray(found.labels, np.uint8 if small else "<u2")
        yield (
            "label_image",
            self._make(
                "sensor_msgs/msg/Image",
                header=header,
                height=labels.shape[0],
                width=labels.shape[1],
                encoding="mono8" if small else "mono16",
                is_bigendian=0,
                step=labels.strides[0],
                data=labels.reshape(-1).view(np.uint8),
            ),
        )

    def _objects(self, found: Sequence[PointCloudObject], header: Any, _: Moment) -> Iterator[tuple[str, Any]]:
        detections = []
        for each in found:
            pose = self._pose(each.center, each.orientation)
            size = self._make("geometry_msgs/msg/Vector3", **_numbers("xyz", each.size))
            detections.append(
                self._make(
                    "vision_msgs/msg/Detection3D",
                    header=header,
                    results=[self._result(each.label, each.confidence, pose)],
                    bbox=self._make("vision_msgs/msg/BoundingBox3D", center=pose.pose, size=size),
                    id=each.id,
                )
            )
        yield "objects", self._make("vision_msgs/msg/Detection3DArray", header=header, detections=detections)

    def _event(self, change: LabelChange) -> Any:
        return self._make(
            "vision_service/msg/LabelEvent",
            header=self._header(change.stamp, change.frame_id),
            camera_name=change.camera_name,
            previous=change.previous,
            current=change.current,
            confidence=float(change.confidence),
        )

    def _pose(self, center: Iterable[float] = (0, 0, 0), turn: Iterable[float] = (0, 0, 0, 1)) -> Any:
        """Return a pose with an empty covariance."""
        pose = self._make(
            "geometry_msgs/msg/Pose",
            position=self._make("geometry_msgs/msg/Point", **_numbers("xyz", center)),
            orientation=self._make("geometry_msgs/msg/Quaternion", **_numbers("xyzw", turn)),
        )
        return self._make("geometry_msgs/msg/PoseWithCovariance", pose=pose, covariance=np.zeros(36))

    def _result(self, name: str, confidence: float, pose: Any) -> Any:
        hypothesis = self._hypothesis(name, confidence)
        return self._make("vision_msgs/msg/ObjectHypothesisWithPose", hypothesis=hypothesis, pose=pose)

    def _hypothesis(self, name: str, confidence: float) -> Any:
        return self._make("vision_msgs/msg/ObjectHypothesis", class_id=name, score=float(confidence))


def _numbers(names: str, values: Iterable[float]) -> dict[str, float]:
    return dict(zip(names, map(float, values), strict=True))
