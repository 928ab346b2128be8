"""A robot with two arms: a camera and a detector for each, in namespaces of their own, brought up by nav2's manager.

ros2 launch robot.launch.py

The nodes of arms.yaml have `autostart: false`: they wait until the lifecycle manager of their namespace configures and
activates them, and hold a bond with it: when one dies, the manager brings the others of that arm down.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import Node

ARMS = ("left", "right")
NODES = ("camera", "detector", "objects")
"""What the manager brings up, in this order: what others need comes first."""
PARAMETERS = Path(__file__).with_name("arms.yaml")


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    stack = Path(get_package_share_directory("vision_service"), "launch", "stack.launch.py")
    entities = []
    for arm in ARMS:
        entities += [
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(stack)),
                launch_arguments={"namespace": arm, "params_file": str(PARAMETERS)}.items(),
            ),
            Node(
                package="nav2_lifecycle_manager",
                executable="lifecycle_manager",
                name="lifecycle_manager_vision",
                namespace=arm,
                parameters=[{"autostart": True, "node_names": list(NODES), "bond_timeout": 4.0}],
                output="screen",
            ),
        ]
    return LaunchDescription(entities)
