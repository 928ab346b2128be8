"""What a vision node answers: detect, classify, segment and capture, of given images and of cameras."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from vision_service import limits
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.ros import conversion
from vision_service.ros.execution.calls import Call
from vision_service.ros.image_services import ON_IMAGES, ImageService, Seen
from vision_service.ros.json_fields import json_object
from vision_service.ros.messages import (
    fill_classifications,
    fill_detections,
    fill_detections_3d,
    fill_frame,
    fill_keypoints,
    fill_objects,
    fill_segmentation,
    given_frame,
    ground_message,
)
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.resources.feeds import fetch
from vision_service.ros.vision.cameras import Cameras
from vision_service.ros.vision.model_at_work import ModelAtWork
from vision_service.srv import (
    CaptureAllFromCamera,
    GetDetections3DFromCamera,
    GetObjectPointClouds,
    GetVisionProperties,
)
from vision_service.tasks import CLASSIFY, DETECT, KEYPOINTS, SEGMENT, SEGMENT_3D, TASKS, Task, abilities
from vision_service.types import Frame, PointCloud, PointCloudObject
from vision_service.vision.model import Needs

NOTHING_MORE = Needs(0)


class VisionAnswers:
    """Offers the services of a vision node, and answers them; all in the executor's thread."""

    def __init__(self, node: ServiceNode, work: ModelAtWork, cameras: Cameras) -> None:
        """Offer the services.

        Args:
            node: The vision node.
            work: Its model.
            cameras: Its cameras.
        """
        self._node = node
        self._work = work
        self._cameras = cameras
        for service in ON_IMAGES:
            node.offer(service.given, service.name, partial(self._answer, service))
            node.offer(service.from_camera, f"{service.name}_from_camera", partial(self._answer, service))
        node.offer(GetObjectPointClouds, "get_object_point_clouds", self._get_object_point_clouds)
        node.offer(GetDetections3DFromCamera, "get_detections_3d_from_camera", self._get_detections_3d_from_camera)
        node.offer(CaptureAllFromCamera, "capture_all_from_camera", self._capture_all_from_camera)
        node.offer(GetVisionProperties, "get_properties", self._get_properties, always=True)

    async def _camera_frame(self, request: Any, response: Any, call: Call, needs: Needs = NOTHING_MORE) -> Frame:
        """Return the frame that a camera request asks for, and say in the response which camera it is of.

        Args:
            request: The camera request.
            response: Its response.
            call: Who asks.
            needs: What the frame must have besides what the model needs.
        """
        json_object(request.extra, "extra")
        if request.source not in ("", "color"):
            msg = f"source {request.source!r}: a vision node looks at the colour image only; leave the source empty"
            raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
        name = request.camera_name or self._node.settings.default_camera()
        if not name:
            msg = "no camera_name given, and the node has no default camera: give one, or set the parameter cameras"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        model_needs = self._work.get().model.needs
        feed = self._cameras.feed(name, model_needs | needs if needs else model_needs)
        frame = await fetch(feed, name, call, max_age=request.max_age, settings=self._node.settings)
        if frame.image is not None and frame.image.compressed is not None and not frame.image.decoded:
            await self._decode(name, frame.image, call)
        response.camera_name = name
        return frame

    async def _decode(self, camera: str, image: Image, call: Call) -> None:
        """Decode a camera's compressed image in the model's thread; a bad one is no fault of the caller's."""
        try:
            await self._work.in_its_thread(lambda: image.pixels, call, go_on_there=True)
        except VisionError as error:
            if error.code != ErrorCode.INVALID_ARGUMENT:
                raise
            msg = f"camera {camera!r} sent a bad image: {error.message}"
            raise VisionError(ErrorCode.CAMERA_ERROR, msg) from None

    async def _answer(self, service: ImageService, request: Any, response: Any, call: Call) -> None:
        """Answer what is asked of an image, given or a camera's."""
        self._work.get().methods_for(service.task)
        given = isinstance(request, service.given.Request)
        if given:
            frame = given_frame(request, ahead=self._work.get().busy)
        else:
            frame = await self._camera_frame(request, response, call)
        found = await self._do(service.task, frame, call)
        if isinstance(response, Seen):
            response.frame, response.found = frame, found
        else:
            service.fill(response, request, frame, found)

    async def _do(self, task: Task, frame: Frame, call: Call) -> Any:
        """Return the result of a task."""
        methods = self._work.get().methods_for(task)
        runs = self._start(methods, frame)
        return task.result(await self._finish(runs, call, go_on_there=len(methods) == 1))

    def _start(self, methods: Iterable[str], frame: Frame) -> dict[str, Future[Any]]:
        """Let methods of the model look at a frame: at once, so that all are of one model, whatever is set then."""
        inference = self._work.get()
        return {method: inference.run(method, frame) for method in methods}

    async def _finish(self, runs: dict[str, Future[Any]], call: Call, *, go_on_there: bool = False) -> dict[str, Any]:
        """Return what methods of the model have said."""
        results = {}
        try:
            late = partial(self._work.late, call)
            for method in runs:
                results[method] = await call.wait(runs[method], late=late, go_on_there=go_on_there)
            return results
        finally:
            # An error refers to this call, and its future to the error: a reference cycle with an image in it.
            while runs:
                runs.popitem()[1].cancel()

    async def _get_object_point_clouds(self, request: Any, response: Any, call: Call) -> None:
        self._work.get().methods_for(SEGMENT_3D)
        given = request.cloud
        if given.data or given.fields or given.width or given.height:
            json_object(request.extra, "extra")
            cloud = await self._given_cloud(given, call)
            stamp, frame_id = conversion.nanoseconds(given.header.stamp), given.header.frame_id
            frame = Frame(cloud=cloud, stamp=stamp, frame_id=frame_id)
        else:
            frame = await self._camera_frame(request, response, call)
        objects = await self._do(SEGMENT_3D, frame, call)
        await self._fill_objects(response, frame, objects, call, extra=request.extra)

    async def _given_cloud(self, given: Any, call: Call) -> PointCloud:
        """Return the cloud of a message, whose bytes count for as long as it waits and is worked on."""
        convert = partial(conversion.cloud_from_message, given)  # whoever has it in hand holds the message
        limits.budget.take(2 * len(given.data), convert)
        return await self._work.in_its_thread(convert, call)

    async def _get_detections_3d_from_camera(self, request: Any, response: Any, call: Call) -> None:
        self._work.get().methods_for(SEGMENT_3D)
        frame = await self._camera_frame(request, response, call)
        objects = await self._do(SEGMENT_3D, frame, call)
        await self._fill_objects(response, frame, objects, call, fill_detections_3d, request.extra)

    async def _fill_objects(
        self,
        response: Any,
        frame: Frame,
        objects: Sequence[PointCloudObject],
        call: Call,
        fill: Callable[[Any, Frame, Sequence[PointCloudObject], str], None] = fill_objects,
        extra: str = "",
    ) -> None:
        """Put the objects of a frame into a response; in the model's thread, because points are many.

        Who asks for it in `extra` is told the ground in the message.
        """
        await self._work.in_its_thread(lambda: fill(response, frame, *self._work.place(frame, objects)), call)
        if json_object(extra, "extra").get("ground"):
            response.message = ground_message(self._work.get().model.ground(frame.camera_name))

    async def _capture_all_from_camera(self, request: Any, response: Any, call: Call) -> None:
        frame = await self._camera_frame(request, response, call, Needs.IMAGE if request.return_image else NOTHING_MORE)
        wanted = {
            DETECT: request.return_detections,
            CLASSIFY: request.return_classifications,
            SEGMENT_3D: request.return_object_point_clouds,
            SEGMENT: request.return_segmentation,
            KEYPOINTS: request.return_keypoints,
        }
        able = abilities(self._work.get().model)
        takes = {task: methods for task, yes in wanted.items() if yes and (methods := task.methods(able))}
        runs = self._start(dict.fromkeys(method for methods in takes.values() for method in methods), frame)
        if request.return_image and frame.image is not None:
            pixels, encoding = frame.image.pixels, frame.image.encoding
            response.image = conversion.image_to_message(pixels, encoding, conversion.header_of(frame))
        results = await self._finish(runs, call)
        found = {task: task.result({each: results[each] for each in methods}) for task, methods in takes.items()}
        if DETECT in found:
            fill_detections(response, frame, found[DETECT])
        if CLASSIFY in found:
            fill_classifications(response, frame, found[CLASSIFY], request.count)
        if SEGMENT in found:
            fill_segmentation(response, frame, found[SEGMENT])
        if KEYPOINTS in found:
            fill_keypoints(response, frame, found[KEYPOINTS])
        if SEGMENT_3D in found:
            await self._fill_objects(response, frame, found[SEGMENT_3D], call, extra=request.extra)
        fill_frame(response, frame)

    async def _get_properties(self, request: Any, response: Any, call: Call) -> None:
        response.default_camera = self._node.settings.default_camera()
        response.cameras = list(self._node.settings.all_cameras())
        response.model = self._node.settings.model
        if self._work.scheduler is not None:
            model = self._work.scheduler.model
            for task in TASKS:
                for field in task.supported:
                    setattr(response, field, bool(task.methods(abilities(model))))
            response.labels = list(model.labels)
