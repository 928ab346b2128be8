"""What a camera node answers: images and point clouds, encoded as they are asked for."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from vision_service.camera.contents import check_form, check_sources, choose_source, encode_source, form_of, sources_of
from vision_service.concurrency import Worker
from vision_service.errors import ErrorCode, VisionError
from vision_service.msg import NamedImage
from vision_service.pointcloud.pcd import write_pcd
from vision_service.pointcloud.projection import cloud_of
from vision_service.ros import conversion
from vision_service.ros.execution.calls import Call, too_late
from vision_service.ros.json_fields import json_object
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.resources.feeds import Feed, fetch
from vision_service.srv import GetImage, GetImages, GetPointCloud
from vision_service.types import Frame

Result = TypeVar("Result")

PCD = "pointcloud/pcd"


class CameraAnswers:
    """Offers the services by which a camera's frames are called for."""

    def __init__(self, node: ServiceNode, feed: Feed) -> None:
        """Offer the services.

        Args:
            node: The camera node.
            feed: Its frames.
        """
        self._node = node
        self._feed = feed
        self._encoder = Worker(f"{node.get_name()}/encoder")  # it takes longer than a callback should
        node.offer(GetImage, "get_image", self._get_image)
        node.offer(GetImages, "get_images", self._get_images)
        node.offer(GetPointCloud, "get_point_cloud", self._get_point_cloud)

    def close(self) -> None:
        """Encode nothing more."""
        self._encoder.close()

    async def _frame(self, call: Call, request: Any) -> Frame:
        json_object(request.extra, "extra")
        return await fetch(
            self._feed, self._node.get_name(), call, max_age=request.max_age, settings=self._node.settings
        )

    async def _get_image(self, request: Any, response: Any, call: Call) -> None:
        frame = await self._frame(call, request)
        source, mime_type = request.source or choose_source(frame, request.mime_type), request.mime_type
        check_sources(frame, [source])
        check_form([source], mime_type)
        response.image = await self._done(call, lambda: self._named_image(frame, source, mime_type))
        response.header = conversion.header_of(frame)

    async def _get_images(self, request: Any, response: Any, call: Call) -> None:
        wanted = list(request.filter_source_names)
        twice = sorted(name for name, count in Counter(wanted).items() if count > 1)
        if twice:
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"asked for twice: {', '.join(twice)}")
        frame = await self._frame(call, request)
        check_sources(frame, wanted)
        sources = wanted or sources_of(frame)
        check_form(sources, request.mime_type)
        forms = {source: form_of(source, request.mime_type) for source in sources}
        response.images = await self._done(
            call,
            lambda: [self._named_image(frame, source, mime_type) for source, mime_type in forms.items()],
        )
        response.header = conversion.header_of(frame)

    async def _get_point_cloud(self, request: Any, response: Any, call: Call) -> None:
        if request.mime_type not in ("", PCD):
            msg = f"a point cloud is answered as {PCD} or, with an empty mime_type, as PointCloud2"
            raise VisionError(ErrorCode.NOT_SUPPORTED, f"{msg}, not as {request.mime_type!r}")
        form = json_object(request.extra, "extra").get("data", "binary")
        if form not in ("binary", "ascii"):
            msg = f"'data' in 'extra' says how a PCD file is written: \"binary\" or \"ascii\", not {form!r}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        frame = await self._frame(call, request)
        response.header = header = conversion.header_of(frame)
        if request.mime_type == PCD:
            data = await self._done(call, lambda: write_pcd(cloud_of(frame), form))
            response.data = array("B", data)
            response.mime_type = PCD
        else:
            response.cloud = await self._done(call, lambda: conversion.cloud_to_message(cloud_of(frame), header))

    async def _done(self, call: Call, job: Callable[[], Result]) -> Result:
        """Return what a job returns that takes longer than a callback should."""
        return await call.wait(self._encoder.submit(job), late=lambda: too_late(call))

    def _named_image(self, frame: Frame, source: str, mime_type: str) -> NamedImage:
        """Return one imager's image, raw or encoded."""
        named = NamedImage(source_name=source, mime_type=mime_type)
        try:
            if mime_type:
                named.data = array(
                    "B", encode_source(frame, source, mime_type, quality=self._node.settings.jpeg_quality)
                )
            elif source == "color" and frame.image is not None:
                header = conversion.header_of(frame)
                named.image = conversion.image_to_message(frame.image.pixels, frame.image.encoding, header)
            elif frame.depth is not None:
                named.image = conversion.depth_to_message(frame.depth, conversion.header_of(frame))
        except VisionError as error:  # the request was found to be good: it is the image, which came damaged
            raise VisionError(ErrorCode.CAMERA_ERROR, error.message) from None
        return named
