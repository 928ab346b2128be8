"""What clients return, beside the types of `vision_service.types`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo

from vision_service.camera.contents import decode_depth
from vision_service.image import Image
from vision_service.mlmodel.runtime import TensorInfo
from vision_service.types import (
    CameraIntrinsics,
    Classification,
    Detection,
    DetectionExtra,
    Frame,
    PointCloudObject,
    Segmentation,
)

Item = TypeVar("Item")


@dataclass(frozen=True)
class SourceFrame:
    """Which frame results are of.

    Attributes:
        camera_name: The camera that was used; empty for a given image or cloud.
        stamp: When the frame was taken, nanoseconds.
        frame_id: The coordinate frame: of the image, or in which the objects are.
        size: Width and height of the image, pixels; 0, 0 = there is none.
    """

    camera_name: str = ""
    stamp: int = 0
    frame_id: str = ""
    size: tuple[int, int] = (0, 0)


class Results(list[Item]):
    """The results of one frame: a list that also says which.

    Attributes:
        frame: Which frame they are of.
    """

    def __init__(self, items: Iterable[Item] = (), frame: SourceFrame | None = None) -> None:
        """Take the results, and which frame they are of."""
        super().__init__(items)
        self.frame = frame or SourceFrame()


@dataclass(frozen=True)
class VisionProperties:
    """What a vision service can do; the fields are those of GetVisionProperties.srv."""

    classifications_supported: bool
    detections_supported: bool
    object_point_clouds_supported: bool
    default_camera: str
    cameras: tuple[str, ...]
    model: str
    labels: tuple[str, ...]
    segmentation_supported: bool = False
    keypoints_supported: bool = False
    detections_3d_supported: bool = False


@dataclass(frozen=True)
class CaptureAllResult:
    """One frame, and what the model says of it; None = not asked for.

    Attributes:
        frame: Its image is None if that was not asked for.
        size: Width and height of the image, pixels.
        detections: With the masks and keypoints that were asked for.
        segmentation: Which pixels show what.
        keypoints: The detections with their keypoints.
        objects_frame_id: The coordinate frame of the objects, which may be another one than the image's.
    """

    frame: Frame
    size: tuple[int, int]
    detections: list[Detection] | None
    classifications: list[Classification] | None
    objects: list[PointCloudObject] | None
    segmentation: Segmentation | None = None
    keypoints: list[Detection] | None = None
    objects_frame_id: str = ""


def with_extras(
    detections: Sequence[Detection], instances: Sequence[Detection], keypoints: Sequence[Detection]
) -> list[Detection]:
    """Return detections with the masks and keypoints that came beside them.

    Args:
        detections: Of a frame.
        instances: The same ones in the same order, with masks; or none.
        keypoints: The same ones in the same order, with keypoints; or none.
    """
    found = list(detections)
    for others in (instances, keypoints):
        if len(others) != len(found):
            continue
        for place, (ours, other) in enumerate(zip(found, others, strict=True)):
            if other.extra is not None:
                ours_extra = ours.extra or DetectionExtra()
                mask, points = other.extra.mask or ours_extra.mask, other.extra.keypoints or ours_extra.keypoints
                found[place] = replace(ours, extra=replace(ours_extra, mask=mask, keypoints=points))
    return found


@dataclass(frozen=True)
class NamedImage:
    """An image of one imager of a camera.

    Attributes:
        source_name: The imager's name: color, depth.
        mime_type: Of data; empty = pixels are filled.
        pixels: (H, W, 3) uint8 RGB, or (H, W) float32 metres of depth; None if encoded (see `array`).
        data: The encoded image; empty if raw.
        stamp: When it was taken, nanoseconds.
        frame_id: Its coordinate frame.
    """

    source_name: str
    mime_type: str
    pixels: NDArray[Any] | None
    data: bytes
    stamp: int
    frame_id: str

    def array(self) -> NDArray[Any]:
        """Return the pixels, decoded if they came encoded.

        Returns:
            (H, W, 3) uint8 RGB; of depth, (H, W) float32, metres, NaN = unknown.

        Raises:
            VisionError: INVALID_ARGUMENT, if the data are corrupt.
        """
        if self.pixels is not None:
            return self.pixels
        return decode_depth(self.data) if self.source_name == "depth" else Image.from_compressed(self.data).rgb


@dataclass(frozen=True)
class Extrinsics:
    """Where a camera is.

    Attributes:
        parent_frame: The frame in which that is told.
        translation: (3,) where the camera is in it, metres.
        rotation: How the camera is turned in it, a quaternion x, y, z, w.
    """

    parent_frame: str
    translation: tuple[float, float, float]
    rotation: tuple[float, float, float, float]


@dataclass(frozen=True)
class CameraProperties:
    """What a camera is; the fields are those of GetCameraProperties.srv.

    Attributes:
        intrinsics: What camera_info says; None = the camera is not calibrated.
        extrinsics: Where it is, by its parameters extrinsic_parameters; None = not known.
    """

    supports_pcd: bool
    camera_info: CameraInfo
    frame_id: str
    source_names: tuple[str, ...]
    mime_types: tuple[str, ...]
    frame_rate: float
    intrinsics: CameraIntrinsics | None = None
    extrinsics: Extrinsics | None = None


@dataclass(frozen=True)
class ModelMetadata:
    """What an ML model is; the fields are those of GetMetadata.srv."""

    name: str
    type: str
    description: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


@dataclass(frozen=True)
class Geometry:
    """A box that a camera takes up.

    Attributes:
        label: Its name.
        center: (3,) where its centre is, metres.
        size: (3,) its edge lengths, metres.
        orientation: Quaternion x, y, z, w.
        frame_id: The coordinate frame of centre and orientation: the camera's.
    """

    label: str
    center: NDArray[np.float64]
    size: NDArray[np.float64]
    orientation: tuple[float, float, float, float]
    frame_id: str
