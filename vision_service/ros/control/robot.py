"""The robot, as the control page sees it and acts on it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

from vision_service.control.backend import Shown, Watch
from vision_service.errors import ErrorCode, VisionError
from vision_service.findings import Finding
from vision_service.image import Image
from vision_service.pointcloud.pcd import read_pcd
from vision_service.results import Result
from vision_service.ros.calling import Caller
from vision_service.ros.checkup import problems, unmatched
from vision_service.ros.client import VisionClient
from vision_service.ros.client.results import with_extras
from vision_service.ros.connection import vision_services
from vision_service.ros.control.graph import ANSWERING, Graph, plain
from vision_service.ros.control.parameters import parameters_of
from vision_service.ros.control.watching import Watching
from vision_service.ros.host_checks import check_host
from vision_service.ros.local_nodes import LocalNodes
from vision_service.ros.remote_parameters import RemoteParameters
from vision_service.srv import GetStatus
from vision_service.types import Frame

CHANGING = 20.0
"""How long a change of parameters, a transition or a command may take, seconds: a model may be loaded."""
TRANSITIONS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "cleanup": Transition.TRANSITION_CLEANUP,
}
"""What the page may ask for; a node that is shut down could not be brought back from here."""


class Robot:
    """Answers the page (see `vision_service.control.backend.Backend`)."""

    def __init__(
        self,
        node: Any,
        local_nodes: LocalNodes,
        *,
        do: Callable[[Callable[[], None]], None],
        tending: Callable[[bool], None],
    ) -> None:
        """Look at nothing yet.

        Args:
            node: Whose subscriptions are made.
            local_nodes: The nodes of this process.
            do: Does a job in the executor's thread.
            tending: Told, in that thread, whether ``tend`` is to be called now and then.
        """
        self._node = node
        self._local = local_nodes
        self._caller = Caller(node)
        self._graph = Graph(self._caller, local_nodes)
        self._watching = Watching(node, self._caller, self._graph, local_nodes, do=do, tending=tending)

    def close(self) -> None:
        """Let go of everything."""
        self._watching.close()
        self._caller.close()

    def nodes(self) -> dict[str, Any]:
        """Return what runs: lists of vision services, cameras and ML models."""
        return self._graph.nodes()

    def watch(self, watch: Watch, show: Callable[[Shown], None], problem: Callable[[str], None]) -> Callable[[], None]:
        """Show from now on; return what ends that."""
        return self._watching.watch(watch, show, problem)

    def tend(self) -> None:
        """Do what time alone asks for, in the executor's thread."""
        self._watching.tend()

    def status(self, node: str) -> dict[str, Any]:
        """Return a node's lifecycle state and status."""
        self._graph.check(node)
        answer = self._caller.call(GetStatus, f"{node}/get_status", GetStatus.Request(), plain, ANSWERING).result()
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
        return parameters_of(self._caller, node, self._graph.check(node), ANSWERING)

    def set_parameters(self, node: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Set parameters, all or none."""
        self._graph.check(node)
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
        self._graph.check(node)
        with VisionClient(node, self._node) as client:
            return client.do_command(command, timeout=CHANGING)

    def change_state(self, node: str, transition: str) -> dict[str, Any]:
        """Take a node through a transition of its lifecycle."""
        self._graph.check(node)
        if transition not in TRANSITIONS:
            msg = f"no transition {transition!r} here: {', '.join(TRANSITIONS)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        request = ChangeState.Request(transition=Transition(id=TRANSITIONS[transition], label=transition))
        done = self._caller.call(ChangeState, f"{node}/change_state", request, plain, CHANGING).result()
        status = self.status(node)
        error = "" if done.success else status.get("last_error") or f"{transition} was refused: it is {status['state']}"
        self._graph.forget()
        return {"state": status["state"], "error": error}

    def ask_image(self, service: str, data: bytes) -> Shown:
        """Return what a service says of an image file."""
        if self._graph.check(service) != "vision":
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
        if self._graph.check(service) != "vision":
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
