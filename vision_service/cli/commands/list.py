"""The subcommand `list`: which cameras and vision services run."""

from __future__ import annotations

import argparse
from typing import Any

from vision_service.cli.arguments import add_command, amount
from vision_service.cli.outcome import without_interruption


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "list",
        "list the cameras and vision services that run",
        "List the cameras and vision services that run, with their methods.",
        {
            "vision-service list": "",
            "vision-service list --json | jq 'keys'": "the services' names, for a program",
        },
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object: service name -> type")
    parser.add_argument(
        "--wait", type=amount, default=5.0, metavar="S", help="how long to look at most (default: %(default)s s)"
    )
    parser.set_defaults(func=_list)


def _list(arguments: argparse.Namespace) -> int:
    with without_interruption():
        import vision_service.ros.calling.caller  # noqa: F401
        from vision_service.cli.calls import list_services

    return list_services(arguments)
