"""The executable `vision` as it is installed, but that it prints a line when its node is active.

python benchmarks/rig/announced_vision.py --ros-args …
"""

from typing import Any

from vision_service.ros import main, vision_node


class AnnouncedVisionNode(vision_node.VisionNode):
    """Prints a line when it has been activated."""

    def on_activate(self, state: Any) -> Any:
        """Activate, and say so."""
        outcome = super().on_activate(state)
        print(outcome.name, flush=True)
        return outcome


if __name__ == "__main__":
    vision_node.VisionNode = AnnouncedVisionNode
    main.vision()
