"""The subcommand `capture`: one frame of a camera, with all that a vision service that runs says of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vision_service.cli.arguments import add_command, amount, ros_text, span
from vision_service.cli.outcome import without_interruption


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "capture",
        "capture a camera's frame with all that a vision service that runs says of it",
        "Capture one frame of a camera with all that a vision service that runs says of it: detections, "
        "classifications, objects in space.",
        {
            "vision-service capture people --out out/": "JSON, the annotated image, the objects' points",
            "vision-service capture people --camera back --json": "",
        },
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


def _capture(arguments: argparse.Namespace) -> int:
    with without_interruption():
        import vision_service.ros.calling.caller  # noqa: F401
        from vision_service.cli.capturing import capture

    return capture(arguments)
