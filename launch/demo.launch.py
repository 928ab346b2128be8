"""Starts the demo: rendered cameras and vision services; look at detector/image_annotated."""

from launch import LaunchDescription

from vision_service.ros.launching import launch_stack


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    return launch_stack("package://vision_service/config/demo.yaml")
