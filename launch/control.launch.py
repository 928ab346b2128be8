"""Serves the control page: what the cameras that run see, and what the vision services say of it, in a browser."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from vision_service.ros.launching import described

OPTIONS = (
    DeclareLaunchArgument("port", default_value="8090", description="Port of the page; 0 = any that is free."),
    DeclareLaunchArgument(
        "host",
        default_value="127.0.0.1",
        description="Address to listen on; 0.0.0.0 = for other machines too, which then need the token in the log.",
    ),
)


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    page = Node(
        package="vision_service",
        executable="vision-service",
        arguments=["control", "--port", LaunchConfiguration("port"), "--host", LaunchConfiguration("host")],
        output="screen",
    )
    return described(OPTIONS, [OpaqueFunction(function=lambda _: [page])])
