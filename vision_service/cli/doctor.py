"""What the command `doctor` says: what is wrong with a robot, and what to do."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.text import Text

from vision_service.cli.outcome import FAILED, OK, keep_stdout
from vision_service.cli.output import for_people, print_json, working
from vision_service.findings import PROBLEM, Finding, note

if TYPE_CHECKING:
    from vision_service.cli.file_checks import FileNode
    from vision_service.ros.calling.caller import Caller
    from vision_service.ros.checks.checkup import Status

ANSWERING = 2.0
"""How long to wait for a node to say how it is, seconds."""


def doctor(arguments: argparse.Namespace) -> int:
    """Print what is wrong with a robot: with a parameter file, with this host, and with what runs.

    Args:
        arguments: Of the subcommand.

    Returns:
        1 if something is, else 0.
    """
    from vision_service.ros.calling.caller import Caller
    from vision_service.ros.calling.discovery import settled_services
    from vision_service.ros.checks.checkup import problems, statuses, unmatched
    from vision_service.ros.checks.host import check_host, facts
    from vision_service.ros.process.shared_memory import dead_segments

    keep_stdout()
    found: list[Finding] = []
    planned: list[FileNode] = []
    if arguments.params:
        from vision_service.cli.file_checks import check_file, planned_nodes

        found += check_file(arguments.params)
        planned = planned_nodes(arguments.params)
    segments = [{"path": str(each.path), "size": each.size} for each in dead_segments()]
    found += check_host()
    with working("looking at the graph"), closing(Caller()) as caller:
        services = settled_services(caller, arguments.wait)
        nodes = {name.rpartition("/")[0] for name, kind in services.items() if kind == "GetStatus"}
        said = statuses(caller, services, ANSWERING)
        found += [*unmatched(caller.node), *problems(said), *_models(arguments.params, planned, said, found)]
        found += [
            note("not_running", node.name, "it does not run", f"vision-service run {arguments.params}")
            for node in planned
            if node.name not in nodes and node.kind != "stack"
        ]
        streams, more = _streams(caller, services, planned, said, arguments.wait)
        found += more
    found = list(dict.fromkeys(found))
    wrong = [each for each in found if each.severity == PROBLEM]
    notes = [each for each in found if each.severity != PROBLEM]
    if arguments.json:
        told = {"findings": list(map(_told, wrong)), "notes": list(map(_told, notes)), "dead_segments": segments}
        print_json({**told, "streams": streams, "nodes": sorted(nodes), "facts": facts()})
    else:
        _print(wrong, notes, streams, len(nodes), arguments.params)
    return FAILED if wrong else OK


def _models(
    path: str, planned: Sequence[FileNode], running: Collection[str], found: Sequence[Finding]
) -> list[Finding]:
    """Return which models of a parameter file cannot be loaded; those of nodes that run, or are wrong, say it."""
    known = {*running, *(each.where for each in found if each.severity == PROBLEM)}
    unknown = [node for node in planned if node.name not in known]
    if not unknown:
        return []
    from vision_service.cli.model_checks import check_models

    with working("loading the models"):
        return check_models(path, unknown)


def _streams(
    caller: Caller,
    services: Mapping[str, str],
    planned: Sequence[FileNode],
    said: Mapping[str, Status],
    seconds: float,
) -> tuple[dict[str, Any], list[Finding]]:
    """Return what comes of the cameras of vision nodes, and what is wrong with that."""
    from vision_service.ros.checks.checkup import recordings
    from vision_service.ros.checks.streams import judge, unlike, unpublished, wanted_topics, watch
    from vision_service.ros.resources.camera_parameters import cameras_of

    running = [name.rpartition("/")[0] for name, kind in sorted(services.items()) if kind == "GetVisionProperties"]
    cameras = {node.name: node.cameras() for node in planned if node.kind == "vision"}
    cameras |= {node: topics for node in running if (topics := cameras_of(caller, node, ANSWERING))}
    found: list[Finding] = []
    names: list[str] = []
    own = {f"{node.name}/image_raw" for node in planned if node.kind == "camera"}
    known = {node.name.rpartition("/")[2] for node in planned if node.kind == "camera"}
    known |= {name.split("/")[-2] for name, kind in services.items() if kind == "GetCameraProperties"}
    for node, topics in cameras.items():
        resolve = _resolver(node)
        wanted = wanted_topics(node, topics, resolve)
        names += [each.name for each in wanted]
        ours = {camera for camera, each in topics.items() if resolve(each.image) in own}  # said already if it is off
        found += unpublished(caller.node, [each for each in wanted if each.camera not in ours], known)
    seen = watch(caller.node, names, seconds)
    simulated = bool(caller.node.count_publishers("/clock"))
    found += judge(seen, seconds=seconds, simulated=simulated, recordings=recordings(said))
    for node, topics in cameras.items():
        found += unlike(topics, _resolver(node), seen)
    return {name: each.to_json() for name, each in seen.items()}, found


def _resolver(node: str) -> Callable[[str], str]:
    """Return what gives the full name of a topic of a node; remappings cannot be seen from outside."""
    return partial(_resolve, node.rpartition("/")[0], node)


def _resolve(namespace: str, node: str, topic: str) -> str:
    if topic.startswith("~"):
        return node + topic[1:]
    return topic if topic.startswith("/") else f"{namespace}/{topic}"


def _told(finding: Finding) -> dict[str, str]:
    return {key: value for key, value in dataclasses.asdict(finding).items() if key != "severity"}


def _print(
    wrong: Sequence[Finding], notes: Sequence[Finding], streams: Mapping[str, Any], nodes: int, params: str | None
) -> None:
    console = for_people()
    for each in wrong:
        console.print(Text.assemble((each.where, "bold"), f"  {each.what}"), soft_wrap=True)
    for each in notes:
        console.print(Text.assemble(("note  ", "dim"), (each.where, "bold"), f"  {each.what}"), soft_wrap=True)
    for topic, each in streams.items():
        rate = "" if each["rate"] is None else f"{each['rate']:g} Hz"
        age = "" if each["stamp_age"] is None else f"stamps {1000 * each['stamp_age']:.0f} ms old"
        told = [rate, age, ", ".join(each["sizes"]), ", ".join(each["frame_ids"])]
        console.print(Text.assemble(("seen  ", "dim"), (topic, "bold"), "  ", "; ".join(filter(None, told))))
    advice = list(dict.fromkeys(each.advice for each in [*wrong, *notes] if each.advice))
    if advice:
        console.print("what to do:")
        for number, step in enumerate(advice, 1):
            console.print(Text(f"  {number}. {step}"), soft_wrap=True)
    if not wrong:
        of_file = f" and with {params}" if params else ""
        console.print(
            f"nothing is wrong with {nodes} nodes of ours{of_file}, and every publisher fits its subscriptions"
        )
