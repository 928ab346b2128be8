"""Which services of this package run, where discovery may still be under way."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vision_service import srv
from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.calling.caller import Caller
from vision_service.ros.calling.graph import vision_services

ANSWERING = 2.0
"""How long a node may take to say how it is, seconds."""
CAPTURE = "capture_all_from_camera"
LOOK_PERIOD = 0.1
SETTLING = 0.7
"""How long no more services must have appeared until all are there that will be, seconds."""


def settled_services(caller: Caller, patience: float) -> dict[str, str]:
    """Return the services on the graph when no more have appeared for a while.

    Args:
        caller: Whose node looks.
        patience: How long to look at most, seconds.

    Returns:
        The names of their types by their own; empty if there is none.
    """
    ends = time.monotonic() + patience
    found: dict[str, str] = {}
    while time.monotonic() < ends:
        before, found = found, vision_services(caller.node)
        if found and found.keys() == before.keys():
            break
        time.sleep(SETTLING)
    return found


@dataclass
class Listing:
    """What of this package runs.

    Attributes:
        services: The names of the services' types by their own.
        states: What each node is, its lifecycle state and what is wrong with it, in words, by its name.
        lacking: Why the list is not complete, empty = it is.
    """

    services: dict[str, str]
    states: dict[str, str]
    lacking: str = ""


def complete_listing(caller: Caller, patience: float) -> Listing:
    """Return what runs, when each node that is seen has as many services as it says, or time is over.

    Args:
        caller: What calls.
        patience: How long to look at most, seconds.
    """
    ends = time.monotonic() + patience
    found = settled_services(caller, patience)
    while True:
        told = statuses(caller, found)
        now = vision_services(caller.node)
        lacking = _lacking(now, told) or (
            "services have appeared or left meanwhile" if now.keys() != found.keys() else ""
        )
        if not lacking or time.monotonic() > ends:
            states = {node: _state(*answer) if answer else "does not answer" for node, answer in told.items()}
            return Listing(now, states, lacking)
        time.sleep(LOOK_PERIOD)
        found = now


def statuses(caller: Caller, services: Mapping[str, str]) -> dict[str, tuple[str, dict[str, Any]] | None]:
    """Return each node's lifecycle state and status by its name; None = it does not answer.

    Args:
        caller: What calls.
        services: Services on the graph, with the names of their types.
    """
    nodes = [name.rpartition("/")[0] for name, kind in services.items() if kind == "GetStatus"]
    request = srv.GetStatus.Request()
    answers = {node: caller.call(srv.GetStatus, f"{node}/get_status", request, _status, ANSWERING) for node in nodes}
    said: dict[str, tuple[str, dict[str, Any]] | None] = {}
    for node, answer in answers.items():
        try:
            said[node] = answer.result()
        except VisionError:
            said[node] = None
    return said


def _status(response: Any) -> tuple[str, dict[str, Any]]:
    told = json.loads(response.status)
    return response.state, told if isinstance(told, dict) else {}


def _state(state: str, told: Mapping[str, Any]) -> str:
    kind = told.get("model") or told.get("driver") or ""
    return ", ".join(text for text in (kind, state, *told.get("troubles", [])) if text)


def _lacking(services: Mapping[str, str], told: Mapping[str, tuple[str, dict[str, Any]] | None]) -> str:
    """Return of which nodes not all services are seen; empty = of none."""
    seen = Counter(name.rpartition("/")[0] for name in services)
    lacking = [f"{node} (it has not said yet what it has)" for node in sorted(seen.keys() - told.keys())]
    for node, answer in told.items():
        there_are = answer[1].get("services", 0) if answer else 0  # a node of an older release does not say
        if seen[node] < there_are:
            lacking.append(f"{node} ({seen[node]} of {there_are} services)")
    return ", ".join(lacking)


def find_service(caller: Caller, name: str, timeout: float) -> Any:
    """Return the type of a service, when it has appeared.

    Args:
        caller: Whose node looks.
        name: The service's full name.
        timeout: How long to look at most, seconds.

    Raises:
        VisionError: UNKNOWN_RESOURCE, with what there is instead.
    """
    changed = time.monotonic()
    ends = changed + timeout
    node = name.rpartition("/")[0]
    others: list[str] = []
    while True:
        found = vision_services(caller.node)
        if name in found:
            return getattr(srv, found[name])
        before, others = others, sorted(other.rpartition("/")[2] for other in found if other.rpartition("/")[0] == node)
        now = time.monotonic()
        if others != before:
            changed = now
        # A node's services appear one after the other: when no more come, this one will not.
        if now > ends or (others and now > changed + SETTLING):
            break
        time.sleep(LOOK_PERIOD)
    if others:
        method = name.rpartition("/")[2]
        msg = f"{node} has no method {method!r}{did_you_mean(method, others)}"
    else:
        nodes = {other.rpartition("/")[0].lstrip("/") for other in found}
        known = did_you_mean(node.lstrip("/"), nodes) if nodes else ": there are none on the graph"
        msg = f"no service {node.lstrip('/')!r}{known} (is ROS_DOMAIN_ID the same here and there?)"
    raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)


def find_capture(caller: Caller, node: str, timeout: float) -> None:
    """Wait until a vision service that can capture is there.

    Args:
        caller: Whose node looks.
        node: The vision service's name, without its first slash.
        timeout: How long to look at most, seconds.

    Raises:
        VisionError: UNKNOWN_RESOURCE, with what there is instead: of a camera, the vision services to name.
    """
    try:
        find_service(caller, f"/{node}/{CAPTURE}", timeout)
    except VisionError as error:
        found = vision_services(caller.node)
        if not any(name.rpartition("/")[0] == f"/{node}" for name in found):
            raise
        camera = found.get(f"/{node}/get_images") is not None
        kind = "a camera" if camera else "no vision service"
        services = sorted(name.split("/", 1)[1].rpartition("/")[0] for name in found if name.endswith(f"/{CAPTURE}"))
        if services:
            advice = f"capture one of {', '.join(services)}" + (f", with --camera {node}" if camera else "")
        else:
            advice = "none runs here" + (
                f"; for the camera's images: vision-service call {node} get_images" if camera else ""
            )
        msg = f"{node!r} is {kind}; `capture` takes a vision service: {advice}"
        raise VisionError(error.code, msg) from None
