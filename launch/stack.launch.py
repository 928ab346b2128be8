"""Starts the cameras and vision services of a parameter file in one process."""

from launch import LaunchDescription

from vision_service.ros.launching import launch_stack


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    return launch_stack()
