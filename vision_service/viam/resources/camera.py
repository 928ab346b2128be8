"""A camera of ours as a camera of Viam's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from viam.components.camera import Camera
from viam.media.video import CameraMimeType, NamedImage
from viam.proto.common import Geometry, ResponseMetadata

from vision_service.camera.contents import decode_depth, encode_depth
from vision_service.errors import ErrorCode, VisionError
from vision_service.viam import translation
from vision_service.viam.asking import answered, remaining
from vision_service.viam.images import DEPTH, JPEG, PNG, sent_image

PCD = "pointcloud/pcd"
FORMS = (JPEG, PNG, DEPTH)
"""What images can be sent as."""


class GatewayCamera(Camera):
    """A camera of ours; ``extra`` may hold max_age (seconds) and mime_type."""

    def __init__(self, name: str, client: Any) -> None:
        """Take the name that Viam's clients know it by, and our client of it."""
        super().__init__(name)
        self.client = client

    async def get_images(
        self,
        *,
        filter_source_names: Sequence[str] | None = None,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> tuple[list[NamedImage], ResponseMetadata]:
        """Return the images of the camera's imagers, taken together: colour as JPEG, depth as Viam's raw depth."""
        options = translation.Options(extra)
        wanted, max_age = options.text("mime_type", FORMS), options.seconds("max_age")
        names, left = list(filter_source_names or ()), remaining(timeout)

        async def ask(form: str) -> Any:
            return await answered(
                lambda seconds: self.client.get_images_async(
                    names, mime_type=form, max_age=max_age, timeout=seconds, extra=options.rest
                ),
                left(),
            )

        try:
            found = await ask(wanted or JPEG)
        except VisionError as error:
            if wanted or error.code != ErrorCode.NOT_SUPPORTED:
                raise
            found = await ask(DEPTH)  # there is only depth, or nothing else was asked for
        images = await asyncio.get_running_loop().run_in_executor(None, lambda: [_named(each) for each in found])
        stamp = translation.timestamp(found[0].stamp if found else 0)
        return images, ResponseMetadata(captured_at=stamp)

    async def get_image(
        self, mime_type: str = "", *, extra: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> tuple[bytes, str]:
        """Return one image, in the form that is asked for, or in another one where there is not that.

        This is the method that Viam has removed, and that programs of before 2026 call.
        """
        options = translation.Options(extra)
        max_age, source = options.seconds("max_age"), options.text("source")
        form, left = mime_type.removesuffix("+lazy"), remaining(timeout)
        form = form if form in FORMS else (DEPTH if source == "depth" else JPEG)

        async def ask(form: str) -> Any:
            return await answered(
                lambda seconds: self.client.get_image_async(
                    form, source=source, max_age=max_age, timeout=seconds, extra=options.rest
                ),
                left(),
            )

        try:
            image = await ask(form)
        except VisionError as error:
            if error.code not in (ErrorCode.NOT_SUPPORTED, ErrorCode.INVALID_ARGUMENT) or form == PNG or source:
                raise
            image = await ask(PNG)  # a camera of depth only, asked for a JPEG; one without depth, asked for depth
        return sent_image(image.data), image.mime_type

    async def get_point_cloud(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **_: Any
    ) -> tuple[bytes, str]:
        """Return the points as PCD, metres."""
        options = translation.Options(extra)
        form, max_age = options.text("data", ("binary", "ascii")) or "binary", options.seconds("max_age")
        data = await answered(lambda left: self.client.get_pcd_async(form, max_age=max_age, timeout=left), timeout)
        return data, PCD

    async def get_properties(self, *, timeout: float | None = None, **_: Any) -> Camera.Properties:
        """Return the calibration, where the camera is, and what it can answer."""
        told = await answered(lambda left: self.client.get_properties_async(timeout=left), timeout)
        return translation.camera_properties(told)

    async def get_geometries(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **_: Any
    ) -> list[Geometry]:
        """Return the boxes that the camera takes up; none where that is not known."""
        try:
            boxes = await answered(
                lambda left: self.client.get_geometries_async(timeout=left, extra=dict(extra or {})), timeout
            )
        except VisionError as error:
            if error.code != ErrorCode.NOT_SUPPORTED:
                raise
            boxes = []
        return translation.geometries(boxes)

    async def do_command(
        self, command: Mapping[str, Any], *, timeout: float | None = None, **_: Any
    ) -> Mapping[str, Any]:
        """Run a command of the driver."""
        return await answered(lambda left: self.client.do_command_async(command, timeout=left), timeout)

    async def get_status(self, *, timeout: float | None = None, **_: Any) -> Mapping[str, Any]:
        """Return how the camera is."""
        return await answered(lambda left: self.client.get_status_async(timeout=left), timeout)

    async def close(self) -> None:
        """End our client of it; the camera goes on."""
        self.client.close()


def _named(image: Any) -> NamedImage:
    """Return an image of ours as the SDK's; depth that came as PNG as raw depth, the only form the SDK takes it in."""
    if image.source_name == "depth" and image.mime_type == PNG:
        return NamedImage(
            image.source_name, encode_depth(decode_depth(image.data), DEPTH), CameraMimeType.VIAM_RAW_DEPTH
        )
    return NamedImage(image.source_name, sent_image(image.data), CameraMimeType.from_string(image.mime_type))
