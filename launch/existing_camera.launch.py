"""Starts another package's camera driver, with shared memory that large images pass through, and ours beside it."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from vision_service.ros.launching import checked_file, launch_stack
from vision_service.ros.process.dds import choose_profile


def _driver(context: LaunchContext) -> list[Node]:
    """Return the driver; the common parameter file need not have a section for it, a file of its own must."""
    name = LaunchConfiguration("name").perform(context)
    common, own = (LaunchConfiguration(file).perform(context) for file in ("params_file", "driver_params_file"))
    return [
        Node(
            package=LaunchConfiguration("package"),
            executable=LaunchConfiguration("executable"),
            name=name,
            namespace=LaunchConfiguration("namespace"),
            parameters=[
                checked_file(context, own or common, name if own else None),
                {"use_sim_time": LaunchConfiguration("use_sim_time")},
            ],
            output="screen",
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    choose_profile()  # for this process and those that it starts; only the publisher's matters, which is the driver
    arguments = [
        DeclareLaunchArgument("package", description="Package of the camera driver."),
        DeclareLaunchArgument("executable", description="Executable of the camera driver."),
        DeclareLaunchArgument("name", default_value="camera", description="Name of the driver's node."),
        DeclareLaunchArgument(
            "driver_params_file",
            default_value="",
            description="Parameter file with a section of the driver's name; empty = params_file.",
        ),
    ]
    return launch_stack(arguments=arguments, beside=[OpaqueFunction(function=_driver)])
