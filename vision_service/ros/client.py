"""Clients for programs: a vision service and a camera by name, as in the examples of the README."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage
from sensor_msgs.msg import Image as ImageMessage
from std_msgs.msg import Header

from vision_service import srv
from vision_service.camera.contents import decode_depth
from vision_service.image import Image
from vision_service.ros import conversion
from vision_service.ros.calling import Caller
from vision_service.types import Classification, Detection, Frame, PointCloud, PointCloudObject

Client = TypeVar("Client", bound="NamedClient")

Picture: TypeAlias = NDArray[np.uint8] | Image | bytes | ImageMessage | CompressedImage
"""What a client takes as a picture: (H, W, 3) RGB pixels, our Image, the bytes of a JPEG or PNG, or a message."""


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


@dataclass(frozen=True)
class CaptureAllResult:
    """One frame, and what the model says of it; None = not asked for.

    Attributes:
        frame: Its image is None if that was not asked for.
        size: Width and height of the picture, pixels.
    """

    frame: Frame
    size: tuple[int, int]
    detections: list[Detection] | None
    classifications: list[Classification] | None
    objects: list[PointCloudObject] | None


@dataclass(frozen=True)
class NamedPicture:
    """A picture of one imager of a camera.

    Attributes:
        source_name: The imager's name: color, depth.
        mime_type: Of data; empty = pixels are filled.
        pixels: (H, W, 3) uint8 RGB, or (H, W) float32 metres of depth; None if encoded (see `array`).
        data: The encoded picture; empty if raw.
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
            VisionError: INVALID_ARGUMENT, if the data are damaged.
        """
        if self.pixels is not None:
            return self.pixels
        return decode_depth(self.data) if self.source_name == "depth" else Image.from_compressed(self.data).rgb


@dataclass(frozen=True)
class CameraProperties:
    """What a camera is; the fields are those of GetCameraProperties.srv."""

    supports_pcd: bool
    camera_info: CameraInfo
    frame_id: str
    source_names: tuple[str, ...]
    mime_types: tuple[str, ...]
    frame_rate: float


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


class NamedClient:
    """Calls one node by its name. Every method has a deadline, raises VisionError, and has a twin ``…_async``."""

    def __init__(self, name: str, node: Node | None = None) -> None:
        """Make a client; the node need not be there yet.

        Args:
            name: The node's name, absolute or relative to the namespace.
            node: Lends context and namespace; it need not spin, and this client may be used in its callbacks.
        """
        self.name = name
        self._caller = Caller(node)

    def __enter__(self: Client) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get_status_async(self, *, timeout: float | None = None) -> Future[dict[str, Any]]:
        """Return a future of the node's state and status."""

        def convert(response: Any) -> dict[str, Any]:
            return {"state": response.state, **json.loads(response.status or "{}")}

        return self._call(srv.GetStatus, "get_status", srv.GetStatus.Request(), convert, timeout)

    def get_status(self, *, timeout: float | None = None) -> dict[str, Any]:
        """Return the node's lifecycle state, last error, counters, rates and ages."""
        return self.get_status_async(timeout=timeout).result()

    def do_command_async(self, command: Mapping[str, Any], *, timeout: float | None = None) -> Future[dict[str, Any]]:
        """Return a future of what a command of the model or driver returns."""
        request = srv.DoCommand.Request(command=json.dumps(dict(command)))
        return self._call(srv.DoCommand, "do_command", request, lambda response: json.loads(response.result), timeout)

    def do_command(self, command: Mapping[str, Any], *, timeout: float | None = None) -> dict[str, Any]:
        """Run a command of the model or driver; ``{"command": "help"}`` lists them."""
        return self.do_command_async(command, timeout=timeout).result()

    def close(self) -> None:
        """End this client (not the node); may be called twice."""
        self._caller.close()

    def _call(self, kind: Any, method: str, request: Any, convert: Any, timeout: float | None) -> Future[Any]:
        return self._caller.call(kind, f"{self.name}/{method}", request, convert, timeout)


class VisionClient(NamedClient):
    """A vision service.

    Example::

        with VisionClient("my_detector") as detector:
            for detection in detector.get_detections_from_camera():
                print(detection.class_name, detection.confidence)
    """

    def get_detections_async(self, image: Picture, *, timeout: float | None = None) -> Future[list[Detection]]:
        """Return a future of what is found in a picture."""
        request = fill_picture(srv.GetDetections.Request(), image)
        return self._call(srv.GetDetections, "get_detections", request, _detections, timeout)

    def get_detections(self, image: Picture, *, timeout: float | None = None) -> list[Detection]:
        """Return what is found in a picture, best first."""
        return self.get_detections_async(image, timeout=timeout).result()

    def get_detections_from_camera_async(
        self, camera_name: str = "", *, timeout: float | None = None, max_age: float = 0.0
    ) -> Future[list[Detection]]:
        """Return a future of what is found in a camera's picture."""
        request = srv.GetDetectionsFromCamera.Request(camera_name=camera_name, max_age=float(max_age))
        return self._call(
            srv.GetDetectionsFromCamera, "get_detections_from_camera", request, _detections, timeout
        )  # fmt: skip

    def get_detections_from_camera(
        self, camera_name: str = "", *, timeout: float | None = None, max_age: float = 0.0
    ) -> list[Detection]:
        """Return what is found in a camera's picture, best first.

        Args:
            camera_name: Empty = the service's default camera.
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.
        """
        return self.get_detections_from_camera_async(camera_name, timeout=timeout, max_age=max_age).result()

    def get_classifications_async(
        self, image: Picture, count: int = -1, *, timeout: float | None = None
    ) -> Future[list[Classification]]:
        """Return a future of what a picture shows."""
        request = fill_picture(srv.GetClassifications.Request(count=count), image)
        return self._call(srv.GetClassifications, "get_classifications", request, _classifications, timeout)

    def get_classifications(
        self, image: Picture, count: int = -1, *, timeout: float | None = None
    ) -> list[Classification]:
        """Return what a picture shows, best first; at most `count`, negative = all."""
        return self.get_classifications_async(image, count, timeout=timeout).result()

    def get_classifications_from_camera_async(
        self, camera_name: str = "", count: int = -1, *, timeout: float | None = None, max_age: float = 0.0
    ) -> Future[list[Classification]]:
        """Return a future of what a camera's picture shows."""
        request = srv.GetClassificationsFromCamera.Request(camera_name=camera_name, count=count, max_age=float(max_age))
        kind = srv.GetClassificationsFromCamera
        return self._call(kind, "get_classifications_from_camera", request, _classifications, timeout)

    def get_classifications_from_camera(
        self, camera_name: str = "", count: int = -1, *, timeout: float | None = None, max_age: float = 0.0
    ) -> list[Classification]:
        """Return what a camera's picture shows, best first; arguments as in the methods above."""
        future = self.get_classifications_from_camera_async(camera_name, count, timeout=timeout, max_age=max_age)
        return future.result()

    def get_object_point_clouds_async(
        self,
        camera_name: str = "",
        *,
        cloud: PointCloud | None = None,
        timeout: float | None = None,
        max_age: float = 0.0,
    ) -> Future[list[PointCloudObject]]:
        """Return a future of what is found in space."""
        request = srv.GetObjectPointClouds.Request(camera_name=camera_name, max_age=float(max_age))
        if cloud is not None:
            request.cloud = conversion.cloud_to_message(cloud, Header())
        return self._call(srv.GetObjectPointClouds, "get_object_point_clouds", request, _objects, timeout)

    def get_object_point_clouds(
        self,
        camera_name: str = "",
        *,
        cloud: PointCloud | None = None,
        timeout: float | None = None,
        max_age: float = 0.0,
    ) -> list[PointCloudObject]:
        """Return what is found in space: in a camera's frame, or in a given cloud."""
        return self.get_object_point_clouds_async(
            camera_name, cloud=cloud, timeout=timeout, max_age=max_age
        ).result()  # fmt: skip

    def capture_all_from_camera_async(
        self,
        camera_name: str = "",
        *,
        return_image: bool = False,
        return_detections: bool = False,
        return_classifications: bool = False,
        return_object_point_clouds: bool = False,
        count: int = -1,
        timeout: float | None = None,
        max_age: float = 0.0,
    ) -> Future[CaptureAllResult]:
        """Return a future of one frame of a camera and what the model says of it."""
        request = srv.CaptureAllFromCamera.Request(
            camera_name=camera_name,
            count=count,
            max_age=float(max_age),
            return_image=return_image,
            return_detections=return_detections,
            return_classifications=return_classifications,
            return_object_point_clouds=return_object_point_clouds,
        )

        def convert(response: Any) -> CaptureAllResult:
            frame = Frame(
                image=conversion.image_from_message(response.image) if response.image.data else None,
                stamp=conversion.nanoseconds(response.header.stamp),
                frame_id=response.header.frame_id,
                camera_name=response.camera_name,
            )
            return CaptureAllResult(
                frame=frame,
                size=(response.image_width, response.image_height),
                detections=_detections(response) if return_detections else None,
                classifications=_classifications(response) if return_classifications else None,
                objects=_objects(response) if return_object_point_clouds else None,
            )

        return self._call(srv.CaptureAllFromCamera, "capture_all_from_camera", request, convert, timeout)

    def capture_all_from_camera(self, camera_name: str = "", **wanted: Any) -> CaptureAllResult:
        """Return one frame of a camera and what the model says of it; arguments as of the twin."""
        return self.capture_all_from_camera_async(camera_name, **wanted).result()

    def get_properties_async(self, *, timeout: float | None = None) -> Future[VisionProperties]:
        """Return a future of what the service can do."""
        request = srv.GetVisionProperties.Request()
        return self._call(srv.GetVisionProperties, "get_properties", request, _properties, timeout)

    def get_properties(self, *, timeout: float | None = None) -> VisionProperties:
        """Return what the service can do, and with which cameras."""
        return self.get_properties_async(timeout=timeout).result()


class CameraClient(NamedClient):
    """A camera.

    Example::

        with CameraClient("cam1") as camera:
            pixels = camera.get_image().pixels
    """

    def get_image_async(
        self,
        mime_type: str = "",
        *,
        source: str = "",
        timeout: float | None = None,
        max_age: float = 0.0,
        extra: Mapping[str, Any] | None = None,
    ) -> Future[NamedPicture]:
        """Return a future of the camera's picture."""
        request = srv.GetImage.Request(mime_type=mime_type, source=source, max_age=float(max_age), extra=_json(extra))
        return self._call(srv.GetImage, "get_image", request, lambda r: _picture(r.image, r.header), timeout)

    def get_image(
        self,
        mime_type: str = "",
        *,
        source: str = "",
        timeout: float | None = None,
        max_age: float = 0.0,
        extra: Mapping[str, Any] | None = None,
    ) -> NamedPicture:
        """Return the camera's picture.

        Args:
            mime_type: Empty = raw; image/jpeg, image/png; of depth, image/png or image/vnd.viam.dep.
            source: The imager; empty = the first that has pictures of this form: colour, else depth.
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.
            extra: Further options, by name.
        """
        return self.get_image_async(mime_type, source=source, timeout=timeout, max_age=max_age, extra=extra).result()

    def get_images_async(
        self,
        filter_source_names: Sequence[str] = (),
        *,
        mime_type: str = "",
        timeout: float | None = None,
        max_age: float = 0.0,
        extra: Mapping[str, Any] | None = None,
    ) -> Future[list[NamedPicture]]:
        """Return a future of the pictures of several imagers."""
        request = srv.GetImages.Request(
            filter_source_names=list(filter_source_names),
            mime_type=mime_type,
            max_age=float(max_age),
            extra=_json(extra),
        )

        def convert(response: Any) -> list[NamedPicture]:
            return [_picture(image, response.header) for image in response.images]

        return self._call(srv.GetImages, "get_images", request, convert, timeout)

    def get_images(
        self,
        filter_source_names: Sequence[str] = (),
        *,
        mime_type: str = "",
        timeout: float | None = None,
        max_age: float = 0.0,
        extra: Mapping[str, Any] | None = None,
    ) -> list[NamedPicture]:
        """Return the pictures of several imagers, taken together; no names = all imagers.

        An imager that has not the form asked for answers in PNG; each picture says what it is.
        """
        return self.get_images_async(
            filter_source_names, mime_type=mime_type, timeout=timeout, max_age=max_age, extra=extra
        ).result()

    def get_point_cloud_async(
        self, *, timeout: float | None = None, max_age: float = 0.0, extra: Mapping[str, Any] | None = None
    ) -> Future[PointCloud]:
        """Return a future of the camera's point cloud."""
        request = srv.GetPointCloud.Request(max_age=float(max_age), extra=_json(extra))
        kind = srv.GetPointCloud
        return self._call(kind, "get_point_cloud", request, lambda r: conversion.cloud_from_message(r.cloud), timeout)

    def get_point_cloud(
        self, *, timeout: float | None = None, max_age: float = 0.0, extra: Mapping[str, Any] | None = None
    ) -> PointCloud:
        """Return the camera's point cloud, metres."""
        return self.get_point_cloud_async(timeout=timeout, max_age=max_age, extra=extra).result()

    def get_pcd_async(
        self, form: str = "binary", *, timeout: float | None = None, max_age: float = 0.0
    ) -> Future[bytes]:
        """Return a future of the camera's point cloud as a PCD file."""
        request = srv.GetPointCloud.Request(
            mime_type="pointcloud/pcd", max_age=float(max_age), extra=_json({"data": form})
        )
        return self._call(srv.GetPointCloud, "get_point_cloud", request, lambda r: bytes(r.data), timeout)

    def get_pcd(self, form: str = "binary", *, timeout: float | None = None, max_age: float = 0.0) -> bytes:
        """Return the camera's point cloud as the bytes of a PCD file, metres; `form` is binary or ascii."""
        return self.get_pcd_async(form, timeout=timeout, max_age=max_age).result()

    def get_geometries_async(
        self, *, timeout: float | None = None, extra: Mapping[str, Any] | None = None
    ) -> Future[list[Geometry]]:
        """Return a future of the room that the camera takes up."""
        request = srv.GetGeometries.Request(extra=_json(extra))
        return self._call(srv.GetGeometries, "get_geometries", request, _geometries, timeout)

    def get_geometries(self, *, timeout: float | None = None, extra: Mapping[str, Any] | None = None) -> list[Geometry]:
        """Return the room that the camera takes up, as its parameter `geometries` says."""
        return self.get_geometries_async(timeout=timeout, extra=extra).result()

    def get_properties_async(self, *, timeout: float | None = None) -> Future[CameraProperties]:
        """Return a future of what the camera is."""

        def convert(response: Any) -> CameraProperties:
            return CameraProperties(
                supports_pcd=response.supports_pcd,
                camera_info=response.camera_info,
                frame_id=response.frame_id,
                source_names=tuple(response.source_names),
                mime_types=tuple(response.mime_types),
                frame_rate=response.frame_rate,
            )

        request = srv.GetCameraProperties.Request()
        return self._call(srv.GetCameraProperties, "get_properties", request, convert, timeout)

    def get_properties(self, *, timeout: float | None = None) -> CameraProperties:
        """Return what the camera is: its imagers, calibration, frame and rate."""
        return self.get_properties_async(timeout=timeout).result()


def fill_picture(request: Any, image: Picture) -> Any:
    """Put a picture of any form into a request that takes one, and return the request."""
    if isinstance(image, ImageMessage):
        request.image = image
    elif isinstance(image, CompressedImage):
        request.compressed_image = image
    elif isinstance(image, (bytes, bytearray, memoryview)):
        request.compressed_image = conversion.compressed_to_message(bytes(image), "", Header())
    else:
        picture = image if isinstance(image, Image) else Image(np.asarray(image))
        request.image = conversion.image_to_message(picture.pixels, picture.encoding, Header())
    return request


def _detections(response: Any) -> list[Detection]:
    return conversion.detections_from_message(response.detections)


def _classifications(response: Any) -> list[Classification]:
    return conversion.classifications_from_message(response.classifications)


def _objects(response: Any) -> list[PointCloudObject]:
    return [conversion.object_from_message(item) for item in response.objects]


def _properties(response: Any) -> VisionProperties:
    return VisionProperties(
        classifications_supported=response.classifications_supported,
        detections_supported=response.detections_supported,
        object_point_clouds_supported=response.object_point_clouds_supported,
        default_camera=response.default_camera,
        cameras=tuple(response.cameras),
        model=response.model,
        labels=tuple(response.labels),
    )


def _json(extra: Mapping[str, Any] | None) -> str:
    return json.dumps(dict(extra)) if extra else ""


def _geometries(response: Any) -> list[Geometry]:
    found = []
    for label, box in zip(response.labels, response.geometries, strict=True):
        center, turn, size = box.center.position, box.center.orientation, box.size
        found.append(
            Geometry(
                label=label,
                center=np.array([center.x, center.y, center.z]),
                size=np.array([size.x, size.y, size.z]),
                orientation=(turn.x, turn.y, turn.z, turn.w),
                frame_id=response.header.frame_id,
            )
        )
    return found


def _picture(named: Any, header: Header) -> NamedPicture:
    pixels: NDArray[Any] | None = None
    if not named.mime_type:
        depth = named.source_name == "depth"
        pixels = conversion.depth_from_message(named.image) if depth else conversion.image_from_message(named.image).rgb
    return NamedPicture(
        source_name=named.source_name,
        mime_type=named.mime_type,
        pixels=pixels,
        data=bytes(named.data),
        stamp=conversion.nanoseconds(header.stamp),
        frame_id=header.frame_id,
    )
