"""The client of a camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header

from vision_service import srv
from vision_service.ros import conversion
from vision_service.ros.client.base import NamedClient
from vision_service.ros.client.requests import as_json
from vision_service.ros.client.results import CameraProperties, Extrinsics, Geometry, NamedImage
from vision_service.ros.client.twins import later
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
        request = srv.GetImage.Request(mime_type=mime_type, source=source, max_age=float(max_age), extra=as_json(extra))
        return self._call(srv.GetImage, "get_image", request, lambda r: _image(r.image, r.header), timeout)

    get_image_async = later(get_image)

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
        request = srv.GetImages.Request(
            filter_source_names=list(filter_source_names),
            mime_type=mime_type,
            max_age=float(max_age),
            extra=as_json(extra),
        )
        return self._call(srv.GetImages, "get_images", request, _images, timeout)

    get_images_async = later(get_images)

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
        request = srv.GetPointCloud.Request(max_age=float(max_age), extra=as_json(extra))
        return self._call(srv.GetPointCloud, "get_point_cloud", request, _cloud, timeout)

    get_point_cloud_async = later(get_point_cloud)

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
        request = srv.GetPointCloud.Request(
            mime_type="pointcloud/pcd", max_age=float(max_age), extra=as_json({"data": form})
        )
        return self._call(srv.GetPointCloud, "get_point_cloud", request, lambda r: bytes(r.data), timeout)

    get_pcd_async = later(get_pcd)

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
        request = srv.GetGeometries.Request(extra=as_json(extra))
        return self._call(srv.GetGeometries, "get_geometries", request, _geometries, timeout)

    get_geometries_async = later(get_geometries)

    def get_properties(self, *, timeout: float | None = None) -> CameraProperties:
        """Return what the camera is: its imagers, calibration, frame and rate.

        Args:
            timeout: Seconds; None = 10.

        Returns:
            What the camera is.

        Raises:
            VisionError: Only what every method may raise.
        """
        request = srv.GetCameraProperties.Request()
        return self._call(srv.GetCameraProperties, "get_properties", request, _properties, timeout)

    get_properties_async = later(get_properties)


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
