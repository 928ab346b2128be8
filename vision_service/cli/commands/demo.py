"""The subcommand `demo`: rendered cameras and vision services as ROS nodes, and what they find."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vision_service.cli.arguments import add_command, amount
from vision_service.cli.outcome import without_interruption


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "demo",
        "run a rendered camera and detectors, and show what they find",
        "Run a rendered camera and detectors as ROS nodes, call them, and show what they find.",
        {
            "vision-service demo": "for ten seconds; images in out/demo/",
            "vision-service demo --seconds 0": "until Ctrl-C, to look at it with other tools",
        },
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


def _demo(arguments: argparse.Namespace) -> int:
    with without_interruption():
        from vision_service.ros.demo import demo

    return demo(arguments.seconds, arguments.out)
