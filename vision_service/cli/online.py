"""Subcommands that need ROS; this module only parses their arguments, and imports ROS when one of them runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vision_service.cli import control
from vision_service.cli.arguments import add_ros_arguments, amount, count, ros_setting, ros_text, span
from vision_service.cli.outcome import without_interruption


def add_parsers(subparsers: Any) -> None:
    """Add the subcommands demo, run, control, list, doctor, call, capture and set."""
    parser = subparsers.add_parser(
        "demo",
        help="run a rendered camera and detectors, and show what they find",
        description="Run a rendered camera and detectors as ROS nodes, call them, and show what they find.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--seconds", type=amount, default=10.0, metavar="N", help="how long; 0 = until Ctrl-C (default: 10)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("out/demo"),
        metavar="DIR",
        help="for annotated images (default: %(default)s)",
    )
    parser.set_defaults(func=_demo)

    parser = subparsers.add_parser(
        "run",
        help="run the cameras and vision services of a parameter file",
        description="Run the cameras and vision services of a parameter file in one process, until Ctrl-C: what "
        "`ros2 run vision_service stack --ros-args --params-file PARAMS.yaml` does.",
        allow_abbrev=False,
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

    control.add_parser(subparsers)

    parser = subparsers.add_parser(
        "list",
        help="list the cameras and vision services that run",
        description="List the cameras and vision services that run, with their methods.",
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object: service name -> type")
    parser.add_argument(
        "--wait", type=amount, default=5.0, metavar="S", help="how long to look at most (default: %(default)s s)"
    )
    parser.set_defaults(func=_list)

    parser = subparsers.add_parser(
        "doctor",
        help="say what is wrong with a robot, and what to do",
        description="Say what is wrong with a robot, and what to do: with a parameter file (names, values, files), "
        "with this host (shared memory, profiles, versions, who can reach it), and with what runs (what the nodes say "
        "themselves; cameras' topics without publishers, quality of service, time stamps, frames, rates). The exit "
        "code is 1 if something is wrong; notes do not count.",
        allow_abbrev=False,
    )
    parser.add_argument("params", nargs="?", metavar="PARAMS.yaml", help="parameter file of the robot's nodes")
    parser.add_argument("--json", action="store_true", help="print one JSON object: findings, notes, streams, facts")
    parser.add_argument(
        "--wait",
        type=amount,
        default=5.0,
        metavar="S",
        help="how long to look for nodes, and to watch topics, at most (default: %(default)s s)",
    )
    parser.set_defaults(func=_doctor)

    parser = subparsers.add_parser(
        "call",
        help="call a method of a camera or vision service that runs",
        description="Call a method of a camera or vision service that runs, and print its answer.",
        allow_abbrev=False,
    )
    parser.add_argument("service", type=ros_text, metavar="SERVICE", help="the node's name; see `vision-service list`")
    parser.add_argument("method", type=ros_text, metavar="METHOD", help="for example get_detections_from_camera")
    parser.add_argument("--camera", type=ros_text, metavar="C", help="the camera (default: the service's own)")
    parser.add_argument("--count", type=count, metavar="N", help="how many classifications at most")
    parser.add_argument("--image", type=Path, metavar="FILE", help="an image file to look at; - = standard input")
    parser.add_argument("--command", type=ros_text, metavar="JSON", help="for do_command")
    parser.add_argument("--max-age", type=span, metavar="S", help="how old a frame may be; negative = a new one")
    parser.add_argument("--timeout", type=amount, metavar="S", help="how long to wait (default: as the node says)")
    parser.add_argument("--json", action="store_true", help="print one JSON object in one line")
    parser.set_defaults(func=_call)

    parser = subparsers.add_parser(
        "capture",
        help="capture a camera's frame with all that a vision service that runs says of it",
        description="Capture one frame of a camera with all that a vision service that runs says of it: detections, "
        "classifications, objects in space.",
        allow_abbrev=False,
    )
    parser.add_argument("service", type=ros_text, metavar="SERVICE", help="the node's name; see `vision-service list`")
    parser.add_argument("--camera", type=ros_text, metavar="C", help="the camera (default: the service's own)")
    parser.add_argument("--max-age", type=span, metavar="S", help="how old the frame may be; negative = a new one")
    parser.add_argument("--timeout", type=amount, metavar="S", help="how long to wait (default: as the node says)")
    parser.add_argument("--json", action="store_true", help="print one JSON object in one line")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write the results (JSON), the annotated image and the objects (PCD)"
    )
    parser.set_defaults(func=_capture)

    parser = subparsers.add_parser(
        "set",
        help="set parameters of a node that runs, all of them or none",
        description="Set parameters of a node that runs, all of them or none: what belongs together goes in one call.",
        allow_abbrev=False,
    )
    parser.add_argument("node", type=ros_text, metavar="NODE", help="the node's name; see `vision-service list`")
    parser.add_argument(
        "settings", nargs="+", type=ros_setting, metavar="NAME=VALUE", help="values as in a parameter file"
    )
    parser.add_argument(
        "--timeout", type=amount, default=10.0, metavar="S", help="how long to wait (default: %(default)s s)"
    )
    parser.set_defaults(func=_set)


def _demo(arguments: argparse.Namespace) -> int:
    with without_interruption():
        from vision_service.ros.demo import demo

    return demo(arguments.seconds, arguments.out)


def _run(arguments: argparse.Namespace) -> int:
    with without_interruption():
        from vision_service.ros.main import run_stack
        from vision_service.ros.process import leave

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


def _list(arguments: argparse.Namespace) -> int:
    with without_interruption():
        import vision_service.ros.calling  # noqa: F401
        from vision_service.cli.calls import list_services

    return list_services(arguments)


def _doctor(arguments: argparse.Namespace) -> int:
    with without_interruption():
        import vision_service.ros.calling  # noqa: F401
        from vision_service.cli.doctor import doctor

    return doctor(arguments)


def _call(arguments: argparse.Namespace) -> int:
    with without_interruption():
        import vision_service.ros.calling  # noqa: F401
        from vision_service.cli.calls import call

    return call(arguments)


def _capture(arguments: argparse.Namespace) -> int:
    with without_interruption():
        import vision_service.ros.calling  # noqa: F401
        from vision_service.cli.capturing import capture

    return capture(arguments)


def _set(arguments: argparse.Namespace) -> int:
    with without_interruption():
        import vision_service.ros.calling  # noqa: F401
        from vision_service.cli.parameters import set_parameters

    return set_parameters(arguments)
