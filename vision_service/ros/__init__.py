"""The ROS shell: the only folder that imports ROS."""

from vision_service.ros.tracing import require_room

require_room()
