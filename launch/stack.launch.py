"""Starts the cameras and vision services of a parameter file in one process."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("params_file", description="Parameter file with a section 'stack'."),
            DeclareLaunchArgument("namespace", default_value="", description="Namespace of all the nodes."),
            DeclareLaunchArgument("use_sim_time", default_value="false", description="Take the time from /clock."),
            DeclareLaunchArgument("log_level", default_value="info", description="From this level on is logged."),
            # No name here: it would rename every node of the process.
            Node(
                package="vision_service",
                executable="stack",
                namespace=LaunchConfiguration("namespace"),
                parameters=[
                    LaunchConfiguration("params_file"),
                    {"use_sim_time": LaunchConfiguration("use_sim_time")},
                ],
                arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
                output="screen",
            ),
        ]
    )
