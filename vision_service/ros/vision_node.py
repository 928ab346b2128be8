"""The vision node: a vision model behind services and topics, for any number of cameras."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo

from vision_service.configuration import attribute, attributes, configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.inference import Inference
from vision_service.resources import unknown
from vision_service.ros import conversion, qos
from vision_service.ros.calls import Call, too_late
from vision_service.ros.messages import (
    fill_classifications,
    fill_detections,
    fill_frame,
    fill_objects,
    given_frame,
)
from vision_service.ros.mlmodel_node import MLModelNode
from vision_service.ros.node import ServiceNode, json_object
from vision_service.ros.outputs import NAMES, Outputs
from vision_service.ros.resources import NodeResources
from vision_service.ros.sources import (
    CameraTopics,
    Feed,
    FrameConfiguration,
    LocalCameras,
    TopicCamera,
    check_camera_name,
    check_topics,
    fetch,
)
from vision_service.srv import (
    CaptureAllFromCamera,
    GetClassifications,
    GetClassificationsFromCamera,
    GetDetections,
    GetDetectionsFromCamera,
    GetObjectPointClouds,
    GetVisionProperties,
)
from vision_service.types import Frame
from vision_service.vision import MODELS
from vision_service.vision.model import VisionModel, methods, only_live_changes


@dataclass(frozen=True, kw_only=True)
class VisionConfiguration(FrameConfiguration):
    """Parameters of a vision node; those of its model stand beside them, those of each camera below its name."""

    model: str = attribute("What looks at the frames: the name of a vision model.")
    cameras: tuple[str, ...] = attribute("Names of the cameras to look at.", default=())
    camera_name: str = attribute("The camera of calls that name none; empty = the first of cameras.", default="")
    keep_subscribed: bool = attribute(
        "Stay subscribed to the cameras also while nobody listens or calls.", default=False, live=True
    )
    max_rate: float = attribute(
        "Up to how many frames a second of each camera are streamed; 0 = all.", default=0.0, unit="Hz", minimum=0,
        live=True,
    )  # fmt: skip
    pairing_tolerance: float = attribute(
        "How far the stamps of picture, depth and cloud of one frame may lie apart.", default=0.02, unit="s", minimum=0
    )

    def all_cameras(self) -> tuple[str, ...]:
        """Return the names of all cameras, the default one included."""
        return self.cameras or ((self.camera_name,) if self.camera_name else ())

    def default_camera(self) -> str:
        """Return the name of the default camera, empty if there is none."""
        return self.camera_name or next(iter(self.cameras), "")


class VisionNode(ServiceNode):
    """Answers detect, classify and segment, and streams the results while somebody listens."""

    Configuration = VisionConfiguration
    settings: VisionConfiguration

    def __init__(
        self,
        name: str,
        *,
        local: LocalCameras | None = None,
        mlmodels: Mapping[str, MLModelNode] | None = None,
        **arguments: Any,
    ) -> None:
        """Make the node.

        Args:
            name: The vision service's.
            local: The cameras of this process, whose frames are taken by reference.
            mlmodels: The ML model nodes of this process by their full names, whose models are taken by reference.
            **arguments: Further ones of rclpy's Node.
        """
        super().__init__(name, **arguments)
        self._local = local or LocalCameras()
        self._resources = NodeResources(self, mlmodels or {})
        self._model_class: type[VisionModel] | None = None
        self._inference: Inference | None = None
        self._candidate: tuple[Any, VisionModel | None] | None = None
        self._topics: dict[str, CameraTopics] = {}
        self._declared: list[str] = []
        self._cameras: dict[str, TopicCamera] = {}
        self._outputs: dict[str, Outputs] = {}
        self._streams: dict[str, Callable[[], None]] = {}
        self._streamed: dict[str, float] = {}
        self._label_info = qos.latched_publisher(self, LabelInfo, "~/label_info")
        self.offer(GetDetections, "get_detections", self._get_detections)
        self.offer(GetDetectionsFromCamera, "get_detections_from_camera", self._get_detections_from_camera)
        self.offer(GetClassifications, "get_classifications", self._get_classifications)
        self.offer(
            GetClassificationsFromCamera, "get_classifications_from_camera", self._get_classifications_from_camera
        )
        self.offer(GetObjectPointClouds, "get_object_point_clouds", self._get_object_point_clouds)
        self.offer(CaptureAllFromCamera, "capture_all_from_camera", self._capture_all_from_camera)
        self.offer(GetVisionProperties, "get_properties", self._get_properties, always=True)

    # Lifecycle.

    def configure(self) -> None:
        """Make the model, and the topics of the cameras."""
        check_cameras(self.settings)
        cameras = self.settings.all_cameras()
        for camera in self._declared:
            if camera not in cameras:  # those of the others may have been set since the start
                self.parameters.undeclare(CameraTopics, prefix=f"{camera}.")
        self._declared = list(cameras)
        for camera in cameras:
            self.parameters.declare(CameraTopics, prefix=f"{camera}.")
            values = self.parameters.values(CameraTopics, prefix=f"{camera}.")
            topics = configure(CameraTopics, values, of=f"camera {camera!r}").named(camera)
            check_topics(self, camera, topics)
            self._topics[camera] = topics
        model_class = MODELS.get(self.settings.model)
        if self._model_class is not None and self._model_class is not model_class:
            self.parameters.undeclare(self._model_class.Config)
        self._model_class = model_class
        self.parameters.declare(model_class.Config)
        model = self._make_model(model_class, self._model_config(model_class, {}))
        self._inference = Inference(model, self.get_name())
        self._make_outputs(model)

    def _make_outputs(self, model: VisionModel) -> None:
        self._stop_streams()
        for outputs in self._outputs.values():
            outputs.destroy()
        can = methods(model)
        default = self.settings.default_camera()
        self._outputs = {
            camera: Outputs(self, [f"~/{camera}", *(["~"] if camera == default else [])], can)
            for camera in self.settings.all_cameras()
        }

    def activate(self) -> None:
        """Answer calls, and stream what is heard."""
        self._publish_labels()

    def deactivate(self) -> None:
        """Look at nothing any more."""
        self._stop_streams()
        self._forget_cameras()
        self.troubles.clear()

    def cleanup(self) -> None:
        """Let go of the model and the topics."""
        self.deactivate()
        for outputs in self._outputs.values():
            outputs.destroy()
        self._outputs.clear()
        self._topics.clear()
        if self._inference is not None and not self._inference.close():
            self.get_logger().warning("the model has not returned from its last run; it is left behind")
        self._inference = None
        self._drop_candidate()
        self._resources.close()

    def _model_config(self, model_class: type[VisionModel], changes: Mapping[str, Any]) -> Any:
        values = self.parameters.values(model_class.Config, changes=changes)
        return configure(model_class.Config, values, of=f"the model {self.settings.model}")

    def _make_model(self, model_class: type[VisionModel], config: Any) -> VisionModel:
        model = model_class(config, self._resources)
        if not methods(model):
            model.close()
            msg = f"the model {self.settings.model} can neither detect nor classify nor segment"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        return model

    # Reconfiguring: a candidate is built beside the running model, and swapped in between two frames.

    def validate(self, changes: Mapping[str, Any]) -> None:
        """Build what the changes ask for, or refuse them."""
        if any(f"{camera}.{topic}" in changes for camera in self._topics for topic in attributes(CameraTopics)):
            msg = "a camera's topics can be changed only while the node is unconfigured (clean it up first)"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self._drop_candidate()
        if self._inference is None or self._model_class is None:
            return
        known = attributes(self._model_class.Config)
        if any(name.partition(".")[0] in known for name in changes):
            config = self._model_config(self._model_class, changes)
            live = only_live_changes(self._inference.model.config, config)
            self._candidate = config, None if live else self._make_model(self._model_class, config)

    def apply(self, changes: Mapping[str, Any]) -> None:
        """Use what was built."""
        if self._candidate is None or self._inference is None:
            return
        (config, model), self._candidate = self._candidate, None
        if model is None:
            self._inference.update(config)
            return
        old = self._inference.model
        other_methods, other_needs = methods(model) != methods(old), model.needs != old.needs
        self._inference.swap(model)
        if other_methods:
            self._make_outputs(model)
        if other_needs:
            self._stop_streams()
            self._forget_cameras()
        self._publish_labels()

    def _drop_candidate(self) -> None:
        """Close the model that was built for a change that did not come about."""
        if self._candidate is not None and self._candidate[1] is not None:
            self._candidate[1].close()
        self._candidate = None

    # Streaming.

    def housekeep(self) -> None:
        """Stream from cameras whose results are heard, and say which are silent."""
        for camera in dict.fromkeys([*self._outputs, *self._cameras]):
            try:
                self._tend(camera)
                self.troubles.report(f"camera {camera}", "")
            except VisionError as error:  # one camera must not hold up the others
                self.troubles.report(f"camera {camera}", f"cannot look at camera {camera!r}: {error.message}")

    def _tend(self, camera: str) -> None:
        if camera in self._cameras:
            self._cameras[camera].feed.demand.refresh()
        if camera not in self._outputs:  # somebody has called for it by its name
            return
        if self._outputs[camera].heard():
            self._start_stream(camera)
        else:
            self._stop_stream(camera)
        demand = self._feed(camera).demand
        if self.settings.keep_subscribed:
            demand.hold(self._keeping(camera))
        else:
            demand.release(self._keeping(camera))
        self._watch(camera)

    def _start_stream(self, camera: str) -> None:
        if camera in self._streams:
            return
        feed, outputs, inference = self._feed(camera), self._outputs[camera], self._working()

        def publish(frame: Frame) -> None:
            try:
                outputs.publish(frame, inference.now, jpeg_quality=self.settings.jpeg_quality)
                self.troubles.report(f"stream {camera}", "")
            except Exception as error:
                if camera in self._streams:
                    reason = error.message if isinstance(error, VisionError) else f"{type(error).__name__}: {error}"
                    self.troubles.report(f"stream {camera}", f"no results for a frame of {camera!r}: {reason}")

        def arrived(frame: Frame) -> None:
            now = time.monotonic()
            if self.settings.max_rate and now - self._streamed.get(camera, 0.0) < 1 / self.settings.max_rate:
                return
            self._streamed[camera] = now
            inference.stream(camera, lambda: publish(frame))

        holder = self, camera, "stream"
        feed.demand.hold(holder)
        unlisten = feed.slot.listen(arrived)

        def stop() -> None:
            unlisten()
            feed.demand.release(holder)

        self._streams[camera] = stop

    def _stop_stream(self, camera: str) -> None:
        stop = self._streams.pop(camera, None)
        if stop is not None:
            stop()
            self.troubles.report(f"stream {camera}", "")

    def _stop_streams(self) -> None:
        for camera in list(self._streams):
            self._stop_stream(camera)

    def _watch(self, camera: str) -> None:
        """Say once when a camera that is wanted falls silent, and once when that is over."""
        feed, source = self._feed(camera), self._cameras.get(camera)
        why = ""
        if feed.demand.wanted and feed.quiet_for() > self.settings.silence:
            error = feed.slot.error
            if error is not None:
                reason = error.message
            elif source is not None:
                reason = source.silence()
            else:
                reason = "its node is in this process; see its get_status"
            why = f"no frame of camera {camera!r} for {self.settings.silence:g} s: {reason}"
        self.troubles.report(f"silence {camera}", why)

    def _publish_labels(self) -> None:
        header = Header(stamp=self.get_clock().now().to_msg())
        self._label_info.publish(conversion.labels_to_message(self._working().model.labels, header))

    # Cameras.

    def _keeping(self, camera: str) -> object:
        """Return who holds a camera's demand for keep_subscribed; nodes of one process share the demand."""
        return self, camera, "keep_subscribed"

    def _forget_cameras(self) -> None:
        """Unsubscribe from all cameras, and answer who waits for one."""
        for camera, topics in self._topics.items():
            local = self._local.find(self.resolve_topic_name(topics.image))
            if local is not None:
                local.demand.release(self._keeping(camera))
        for source in self._cameras.values():
            source.feed.demand.drop()
            source.feed.slot.fail(VisionError(ErrorCode.NOT_ACTIVE, "the node stopped looking at the camera"))
        self._cameras.clear()

    def _feed(self, name: str) -> Feed:
        """Return the frames of a camera: of this process if it is here, else of its topics.

        Raises:
            VisionError: UNKNOWN_CAMERA, if it is neither configured nor on the graph.
        """
        topics = self._topics.get(name)
        if topics is None:
            check_camera_name(name)
            topics = CameraTopics().named(name)
            check_topics(self, name, topics)
        image = self.resolve_topic_name(topics.image)
        feed = self._local.find(image)
        if feed is not None:
            return feed
        if name not in self._cameras:
            if name not in self._topics and not self.count_publishers(image):
                error = unknown("camera", name, self._topics)
                msg = f"{error.message} (and nobody publishes {image})"
                raise VisionError(ErrorCode.UNKNOWN_CAMERA, msg)
            needs = self._working().model.needs
            self._cameras[name] = TopicCamera(self, name, topics, needs, self.settings.pairing_tolerance)
        return self._cameras[name].feed

    async def _camera_frame(self, request: Any, response: Any, call: Call) -> Frame:
        """Return the frame that a camera request asks for, and say in the response which camera it is of."""
        json_object(request.extra, "extra")
        if request.source not in ("", "color"):
            msg = f"source {request.source!r}: a vision node looks at the colour picture only; leave the source empty"
            raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
        name = request.camera_name or self.settings.default_camera()
        if not name:
            msg = "no camera_name given, and the node has no default camera: give one, or set the parameter cameras"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        frame = await fetch(self._feed(name), name, call, max_age=request.max_age, settings=self.settings)
        if frame.image is not None and frame.image.compressed is not None:
            await self._decode(name, frame.image, call)
        response.camera_name = name
        return frame

    async def _decode(self, camera: str, image: Image, call: Call) -> None:
        """Decode a camera's compressed picture in the model's thread; a bad one is no fault of the caller's."""
        try:
            await call.wait(self._working().do(lambda _: image.pixels), late=lambda: too_late(call))
        except VisionError as error:
            if error.code != ErrorCode.INVALID_ARGUMENT:
                raise
            msg = f"camera {camera!r} sent a bad image: {error.message}"
            raise VisionError(ErrorCode.CAMERA_ERROR, msg) from None

    # Services.

    def _working(self) -> Inference:
        """Return the model at work.

        Raises:
            VisionError: NOT_ACTIVE, if the node was cleaned up while a call waited.
        """
        if self._inference is None:
            raise VisionError(ErrorCode.NOT_ACTIVE, "the node was cleaned up")
        return self._inference

    async def _run(self, method: str, frame: Frame, call: Call) -> Any:
        return await call.wait(self._working().run(method, frame), late=lambda: too_late(call))

    async def _get_detections(self, request: Any, response: Any, call: Call) -> None:
        self._working().require("detect")
        frame = given_frame(request)
        fill_detections(response, frame, await self._run("detect", frame, call))

    async def _get_detections_from_camera(self, request: Any, response: Any, call: Call) -> None:
        self._working().require("detect")
        frame = await self._camera_frame(request, response, call)
        fill_detections(response, frame, await self._run("detect", frame, call))

    async def _get_classifications(self, request: Any, response: Any, call: Call) -> None:
        self._working().require("classify")
        frame = given_frame(request)
        fill_classifications(response, frame, await self._run("classify", frame, call), request.count)

    async def _get_classifications_from_camera(self, request: Any, response: Any, call: Call) -> None:
        self._working().require("classify")
        frame = await self._camera_frame(request, response, call)
        fill_classifications(response, frame, await self._run("classify", frame, call), request.count)

    async def _get_object_point_clouds(self, request: Any, response: Any, call: Call) -> None:
        self._working().require("segment")
        if request.cloud.data:
            cloud = conversion.cloud_from_message(request.cloud)
            header = request.cloud.header
            frame = Frame(cloud=cloud, stamp=conversion.nanoseconds(header.stamp), frame_id=header.frame_id)
        else:
            frame = await self._camera_frame(request, response, call)
        fill_objects(response, frame, await self._run("segment", frame, call))

    async def _capture_all_from_camera(self, request: Any, response: Any, call: Call) -> None:
        frame = await self._camera_frame(request, response, call)
        can = methods(self._working().model)
        fill_frame(response, frame)
        if request.return_image and frame.image is not None:
            pixels, encoding = frame.image.pixels, frame.image.encoding
            response.image = conversion.image_to_message(pixels, encoding, response.header)
        if request.return_detections and "detect" in can:
            fill_detections(response, frame, await self._run("detect", frame, call))
        if request.return_classifications and "classify" in can:
            fill_classifications(response, frame, await self._run("classify", frame, call), request.count)
        if request.return_object_point_clouds and "segment" in can:
            fill_objects(response, frame, await self._run("segment", frame, call))

    async def _get_properties(self, request: Any, response: Any, call: Call) -> None:
        response.default_camera = self.settings.default_camera()
        response.cameras = list(self.settings.all_cameras())
        response.model = self.settings.model
        if self._inference is not None:
            model = self._inference.model
            response.detections_supported = "detect" in methods(model)
            response.classifications_supported = "classify" in methods(model)
            response.object_point_clouds_supported = "segment" in methods(model)
            response.labels = list(model.labels)

    async def command(self, command: dict[str, Any], call: Call) -> dict[str, Any]:
        """Run a command of the model's own, in its thread."""
        job = self._working().do(lambda model: model.do_command(command))
        return await call.wait(job, late=lambda: too_late(call))

    def status(self) -> dict[str, Any]:
        """Return how the model and the cameras are."""
        inference = self._inference
        if inference is None:
            return {}
        ages = {name: self._feed(name).slot.age for name in self.settings.all_cameras()}
        return {
            "model": self.settings.model,
            "runs": inference.runs,
            "seconds_per_run": round(inference.seconds / inference.runs, 6) if inference.runs else None,
            "streams": sorted(self._streams),
            "frame_ages": {name: None if age is None else round(age, 3) for name, age in ages.items()},
        }


def check_cameras(settings: VisionConfiguration) -> None:
    """Refuse camera names that stand twice, that ROS does not allow, or that are names of outputs.

    Raises:
        VisionError: INVALID_ARGUMENT.
    """
    cameras = settings.all_cameras()
    for camera in cameras:
        check_camera_name(camera)
        if camera.startswith("/"):
            instead = camera.strip("/").replace("/", "_")
            msg = (
                f"camera {camera!r}: results are published below the camera's name, so it cannot begin with '/'; call "
                f"it {instead!r}, and set the parameter {instead}.image to {camera}/image_raw"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if camera in NAMES:
            msg = f"a camera cannot be called {camera!r}, because an output of vision nodes is: {', '.join(NAMES)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if cameras.count(camera) > 1:
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"camera {camera!r} stands twice in the parameter 'cameras'")
    if settings.camera_name and settings.camera_name not in cameras:
        msg = f"the default camera {settings.camera_name!r} is not among 'cameras': {', '.join(cameras)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
