"""A vision service of ours as a vision service of Viam's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from viam.media.video import CameraMimeType, NamedImage, ViamImage
from viam.proto.common import PointCloudObject
from viam.proto.service.vision import Classification, Detection, Detection3D
from viam.services.vision import Vision
from viam.services.vision.vision import CaptureAllResult

from vision_service.image import encode_image
from vision_service.viam import translation
from vision_service.viam.asking import answered
from vision_service.viam.images import JPEG, given_image, sent_image


class CameraNames:
    """How cameras are called here and there; replaced by who knows."""

    def there(self, service: str, name: str) -> str:
        """Return a camera's name as a vision service of ours knows it.

        Args:
            service: The full name of the vision service's node.
            name: As Viam's client gives it; empty = the default camera.
        """
        return name

    def here(self, service: str, name: str) -> str:
        """Return a camera's name as Viam's clients know it.

        Args:
            service: The full name of the vision service's node.
            name: As the vision service knows it.
        """
        return name


class GatewayVision(Vision):
    """A vision service of ours; ``extra`` may hold max_age (seconds) and source."""

    def __init__(self, name: str, client: Any, cameras: CameraNames | None = None) -> None:
        """Take what it is called by Viam's clients, our client of it, and how its cameras are called."""
        super().__init__(name)
        self.client = client
        self._cameras = cameras or CameraNames()

    def _asking(self, camera_name: str, extra: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
        """Return the camera's name for our client, and its further arguments."""
        options = translation.Options(extra)
        arguments = {"max_age": options.seconds("max_age"), "source": options.text("source"), "extra": options.rest}
        return self._cameras.there(self.client.name, camera_name), arguments

    async def get_detections_from_camera(
        self,
        camera_name: str,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> list[Detection]:
        """Return what is found in a camera's image."""
        camera, more = self._asking(camera_name, extra)
        found = await answered(
            lambda left: self.client.get_detections_from_camera_async(camera, timeout=left, **more), timeout
        )
        return translation.detections(found, found.frame.size)

    async def get_detections(
        self,
        image: ViamImage | bytes,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> list[Detection]:
        """Return what is found in an image, whatever mime type it is said to have."""
        ours = given_image(image if isinstance(image, bytes) else image.data)
        found = await answered(
            lambda left: self.client.get_detections_async(ours, timeout=left, extra=dict(extra or {})), timeout
        )
        return translation.detections(found, found.frame.size)

    async def get_classifications_from_camera(
        self,
        camera_name: str,
        count: int,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> list[Classification]:
        """Return what a camera's image shows: the best `count`, none if that is 0, all if it is negative."""
        camera, more = self._asking(camera_name, extra)
        return translation.classifications(
            await answered(
                lambda left: self.client.get_classifications_from_camera_async(camera, count, timeout=left, **more),
                timeout,
            )
        )

    async def get_classifications(
        self,
        image: ViamImage | bytes,
        count: int,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> list[Classification]:
        """Return what an image shows: the best `count`, none if that is 0, all if it is negative."""
        ours = given_image(image if isinstance(image, bytes) else image.data)
        return translation.classifications(
            await answered(
                lambda left: self.client.get_classifications_async(ours, count, timeout=left, extra=dict(extra or {})),
                timeout,
            )
        )

    async def get_object_point_clouds(
        self,
        camera_name: str,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> list[PointCloudObject]:
        """Return the objects in space that are found in a camera's frame, with their points."""
        camera, more = self._asking(camera_name, extra)
        found = await answered(
            lambda left: self.client.get_object_point_clouds_async(camera, timeout=left, **more), timeout
        )
        return await _aside(lambda: translation.objects(found, found.frame.frame_id))

    async def get_detections_3d(
        self,
        camera_name: str,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> list[Detection3D]:
        """Return the objects in space that are found in a camera's frame, without their points."""
        camera, more = self._asking(camera_name, extra)
        found = await answered(
            lambda left: self.client.get_detections_3d_from_camera_async(camera, timeout=left, **more), timeout
        )
        return translation.detections_3d(found, found.frame.frame_id)

    async def capture_all_from_camera(
        self,
        camera_name: str,
        return_image: bool = False,
        return_classifications: bool = False,
        return_detections: bool = False,
        return_object_point_clouds: bool = False,
        return_detections_3d: bool = False,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> CaptureAllResult:
        """Return one frame of a camera, with all that is asked for of the same frame."""
        camera, more = self._asking(camera_name, extra)
        found = await answered(
            lambda left: self.client.capture_all_from_camera_async(
                camera,
                return_image=return_image,
                return_detections=return_detections,
                return_classifications=return_classifications,
                return_object_point_clouds=return_object_point_clouds or return_detections_3d,
                timeout=left,
                **more,
            ),
            timeout,
        )
        return await _aside(lambda: self._captured(found, return_object_point_clouds, return_detections_3d))

    def _captured(self, found: Any, return_object_point_clouds: bool, return_detections_3d: bool) -> CaptureAllResult:
        camera = self._cameras.here(self.client.name, found.frame.camera_name)
        result = CaptureAllResult(extra={"camera_name": camera, "frame_id": found.frame.frame_id})
        if found.frame.image is not None:
            data = sent_image(encode_image(found.frame.image, JPEG))
            result.image = NamedImage(camera, data, CameraMimeType.JPEG)
        if found.detections is not None:
            result.detections = translation.detections(found.detections, found.size)
        if found.classifications is not None:
            result.classifications = translation.classifications(found.classifications)
        if return_object_point_clouds:
            result.objects = translation.objects(found.objects or (), found.objects_frame_id)
        if return_detections_3d:
            result.detections_3d = translation.detections_3d(found.objects or (), found.objects_frame_id)
        return result

    async def get_properties(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **_: Any
    ) -> Vision.Properties:
        """Return what the service can do, and its default camera, where it has one."""
        told = await answered(lambda left: self.client.get_properties_async(timeout=left), timeout)
        message = Vision.Properties(
            classifications_supported=told.classifications_supported,
            detections_supported=told.detections_supported,
            object_point_clouds_supported=told.object_point_clouds_supported,
            detections_3d_supported=told.detections_3d_supported,
        )
        if told.default_camera:
            message.default_camera = self._cameras.here(self.client.name, told.default_camera)
        return message

    async def do_command(
        self, command: Mapping[str, Any], *, timeout: float | None = None, **_: Any
    ) -> Mapping[str, Any]:
        """Run a command of the model."""
        return await answered(lambda left: self.client.do_command_async(command, timeout=left), timeout)

    async def get_status(self, *, timeout: float | None = None, **_: Any) -> Mapping[str, Any]:
        """Return how the service is."""
        return await answered(lambda left: self.client.get_status_async(timeout=left), timeout)

    async def close(self) -> None:
        """End our client of it; the service goes on."""
        self.client.close()


async def _aside(job: Callable[[], Any]) -> Any:
    """Return what a job returns that would hold up the event loop."""
    return await asyncio.get_running_loop().run_in_executor(None, job)
