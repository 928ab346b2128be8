"""The node of the control page: it looks at the graph, subscribes to what is shown, and serves the page."""

from __future__ import annotations

import functools
import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidTopicNameException
from rclpy.node import Node
from rclpy.validate_full_topic_name import validate_full_topic_name

from vision_service.camera.topics import CameraTopics
from vision_service.configuration import did_you_mean
from vision_service.control.backend import Shown, Watch
from vision_service.errors import ErrorCode, VisionError, reason, shortened
from vision_service.findings import Finding
from vision_service.image import Image
from vision_service.pointcloud.pcd import read_pcd
from vision_service.results import Result
from vision_service.ros.calling import Caller
from vision_service.ros.camera_parameters import cameras_of
from vision_service.ros.checkup import problems, unmatched
from vision_service.ros.client import VisionClient
from vision_service.ros.client.results import with_extras
from vision_service.ros.connection import vision_services
from vision_service.ros.control.parameters import kind_of, parameters_of
from vision_service.ros.control.streams import CameraElsewhere, ResultsElsewhere, Stream
from vision_service.ros.diagnostics import Diagnostics
from vision_service.ros.host_checks import check_host
from vision_service.ros.local_nodes import LocalNodes
from vision_service.ros.remote_parameters import RemoteParameters
from vision_service.ros.topic_camera import Feed
from vision_service.srv import GetStatus, GetVisionProperties
from vision_service.types import Frame

NAME = "control_page"
ANSWERING = 2.0
"""How long nodes may take to say what they are, seconds."""
CHANGING = 20.0
"""How long a change of parameters, a transition or a command may take, seconds: a model may be loaded."""
KEPT = 1.0
"""For how long the list of nodes is kept: several tabs ask for it, seconds."""
RENEWED = 10.0
"""For how long it is known what a node can do that says nothing new of itself, seconds."""
TENDING = 1.0
"""How often it is looked at what time alone changes while something is shown, seconds."""
SILENT = 3.0
"""After how long it is said why nothing is shown, seconds."""
IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
TRANSITIONS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "cleanup": Transition.TRANSITION_CLEANUP,
}
"""What the page may ask for; a node that is shut down could not be brought back from here."""


class ControlNode(Node):
    """Serves the control page until it is destroyed.

    Attributes:
        server: Serves the page.
        group: Of all its callbacks.
        diagnostics: What is wrong with the streams that it subscribes to.
    """

    def __init__(
        self, host: str, port: int, *, local_nodes: LocalNodes | None = None, name: str = NAME, **arguments: Any
    ) -> None:
        """Start to serve.

        Args:
            host: The address to listen on.
            port: The port; 0 = any that is free.
            local_nodes: The nodes of this process, whose frames and results are taken by reference.
            name: The node's.
            **arguments: Further ones of rclpy's Node.

        Raises:
            VisionError: NOT_SUPPORTED, if aiohttp is absent; INVALID_ARGUMENT, if it cannot listen there.
        """
        from vision_service.control.server import ControlServer

        super().__init__(name, **{**arguments, "start_parameter_services": False})
        self.group = ReentrantCallbackGroup()
        self.diagnostics = Diagnostics(self.get_logger())
        self._robot = Robot(self, local_nodes or LocalNodes())
        self._tending = self.create_timer(
            TENDING, self._robot.tend, callback_group=self.group, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._tending.cancel()
        self._closed = False
        try:
            self.server = ControlServer(self._robot, host, port, name=name)
        except BaseException:
            self._robot.close()
            super().destroy_node()
            raise
        self.get_logger().info(f"the control page: {self.server.url}")

    def tend(self, wanted: bool) -> None:
        """Look at what time alone changes, or no more; in the executor's thread."""
        if wanted == self._tending.is_canceled():
            (self._tending.reset if wanted else self._tending.cancel)()

    def do(self, job: Callable[[], None]) -> None:
        """Do a job in the executor's thread; what it raises is logged."""
        executor = self.executor
        if executor is not None and not self._closed:
            executor.create_task(functools.partial(self._safely, job))

    def _safely(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:
            self.get_logger().error(reason(error))

    def destroy_node(self) -> None:
        """Serve the page no more, and leave the graph."""
        if not self._closed:
            self._closed = True
            self.server.close()
            self._robot.close()
        super().destroy_node()


class Robot:
    """Answers the page (see `vision_service.control.backend.Backend`)."""

    def __init__(self, node: ControlNode, local_nodes: LocalNodes) -> None:
        """Look at nothing yet.

        Args:
            node: Whose subscriptions are made.
            local_nodes: The nodes of this process.
        """
        self._node = node
        self._local = local_nodes
        self._caller = Caller(node)
        self._looking = threading.Lock()
        self._looked = -1e9
        self._found: dict[str, Any] = {}
        self._kinds: dict[str, str] = {}
        self._properties: dict[str, tuple[Any, float, Any]] = {}
        self._lock = threading.Lock()
        self._streams: set[Stream] = set()
        self._cameras: dict[Stream, list[CameraElsewhere]] = {}
        self._results: dict[Stream, ResultsElsewhere] = {}
        self._asked: dict[Stream, Future[Any]] = {}

    def close(self) -> None:
        """Let go of everything."""
        for stream in list(self._streams):
            stream.end()
        self._caller.close()

    # What runs.

    def nodes(self) -> dict[str, Any]:
        """Return what runs: lists of vision services, cameras and ML models."""
        with self._looking:
            if time.monotonic() - self._looked > KEPT:
                self._found = self._look()
                self._looked = time.monotonic()
            return self._found

    def _services(self) -> dict[str, list[str]]:
        """Return the types of the services of each node of this package."""
        types: dict[str, list[str]] = defaultdict(list)
        for name, kind in vision_services(self._caller.node).items():
            types[name.rpartition("/")[0]].append(kind)
        return types

    def _look(self) -> dict[str, Any]:
        types = self._services()
        self._kinds = kinds = {node: kind_of(services) for node, services in types.items()}
        elsewhere = [node for node, each in types.items() if "GetStatus" in each and self._here(node) is None]
        asked = self._ask(GetStatus, "get_status", elsewhere)
        states = {
            node: (each.state, json.loads(each.status or "{}")) for node, each in asked.items() if each is not None
        }
        states |= {node: told for node in types if (told := self._here(node)) is not None}
        properties = self._properties_of([node for node, kind in kinds.items() if kind == "vision"], states)
        found: dict[str, Any] = {"vision": [], "cameras": [], "mlmodels": []}
        for node, kind in sorted(kinds.items()):
            state, status = states.get(node, ("does not answer", {}))
            entry: dict[str, Any] = {
                "name": node,
                "state": state,
                "last_error": status.get("last_error", ""),
                "troubles": status.get("troubles", []),
                "driver": status.get("driver", ""),
                "local": self._here(node) is not None,
            }
            can = properties.get(node)
            if kind == "vision":
                if can is not None:
                    entry |= {
                        "model": can.model, "cameras": list(can.cameras), "default_camera": can.default_camera,
                        "labels": list(can.labels), "can": _abilities(can),
                    }  # fmt: skip
                found["vision"].append(entry)
            elif kind == "camera":
                found["cameras"].append({**entry, "topic": f"{node}/image_raw"})
            elif kind == "mlmodel":
                found["mlmodels"].append(entry)
        found["cameras"] += self._foreign(types)
        return found

    def _here(self, name: str) -> tuple[str, dict[str, Any]] | None:
        """Return the state of a node of this process, and what is wrong with it; None = it is elsewhere."""
        local = self._local
        node: Any = local.vision.get(name) or local.cameras.get(name) or local.mlmodels.get(name)
        if node is None:
            return None
        driver = getattr(node.settings, "driver", "")
        return node.state, {"last_error": node.last_error, "troubles": node.diagnostics.messages, "driver": driver}

    def _properties_of(self, nodes: list[str], states: Mapping[str, tuple[str, dict[str, Any]]]) -> dict[str, Any]:
        """Return what vision nodes can do: asked when their states change, and now and then, because models may."""
        now = time.monotonic()
        due = [
            node
            for node in nodes
            if (known := self._properties.get(node)) is None or known[0] != states.get(node) or now - known[1] > RENEWED
        ]
        for node, answer in self._ask(GetVisionProperties, "get_properties", due).items():
            self._properties[node] = (states.get(node), now, answer)
        return {node: self._properties[node][2] for node in nodes}

    def _foreign(self, ours: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the image topics of other packages' nodes."""
        found = set()
        for topic, kinds in self._caller.node.get_topic_names_and_types():
            if kinds[0] in IMAGES and not any(topic.startswith(f"{node}/") for node in ours):
                base = topic.removesuffix("/compressed")
                if self._caller.node.count_publishers(topic) and "/depth/" not in f"{topic}/":
                    found.add(base)
        return [
            {"name": topic, "topic": topic, "state": "", "last_error": "", "troubles": [], "local": False, "driver": ""}
            for topic in sorted(found)
        ]

    def _ask(self, kind: Any, service: str, nodes: list[str]) -> dict[str, Any]:
        asked = {
            node: self._caller.call(kind, f"{node}/{service}", kind.Request(), lambda answer: answer, ANSWERING)
            for node in nodes
        }
        return {node: _outcome(future) for node, future in asked.items()}

    def _check(self, node: str) -> str:
        """Return what a node of this package is; nothing else is called.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is none of that name.
        """
        kind = self._kinds.get(node)
        if kind is None:
            self._kinds = {each: kind_of(services) for each, services in self._services().items()}
            kind = self._kinds.get(node)
        if kind is None:
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, f"no node {node!r}{did_you_mean(node, self._kinds)}")
        return kind

    # What is shown.

    def watch(self, watch: Watch, show: Callable[[Shown], None], problem: Callable[[str], None]) -> Callable[[], None]:
        """Show from now on; return what ends that."""
        slot, feed, results = None, None, None
        cameras: list[CameraElsewhere] = []
        if watch.service:
            self._check(watch.service)
            topics = self._topics(watch)
            local = self._local.vision.get(watch.service)
            if local is not None:
                slot = local.results
                if watch.live:
                    feed = self._feed(watch, topics, cameras)
            else:
                frames = self._feed(watch, topics, cameras)
                results = ResultsElsewhere(
                    self._node, watch.service, watch.camera, frames, self._node.do, here=bool(cameras)
                )
                results.class_names = self._labels(watch.service)
                slot = results.slot
                feed = frames if watch.live else None
        else:
            base = watch.camera if watch.camera in self._foreign_names() else f"{watch.camera}/image_raw"
            self._check_topic(base)
            folder = base.rpartition("/")[0]
            topics = CameraTopics(image=base).named(folder)
            feed = self._feed(watch, topics, cameras)
        stream = Stream(watch, slot, feed, show, problem)
        with self._lock:
            self._streams.add(stream)
            self._cameras[stream] = cameras
            if results is not None:
                self._results[stream] = results
        self._node.do(lambda: self._node.tend(True))

        def end() -> None:
            stream.end()
            with self._lock:
                self._streams.discard(stream)
                self._cameras.pop(stream, None)
                self._results.pop(stream, None)
                self._asked.pop(stream, None)

        return end

    @staticmethod
    def _check_topic(name: str) -> None:
        """Refuse what cannot be the name of a topic.

        Raises:
            VisionError: UNKNOWN_CAMERA.
        """
        # pybind11 takes no half of a surrogate pair.
        why = "" if name.isascii() else "a name has letters of ASCII, digits, _ and /"
        try:
            if not why:
                validate_full_topic_name(name)
        except (InvalidTopicNameException, ValueError) as error:
            why = str(error).splitlines()[0].rstrip(":")
        if why:
            camera = shortened(name.removesuffix("/image_raw"), 100)
            raise VisionError(ErrorCode.UNKNOWN_CAMERA, f"no camera {camera!r}: {shortened(why, 200)}")

    def _foreign_names(self) -> set[str]:
        return {each["name"] for each in self._foreign(self._services())}

    def _topics(self, watch: Watch) -> CameraTopics:
        """Return the topics of a service's camera, with full names.

        Raises:
            VisionError: UNKNOWN_CAMERA, if the service does not look at such a camera, or does not say so.
        """
        found = cameras_of(self._caller, watch.service, ANSWERING)
        if watch.camera not in found:
            if not found:
                msg = f"{watch.service} says of no camera (yet): it is not configured, or has none"
            else:
                msg = f"{watch.service} does not look at a camera {watch.camera!r}, but at {', '.join(found)}"
            raise VisionError(ErrorCode.UNKNOWN_CAMERA, msg)
        namespace = watch.service.rpartition("/")[0]
        topics = found[watch.camera]

        def full(name: str) -> str:
            if name.startswith("~"):
                return watch.service + name[1:]
            return name if name.startswith("/") else f"{namespace}/{name}"

        return CameraTopics(
            image=full(topics.image), camera_info=full(topics.camera_info), depth=full(topics.depth),
            points=full(topics.points), transport=topics.transport, depth_transport=topics.depth_transport,
            bit_depth=topics.bit_depth,
        )  # fmt: skip

    def _feed(self, watch: Watch, topics: CameraTopics, cameras: list[CameraElsewhere]) -> Feed:
        """Return a camera's frames: of this process, else of its topics."""
        feed = self._local.feeds.find(topics.image)
        if feed is not None:
            return feed
        camera = CameraElsewhere(self._node, watch.camera, topics, cloud=watch.cloud)
        cameras.append(camera)
        return camera.feed

    def _labels(self, service: str) -> tuple[str, ...]:
        with suppress(VisionError), VisionClient(service, self._node) as client:
            return client.get_properties(timeout=ANSWERING).labels
        return ()

    def tend(self) -> None:
        """Do what time alone asks for, in the executor's thread."""
        with self._lock:
            streams = list(self._streams)
            cameras = [each for several in self._cameras.values() for each in several]
            results = list(self._results.values())
        if not streams:
            self._node.tend(False)
            return
        for camera in cameras:
            camera.tend()
        for each in results:
            each.tend()
        now = time.monotonic()
        for stream in streams:
            if now - stream.shown > SILENT:
                self._explain(stream)

    def _explain(self, stream: Stream) -> None:
        """Say why nothing is shown: as the node knows it, if it answers."""
        if stream in self._asked:
            return
        watch = stream.watch
        node = watch.service or watch.camera
        silence = "; ".join(filter(None, (each.silence() for each in self._cameras.get(stream, ()))))
        try:
            self._check(node)
            asked = self._caller.call(GetStatus, f"{node}/get_status", GetStatus.Request(), _plain, ANSWERING)
        except VisionError as error:
            stream.say(silence or error.message)
            return
        self._asked[stream] = asked

        def told(future: Future[Any]) -> None:
            self._asked.pop(stream, None)
            if time.monotonic() - stream.shown <= SILENT:
                return
            answer = _outcome(future)
            if answer is None:
                stream.say(f"{node} does not answer any more")
                return
            status = json.loads(answer.status or "{}")
            why = [*([status["last_error"]] if status.get("last_error") else []), *status.get("troubles", [])]
            if answer.state != "active":
                stream.say(f"{node} is {answer.state}" + (f": {why[0]}" if why else ""))
            else:
                stream.say("; ".join(why) or silence or f"nothing has come of {node} for {SILENT:g} s")

        asked.add_done_callback(told)

    # What is asked.

    def status(self, node: str) -> dict[str, Any]:
        """Return a node's lifecycle state and status."""
        self._check(node)
        answer = self._caller.call(GetStatus, f"{node}/get_status", GetStatus.Request(), _plain, ANSWERING).result()
        found = {"node": node, "state": answer.state, **json.loads(answer.status or "{}")}
        local = self._local.vision.get(node)
        if local is not None:
            cameras = found.get("frame_rates", {})
            found["shown"] = {
                camera: {"rate": round(local.results.rate(camera), 2), "latency": local.results.latency(camera)}
                for camera in cameras
                if local.results.wanted(camera)
            }
        return found

    def parameters(self, node: str) -> list[dict[str, Any]]:
        """Return a node's parameters."""
        return parameters_of(self._caller, node, self._check(node), ANSWERING)

    def set_parameters(self, node: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Set parameters, all or none."""
        self._check(node)
        if not values:
            raise VisionError(ErrorCode.INVALID_ARGUMENT, "no parameter is named: give at least one name and its value")
        try:
            return RemoteParameters(self._caller, node, CHANGING).set(values)
        except VisionError as error:
            raise VisionError(error.code, error.message.removeprefix(f"{node} refused: ")) from None

    def commands(self, node: str) -> dict[str, str]:
        """Return a node's commands."""
        try:
            found = self.command(node, {"command": "help"}).get("commands", {})
        except VisionError as error:
            if error.code == ErrorCode.NOT_SUPPORTED:
                return {}
            raise
        return {str(name): str(does) for name, does in found.items()} if isinstance(found, dict) else {}

    def command(self, node: str, command: Mapping[str, Any]) -> dict[str, Any]:
        """Run a command of a node."""
        self._check(node)
        with VisionClient(node, self._node) as client:
            return client.do_command(command, timeout=CHANGING)

    def change_state(self, node: str, transition: str) -> dict[str, Any]:
        """Take a node through a transition of its lifecycle."""
        self._check(node)
        if transition not in TRANSITIONS:
            msg = f"no transition {transition!r} here: {', '.join(TRANSITIONS)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        request = ChangeState.Request(transition=Transition(id=TRANSITIONS[transition], label=transition))
        done = self._caller.call(ChangeState, f"{node}/change_state", request, _plain, CHANGING).result()
        status = self.status(node)
        error = "" if done.success else status.get("last_error") or f"{transition} was refused: it is {status['state']}"
        self._looked = -1e9
        return {"state": status["state"], "error": error}

    def ask_image(self, service: str, data: bytes) -> Shown:
        """Return what a service says of an image file."""
        if self._check(service) != "vision":
            raise VisionError(ErrorCode.NOT_SUPPORTED, f"{service} is no vision service")
        image = Image.from_compressed(data)
        frame = Frame(image=image)
        _ = frame.image.pixels if frame.image is not None else None  # what is no image is refused here
        began = time.monotonic()
        with VisionClient(service, self._node) as client:
            can = client.get_properties(timeout=ANSWERING)
            asked: dict[str, Future[Any]] = {}
            if can.detections_supported:
                asked["detect"] = client.get_detections_async(data, timeout=CHANGING)
            if can.classifications_supported:
                asked["classify"] = client.get_classifications_async(data, timeout=CHANGING)
            if can.segmentation_supported:
                asked["segmentation"] = client.get_segmentation_async(data, timeout=CHANGING)
            if can.keypoints_supported:
                asked["keypoints"] = client.get_keypoints_async(data, timeout=CHANGING)
            if not asked:
                why = "is not configured"
                if can.object_point_clouds_supported:
                    why = "looks at no single image: it finds objects in space; drop a point cloud (PCD)"
                raise VisionError(ErrorCode.NOT_SUPPORTED, f"{service} {why}")
            answers = {name: future.result() for name, future in asked.items()}
        found: dict[str, Any] = {name: answers[name] for name in ("detect", "classify") if name in answers}
        segmentation = answers.get("segmentation")
        instances = segmentation.instances if segmentation is not None else ()
        if "detect" in found or instances or "keypoints" in answers:
            found["detect"] = with_extras(
                found.get("detect", instances or answers.get("keypoints", ())), instances, answers.get("keypoints", ())
            )
        if segmentation is not None and segmentation.label_image is not None:
            found["label"] = segmentation.label_image
        result = Result("", frame, found, seconds=time.monotonic() - began)
        return Shown(Watch(service), frame, result)

    def ask_cloud(self, service: str, data: bytes) -> Shown:
        """Return what a service says of a point cloud file."""
        if self._check(service) != "vision":
            raise VisionError(ErrorCode.NOT_SUPPORTED, f"{service} is no vision service")
        cloud = read_pcd(data)
        began = time.monotonic()
        with VisionClient(service, self._node) as client:
            objects = client.get_object_point_clouds(cloud=cloud, timeout=CHANGING)
        frame = Frame(cloud=cloud)
        return Shown(Watch(service), frame, Result("", frame, {"segment": objects}, seconds=time.monotonic() - began))

    def findings(self) -> list[dict[str, str]]:
        """Return what is wrong with the robot, and what is good to know."""
        services = vision_services(self._caller.node)
        found: list[Finding] = [*unmatched(self._caller.node), *problems(self._caller, services, ANSWERING)]
        found += check_host()
        return [
            {"where": each.where, "what": each.what, "advice": each.advice, "severity": each.severity}
            for each in dict.fromkeys(found)
        ]


def _plain(answer: Any) -> Any:
    return answer


def _outcome(future: Future[Any]) -> Any:
    """Return a future's result; None if it failed."""
    try:
        return future.result()
    except VisionError as error:
        logging.getLogger(__name__).debug("%s", error.message)
        return None


def _abilities(can: Any) -> list[str]:
    names = {
        "detections_supported": "detect", "classifications_supported": "classify", "segmentation_supported": "segment",
        "keypoints_supported": "keypoints", "object_point_clouds_supported": "segment 3D",
    }  # fmt: skip
    return [name for field, name in names.items() if getattr(can, field)]
