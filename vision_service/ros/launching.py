"""What our launch files share: their arguments, and a check of the parameter file before anything starts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.utilities import make_namespace_absolute, prefix_namespace

from vision_service import rviz
from vision_service.errors import VisionError
from vision_service.files import resolve
from vision_service.parameter_files import check_used, read_parameter_file


def common_arguments() -> list[DeclareLaunchArgument]:
    """Return the arguments that all our launch files take."""
    return [
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of the nodes, such as robot1."),
        DeclareLaunchArgument(
            "use_sim_time",
            default_value="false",
            choices=["true", "false", "True", "False"],
            description="Take the time from /clock.",
        ),
        DeclareLaunchArgument(
            "log_level", default_value="info", description="From which level on is logged: debug, info, warn or error."
        ),
    ]


def rviz_argument() -> DeclareLaunchArgument:
    """Return the launch argument that opens RViz."""
    return DeclareLaunchArgument(
        "rviz",
        default_value="false",
        choices=["true", "false", "True", "False"],
        description="Open RViz with what the nodes publish: images, points and objects.",
    )


def rviz_of(kind: str, name: str = "", params_file: str = "", model: str = "") -> OpaqueFunction:
    """Return what opens RViz, if the launch argument says so.

    Args:
        kind: What is shown: "demo", "stack", rviz.CAMERA or rviz.VISION.
        name: The launch argument with the name of the node; empty = there are several.
        params_file: The launch argument with its parameter file.
        model: Of a vision node whose file names none.
    """

    def show(context: LaunchContext) -> list[Node]:
        if _text(context, "rviz").lower() != "true":
            return []
        namespace, file = _namespace(context), params_file and _text(context, params_file)
        try:
            if kind == "demo":
                content = rviz.in_namespace(resolve(rviz.DEMO), namespace, _is_installed)
            else:
                path = str(resolve(file)) if file else ""
                shown = (
                    rviz.of_node(kind, _text(context, name), path, namespace, model)
                    if name
                    else rviz.of_stack(path, namespace)
                )
                content = rviz.displays(resolve(rviz.ROBOT), shown, _is_installed)
        except VisionError as error:
            raise RuntimeError(error.message) from None
        if not _is_installed("rviz2"):
            msg = "rviz:=true needs RViz: apt install ros-$ROS_DISTRO-rviz2, or leave it away"
            raise RuntimeError(msg)
        with tempfile.NamedTemporaryFile("w", prefix="vision_service_", suffix=".rviz", delete=False) as made:
            yaml.safe_dump(content, made, sort_keys=False, allow_unicode=True)
        return [
            Node(
                package="rviz2",
                executable="rviz2",
                arguments=["-d", made.name],
                parameters=[{"use_sim_time": LaunchConfiguration("use_sim_time")}],
                output="screen",
                on_exit=lambda *_: Path(made.name).unlink(missing_ok=True),
            )
        ]

    return OpaqueFunction(function=show)


def _is_installed(package: str) -> bool:
    """Return whether a ROS package is installed."""
    try:
        get_package_prefix(package)
    except (PackageNotFoundError, ValueError):
        return False
    return True


def launch_node(executable: str) -> LaunchDescription:
    """Return the launch description of one node that is a process of its own: a camera, vision or mlmodel."""
    shows = executable in (rviz.CAMERA, rviz.VISION)
    return described(
        [
            DeclareLaunchArgument(
                "params_file",
                description="Parameter file with a section of the node's name; /**/NAME: is for any namespace.",
            ),
            DeclareLaunchArgument("name", default_value=executable, description="Name of the node."),
            *common_arguments(),
            *([rviz_argument()] if shows else []),
        ],
        [
            OpaqueFunction(function=lambda context: [_node(context, executable, _text(context, "name"))]),
            *([rviz_of(executable, "name", "params_file")] if shows else []),
        ],
    )


def launch_stack(
    params_file: str | None = None,
    *,
    arguments: Iterable[DeclareLaunchArgument] = (),
    beside: Iterable[OpaqueFunction] = (),
) -> LaunchDescription:
    """Return the launch description of all nodes of a parameter file, in one process.

    Args:
        params_file: The file; None = the launch argument of this name.
        arguments: Further launch arguments.
        beside: What else is started.
    """
    chosen = [] if params_file else [_stack_file()]
    # No name here: it would rename every node of the process.
    stack = OpaqueFunction(function=lambda context: [_node(context, "stack", None, params_file)])
    shown = rviz_of("demo") if params_file else rviz_of("stack", params_file="params_file")
    return described([*arguments, *chosen, *common_arguments(), rviz_argument()], [stack, *beside, shown])


def described(
    arguments: Sequence[DeclareLaunchArgument],
    actions: Iterable[LaunchDescriptionEntity],
    *,
    also_known: Iterable[str] = (),
) -> LaunchDescription:
    """Return a launch description that warns of arguments that resemble its own.

    Args:
        arguments: Its own.
        actions: What it starts.
        also_known: Further names of arguments that are understood.
    """
    names = [*(argument.name for argument in arguments), *also_known]
    check = OpaqueFunction(function=lambda context: warn_of_misspelt(context, names))
    return LaunchDescription([*arguments, check, *actions])


def _stack_file() -> DeclareLaunchArgument:
    return DeclareLaunchArgument(
        "params_file", description="Parameter file with a section 'stack'; /**/stack: is for any namespace."
    )


def _node(context: LaunchContext, executable: str, name: str | None, params_file: str | None = None) -> Node:
    """Return one of our processes, with a parameter file that was checked."""
    file = params_file or _text(context, "params_file")
    return our_node(executable, [checked_file(context, file, name or executable)], name=name)


def our_node(executable: str, parameters: list[Any], *, name: str | None, **arguments: Any) -> Node:
    """Return one of our processes, with the common arguments.

    Args:
        executable: camera, mlmodel, vision or stack.
        parameters: As launch_ros takes them.
        name: Of its node; None for the stack, which has many.
        **arguments: Further ones of launch_ros's Node.
    """
    return Node(
        package="vision_service",
        executable=executable,
        name=name,
        namespace=LaunchConfiguration("namespace"),
        parameters=[*parameters, {"use_sim_time": LaunchConfiguration("use_sim_time")}],
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
        output="screen",
        **arguments,
    )


def checked_file(context: LaunchContext, file: str, name: str | None) -> str:
    """Return the path of a parameter file that is there, and has a section for a node in the launched namespace.

    launch_ros goes on without a file that is not there, and ROS without one that says nothing to the node.

    Args:
        context: Of the launch.
        file: As the user gave it.
        name: Of the node; None = do not ask for a section.

    Raises:
        RuntimeError: With the reason; it ends the launch.
    """
    try:
        path = resolve(file)
        if name is None:
            read_parameter_file(path)
        else:
            check_used(path, [f"{_namespace(context)}/{name}"])
    except VisionError as error:
        raise RuntimeError(error.message) from None
    return str(path)


def _namespace(context: LaunchContext) -> str:
    """Return the absolute namespace of the nodes, empty for none; groups of an outer launch file count."""
    outer = context.launch_configurations.get("ros_namespace", "")
    found = make_namespace_absolute(prefix_namespace(outer or None, _text(context, "namespace"))) or ""
    return str(found).rstrip("/")


def _text(context: LaunchContext, name: str) -> str:
    return str(LaunchConfiguration(name).perform(context))


def given(context: LaunchContext, conversions: Iterable[tuple[str, str, Callable[[str], Any]]]) -> dict[str, Any]:
    """Return node parameters by name, from the launch arguments that were given (are not empty).

    Args:
        context: Of the launch.
        conversions: Triples: the launch argument, the node's parameter, what makes the value of the text.

    Raises:
        RuntimeError: If a text is no such value; it ends the launch.
    """
    found = {}
    for argument, parameter, convert in conversions:
        text = _text(context, argument).strip()
        if not text:
            continue
        try:
            found[parameter] = convert(text)
        except ValueError:
            kind = {float: "a number", int: "an integer"}.get(convert, "a value that is possible")  # type: ignore[call-overload]
            msg = f"launch argument {argument}:={text} must be {kind}"
            raise RuntimeError(msg) from None
    return found


def warn_of_misspelt(context: LaunchContext, known: Iterable[str]) -> list[LogInfo]:
    """Return a warning for each launch argument that resembles a known one and is none: launch would ignore it."""
    names = list(known)
    found = []
    for name in context.launch_configurations:
        near = get_close_matches(name, names, n=1, cutoff=0.75)
        if name not in names and near:
            found.append(LogInfo(msg=f"WARNING: nobody knows the launch argument '{name}': did you mean '{near[0]}'?"))
    return found
