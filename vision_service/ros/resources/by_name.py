"""The resources that a node's model or driver can name: of this process by reference, others over ROS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotReady
from contextlib import suppress
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from rclpy.exceptions import NameValidationException

from vision_service.camera.topics import CameraTopics
from vision_service.configuration import close_names, did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.resources import LocalResources, names_of, not_able
from vision_service.ros.calling.caller import Caller
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.resources.camera_names import check_topics
from vision_service.ros.resources.following import Followed, answered
from vision_service.ros.resources.local_nodes import LocalNodes
from vision_service.ros.resources.shared_camera import LocalCamera, RemoteCamera, SharedCamera
from vision_service.ros.resources.shared_vision import LocalVision, RemoteVision

if TYPE_CHECKING:
    from vision_service.mlmodel.pool import Pool
    from vision_service.ros.client import VisionClient, VisionProperties
    from vision_service.ros.resources.pooling import FollowedMember, Place, RemotePlace

GLANCE = 0.1
"""How long we wait at once for another node to say what it is, seconds. No parameter: the executor is held up
meanwhile, so it must stay short, and an answer that comes later is used at the next try."""


class NodeResources(LocalResources):
    """Looks up names as a node would: relative to its namespace.

    What is built beside the node, in another thread, has resources of its own (see :meth:`beside`). The node's
    parameters resource_timeout, source_timeout and pairing_tolerance hold for what is found; they are read whenever
    they are needed.

    Attributes:
        uses: The full names of the cameras and vision services that were asked for, found or not.
        followed: The ML models and vision services that were found, by their full names: they may change. Of a pool,
            all members.
    """

    def __init__(self, node: ServiceNode, local_nodes: LocalNodes) -> None:
        """Take where to look.

        Args:
            node: Whose model or driver asks.
            local_nodes: The other nodes of its process.
        """
        super().__init__()
        self._node = node
        self._local_nodes = local_nodes
        self._remote: dict[str, Any] = {}
        self._asked: dict[tuple[str, str], Future[Any]] = {}
        self._cameras: list[SharedCamera] = []
        self.followed: dict[str, Followed | FollowedMember] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._beside: list[NodeResources] = []
        self.uses: frozenset[str] = frozenset()

    @property
    def all_uses(self) -> frozenset[str]:
        """What is used by the node and by all that is being built beside it."""
        return self.uses.union(*(resources.uses for resources in list(self._beside)))

    def beside(self) -> NodeResources:
        """Return resources with the same connections for what is built beside the node; in any thread.

        They count as used by the node until they are adopted, or left.
        """
        resources = copy(self)
        resources.uses = frozenset()
        resources.followed = {}
        self._beside.append(resources)
        return resources

    def adopt(self, resources: NodeResources) -> None:
        """Use what was built with other resources from now on."""
        self.uses = resources.uses
        self.followed = resources.followed
        self.leave(resources)

    def leave(self, resources: NodeResources) -> None:
        """Forget other resources, because what was built with them is not used."""
        with suppress(ValueError):
            self._beside.remove(resources)

    def camera(self, name: str) -> SharedCamera:
        """Return what reads a camera's frames.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is no such camera (yet); INVALID_ARGUMENT, if it reads, itself or by
                others, from this node.
        """
        full_name = self._named(name)
        local = self._local_nodes.cameras.get(full_name)
        feed = self._local_nodes.feeds.find(self._node.resolve_topic_name(f"{name}/image_raw"))
        camera: SharedCamera
        if local is not None and feed is not None:
            camera = LocalCamera(name, local, feed, self._source_timeout)
        else:
            topics, tolerance = CameraTopics().named(name), self._node.settings.pairing_tolerance
            camera = RemoteCamera(name, self._node, topics, tolerance, self._source_timeout)
        self._cameras.append(camera)
        return camera

    def topics(self, topics: CameraTopics, tolerance: float) -> SharedCamera:
        """Return what reads the frames that come on topics.

        Args:
            topics: All named.
            tolerance: How far the stamps of one frame's parts may lie apart, seconds.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if nobody publishes them (yet); INVALID_ARGUMENT, if they are its own.
        """
        check_topics(self._node, self._node.get_name(), topics)
        own = f"{self._node.get_fully_qualified_name()}/"
        for topic in (topics.image, topics.depth, topics.points):
            if self._node.resolve_topic_name(topic).startswith(own):
                msg = f"the topic {topic} is this node's own: name the topics of another camera"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        camera = RemoteCamera(
            self._node.get_name(), self._node, topics, tolerance, self._source_timeout, parameter="tolerance"
        )
        self._cameras.append(camera)
        return camera

    def mlmodel(self, name: str) -> Any:
        """Return the model that an ML model node holds, or a pool of those of several.

        Args:
            name: The node's; several are separated by commas.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is no such node, or it holds none, or it has not answered yet; of
                several, if that is so with each of them. INVALID_ARGUMENT, if a name stands twice.
        """
        names = names_of(name)
        if len(names) > 1:
            return self._pool(names)
        full_name = self._full_name(name, "an ML model")
        local = self._local_nodes.mlmodels.get(full_name)
        what = f"the ML model {name!r}"
        if local is not None:
            self.followed[full_name] = Followed(what, local.model_id, lambda: answered(local.model_id or None))
            from vision_service.ros.resources.shared_mlmodel import LocalMLModel

            return LocalMLModel(local)
        self._require(f"{full_name}/get_metadata", "ML model", name, "mlmodels")
        place = self._remote_place(full_name)
        # In this order: a model that is replaced in between is noticed at the next look.
        found = self._answer("ML model", name, f"{full_name}/get_status", place.ask)
        model = self._answer("ML model", name, full_name, partial(place.model, found))
        self.followed[full_name] = Followed(what, found, place.ask, model.refuse, lambda held: held.identity)
        return model

    def _pool(self, names: Sequence[str]) -> Pool:
        """Return the pool of several ML model nodes, which are followed."""
        from vision_service.mlmodel.pool import Pool
        from vision_service.ros.resources.pooling import LocalPlace, find_members

        full_names = {name: self._full_name(name, "an ML model") for name in names}
        if len(set(full_names.values())) < len(names):
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"an ML model stands twice in 'mlmodel_name': {names}")
        pool = Pool(names, timeout=self._resource_timeout, changed=self._node.look_soon)

        def place_of(full_name: str) -> Place:
            local = self._local_nodes.mlmodels.get(full_name)
            return self._remote_place(full_name) if local is None else LocalPlace(local)

        places = {name: place_of(full_name) for name, full_name in full_names.items()}
        members = find_members(
            pool, places, lambda key, name, ask: self._glance("ML model", full_names[name] + key, ask)
        )
        self.followed.update({full_names[name]: member for name, member in members.items()})
        return pool

    def _remote_place(self, full_name: str) -> RemotePlace:
        from vision_service.ros.resources.pooling import RemotePlace

        def caller() -> Caller:
            found: Caller = self._connection(full_name, lambda: Caller(self._node))
            return found

        return RemotePlace(full_name, self._node, caller, self._resource_timeout)

    def tend(self) -> None:
        """Do what time alone asks for."""
        for camera in self._cameras:
            camera.tend()

    def close(self) -> None:
        """End the connections to other nodes, but to those that have not answered yet: one will look for that again."""
        super().close()
        with self._lock:
            waiting = {full_name.removesuffix("/get_status") for _, full_name in list(self._asked)}
            unused = [self._remote.pop(full_name) for full_name in self._remote.keys() - waiting]
        for connection in unused:
            connection.close()
        for camera in self._cameras:
            camera.close()
        self._cameras.clear()
        self.followed.clear()

    def end(self) -> None:
        """End all connections, for good."""
        with self._lock:
            self._ended.set()
        self._asked.clear()
        self.close()

    def _resource_timeout(self) -> float:
        """Return how long another node may take to answer, seconds."""
        timeout: float = self._node.settings.resource_timeout
        return timeout

    def _source_timeout(self) -> float:
        """Return how long to wait for a frame of another camera, seconds."""
        settings = self._node.settings
        timeout: float = getattr(settings, "source_timeout", settings.resource_timeout)  # camera nodes have their own
        return timeout

    def _with_method(self, name: str, methods: Sequence[str], kind: str) -> Any:
        """Return a vision service that has one of the methods.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is none, or it cannot do that; INVALID_ARGUMENT, if it builds,
                itself or by others, on this node.
        """
        full_name = self._named(name)
        local = self._local_nodes.vision.get(full_name)
        if local is not None:
            service: Any = LocalVision(name, local, self._resource_timeout)
        else:
            self._require(f"{full_name}/get_properties", "vision service", name, "vision")
            client = self._client(full_name)
            ask = partial(client.get_properties_async, timeout=self._resource_timeout())
            can = self._answer("vision service", name, full_name, ask)
            service = RemoteVision(client, can, self._resource_timeout)
            self.followed[full_name] = Followed(f"the vision service {name!r}", can, ask, service.refuse, _abilities)
        if not any(callable(getattr(service, method, None)) for method in methods):
            raise not_able(name, methods, kind)
        return service

    def _require(self, service: str, kind: str, name: str, section: str) -> None:
        """Refuse a node that is not on the graph."""
        if not self._node.count_services(service):
            node = service.rpartition("/")[0]
            local = self._local_nodes.mlmodels if section == "mlmodels" else self._local_nodes.vision
            others = [each.rpartition("/")[2] for each in local if each != self._node.get_fully_qualified_name()]
            near = ", or" + did_you_mean(name, others)[1:] if close_names(name, others) else ""
            msg = f"no {kind} {name!r}: no node {node} is here; start it, or name it in '{section}'{near}"
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)

    def _client(self, full_name: str) -> VisionClient:
        from vision_service.ros.client import VisionClient

        client: VisionClient = self._connection(full_name, lambda: VisionClient(full_name, self._node))
        return client

    def _connection(self, full_name: str, connect: Callable[[], Any]) -> Any:
        """Return the connection to a node elsewhere, a new one if there is none."""
        with self._lock:
            if self._ended.is_set():  # what is still being built beside the node is of no use any more
                raise VisionError(ErrorCode.NOT_ACTIVE, "the node was closed")
            if full_name not in self._remote:
                self._remote[full_name] = connect()
            return self._remote[full_name]

    def _answer(self, kind: str, name: str, full_name: str, ask: Callable[[], Future[Any]]) -> Any:
        """Return what a node elsewhere answers; if that takes long, it is to be looked for again later.

        The executor must not be held up by other processes, whose executors this one may hold up in turn.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is no answer (yet).
        """
        try:
            return self._glance(kind, full_name, ask)
        except NotReady:
            reason = "it has not answered yet"
        except VisionError as error:
            reason = error.message
        raise VisionError(ErrorCode.UNKNOWN_RESOURCE, f"the {kind} {name!r} cannot be used: {reason}; try again")

    def _glance(self, kind: str, full_name: str, ask: Callable[[], Future[Any]]) -> Any:
        """Return what a node answers, or raise its VisionError, or NotReady; then its answer counts the next time."""
        asked = self._asked.pop((kind, full_name), None) or ask()
        try:
            return asked.result(GLANCE)
        except NotReady:
            self._asked[kind, full_name] = asked
            raise

    def _full_name(self, name: str, kind: str) -> str:
        """Return a node's full name.

        Raises:
            VisionError: INVALID_ARGUMENT, if the name is empty, or one that no node can have.
        """
        if not name.strip():
            msg = f"the name of {kind} is empty: set the parameter that names it"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        try:
            full_name: str = self._node.resolve_service_name(name)
        except (NameValidationException, RuntimeError, ValueError) as error:  # rcl's own, and what is no UTF-8
            reason = str(error).splitlines()[0].removeprefix("failed to resolve name: ").partition(", at /")[0]
            msg = f"{name!r} cannot be the name of {kind}: {reason}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
        return full_name

    def _named(self, name: str) -> str:
        """Return a node's full name, and refuse one that builds, itself or by others, on this node."""
        full_name = self._full_name(name, "a camera or vision service")
        self.uses |= {full_name}
        own = self._node.get_fully_qualified_name()
        paths: list[tuple[str, ...]] = [(own, full_name)]
        seen: set[str] = set()
        while paths:
            path = paths.pop()
            if path[-1] == own:
                msg = f"nodes that need each other (a dependency cycle): {' -> '.join(path)}"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
            if path[-1] not in seen:
                seen.add(path[-1])
                paths += [(*path, other) for other in sorted(self._uses_of(path[-1]))]
        return full_name

    def _uses_of(self, full_name: str) -> frozenset[str]:
        """Return the nodes that another one builds on; those of a node that does not answer are unknown."""
        local = self._local_nodes.uses()
        if full_name in local:
            return local[full_name]
        if self._node.count_services(f"{full_name}/get_status"):
            ask = partial(self._client(full_name).get_status_async, timeout=self._resource_timeout())
            with suppress(VisionError):  # who does not answer does not find us either
                return frozenset(self._answer("node", full_name, full_name, ask).get("uses", ()))
        return frozenset()


def _abilities(can: VisionProperties) -> tuple[Any, ...] | None:
    """Return what users of a vision service rely on; None = it is not configured."""
    able = (
        can.detections_supported,
        can.classifications_supported,
        can.segmentation_supported,
        can.keypoints_supported,
        can.object_point_clouds_supported,
    )
    return (*able, tuple(can.labels)) if any(able) else None
