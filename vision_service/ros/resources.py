"""The resources that a node's model can name: of this process by reference, others over ROS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from rclpy.node import Node

from vision_service.errors import ErrorCode, VisionError
from vision_service.resources import LocalResources, not_able
from vision_service.ros.client import NamedClient
from vision_service.ros.mlmodel_node import MLModelNode
from vision_service.ros.shared_mlmodel import LocalMLModel, RemoteMLModel
from vision_service.ros.shared_vision import LocalVision, RemoteVision, VisionPeer

LOOK_TIMEOUT = 1.0
"""How long we wait for another node to say what it builds on, seconds."""


class NodeResources(LocalResources):
    """Looks up names as a node would: relative to its namespace.

    Attributes:
        uses: The full names of the vision services that were asked for, found or not.
    """

    def __init__(self, node: Node, mlmodels: Mapping[str, MLModelNode], vision: Mapping[str, VisionPeer]) -> None:
        """Take where to look.

        Args:
            node: Whose model asks.
            mlmodels: The ML model nodes of this process by their full names.
            vision: The vision nodes of this process by their full names.
        """
        super().__init__()
        self._node = node
        self._mlmodels = mlmodels
        self._vision = vision
        self._remote: dict[str, RemoteMLModel | RemoteVision] = {}
        self.uses: frozenset[str] = frozenset()

    def mlmodel(self, name: str) -> Any:
        """Return the model that an ML model node holds.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is no such node, or it holds none.
        """
        full_name = self._node.resolve_service_name(name)
        local = self._mlmodels.get(full_name)
        if local is not None:
            return LocalMLModel(local)
        if full_name not in self._remote:
            if not self._node.count_services(f"{full_name}/get_metadata"):
                msg = f"no ML model {name!r}: no node {full_name} is on the graph; start it, or name it in 'mlmodels'"
                raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)
            self._remote[full_name] = RemoteMLModel(full_name, self._node)
        return self._remote[full_name]

    def close(self) -> None:
        """End the connections to other nodes; the next look-up makes new ones."""
        super().close()
        for resource in self._remote.values():
            resource.close()
        self._remote.clear()

    def _with_method(self, name: str, methods: Sequence[str], kind: str) -> Any:
        """Return a vision service that has one of the methods.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is none, or it cannot do that; INVALID_ARGUMENT, if it builds on
                this node itself.
        """
        full_name = self._node.resolve_service_name(name)
        self.uses |= {full_name}
        self._refuse_circle(full_name)
        service = self._find(name, full_name)
        if not any(callable(getattr(service, method, None)) for method in methods):
            raise not_able(name, methods, kind)
        return service

    def _find(self, name: str, full_name: str) -> Any:
        local = self._vision.get(full_name)
        if local is not None:
            return LocalVision(name, local)
        if full_name not in self._remote:
            if not self._node.count_services(f"{full_name}/get_properties"):
                msg = (
                    f"no vision service {name!r}: no node {full_name} is on the graph; start it, or name it in 'vision'"
                )
                raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)
            self._remote[full_name] = RemoteVision(full_name, self._node)
        return self._remote[full_name]

    def _refuse_circle(self, first: str) -> None:
        """Refuse a vision service that builds, itself or by others, on this node."""
        own = self._node.get_fully_qualified_name()
        paths: list[tuple[str, ...]] = [(own, first)]
        seen: set[str] = set()
        while paths:
            path = paths.pop()
            if path[-1] == own:
                msg = f"vision services that need each other in a circle: {' -> '.join(path)}"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
            if path[-1] not in seen:
                seen.add(path[-1])
                paths += [(*path, other) for other in sorted(self._uses_of(path[-1]))]

    def _uses_of(self, full_name: str) -> frozenset[str]:
        """Return the vision services that another one builds on; those of a node that does not answer are unknown."""
        local = self._vision.get(full_name)
        if local is not None:
            return local.uses
        if self._node.count_services(f"{full_name}/get_status"):
            with suppress(VisionError), NamedClient(full_name, self._node) as client:
                return frozenset(client.get_status(timeout=LOOK_TIMEOUT).get("uses", ()))
        return frozenset()
