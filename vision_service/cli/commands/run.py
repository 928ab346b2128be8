"""The subcommand `run`: the cameras and vision services of a parameter file in one process."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vision_service.cli.arguments import add_command, add_ros_arguments, ros_text
from vision_service.cli.outcome import without_interruption


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "run",
        "run the cameras and vision services of a parameter file",
        "Run the cameras and vision services of a parameter file in one process, until Ctrl-C: what "
        "`ros2 run vision_service stack --ros-args --params-file PARAMS.yaml` does.",
        {
            "vision-service run my_robot.yaml": "",
            "vision-service run my_robot.yaml --namespace robot1": "its sections are called /**/stack: then",
            "vision-service run my_robot.yaml -r /front/image_raw:=/camera/image": "another topic",
        },
    )
    parser.add_argument(
        "params", type=Path, nargs="+", metavar="PARAMS.yaml", help="ROS parameter files, with a section 'stack'"
    )
    parser.add_argument(
        "--namespace", type=ros_text, metavar="NS", help="namespace of all the nodes; sections are '/**/stack:' then"
    )
    parser.add_argument(
        *("-r", "--remap"),
        type=ros_text,
        action="append",
        default=[],
        metavar="A:=B",
        help="give a topic or service another name",
    )
    parser.add_argument(
        *("-p", "--param"),
        type=ros_text,
        action="append",
        default=[],
        metavar="NAME:=VALUE",
        help="a parameter of all the nodes",
    )
    parser.add_argument("--log-level", type=ros_text, metavar="LEVEL", help="debug, info, warn, error or fatal")
    add_ros_arguments(parser)
    parser.set_defaults(func=_run)


def _run(arguments: argparse.Namespace) -> int:
    with without_interruption():
        from vision_service.ros.main import run_stack
        from vision_service.ros.process.spinning import leave

    leave(run_stack(ros_arguments(arguments)))
    return 0


def ros_arguments(arguments: argparse.Namespace) -> list[str]:
    """Return the arguments of `run` as ROS takes them, behind the name of the program."""
    found = ["stack", "--ros-args"]
    for file in arguments.params:
        found += ["--params-file", str(file)]
    if arguments.namespace:
        found += ["-r", f"__ns:=/{arguments.namespace.strip('/')}"]
    for rule in arguments.remap:
        found += ["-r", rule]
    for parameter in arguments.param:
        found += ["-p", parameter]
    if arguments.log_level:
        found += ["--log-level", arguments.log_level]
    return [*found, *arguments.ros_args]
