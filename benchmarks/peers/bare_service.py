"""A plain rclpy node that answers calls at once: `python -m benchmarks.peers.bare_service FOLDER NAME`.

In the folder lie ready-made responses, serialized; the file `SERVICE.TYPE` is what the node's service SERVICE of the
type vision_service/srv/TYPE answers.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import rclpy
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message

from vision_service import srv


def main() -> None:
    """Answer until killed."""
    rclpy.init()
    node = rclpy.create_node(sys.argv[2])
    for file in Path(sys.argv[1]).iterdir():
        name, _, type_name = file.name.partition(".")
        kind = getattr(srv, type_name)
        ready = deserialize_message(file.read_bytes(), kind.Response)

        def answer(request: Any, response: Any, ready: Any = ready) -> Any:
            return ready

        node.create_service(kind, f"~/{name}", answer, qos_profile=QoSProfile(depth=100))
    rclpy.spin(node)


if __name__ == "__main__":
    main()
