"""The client of a camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header

from vision_service import srv
from vision_service.ros import conversion
from vision_service.ros.client.base import NamedClient
from vision_service.ros.client.requests import as_json
from vision_service.ros.client.results import CameraProperties, Extrinsics, Geometry, NamedImage
from vision_service.types import PointCloud


class CameraClient(NamedClient):
    """A camera.

    Example::

        with CameraClient("front") as front:
            pixels = front.get_image().pixels
    """

    def get_image(
        self,
        mime_type: str = "",
        *,
        source: str = "",
        timeout: float | None = None,
        max_age: float = 0.0,
        extra: Mapping[str, Any] | None = None,
    ) -> NamedImage:
        """Return the camera's image.

        Args:
            mime_type: Empty = raw; image/jpeg, image/png; of depth, image/png or image/vnd.viam.dep.
            source: The imager; empty = the first that has images of this form: colour, else depth.
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.
            extra: Further options, by name.

        Returns:
            The image, with its stamp and frame.

        Raises:
            VisionError: INVALID_ARGUMENT, if there is no such imager or form; NO_FRAME, if none comes in time;
                CAMERA_ERROR, if the camera fails.
        """
        return self.get_image_async(mime_type, source=source, timeout=timeout, max_age=max_age, extra=extra).result()

    def get_image_async(
        self,
        mime_type: str = "",
        *,
        source: str = "",
        timeout: float | None = None,
        max_age: float = 0.0,
        extra: Mapping[str, Any] | None = None,
    ) -> Future[NamedImage]:
        """Return a future of the camera's image.

        Args:
            mime_type: As of `get_image`.
            source: As of `get_image`.
            timeout: Seconds; None = the node's default.
            max_age: As of `get_image`.
            extra: Further options, by name.

        Returns:
            A future of what `get_image` returns or raises.

        Raises:
            VisionError: INVALID_ARGUMENT or NOT_ACTIVE, before anything is sent.
        """
        request = srv.GetImage.Request(mime_type=mime_type, source=source, max_age=float(max_age), extra=as_json(extra))
        return self._call(srv.GetImage, "get_image", request, lambda r: _image(r.image, r.header), timeout)

    def get_images(
        self,
        filter_source_names: Sequence[str] = (),
        *,
        mime_type: str = "",
        timeout: float | None = None,
        max_age: float = 0.0,
        extra: Mapping[str, Any] | None = None,
    ) -> list[NamedImage]:
        """Return the images of several imagers, taken together.

        Args:
            filter_source_names: The imagers; none = all of them.
            mime_type: As of `get_image`. An imager that has not this form answers in PNG; each image says what it is.
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.
            extra: Further options, by name.

        Returns:
            The images, all of one stamp.

        Raises:
            VisionError: INVALID_ARGUMENT, if there is no such imager or form; NO_FRAME, if none comes in time;
                CAMERA_ERROR, if the camera fails.
        """
        return self.get_images_async(
            filter_source_names, mime_type=mime_type, timeout=timeout, max_age=max_age, extra=extra
        ).result()

    def get_images_async(
        self,
        filter_source_names: Sequence[str] = (),
        *,
        mime_type: str = "",
        timeout: float | None = None,
        max_age: float = 0.0,
        extra: Mapping[str, Any] | None = None,
    ) -> Future[list[NamedImage]]:
        """Return a future of the images of several imagers.

        Args:
            filter_source_names: The imagers; none = all of them.
            mime_type: As of `get_images`.
            timeout: Seconds; None = the node's default.
            max_age: As of `get_images`.
            extra: Further options, by name.

        Returns:
            A future of what `get_images` returns or raises.

        Raises:
            VisionError: INVALID_ARGUMENT or NOT_ACTIVE, before anything is sent.
        """
        request = srv.GetImages.Request(
            filter_source_names=list(filter_source_names),
            mime_type=mime_type,
            max_age=float(max_age),
            extra=as_json(extra),
        )
        return self._call(srv.GetImages, "get_images", request, _images, timeout)

    def get_point_cloud(
        self, *, timeout: float | None = None, max_age: float = 0.0, extra: Mapping[str, Any] | None = None
    ) -> PointCloud:
        """Return the camera's point cloud.

        Args:
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.
            extra: Further options, by name.

        Returns:
            The points, metres, in the camera's frame.

        Raises:
            VisionError: NO_DEPTH, if the camera has neither depth nor points; NOT_CALIBRATED, if it has depth without
                intrinsics; NO_FRAME, if none comes in time; CAMERA_ERROR, if the camera fails.
        """
        return self.get_point_cloud_async(timeout=timeout, max_age=max_age, extra=extra).result()

    def get_point_cloud_async(
        self, *, timeout: float | None = None, max_age: float = 0.0, extra: Mapping[str, Any] | None = None
    ) -> Future[PointCloud]:
        """Return a future of the camera's point cloud.

        Args:
            timeout: Seconds; None = the node's default.
            max_age: As of `get_point_cloud`.
            extra: Further options, by name.

        Returns:
            A future of what `get_point_cloud` returns or raises.

        Raises:
            VisionError: INVALID_ARGUMENT or NOT_ACTIVE, before anything is sent.
        """
        request = srv.GetPointCloud.Request(max_age=float(max_age), extra=as_json(extra))
        return self._call(srv.GetPointCloud, "get_point_cloud", request, _cloud, timeout)

    def get_pcd(self, form: str = "binary", *, timeout: float | None = None, max_age: float = 0.0) -> bytes:
        """Return the camera's point cloud as a PCD file.

        Args:
            form: binary or ascii.
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.

        Returns:
            The bytes of the file; its points are in metres.

        Raises:
            VisionError: As of `get_point_cloud`; INVALID_ARGUMENT, if there is no such form.
        """
        return self.get_pcd_async(form, timeout=timeout, max_age=max_age).result()

    def get_pcd_async(
        self, form: str = "binary", *, timeout: float | None = None, max_age: float = 0.0
    ) -> Future[bytes]:
        """Return a future of the camera's point cloud as a PCD file.

        Args:
            form: binary or ascii.
            timeout: Seconds; None = the node's default.
            max_age: As of `get_pcd`.

        Returns:
            A future of what `get_pcd` returns or raises.

        Raises:
            VisionError: INVALID_ARGUMENT or NOT_ACTIVE, before anything is sent.
        """
        request = srv.GetPointCloud.Request(
            mime_type="pointcloud/pcd", max_age=float(max_age), extra=as_json({"data": form})
        )
        return self._call(srv.GetPointCloud, "get_point_cloud", request, lambda r: bytes(r.data), timeout)

    def get_geometries(self, *, timeout: float | None = None, extra: Mapping[str, Any] | None = None) -> list[Geometry]:
        """Return the room that the camera takes up, as its parameter `geometries` says.

        Args:
            timeout: Seconds; None = 10.
            extra: Further options, by name.

        Returns:
            The boxes; none, if the parameter is not set.

        Raises:
            VisionError: Only what every method may raise.
        """
        return self.get_geometries_async(timeout=timeout, extra=extra).result()

    def get_geometries_async(
        self, *, timeout: float | None = None, extra: Mapping[str, Any] | None = None
    ) -> Future[list[Geometry]]:
        """Return a future of the room that the camera takes up.

        Args:
            timeout: Seconds; None = 10.
            extra: Further options, by name.

        Returns:
            A future of what `get_geometries` returns or raises.

        Raises:
            VisionError: INVALID_ARGUMENT or NOT_ACTIVE, before anything is sent.
        """
        request = srv.GetGeometries.Request(extra=as_json(extra))
        return self._call(srv.GetGeometries, "get_geometries", request, _geometries, timeout)

    def get_properties(self, *, timeout: float | None = None) -> CameraProperties:
        """Return what the camera is: its imagers, calibration, frame and rate.

        Args:
            timeout: Seconds; None = 10.

        Returns:
            What the camera is.

        Raises:
            VisionError: Only what every method may raise.
        """
        return self.get_properties_async(timeout=timeout).result()

    def get_properties_async(self, *, timeout: float | None = None) -> Future[CameraProperties]:
        """Return a future of what the camera is.

        Args:
            timeout: Seconds; None = 10.

        Returns:
            A future of what `get_properties` returns or raises.

        Raises:
            VisionError: INVALID_ARGUMENT or NOT_ACTIVE, before anything is sent.
        """
        request = srv.GetCameraProperties.Request()
        return self._call(srv.GetCameraProperties, "get_properties", request, _properties, timeout)


def _image(named: Any, header: Header) -> NamedImage:
    pixels: NDArray[Any] | None = None
    if not named.mime_type:
        depth = named.source_name == "depth"
        pixels = conversion.depth_from_message(named.image) if depth else conversion.image_from_message(named.image).rgb
    return NamedImage(
        source_name=named.source_name,
        mime_type=named.mime_type,
        pixels=pixels,
        data=bytes(named.data),
        stamp=conversion.nanoseconds(header.stamp),
        frame_id=header.frame_id,
    )


def _images(response: Any) -> list[NamedImage]:
    return [_image(image, response.header) for image in response.images]


def _cloud(response: Any) -> PointCloud:
    return conversion.cloud_from_message(response.cloud)


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


def _properties(response: Any) -> CameraProperties:
    return CameraProperties(
        supports_pcd=response.supports_pcd,
        camera_info=response.camera_info,
        frame_id=response.frame_id,
        source_names=tuple(response.source_names),
        mime_types=tuple(response.mime_types),
        frame_rate=response.frame_rate,
        intrinsics=conversion.intrinsics_from_message(response.camera_info),
        extrinsics=_extrinsics(response.extrinsics),
    )


def _extrinsics(message: Any) -> Extrinsics | None:
    if not message.header.frame_id:
        return None
    place, turn = message.transform.translation, message.transform.rotation
    return Extrinsics(message.header.frame_id, (place.x, place.y, place.z), (turn.x, turn.y, turn.z, turn.w))
