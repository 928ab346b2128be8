"""Starts the demo: a rendered camera and three detectors; look at /detector/image_annotated."""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    share = FindPackageShare("vision_service")
    return LaunchDescription(
        [
            IncludeLaunchDescription(
                PathJoinSubstitution([share, "launch", "stack.launch.py"]),
                launch_arguments={"params_file": PathJoinSubstitution([share, "config", "demo.yaml"])}.items(),
            )
        ]
    )
