"""The subcommand `control`: the control page for whatever runs."""

from __future__ import annotations

import argparse
from typing import Any

from vision_service.cli.arguments import add_command, add_ros_arguments
from vision_service.cli.outcome import without_interruption
from vision_service.settings.control import PORT


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "control",
        "serve a page that shows what cameras see and vision services say",
        "Serve a page that shows, in a browser, what the cameras that run see and what the vision services "
        "say of it, until Ctrl-C. (In a stack's own process it costs less: its parameter 'control: true'.)",
        {
            "vision-service control": "at http://127.0.0.1:8090/",
            "vision-service control --host 0.0.0.0 --port 8091": "for other machines, with a token",
        },
    )
    parser.add_argument(
        "--port", type=_port, default=PORT, metavar="P", help="port; 0 = any that is free (default: %(default)s)"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="H",
        help="address to listen on; 0.0.0.0 = for other machines too, which then need the token that is printed "
        "(default: %(default)s, this machine only)",
    )
    add_ros_arguments(parser)
    parser.set_defaults(func=_control)


def _port(text: str) -> int:
    """Return a port.

    Raises:
        ValueError: If it is none.
    """
    port = int(text)
    if not 0 <= port <= 65535:
        msg = f"{port} is no port"
        raise ValueError(msg)
    return port


def _control(arguments: argparse.Namespace) -> int:
    with without_interruption():
        from vision_service.ros.control.node import ControlNode
        from vision_service.ros.process.spinning import leave, run

    given = ["control", *(["--ros-args", *arguments.ros_args] if arguments.ros_args else [])]
    leave(run(lambda: [ControlNode(arguments.host, arguments.port)], given))
    return 0
