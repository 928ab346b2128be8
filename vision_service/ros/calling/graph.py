"""Which of our services are on the graph."""

from __future__ import annotations

from rclpy.node import Node


def vision_services(node: Node) -> dict[str, str]:
    """Return the names of all services of this package on the graph, each with its type's name."""
    return {
        name: types[0].removeprefix("vision_service/srv/")
        for name, types in node.get_service_names_and_types()
        if types[0].startswith("vision_service/srv/") and node.count_services(name)
    }
