"""The subcommand `call`: a method of a camera or vision service that runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vision_service.cli.arguments import add_command, amount, count, ros_text, span
from vision_service.cli.outcome import without_interruption


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "call",
        "call a method of a camera or vision service that runs",
        "Call a method of a camera or vision service that runs, and print its answer.",
        {
            "vision-service call people get_detections_from_camera --json": "",
            "vision-service call people get_classifications --image photo.jpg --count 3": "",
            "vision-service call front get_properties": "of a camera",
            """vision-service call camera do_command --command '{"command": "ground_truth"}'""": "",
        },
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


def _call(arguments: argparse.Namespace) -> int:
    with without_interruption():
        import vision_service.ros.calling.caller  # noqa: F401
        from vision_service.cli.calls import call

    return call(arguments)
