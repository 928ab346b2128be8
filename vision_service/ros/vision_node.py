"""The vision node: a vision model behind services and topics, for any number of cameras."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo

from vision_service import limits
from vision_service.camera.topics import CameraTopics
from vision_service.configuration import attributes, configure
from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.image import Image
from vision_service.results import ResultSlot, result_of
from vision_service.ros import conversion, qos
from vision_service.ros.calls import Call, too_late
from vision_service.ros.cameras import Cameras
from vision_service.ros.candidates import Candidate
from vision_service.ros.image_services import ON_IMAGES, ImageService, Seen
from vision_service.ros.local_nodes import LocalNodes
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
from vision_service.ros.node import ServiceNode, json_object
from vision_service.ros.outputs import NAMES, PICTURES, Outputs, Placed, as_seen
from vision_service.ros.resources import NodeResources
from vision_service.ros.streaming import Steady, Stream
from vision_service.ros.topic_camera import check_camera_name, check_topics, fetch
from vision_service.ros.transforms import Transforms
from vision_service.ros.zones import COMMANDS, RESET, NodeZones
from vision_service.scheduler import Scheduler
from vision_service.settings.vision import VisionConfiguration
from vision_service.srv import (
    CaptureAllFromCamera,
    GetDetections3DFromCamera,
    GetObjectPointClouds,
    GetVisionProperties,
)
from vision_service.tasks import (
    CLASSIFY,
    DETECT,
    KEYPOINTS,
    SEGMENT,
    SEGMENT_3D,
    TASKS,
    Task,
    abilities,
    require,
)
from vision_service.types import Frame, LabelChange, PointCloud, PointCloudObject
from vision_service.vision import MODELS
from vision_service.vision.model import Needs, VisionModel, methods, only_live_changes
from vision_service.vision.returned import check_returned

NOTHING_MORE = Needs(0)
LOOK_AGAIN = 0.5
"""How soon it is looked again at what a pool has left out, seconds."""


class VisionNode(ServiceNode):
    """Answers detect, classify and segment, and streams the results while somebody listens.

    Attributes:
        results: What the model says of the cameras' frames, for who wants it in this process.
    """

    Configuration = VisionConfiguration
    settings: VisionConfiguration

    def __init__(
        self,
        name: str,
        *,
        local_nodes: LocalNodes | None = None,
        **arguments: Any,
    ) -> None:
        """Make the node.

        Args:
            name: The vision service's.
            local_nodes: The other nodes of its process, whose frames and models are taken by reference.
            **arguments: Further ones of rclpy's Node.
        """
        super().__init__(name, **arguments)
        local_nodes = local_nodes or LocalNodes()
        self.results = ResultSlot(self.look_soon)
        self._cameras = Cameras(self, local_nodes.feeds)
        self._resources = NodeResources(self, local_nodes)
        local_nodes.vision[self.get_fully_qualified_name()] = self
        self._model_class: type[VisionModel] | None = None
        self._inference: Scheduler | None = None
        self._declared: list[str] = []
        self._outputs: dict[str, Outputs] = {}
        self._streams: dict[str, Stream] = {}
        self._transforms: Transforms | None = None
        self._zones = NodeZones(self.parameters, self.diagnostics)
        self._told = ""
        self._taking = False
        self._taken_in_vain: dict[str, Any] = {}
        self._left_out: set[str] = set()
        self._label_info = qos.latched_publisher(self, LabelInfo, "~/label_info")
        for service in ON_IMAGES:
            self.offer(service.given, service.name, partial(self._answer, service))
            self.offer(service.from_camera, f"{service.name}_from_camera", partial(self._answer, service))
        self.offer(GetObjectPointClouds, "get_object_point_clouds", self._get_object_point_clouds)
        self.offer(GetDetections3DFromCamera, "get_detections_3d_from_camera", self._get_detections_3d_from_camera)
        self.offer(CaptureAllFromCamera, "capture_all_from_camera", self._capture_all_from_camera)
        self.offer(GetVisionProperties, "get_properties", self._get_properties, always=True)

    @property
    def inference(self) -> Scheduler | None:
        """The model at work; None while the node is not configured."""
        return self._inference

    @property
    def uses(self) -> frozenset[str]:
        """The full names of the vision services that the model builds on."""
        return self._resources.all_uses

    # Lifecycle.

    def preparation(self) -> Candidate:
        """Return the model, which is made beside the node."""
        return self._candidate_of(*self._chosen_model())

    def _chosen_model(self) -> tuple[type[VisionModel], Any]:
        """Return the class of the model that the parameters name, whose own are declared, and its configuration."""
        model_class = MODELS.get(self.settings.model)
        if self._model_class is not None and self._model_class is not model_class:
            self.parameters.undeclare(self._model_class.Config)
        self._model_class = model_class
        self.parameters.declare(model_class.Config)
        return model_class, self._model_config(model_class, {})

    def configure(self) -> None:
        """Use the model that was made, and make the topics of the cameras."""
        check_cameras(self.settings)
        cameras = self.settings.all_cameras()
        for camera in self._declared:
            if camera not in cameras:  # those of the others may have been set since the start
                self.parameters.undeclare(CameraTopics, prefix=f"{camera}.")
        self._declared = list(cameras)
        topics_of = {}
        for camera in cameras:
            self.parameters.declare(CameraTopics, prefix=f"{camera}.")
            values = self.parameters.values(CameraTopics, prefix=f"{camera}.")
            topics = configure(CameraTopics, values, of=f"camera {camera!r}").named(camera)
            check_topics(self, camera, topics)
            topics_of[camera] = topics
        self._cameras.configure(topics_of, self.settings.pairing_tolerance)
        if self.settings.target_frame:
            self._transforms = Transforms(self, self.settings.target_frame)
        model, resources = self.prepared(self.preparation())
        self._resources.adopt(resources)
        self._inference = Scheduler(model, self.get_name(), failing=self._model_failed, check=check_returned)
        self._zones.configure(self.settings, model)
        self._make_outputs(model)

    def _make_outputs(self, model: VisionModel) -> None:
        self._stop_streams()
        for outputs in self._outputs.values():
            outputs.destroy()
        default = self.settings.default_camera()
        able = abilities(model)
        self._outputs = {
            camera: Outputs(self, [f"~/{camera}", *(["~"] if camera == default else [])], able)
            for camera in self.settings.all_cameras()
        }

    def activate(self) -> None:
        """Answer calls, and stream what is heard."""
        self._tell_model()
        self._zones.tell()

    def deactivate(self) -> None:
        """Look at nothing any more, and say that nothing is seen."""
        self._stop_streams()
        for outputs in self._outputs.values():
            outputs.close()
        self.results.forget()
        self._cameras.forget()
        self._zones.forget()
        self.diagnostics.clear()

    def cleanup(self) -> None:
        """Let go of the model and the topics."""
        self.deactivate()
        for outputs in self._outputs.values():
            outputs.destroy()
        self._outputs.clear()
        self._zones.close()
        self._cameras.configure({}, 0.0)
        if self._transforms is not None:
            self._transforms.close()
            self._transforms = None
        if self._inference is not None and not self._inference.close():
            self.get_logger().warning("the model has not returned from its last run; it is left behind")
        self._inference = None
        self._resources.close()

    def close(self) -> None:
        """Stop working and take the node off the graph."""
        super().close()
        self._resources.end()

    def _model_config(self, model_class: type[VisionModel], changes: Mapping[str, Any]) -> Any:
        values = self.parameters.values(model_class.Config, changes=changes)
        return configure(model_class.Config, values, of=f"the model {self.settings.model}")

    def _make_model(self, model_class: type[VisionModel], config: Any, resources: NodeResources) -> VisionModel:
        model = model_class(config, resources)
        if not methods(model):
            model.close()
            msg = f"the model {self.settings.model} can neither detect nor classify nor segment"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        return model

    # Reconfiguring: a candidate is built beside the running model, and swapped in between two frames.

    def validate(self, changes: Mapping[str, Any]) -> None:
        """Refuse what can be changed only while the node is unconfigured."""
        if any(f"{camera}.{topic}" in changes for camera in self._cameras.topics for topic in attributes(CameraTopics)):
            msg = "a camera's topics can be changed only while the node is unconfigured (clean it up first)"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self._zones.validate(self.settings, self._working().model, changes)

    def outdated(self, name: str) -> bool:
        """Return whether the model was made of a file that has another content now."""
        return self._inference is not None and self._inference.model.outdated(name)

    def candidate(self, changes: Mapping[str, Any]) -> Candidate | None:
        """Return another model, if the changes ask for one."""
        model_class, inference = self._model_class, self._inference
        if model_class is None or inference is None or not self._concern_model(changes):
            return None
        config = self._model_config(model_class, changes)
        if only_live_changes(inference.model.config, config) and not any(map(self.outdated, changes)):
            return None
        return self._candidate_of(model_class, config)

    def _made_anew(self) -> Candidate | None:
        """Return the same model, made of what its resources are now."""
        if self._model_class is None or self._inference is None:
            return None
        return self._candidate_of(self._model_class, self._model_config(self._model_class, {}))

    def _candidate_of(self, model_class: type[VisionModel], config: Any) -> Candidate:
        def make() -> tuple[VisionModel, NodeResources]:
            resources = self._resources.beside()
            try:
                return self._make_model(model_class, config, resources), resources
            except BaseException:
                if self._inference is None:  # while it waits for others, it is known that it needs them
                    self._resources.uses = resources.uses
                self._resources.leave(resources)
                raise

        def drop(made: tuple[VisionModel, NodeResources]) -> None:
            model, resources = made
            self._resources.leave(resources)
            model.close()

        def use(made: tuple[VisionModel, NodeResources]) -> None:
            self._safely("using changed parameters", lambda: self._swap(*made))

        values = [getattr(config, name) for name in attributes(model_class.Config)]
        return Candidate(what=f"the model {self.settings.model}", configuration=values, make=make, use=use, drop=drop)

    def apply(self, changes: Mapping[str, Any]) -> None:
        """Let the model use changed live attributes."""
        if self._model_class is not None and self._inference is not None and self._concern_model(changes):
            config = self._model_config(self._model_class, {})
            if only_live_changes(self._inference.model.config, config):
                self._inference.update(config)
        if self._inference is not None:
            self._zones.apply(self.settings, self._inference.model, changes)

    def _concern_model(self, changes: Mapping[str, Any]) -> bool:
        known = attributes(self._model_class.Config) if self._model_class is not None else {}
        return any(name.partition(".")[0] in known for name in changes)

    def _swap(self, model: VisionModel, resources: NodeResources) -> None:
        """Put another model to work."""
        inference = self._working()
        old = inference.model
        self._resources.adopt(resources)
        inference.swap(model)
        self._zones.changed_model(model)
        if abilities(model) != abilities(old):
            self._make_outputs(model)
        if model.needs != old.needs:
            self._stop_streams()
            self._cameras.forget()
        self._tell_model()

    def _model_failed(self, error: BaseException | None) -> None:
        """Say that the model could not be changed, or closed for another one; in its thread."""
        why = "" if error is None else f"the model failed when it was changed: {reason(error)}"
        self.diagnostics.report("model", why)

    # What the model builds on may change: another ML model, a detector with other labels.

    def _follow(self) -> None:
        """Look at what the model was made with, and take what another one is."""
        followed = dict(self._resources.followed)
        for each in followed.values():
            each.look()
        away = [each.away for each in followed.values() if each.needed and each.away]
        self.diagnostics.report("away", "; ".join(away))
        self._tell_left_out({name: each.away for name, each in followed.items() if not each.needed})
        changed = {name: each.identity for name, each in followed.items() if each.changed}
        if not changed:
            self._taken_in_vain = {}
            self.diagnostics.report("changed", "")
        elif not self._taking and changed != self._taken_in_vain and not away and self.executor is not None:
            self._taking = True
            what = " and ".join(followed[name].what for name in changed)
            self.executor.create_task(self._take(what, changed))

    def _tell_left_out(self, away: Mapping[str, str]) -> None:
        """Say which members of a pool are left out, each once, and look soon whether they are back."""
        for name in self._left_out - away.keys():
            self.diagnostics.report(f"pool {name}", "")
        for name, why in away.items():
            self.diagnostics.report(f"pool {name}", why)
        self._left_out = set(away)
        if any(away.values()):
            self.look_within(LOOK_AGAIN)

    async def _take(self, what: str, changed: dict[str, Any]) -> None:
        """Make the model anew of what has changed, beside the running one."""
        try:
            async with self._builder.turns:
                candidate = self._made_anew()
                if candidate is not None:
                    (await self._builder.build(candidate)).use()
                    self.get_logger().info(f"{what} is another one now: its contract and labels were taken")
                    self.diagnostics.report("changed", "")
        except Exception as error:
            missing = isinstance(error, VisionError) and error.code in (
                ErrorCode.UNKNOWN_RESOURCE,
                ErrorCode.NOT_ACTIVE,
                ErrorCode.DEADLINE_EXCEEDED,
            )
            self._taken_in_vain = {} if missing else changed  # what is missing may come
            why = f"{what} is another one now, which cannot be used: {reason(error)}"
            for name in changed:
                if name in self._resources.followed:
                    self._resources.followed[name].refuse(why)
            if self.state == "active":
                self.diagnostics.report("changed", why)
        finally:
            self._taking = False

    # Streaming.

    def housekeep(self) -> None:
        """Stream from cameras whose results are heard, and say which are silent and what is uncertain."""
        self._follow()
        self.diagnostics.report("assumed", self._working().model.warning)
        for camera in dict.fromkeys([*self._outputs, *self._cameras.names()]):
            try:
                self._tend(camera)
                self.diagnostics.report(f"camera {camera}", "")
            except VisionError as error:  # one camera must not hold up the others
                self.diagnostics.report(f"camera {camera}", f"cannot look at camera {camera!r}: {error.message}")
        self.diagnostics.report("assumed", self._working().model.warning)

    def _tend(self, camera: str) -> None:
        self._cameras.tend(camera)
        if camera not in self._outputs:  # somebody has called for it by its name
            return
        heard = self._outputs[camera].heard()
        shown = self.results.wanted(camera)
        if heard or shown or self._zones.wanted(camera) or self._sees_every_frame():
            self._start_stream(camera, self._stream_needs(camera, shown or bool(heard & PICTURES)))
        else:
            self._stop_stream(camera)
        self._cameras.keep(camera, self._working().model.needs, self.settings.keep_subscribed)
        self._watch(camera)

    def _sees_every_frame(self) -> bool:
        """Return whether the cameras are looked at even if nobody listens."""
        model = self._working().model
        steady = self.settings.smoothing_window > 1 or bool(self.settings.event_threshold)
        return model.sees_every_frame or (steady and "classify" in methods(model))

    def _stream_needs(self, camera: str, drawn: bool) -> Needs:
        """Return what frames must have: something to draw on, where that is done and there is such an object."""
        needs = self._working().model.needs
        if drawn and Needs.IMAGE not in needs and self._cameras.has_picture(camera):
            return needs | Needs.IMAGE | Needs.INTRINSICS
        return needs

    def _start_stream(self, camera: str, needs: Needs) -> None:
        feed, inference, outputs = self._cameras.feed(camera, needs), self._working(), self._outputs[camera]
        if camera in self._streams:
            if self._streams[camera].feed is feed:
                self._streams[camera].look_again()
                return
            self._stop_stream(camera)
        steady = Steady(camera, self.settings.smoothing_window, self.settings.event_threshold)

        def publish(frame: Frame) -> None:
            told = False
            try:
                results: dict[str, Any] = {}
                if steady.wanted and "classify" in methods(inference.model):
                    results["classify"] = steady.add(frame, inference.now("classify", frame))
                zoned = self._zones.wanted(camera)
                if inference.model.sees_every_frame or zoned:
                    results["detect"] = inference.now("detect", frame)

                def run(method: str, frame: Frame) -> Any:
                    return results[method] if method in results else inference.now(method, frame)

                changes: list[LabelChange] = []
                if self.results.wanted(camera):
                    results |= {each: run(each, frame) for each in methods(inference.model) if each not in results}
                if self._zones or self.results.wanted(camera):
                    told_by_model = inference.model.events()
                    moved = self._zones.update(camera, frame, results.get("detect", ()), told_by_model)
                    changes = [*steady.changes(), *told_by_model, *moved]
                if self.results.wanted(camera):
                    skeleton = inference.model.skeleton
                    self.results.put(result_of(camera, frame, results, skeleton=skeleton, changes=tuple(changes)))
                    told = True
                outputs.publish(
                    frame,
                    run,
                    place=self._place,
                    ground=lambda: inference.model.ground(frame.camera_name),
                    jpeg_quality=self.settings.jpeg_quality,
                    skeleton=inference.model.skeleton,
                    zones=self._zones.views(camera, frame.size) if zoned else (),
                    # What this node does not withdraw any more, because it was killed, ends by itself.
                    lasting=2 * self.settings.silence + (2 / self.settings.max_rate if self.settings.max_rate else 0),
                )
                late = inference.model.events()
                changes += [*steady.changes(), *late, *(self._zones.ended(late) if late else ())]
                for change in changes:
                    if change.camera_name in self._outputs:
                        self._outputs[change.camera_name].send_event(conversion.label_change_to_message(change))
                self.diagnostics.report("assumed", inference.model.warning)  # frames may have given cause for one
                self.diagnostics.report(f"stream {camera}", "")
            except BaseException as error:  # a library may even raise SystemExit
                outputs.failed()
                if self.results.wanted(camera) and not told:
                    self.results.put(result_of(camera, frame, {}, problem=reason(error)))
                if camera in self._streams:
                    self.diagnostics.report(
                        f"stream {camera}", f"no results for a frame of {camera!r}: {reason(error)}"
                    )

        outputs.open()
        self._streams[camera] = Stream(camera, feed, inference, publish, lambda: self.settings.max_rate)

    def _stop_stream(self, camera: str) -> None:
        stream = self._streams.pop(camera, None)
        if stream is not None:
            stream.stop()
            self.diagnostics.report(f"stream {camera}", "")

    def _stop_streams(self) -> None:
        for camera in list(self._streams):
            self._stop_stream(camera)

    def _watch(self, camera: str) -> None:
        """Say once when a camera that is wanted falls silent, and once when that is over; withdraw what it showed."""
        self.diagnostics.report(f"quality of service {camera}", self._cameras.misfits(camera))
        seconds, reason = self._cameras.quiet(camera)
        silence = self.settings.silence
        why = f"no frame of camera {camera!r} for {silence:g} s: {reason}"
        self.diagnostics.report(f"silence {camera}", why if seconds > silence else "")
        outputs = self._outputs[camera]
        if outputs.tells and (seconds > silence or outputs.outdated(silence)):
            outputs.withdraw()
        elif outputs.tells:
            self.look_within(silence - seconds)

    def _tell_model(self) -> None:
        """Say what the model is and which classes it knows."""
        model = self._working().model
        told = model.describe().get("summary", "")
        if told and told != self._told:
            self.get_logger().info(told)
        self._told = told
        self.diagnostics.report("assumed", model.warning)
        self._publish_labels()

    def _publish_labels(self) -> None:
        header = Header(stamp=self.get_clock().now().to_msg())
        self._label_info.publish(conversion.labels_to_message(self._working().model.labels, header))

    # Cameras.

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
        name = request.camera_name or self.settings.default_camera()
        if not name:
            msg = "no camera_name given, and the node has no default camera: give one, or set the parameter cameras"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        feed = self._cameras.feed(name, self._working().model.needs | needs)
        frame = await fetch(feed, name, call, max_age=request.max_age, settings=self.settings)
        if frame.image is not None and frame.image.compressed is not None and not frame.image.decoded:
            await self._decode(name, frame.image, call)
        response.camera_name = name
        return frame

    async def _decode(self, camera: str, image: Image, call: Call) -> None:
        """Decode a camera's compressed image in the model's thread; a bad one is no fault of the caller's."""
        try:
            await self._in_models_thread(lambda: image.pixels, call, go_on_there=True)
        except VisionError as error:
            if error.code != ErrorCode.INVALID_ARGUMENT:
                raise
            msg = f"camera {camera!r} sent a bad image: {error.message}"
            raise VisionError(ErrorCode.CAMERA_ERROR, msg) from None

    # Services.

    def _working(self) -> Scheduler:
        """Return the model at work.

        Raises:
            VisionError: NOT_ACTIVE, if the node was cleaned up while a call waited.
        """
        if self._inference is None:
            raise VisionError(ErrorCode.NOT_ACTIVE, "the node was cleaned up")
        return self._inference

    async def _answer(self, service: ImageService, request: Any, response: Any, call: Call) -> None:
        """Answer what is asked of an image, given or a camera's."""
        require(self._working().model, service.task)
        given = isinstance(request, service.given.Request)
        if given:
            frame = given_frame(request, ahead=self._working().busy)
        else:
            frame = await self._camera_frame(request, response, call)
        found = await self._do(service.task, frame, call)
        if isinstance(response, Seen):
            response.frame, response.found = frame, found
        else:
            service.fill(response, request, frame, found)

    async def _do(self, task: Task, frame: Frame, call: Call) -> Any:
        """Return the result of a task."""
        methods = require(self._working().model, task)
        runs = self._start(methods, frame)
        return task.result(await self._finish(runs, call, go_on_there=len(methods) == 1))

    def _start(self, methods: Iterable[str], frame: Frame) -> dict[str, Future[Any]]:
        """Let methods of the model look at a frame: at once, so that all are of one model, whatever is set then."""
        inference = self._working()
        return {method: inference.run(method, frame) for method in methods}

    async def _finish(self, runs: dict[str, Future[Any]], call: Call, *, go_on_there: bool = False) -> dict[str, Any]:
        """Return what methods of the model have said."""
        results = {}
        try:
            for method in runs:
                results[method] = await call.wait(runs[method], late=lambda: self._late(call), go_on_there=go_on_there)
            return results
        finally:
            while (
                runs
            ):  # an error refers to this frame, and its future to the error: a reference cycle with an image in it
                runs.popitem()[1].cancel()

    async def _get_object_point_clouds(self, request: Any, response: Any, call: Call) -> None:
        require(self._working().model, SEGMENT_3D)
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
        return await self._in_models_thread(convert, call)

    async def _get_detections_3d_from_camera(self, request: Any, response: Any, call: Call) -> None:
        require(self._working().model, SEGMENT_3D)
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
        await self._in_models_thread(lambda: fill(response, frame, *self._place(frame, objects)), call)
        if json_object(extra, "extra").get("ground"):
            response.message = ground_message(self._working().model.ground(frame.camera_name))

    def _place(self, frame: Frame, objects: Sequence[PointCloudObject]) -> Placed:
        """Return objects in the frame in which they are wanted, and that frame."""
        transforms = self._transforms
        if transforms is None or frame.frame_id == transforms.target:
            return as_seen(frame, objects)
        if not objects:  # nothing is nowhere, whether or not there is a transform
            return objects, transforms.target
        return transforms.place(objects, frame.frame_id, frame.stamp), transforms.target

    async def _in_models_thread(self, job: Callable[[], Any], call: Call, *, go_on_there: bool = False) -> Any:
        done = self._working().do(lambda _: job())
        return await call.wait(done, late=lambda: self._late(call), go_on_there=go_on_there)

    async def _capture_all_from_camera(self, request: Any, response: Any, call: Call) -> None:
        frame = await self._camera_frame(request, response, call, Needs.IMAGE if request.return_image else NOTHING_MORE)
        wanted = {
            DETECT: request.return_detections,
            CLASSIFY: request.return_classifications,
            SEGMENT_3D: request.return_object_point_clouds,
            SEGMENT: request.return_segmentation,
            KEYPOINTS: request.return_keypoints,
        }
        able = abilities(self._working().model)
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
        response.default_camera = self.settings.default_camera()
        response.cameras = list(self.settings.all_cameras())
        response.model = self.settings.model
        if self._inference is not None:
            model = self._inference.model
            for task in TASKS:
                for field in task.supported:
                    setattr(response, field, bool(task.methods(abilities(model))))
            response.labels = list(model.labels)

    async def command(self, command: dict[str, Any], call: Call) -> dict[str, Any]:
        """Run a command of the zones', or of the model's own, in its thread."""
        name = command.get("command")
        if name == RESET and self._zones:
            self._zones.forget()
            return {}
        job = self._working().do(lambda model: model.do_command(command))
        result: dict[str, Any] = await call.wait(job, late=lambda: self._late(call))
        return {"commands": {**result["commands"], **COMMANDS}} if name == "help" and self._zones else result

    def _late(self, call: Call) -> VisionError:
        """Return the error for an answer that was not ready in time: what holds the model up, if something does."""
        return too_late(call, self._inference.held_up() if self._inference is not None else "")

    def summary(self) -> str:
        """Return the model and the cameras."""
        cameras = self.settings.all_cameras()
        return f"{self.settings.model}, looks at {', '.join(cameras) or 'no camera of its own'}"

    def status(self) -> dict[str, Any]:
        """Return how the model and the cameras are."""
        inference = self._inference
        if inference is None:
            return {"uses": sorted(self.uses)}
        ages = {name: self._cameras.age(name) for name in self.settings.all_cameras()}
        return {
            "model": self.settings.model,
            **{name: value for name, value in inference.model.describe().items() if name != "summary"},
            "runs": inference.runs,
            "seconds_per_run": round(inference.seconds / inference.runs, 6) if inference.runs else None,
            "run_times": inference.durations.to_json(),
            "queue": inference.waiting,
            "dropped": {name: inference.dropped[name] for name in ages},
            "uses": sorted(self.uses),
            "streams": sorted(self._streams),
            "frame_rates": {name: round(self._cameras.rate(name), 2) for name in ages},
            "frame_ages": {name: None if age is None else round(age, 3) for name, age in ages.items()},
            "subscriptions": self._cameras.status(),
            **({"zones": self._zones.status()} if self._zones else {}),
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
