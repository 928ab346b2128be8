"""The subcommand `doctor`: what is wrong with a robot, and what to do."""

from __future__ import annotations

import argparse
from typing import Any

from vision_service.cli.arguments import add_command, amount
from vision_service.cli.outcome import without_interruption


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "doctor",
        "say what is wrong with a robot, and what to do",
        "Say what is wrong with a robot, and what to do: with a parameter file (names, values, files), "
        "with this host (shared memory, profiles, versions, who can reach it), and with what runs (what the nodes say "
        "themselves; cameras' topics without publishers, quality of service, time stamps, frames, rates). The exit "
        "code is 1 if something is wrong; notes do not count.",
        {
            "vision-service doctor": "this host and what runs",
            "vision-service doctor my_robot.yaml": "and a parameter file, before it runs",
        },
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


def _doctor(arguments: argparse.Namespace) -> int:
    with without_interruption():
        import vision_service.ros.calling.caller  # noqa: F401
        from vision_service.cli.doctor import doctor

    return doctor(arguments)
