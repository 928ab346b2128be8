"""The client of a vision service."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from std_msgs.msg import Header

from vision_service import srv
from vision_service.ros import conversion
from vision_service.ros.client import responses
from vision_service.ros.client.base import NamedClient, as_status
from vision_service.ros.client.requests import ImageLike, as_json, fill_image
from vision_service.ros.client.results import CaptureAllResult, Results, VisionProperties
from vision_service.ros.client.twins import later
from vision_service.types import Classification, Detection, Detection3D, PointCloud, PointCloudObject, Segmentation
from vision_service.zones.counts import ZoneCounts, counts_of


class VisionClient(NamedClient):
    """A vision service.

    Example::

        with VisionClient("people") as people:
            for detection in people.get_detections_from_camera():
                print(detection.class_name, detection.confidence)
    """

    def get_detections(
        self, image: ImageLike, *, timeout: float | None = None, extra: Mapping[str, Any] | None = None
    ) -> Results[Detection]:
        """Return what is found in an image.

        Args:
            image: (H, W, 3) RGB pixels, our Image, the bytes of a JPEG or PNG, or a message.
            timeout: Seconds; None = the node's default.
            extra: Further options, by name; unknown ones are ignored.

        Returns:
            The detections, best first; boxes in pixels of the image.

        Raises:
            VisionError: INVALID_ARGUMENT, if that is no image; NOT_SUPPORTED, if the model does not detect;
                MODEL_ERROR, if it fails; OVERLOADED, if too many calls wait for it.
        """
        request = fill_image(srv.GetDetections.Request(extra=as_json(extra)), image)
        return self._call(srv.GetDetections, "get_detections", request, responses.detections, timeout)

    get_detections_async = later(get_detections)

    def get_detections_from_camera(
        self,
        camera_name: str = "",
        *,
        timeout: float | None = None,
        max_age: float = 0.0,
        source: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> Results[Detection]:
        """Return what is found in a camera's image.

        Args:
            camera_name: Empty = the service's default camera.
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.
            source: The imager that is looked at; empty = colour.
            extra: Further options, by name; unknown ones are ignored.

        Returns:
            The detections, best first; boxes in pixels of the image.

        Raises:
            VisionError: UNKNOWN_CAMERA, if there is none of this name; NO_FRAME, if none comes in time; CAMERA_ERROR,
                if the camera fails; NOT_SUPPORTED, if the model does not detect; MODEL_ERROR, if it fails; OVERLOADED,
                if too many calls wait for it.
        """
        kind = srv.GetDetectionsFromCamera
        request = kind.Request(camera_name=camera_name, max_age=float(max_age), source=source, extra=as_json(extra))
        return self._call(kind, "get_detections_from_camera", request, responses.detections, timeout)

    get_detections_from_camera_async = later(get_detections_from_camera)

    def get_classifications(
        self, image: ImageLike, count: int = -1, *, timeout: float | None = None, extra: Mapping[str, Any] | None = None
    ) -> Results[Classification]:
        """Return what an image shows.

        Args:
            image: (H, W, 3) RGB pixels, our Image, the bytes of a JPEG or PNG, or a message.
            count: How many at most; 0 = none, negative = all.
            timeout: Seconds; None = the node's default.
            extra: Further options, by name; unknown ones are ignored.

        Returns:
            The classifications, best first.

        Raises:
            VisionError: INVALID_ARGUMENT, if that is no image; NOT_SUPPORTED, if the model does not classify;
                MODEL_ERROR, if it fails; OVERLOADED, if too many calls wait for it.
        """
        request = fill_image(srv.GetClassifications.Request(count=count, extra=as_json(extra)), image)
        return self._call(srv.GetClassifications, "get_classifications", request, responses.classifications, timeout)

    get_classifications_async = later(get_classifications)

    def get_classifications_from_camera(
        self,
        camera_name: str = "",
        count: int = -1,
        *,
        timeout: float | None = None,
        max_age: float = 0.0,
        source: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> Results[Classification]:
        """Return what a camera's image shows.

        Args:
            camera_name: Empty = the service's default camera.
            count: How many at most; 0 = none, negative = all.
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.
            source: The imager that is looked at; empty = colour.
            extra: Further options, by name; unknown ones are ignored.

        Returns:
            The classifications, best first.

        Raises:
            VisionError: UNKNOWN_CAMERA, if there is none of this name; NO_FRAME, if none comes in time; CAMERA_ERROR,
                if the camera fails; NOT_SUPPORTED, if the model does not classify; MODEL_ERROR, if it fails;
                OVERLOADED, if too many calls wait for it.
        """
        kind = srv.GetClassificationsFromCamera
        request = kind.Request(
            camera_name=camera_name, count=count, max_age=float(max_age), source=source, extra=as_json(extra)
        )
        return self._call(kind, "get_classifications_from_camera", request, responses.classifications, timeout)

    get_classifications_from_camera_async = later(get_classifications_from_camera)

    def get_segmentation(
        self, image: ImageLike, *, timeout: float | None = None, extra: Mapping[str, Any] | None = None
    ) -> Segmentation:
        """Return which pixels of an image show what.

        Args:
            image: (H, W, 3) RGB pixels, our Image, the bytes of a JPEG or PNG, or a message.
            timeout: Seconds; None = the node's default.
            extra: Further options, by name; unknown ones are ignored.

        Returns:
            The class of each pixel, and objects with the pixels of each, best first: what the model has of both.

        Raises:
            VisionError: INVALID_ARGUMENT, if that is no image; NOT_SUPPORTED, if the model does not segment images;
                MODEL_ERROR, if it fails; OVERLOADED, if too many calls wait for it.
        """
        request = fill_image(srv.GetSegmentation.Request(extra=as_json(extra)), image)
        return self._call(srv.GetSegmentation, "get_segmentation", request, responses.segmentation, timeout)

    get_segmentation_async = later(get_segmentation)

    def get_segmentation_from_camera(
        self,
        camera_name: str = "",
        *,
        timeout: float | None = None,
        max_age: float = 0.0,
        source: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> Segmentation:
        """Return which pixels of a camera's image show what.

        Args:
            camera_name: Empty = the service's default camera.
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.
            source: The imager that is looked at; empty = colour.
            extra: Further options, by name; unknown ones are ignored.

        Returns:
            The class of each pixel, and objects with the pixels of each, best first: what the model has of both.

        Raises:
            VisionError: UNKNOWN_CAMERA, if there is none of this name; NO_FRAME, if none comes in time; CAMERA_ERROR,
                if the camera fails; NOT_SUPPORTED, if the model does not segment images; MODEL_ERROR, if it fails;
                OVERLOADED, if too many calls wait for it.
        """
        kind = srv.GetSegmentationFromCamera
        request = kind.Request(camera_name=camera_name, max_age=float(max_age), source=source, extra=as_json(extra))
        return self._call(kind, "get_segmentation_from_camera", request, responses.segmentation, timeout)

    get_segmentation_from_camera_async = later(get_segmentation_from_camera)

    def get_keypoints(
        self, image: ImageLike, *, timeout: float | None = None, extra: Mapping[str, Any] | None = None
    ) -> Results[Detection]:
        """Return the objects in an image with their keypoints.

        Args:
            image: (H, W, 3) RGB pixels, our Image, the bytes of a JPEG or PNG, or a message.
            timeout: Seconds; None = the node's default.
            extra: Further options, by name; unknown ones are ignored.

        Returns:
            The objects, best first, each with its keypoints (``extra.keypoints``), in pixels of the image.

        Raises:
            VisionError: INVALID_ARGUMENT, if that is no image; NOT_SUPPORTED, if the model finds no keypoints;
                MODEL_ERROR, if it fails; OVERLOADED, if too many calls wait for it.
        """
        request = fill_image(srv.GetKeypoints.Request(extra=as_json(extra)), image)
        return self._call(srv.GetKeypoints, "get_keypoints", request, responses.keypoints, timeout)

    get_keypoints_async = later(get_keypoints)

    def get_keypoints_from_camera(
        self,
        camera_name: str = "",
        *,
        timeout: float | None = None,
        max_age: float = 0.0,
        source: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> Results[Detection]:
        """Return the objects in a camera's image with their keypoints.

        Args:
            camera_name: Empty = the service's default camera.
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.
            source: The imager that is looked at; empty = colour.
            extra: Further options, by name; unknown ones are ignored.

        Returns:
            The objects, best first, each with its keypoints (``extra.keypoints``), in pixels of the image.

        Raises:
            VisionError: UNKNOWN_CAMERA, if there is none of this name; NO_FRAME, if none comes in time; CAMERA_ERROR,
                if the camera fails; NOT_SUPPORTED, if the model finds no keypoints; MODEL_ERROR, if it fails;
                OVERLOADED, if too many calls wait for it.
        """
        kind = srv.GetKeypointsFromCamera
        request = kind.Request(camera_name=camera_name, max_age=float(max_age), source=source, extra=as_json(extra))
        return self._call(kind, "get_keypoints_from_camera", request, responses.keypoints, timeout)

    get_keypoints_from_camera_async = later(get_keypoints_from_camera)

    def get_object_point_clouds(
        self,
        camera_name: str = "",
        *,
        cloud: PointCloud | None = None,
        timeout: float | None = None,
        max_age: float = 0.0,
        source: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> Results[PointCloudObject]:
        """Return the 3D objects that are found in a camera's frame, or in a given point cloud.

        Args:
            camera_name: Empty = the service's default camera.
            cloud: Points to look at instead of a camera's, metres.
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.
            source: The imager that is looked at; empty = colour.
            extra: Further options, by name; unknown ones are ignored.

        Returns:
            The objects: label, confidence, points and box of each, metres.

        Raises:
            VisionError: UNKNOWN_CAMERA, if there is none of this name; NO_FRAME, if none comes in time; CAMERA_ERROR,
                if the camera fails; NO_DEPTH, if it has no depth; NOT_CALIBRATED, if its intrinsics are unknown;
                NOT_SUPPORTED, if the model finds no objects; MODEL_ERROR, if it fails; OVERLOADED, if too many calls
                wait for it.
        """
        request = srv.GetObjectPointClouds.Request(
            camera_name=camera_name, max_age=float(max_age), source=source, extra=as_json(extra)
        )
        if cloud is not None:
            request.cloud = conversion.cloud_to_message(cloud, Header())
        return self._call(srv.GetObjectPointClouds, "get_object_point_clouds", request, responses.objects, timeout)

    get_object_point_clouds_async = later(get_object_point_clouds)

    def get_detections_3d_from_camera(
        self,
        camera_name: str = "",
        *,
        timeout: float | None = None,
        max_age: float = 0.0,
        source: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> Results[Detection3D]:
        """Return the 3D objects that are found in a camera's frame, without their points.

        Args:
            camera_name: Empty = the service's default camera.
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.
            source: The imager that is looked at; empty = colour.
            extra: Further options, by name; unknown ones are ignored.

        Returns:
            The objects: class name, confidence and box of each, metres.

        Raises:
            VisionError: UNKNOWN_CAMERA, if there is none of this name; NO_FRAME, if none comes in time; CAMERA_ERROR,
                if the camera fails; NO_DEPTH, if it has no depth; NOT_CALIBRATED, if its intrinsics are unknown;
                NO_TRANSFORM, if its place is unknown; NOT_SUPPORTED, if the model finds no 3D objects; MODEL_ERROR, if
                it fails; OVERLOADED, if too many calls wait for it.
        """
        kind = srv.GetDetections3DFromCamera
        request = kind.Request(camera_name=camera_name, max_age=float(max_age), source=source, extra=as_json(extra))
        return self._call(kind, "get_detections_3d_from_camera", request, responses.detections_3d, timeout)

    get_detections_3d_from_camera_async = later(get_detections_3d_from_camera)

    def capture_all_from_camera(
        self,
        camera_name: str = "",
        *,
        return_image: bool = False,
        return_detections: bool = False,
        return_classifications: bool = False,
        return_object_point_clouds: bool = False,
        return_segmentation: bool = False,
        return_keypoints: bool = False,
        count: int = -1,
        timeout: float | None = None,
        max_age: float = 0.0,
        source: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> CaptureAllResult:
        """Return one frame of a camera and what the model says of it.

        Args:
            camera_name: Empty = the service's default camera.
            return_image: Whether the image is wanted.
            return_detections: Whether detections are wanted.
            return_classifications: Whether classifications are wanted.
            return_object_point_clouds: Whether 3D objects are wanted.
            return_segmentation: Whether it is wanted which pixels show what.
            return_keypoints: Whether keypoints are wanted.
            count: How many classifications at most; 0 = none, negative = all.
            timeout: Seconds; None = the node's default.
            max_age: Seconds; > 0 = a frame at most so old, 0 = the node's default, < 0 = a frame yet to come.
            source: The imager that is looked at; empty = colour.
            extra: Further options, by name; unknown ones are ignored.

        Returns:
            What was asked for, all of the same frame; what the model does not support is empty. The detections have
            the masks and keypoints that were asked for with them.

        Raises:
            VisionError: UNKNOWN_CAMERA, if there is none of this name; NO_FRAME, if none comes in time; CAMERA_ERROR,
                if the camera fails; MODEL_ERROR, if the model fails; OVERLOADED, if too many calls wait for it.
        """
        request = srv.CaptureAllFromCamera.Request(
            camera_name=camera_name,
            count=count,
            max_age=float(max_age),
            source=source,
            extra=as_json(extra),
            return_image=return_image,
            return_detections=return_detections,
            return_classifications=return_classifications,
            return_object_point_clouds=return_object_point_clouds,
            return_segmentation=return_segmentation,
            return_keypoints=return_keypoints,
        )
        return self._call(
            srv.CaptureAllFromCamera, "capture_all_from_camera", request, partial(responses.captured, request), timeout
        )

    capture_all_from_camera_async = later(capture_all_from_camera)

    def get_zones(self, *, timeout: float | None = None) -> dict[str, ZoneCounts]:
        """Return what is counted in the service's zones.

        Example::

            print(people.get_zones()["door"].inside.get("person", 0))

        Args:
            timeout: Seconds; None = 10.

        Returns:
            The counts by the names of the zones; empty = it has none.

        Raises:
            VisionError: Only what every method may raise.
        """
        kind = srv.GetStatus
        return self._call(kind, "get_status", kind.Request(), lambda answer: counts_of(as_status(answer)), timeout)

    get_zones_async = later(get_zones)

    def get_properties(self, *, timeout: float | None = None) -> VisionProperties:
        """Return what the service can do, and with which cameras.

        Args:
            timeout: Seconds; None = 10.

        Returns:
            What the service can do.

        Raises:
            VisionError: Only what every method may raise.
        """
        request = srv.GetVisionProperties.Request()
        return self._call(srv.GetVisionProperties, "get_properties", request, responses.properties, timeout)

    get_properties_async = later(get_properties)
