"""Starts a camera as a process of its own."""

from launch import LaunchDescription

from vision_service.ros.launching import launch_node


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    return launch_node("camera")
