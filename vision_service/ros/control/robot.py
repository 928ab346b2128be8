"""What the page asks of the robot, answered by ROS (see `vision_service.control.backend`)."""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.callback_groups import CallbackGroup
from rclpy.exceptions import InvalidTopicNameException
from rclpy.node import Node
from rclpy.validate_full_topic_name import validate_full_topic_name

from vision_service.camera.topics import CameraTopics
from vision_service.control.backend import Shown, Watch
from vision_service.errors import ErrorCode, VisionError, shortened
from vision_service.findings import Finding
from vision_service.ros.calling.caller import Caller
from vision_service.ros.calling.graph import vision_services
from vision_service.ros.checks.checkup import problems, statuses, unmatched
from vision_service.ros.checks.host import check_host
from vision_service.ros.client import VisionClient
from vision_service.ros.control.files import ask_cloud, ask_image
from vision_service.ros.control.parameters import parameters_of
from vision_service.ros.control.running import ANSWERING, RENEWED, Running, outcome
from vision_service.ros.control.streams import CameraElsewhere, ResultsElsewhere, Stream
from vision_service.ros.resources.camera_parameters import cameras_of
from vision_service.ros.resources.feeds import Feed
from vision_service.ros.resources.local_nodes import LocalNodes
from vision_service.ros.resources.remote_parameters import RemoteParameters
from vision_service.srv import GetStatus
from vision_service.zones.counts import counts_of

CHANGING = 20.0
"""How long a change of parameters, a transition or a command may take, seconds: a model may be loaded."""
SILENT = 3.0
"""After how long it is said why nothing is shown, seconds."""
TRANSITIONS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "cleanup": Transition.TRANSITION_CLEANUP,
}
"""What the page may ask for; a node that is shut down could not be brought back from here."""


class PageNode(ABC, Node):
    """A node for whom subscriptions are made.

    Attributes:
        group: Of all its callbacks.
    """

    group: CallbackGroup

    @abstractmethod
    def tend(self, wanted: bool) -> None:
        """Look at what time alone changes, or no more; in the executor's thread."""

    @abstractmethod
    def do(self, job: Callable[[], None]) -> None:
        """Do a job in the executor's thread; what it raises is logged."""


class Robot:
    """Answers the page (see `vision_service.control.backend.Backend`)."""

    def __init__(self, node: PageNode, local_nodes: LocalNodes) -> None:
        """Look at nothing yet.

        Args:
            node: Whose subscriptions are made.
            local_nodes: The nodes of this process.
        """
        self._node = node
        self._local = local_nodes
        self._caller = Caller(node)
        self._running = Running(self._caller, local_nodes)
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

    def nodes(self) -> dict[str, Any]:
        """Return what runs: lists of vision services, cameras and ML models."""
        return self._running.nodes()

    # What is shown.

    def watch(self, watch: Watch, show: Callable[[Shown], None], problem: Callable[[str], None]) -> Callable[[], None]:
        """Show from now on; return what ends that."""
        slot, feed, results = None, None, None
        cameras: list[CameraElsewhere] = []
        if watch.service:
            self._running.check(watch.service)
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
            base = watch.camera if watch.camera in self._running.foreign_names() else f"{watch.camera}/image_raw"
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
        now = time.monotonic()
        for each in results:
            each.tend()
            if now >= each.zones_due:
                self._ask_for_zones(each)
        for stream in streams:
            if now - stream.shown > SILENT:
                self._explain(stream)

    def _ask_for_zones(self, results: ResultsElsewhere) -> None:
        """Ask a node for its zones, which have no topic; one that has none again after a while only."""
        results.zones_due = time.monotonic() + RENEWED
        name = f"{results.service}/get_status"
        asked = self._caller.call(GetStatus, name, GetStatus.Request(), _plain, ANSWERING)

        def told(future: Future[Any]) -> None:
            answer = outcome(future)
            if answer is not None:
                results.zones = counts_of(json.loads(answer.status or "{}"))
                if results.zones:
                    results.zones_due = time.monotonic()

        asked.add_done_callback(told)

    def _explain(self, stream: Stream) -> None:
        """Say why nothing is shown: as the node knows it, if it answers."""
        if stream in self._asked:
            return
        watch = stream.watch
        node = watch.service or watch.camera
        silence = "; ".join(filter(None, (each.silence() for each in self._cameras.get(stream, ()))))
        try:
            self._running.check(node)
            asked = self._caller.call(GetStatus, f"{node}/get_status", GetStatus.Request(), _plain, ANSWERING)
        except VisionError as error:
            stream.say(silence or error.message)
            return
        self._asked[stream] = asked

        def told(future: Future[Any]) -> None:
            self._asked.pop(stream, None)
            if time.monotonic() - stream.shown <= SILENT:
                return
            answer = outcome(future)
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
        self._running.check(node)
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
        return parameters_of(self._caller, node, self._running.check(node), ANSWERING)

    def set_parameters(self, node: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Set parameters, all or none."""
        self._running.check(node)
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
        self._running.check(node)
        with VisionClient(node, self._node) as client:
            return client.do_command(command, timeout=CHANGING)

    def change_state(self, node: str, transition: str) -> dict[str, Any]:
        """Take a node through a transition of its lifecycle."""
        self._running.check(node)
        if transition not in TRANSITIONS:
            msg = f"no transition {transition!r} here: {', '.join(TRANSITIONS)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        request = ChangeState.Request(transition=Transition(id=TRANSITIONS[transition], label=transition))
        done = self._caller.call(ChangeState, f"{node}/change_state", request, _plain, CHANGING).result()
        status = self.status(node)
        error = "" if done.success else status.get("last_error") or f"{transition} was refused: it is {status['state']}"
        self._running.forget()
        return {"state": status["state"], "error": error}

    def ask_image(self, service: str, data: bytes) -> Shown:
        """Return what a service says of an image file."""
        return ask_image(self._node, self._vision_service(service), data)

    def ask_cloud(self, service: str, data: bytes) -> Shown:
        """Return what a service says of a point cloud file."""
        return ask_cloud(self._node, self._vision_service(service), data)

    def _vision_service(self, name: str) -> str:
        """Return the name if it is a vision service's.

        Raises:
            VisionError: UNKNOWN_RESOURCE or NOT_SUPPORTED, if it is not.
        """
        if self._running.check(name) != "vision":
            raise VisionError(ErrorCode.NOT_SUPPORTED, f"{name} is no vision service")
        return name

    def findings(self) -> list[dict[str, str]]:
        """Return what is wrong with the robot, and what is good to know."""
        services = vision_services(self._caller.node)
        said = statuses(self._caller, services, ANSWERING)
        found: list[Finding] = [*unmatched(self._caller.node), *problems(said)]
        found += check_host()
        return [
            {"where": each.where, "what": each.what, "advice": each.advice, "severity": each.severity}
            for each in dict.fromkeys(found)
        ]


def _plain(answer: Any) -> Any:
    return answer
