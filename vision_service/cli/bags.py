"""What `inspect` says of a bag: its topics, what a camera with the driver `replay` reads of them, and what is wrong."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import Any

from vision_service.cli.outcome import FAILED, OK, print_error
from vision_service.cli.settings import values
from vision_service.errors import VisionError
from vision_service.files import expanded

LOOKED_AT = 10
"""So many of the first frames are looked at, as the driver does."""


def inspect_bag(arguments: argparse.Namespace) -> int:
    """Run `inspect` for a bag; return the exit code."""
    from vision_service.camera.bag_files import BagFiles
    from vision_service.camera.replay import ReplayConfig
    from vision_service.cli import output
    from vision_service.configuration import configure

    given = values(ReplayConfig, arguments.settings) | {"path": arguments.model}
    config = configure(ReplayConfig, given, of="the driver replay")
    found: dict[str, Any] = {"file": arguments.model, "topics": [], "remarks": []}
    try:
        with closing(BagFiles(expanded(config.path))) as files:
            found["start"], found["duration"] = files.start / 1e9, max(0, files.end - files.start) / 1e9
            known = [(each.topic, each.type, each.count) for each in files.channels.values()]
            foreign = [(topic, what, None) for topic, what in files.foreign.items()]
            found["topics"] = [
                {"topic": topic, "type": kind, "messages": count, "read_as": ""}
                for topic, kind, count in sorted([*known, *foreign])
            ]
        problem = _play(found, config)
    except VisionError as error:
        problem = error.message
    found["problem"] = problem or None
    if arguments.json:
        output.print_json(found)
    else:
        _print(found)
    for remark in found["remarks"]:
        print_error(remark)
    if problem:
        print_error(problem)
    return FAILED if problem or (arguments.strict and found["remarks"]) else OK


def _play(found: dict[str, Any], config: Any) -> str:
    """Add what is read as what, and what the first frames show to be wrong; return why it cannot be played, if so."""
    from vision_service.camera.replay import open_bag

    with closing(open_bag(expanded(config.path), config)) as bag:
        found["remarks"] = bag.remarks
        roles = {topic: kind.replace("_", " ") for kind, topic in vars(bag.topics).items() if topic}
        for each in found["topics"]:
            each["read_as"] = roles.get(each["topic"], "")
        problem = f"no frame: {', '.join(roles.values())} were not recorded within {config.tolerance:g} s of each other"
        for _ in range(LOOKED_AT):
            try:
                frame = bag.next()
                if frame is None:
                    break
                if frame.image is not None:
                    frame.image.pixels  # noqa: B018 (what is wrong with them shows when they are made)
            except VisionError as error:
                return error.message
            problem = ""
    return problem


def _print(found: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from vision_service.cli import output

    console = output.for_people()
    console.print(Text.assemble(("file       ", "dim"), found["file"]))
    if "duration" in found:
        console.print(Text.assemble(("duration   ", "dim"), f"{found['duration']:.3f} s"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("topic", "type", "messages", "read as"):
        table.add_column(column, overflow="fold")
    for each in found["topics"]:
        count = "" if each["messages"] is None else str(each["messages"])
        table.add_row(*(Text(text) for text in (each["topic"], each["type"], count, each["read_as"] or "skipped")))
    console.print(table)
