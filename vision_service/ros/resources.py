"""The resources that a node's model can name: of this process by reference, others over ROS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rclpy.node import Node

from vision_service.errors import ErrorCode, VisionError
from vision_service.resources import LocalResources
from vision_service.ros.mlmodel_node import MLModelNode
from vision_service.ros.shared_mlmodel import LocalMLModel, RemoteMLModel


class NodeResources(LocalResources):
    """Looks up names as a node would: relative to its namespace."""

    def __init__(self, node: Node, mlmodels: Mapping[str, MLModelNode]) -> None:
        """Take where to look.

        Args:
            node: Whose model asks.
            mlmodels: The ML model nodes of this process by their full names.
        """
        super().__init__()
        self._node = node
        self._mlmodels = mlmodels
        self._remote: dict[str, RemoteMLModel] = {}

    def mlmodel(self, name: str) -> Any:
        """Return the model that an ML model node holds.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is no such node, or it holds none.
        """
        full_name = self._node.resolve_service_name(name)
        local = self._mlmodels.get(full_name)
        if local is not None:
            return LocalMLModel(local)
        if full_name in self._remote:
            return self._remote[full_name]
        if not self._node.count_services(f"{full_name}/get_metadata"):
            msg = f"no ML model {name!r}: no node {full_name} is on the graph; start it, or name it in 'mlmodels'"
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)
        self._remote[full_name] = RemoteMLModel(full_name, self._node)
        return self._remote[full_name]

    def close(self) -> None:
        """End the connections to other nodes; the next look-up makes new ones."""
        super().close()
        for model in self._remote.values():
            model.close()
        self._remote.clear()
