"""The subcommand `doctor`: what is wrong on the graph, and what to do."""

from __future__ import annotations

import argparse
import dataclasses
from contextlib import closing

from rich.text import Text

from vision_service.cli.outcome import FAILED, OK, keep_stdout
from vision_service.cli.output import for_people, print_json

SHOWN = 5
"""How many segments are named; --json names all."""
ANSWERING = 2.0
"""How long to wait for a node to say how it is, seconds."""


def doctor(arguments: argparse.Namespace) -> int:
    """Print what is wrong on the graph.

    Args:
        arguments: Of the subcommand.

    Returns:
        1 if something is, else 0.
    """
    from vision_service.ros.calling import Caller
    from vision_service.ros.checkup import problems, unmatched
    from vision_service.ros.discovery import settled_services
    from vision_service.ros.shared_memory import SHARED_MEMORY, dead_segments

    keep_stdout()
    with closing(Caller()) as caller:
        services = settled_services(caller, arguments.wait)
        found = [*unmatched(caller.node), *problems(caller, services, ANSWERING)]
    dead = dead_segments()
    if arguments.json:
        segments = [{"path": str(each.path), "size": each.size} for each in dead]
        print_json({"findings": [dataclasses.asdict(each) for each in found], "dead_segments": segments})
        return FAILED if found else OK
    console = for_people()
    for each in found:
        console.print(Text.assemble((each.where, "bold"), f"  {each.what}"), soft_wrap=True)
    if dead:
        size = sum(each.size for each in dead) / 2**20
        shown = ", ".join(f"{each.path.name} ({each.size / 2**20:.1f} MiB)" for each in dead[:SHOWN])
        more = f" and {len(dead) - SHOWN} more" if len(dead) > SHOWN else ""
        console.print(
            Text.assemble(
                (str(SHARED_MEMORY), "bold"),
                f"  {len(dead)} segments ({size:.1f} MiB) of processes that were killed: {shown}{more}; the next node "
                "of ours that starts removes them",
            ),
            soft_wrap=True,
        )
    if not found:
        nodes = len({name.rpartition("/")[0] for name in services})
        console.print(f"nothing is wrong with {nodes} nodes of ours, and every publisher fits its subscriptions")
    return FAILED if found else OK
