"""The vision node: a vision model behind services and topics, for any number of cameras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo

from vision_service.camera.topics import CameraTopics
from vision_service.configuration import attributes, configure
from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.results import ResultSlot
from vision_service.ros import conversion, qos
from vision_service.ros.execution.calls import Call
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.parameters.candidates import Candidate
from vision_service.ros.resources.by_name import NodeResources
from vision_service.ros.resources.camera_names import check_topics
from vision_service.ros.resources.local_nodes import LocalNodes
from vision_service.ros.transforms import Transforms
from vision_service.ros.vision.answers import VisionAnswers
from vision_service.ros.vision.cameras import Cameras, check_cameras
from vision_service.ros.vision.model_at_work import ModelAtWork
from vision_service.ros.vision.model_renewal import ModelRenewal
from vision_service.ros.vision.streams import VisionStreams
from vision_service.ros.vision.zones import COMMANDS, RESET, NodeZones
from vision_service.scheduler import Scheduler
from vision_service.settings.vision import VisionConfiguration
from vision_service.tasks import abilities
from vision_service.vision import MODELS
from vision_service.vision.model import VisionModel, methods, only_live_changes
from vision_service.vision.returned import check_returned


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
        self._work = ModelAtWork()
        self._declared: list[str] = []
        self._zones = NodeZones(self.parameters, self.diagnostics)
        self._told = ""
        self._label_info = qos.latched_publisher(self, LabelInfo, "~/label_info")
        self._streams = VisionStreams(self, self._work, self._cameras, self._zones, self.results)
        self._renewal = ModelRenewal(
            self, self._builder, followed=lambda: self._resources.followed, make=self._made_anew
        )  # fmt: skip
        VisionAnswers(self, self._work, self._cameras)

    @property
    def inference(self) -> Scheduler | None:
        """The model at work; None while the node is not configured."""
        return self._work.scheduler

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
            self._work.transforms = Transforms(self, self.settings.target_frame)
        model, resources = self.prepared(self.preparation())
        self._resources.adopt(resources)
        self._work.scheduler = Scheduler(model, self.get_name(), failing=self._model_failed, check=check_returned)
        self._zones.configure(self.settings, model)
        self._streams.make_outputs(model)

    def activate(self) -> None:
        """Answer calls, and publish what is subscribed to."""
        self._tell_model()
        self._zones.tell()

    def deactivate(self) -> None:
        """Look at nothing any more, and say that nothing is seen."""
        self._streams.withdraw()
        self.results.forget()
        self._cameras.forget()
        self._zones.forget()
        self.diagnostics.clear()

    def cleanup(self) -> None:
        """Let go of the model and the topics."""
        self.deactivate()
        self._streams.destroy_outputs()
        self._zones.close()
        self._cameras.configure({}, 0.0)
        if self._work.transforms is not None:
            self._work.transforms.close()
            self._work.transforms = None
        if self._work.scheduler is not None and not self._work.scheduler.close():
            self.get_logger().warning("the model has not returned from its last run; it is left behind")
        self._work.scheduler = None
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

    def housekeep(self) -> None:
        """Stream from cameras whose results are wanted, and say which are silent and what is uncertain."""
        self._renewal.look()
        self.diagnostics.report("assumed", self._work.get().model.warning)
        self._streams.tend()
        self.diagnostics.report("assumed", self._work.get().model.warning)

    # Reconfiguring: a candidate is built beside the running model, and swapped in between two frames.

    def validate(self, changes: Mapping[str, Any]) -> None:
        """Refuse what can be changed only while the node is unconfigured."""
        if any(f"{camera}.{topic}" in changes for camera in self._cameras.topics for topic in attributes(CameraTopics)):
            msg = "a camera's topics can be changed only while the node is unconfigured (clean it up first)"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self._zones.validate(self.settings, self._work.get().model, changes)

    def outdated(self, name: str) -> bool:
        """Return whether the model was made of a file that has another content now."""
        return self._work.scheduler is not None and self._work.scheduler.model.outdated(name)

    def candidate(self, changes: Mapping[str, Any]) -> Candidate | None:
        """Return another model, if the changes ask for one."""
        model_class, inference = self._model_class, self._work.scheduler
        if model_class is None or inference is None or not self._concern_model(changes):
            return None
        config = self._model_config(model_class, changes)
        if only_live_changes(inference.model.config, config) and not any(map(self.outdated, changes)):
            return None
        return self._candidate_of(model_class, config)

    def _made_anew(self) -> Candidate | None:
        """Return the same model, made of what its resources are now."""
        if self._model_class is None or self._work.scheduler is None:
            return None
        return self._candidate_of(self._model_class, self._model_config(self._model_class, {}))

    def _candidate_of(self, model_class: type[VisionModel], config: Any) -> Candidate:
        def make() -> tuple[VisionModel, NodeResources]:
            resources = self._resources.beside()
            try:
                return self._make_model(model_class, config, resources), resources
            except BaseException:
                if self._work.scheduler is None:  # while it waits for others, it is known that it needs them
                    self._resources.uses = resources.uses
                self._resources.leave(resources)
                raise

        def drop(made: tuple[VisionModel, NodeResources]) -> None:
            model, resources = made
            self._resources.leave(resources)
            model.close()

        def use(made: tuple[VisionModel, NodeResources]) -> None:
            self.diagnostics.attempt("using changed parameters", lambda: self._swap(*made))

        values = [getattr(config, name) for name in attributes(model_class.Config)]
        return Candidate(what=f"the model {self.settings.model}", configuration=values, make=make, use=use, drop=drop)

    def apply(self, changes: Mapping[str, Any]) -> None:
        """Let the model use changed live attributes."""
        if self._model_class is not None and self._work.scheduler is not None and self._concern_model(changes):
            config = self._model_config(self._model_class, {})
            if only_live_changes(self._work.scheduler.model.config, config):
                self._work.scheduler.update(config)
        if self._work.scheduler is not None:
            self._zones.apply(self.settings, self._work.scheduler.model, changes)

    def _concern_model(self, changes: Mapping[str, Any]) -> bool:
        known = attributes(self._model_class.Config) if self._model_class is not None else {}
        return any(name.partition(".")[0] in known for name in changes)

    def _swap(self, model: VisionModel, resources: NodeResources) -> None:
        """Put another model to work."""
        inference = self._work.get()
        old = inference.model
        self._resources.adopt(resources)
        inference.swap(model)
        self._zones.changed_model(model)
        if (abilities(model), model.gives_ids) != (abilities(old), old.gives_ids):
            self._streams.make_outputs(model)
        if model.needs != old.needs:
            self._streams.stop()
            self._cameras.forget()
        self._tell_model()

    def _model_failed(self, error: BaseException | None) -> None:
        """Say that the model could not be changed, or closed for another one; in its thread."""
        why = "" if error is None else f"the model failed when it was changed: {reason(error)}"
        self.diagnostics.report("model", why)

    def _tell_model(self) -> None:
        """Say what the model is and which classes it knows."""
        model = self._work.get().model
        told = model.describe().get("summary", "")
        if told and told != self._told:
            self.get_logger().info(told)
        self._told = told
        self.diagnostics.report("assumed", model.warning)
        self._publish_labels()

    def _publish_labels(self) -> None:
        header = Header(stamp=self.get_clock().now().to_msg())
        self._label_info.publish(conversion.labels_to_message(self._work.get().model.labels, header))

    async def command(self, command: dict[str, Any], call: Call) -> dict[str, Any]:
        """Run a command of the zones', or of the model's own, in its thread."""
        name = command.get("command")
        if name == RESET and self._zones:
            self._zones.forget()
            return {}
        job = self._work.get().do(lambda model: model.do_command(command))
        result: dict[str, Any] = await call.wait(job, late=lambda: self._work.late(call))
        return {"commands": {**result["commands"], **COMMANDS}} if name == "help" and self._zones else result

    def summary(self) -> str:
        """Return the model and the cameras."""
        cameras = self.settings.all_cameras()
        return f"{self.settings.model}, looks at {', '.join(cameras) or 'no camera of its own'}"

    def status(self) -> dict[str, Any]:
        """Return how the model and the cameras are."""
        inference = self._work.scheduler
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
            "streams": self._streams.names(),
            "frame_rates": {name: round(self._cameras.rate(name), 2) for name in ages},
            "frame_ages": {name: None if age is None else round(age, 3) for name, age in ages.items()},
            "subscriptions": self._cameras.status(),
            **({"zones": self._zones.status()} if self._zones else {}),
        }
