"""Starts another package's camera driver, with shared memory that large pictures pass through, and ours beside it."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from vision_service.ros.dds import choose_profile


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    choose_profile()  # for this process and those that it starts; only the publisher's matters, which is the driver
    stack = PathJoinSubstitution([FindPackageShare("vision_service"), "launch", "stack.launch.py"])
    ours = ("params_file", "use_sim_time", "log_level")
    return LaunchDescription(
        [
            DeclareLaunchArgument("package", description="Package of the camera driver."),
            DeclareLaunchArgument("executable", description="Executable of the camera driver."),
            DeclareLaunchArgument("name", default_value="camera", description="Name of the driver's node."),
            DeclareLaunchArgument("namespace", default_value="", description="Namespace of the driver's node."),
            DeclareLaunchArgument("params_file", description="Parameter file with a section 'stack'."),
            DeclareLaunchArgument(
                "driver_params_file",
                default_value=LaunchConfiguration("params_file"),
                description="Parameter file with a section of the driver's name; by default the same one.",
            ),
            DeclareLaunchArgument("use_sim_time", default_value="false", description="Take the time from /clock."),
            DeclareLaunchArgument("log_level", default_value="info", description="From this level on is logged."),
            # First, because ours would take over this namespace.
            Node(
                package=LaunchConfiguration("package"),
                executable=LaunchConfiguration("executable"),
                name=LaunchConfiguration("name"),
                namespace=LaunchConfiguration("namespace"),
                parameters=[
                    LaunchConfiguration("driver_params_file"),
                    {"use_sim_time": LaunchConfiguration("use_sim_time")},
                ],
                output="screen",
            ),
            IncludeLaunchDescription(
                stack,
                launch_arguments={"namespace": "", **{name: LaunchConfiguration(name) for name in ours}}.items(),
            ),
        ]
    )
