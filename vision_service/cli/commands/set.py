"""The subcommand `set`: parameters of a node that runs, all of them or none."""

from __future__ import annotations

import argparse
from typing import Any

from vision_service.cli.arguments import add_command, amount, ros_setting, ros_text
from vision_service.cli.outcome import without_interruption


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "set",
        "set parameters of a node that runs, all of them or none",
        "Set parameters of a node that runs, all of them or none: what belongs together goes in one call.",
        {
            "vision-service set people default_minimum_confidence=0.6 max_rate=10": "",
            "vision-service set people model_path=/opt/models/detect.tflite": "another model, without a restart",
            "vision-service set people label_confidences.person=0.4": "a value of a map",
        },
    )
    parser.add_argument("node", type=ros_text, metavar="NODE", help="the node's name; see `vision-service list`")
    parser.add_argument(
        "settings", nargs="+", type=ros_setting, metavar="NAME=VALUE", help="values as in a parameter file"
    )
    parser.add_argument(
        "--timeout", type=amount, default=10.0, metavar="S", help="how long to wait (default: %(default)s s)"
    )
    parser.set_defaults(func=_set)


def _set(arguments: argparse.Namespace) -> int:
    with without_interruption():
        import vision_service.ros.calling.caller  # noqa: F401
        from vision_service.cli.parameters import set_parameters

    return set_parameters(arguments)
