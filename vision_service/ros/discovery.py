"""Which services of this package run, where discovery may still be under way."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from vision_service import srv
from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.calling import Caller
from vision_service.ros.connection import vision_services

ANSWERING = 2.0
"""How long a node may take to say how it is, seconds."""
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


def states(caller: Caller, services: Mapping[str, str]) -> dict[str, str]:
    """Return what each node is, its lifecycle state and what is wrong with it, in words, by its name.

    Args:
        caller: What calls.
        services: Services on the graph, with the names of their types.
    """
    nodes = [name.rpartition("/")[0] for name, kind in services.items() if kind == "GetStatus"]
    request = srv.GetStatus.Request()
    answers = {node: caller.call(srv.GetStatus, f"{node}/get_status", request, _state, ANSWERING) for node in nodes}
    said = {}
    for node, answer in answers.items():
        try:
            said[node] = answer.result()
        except VisionError:
            said[node] = "does not answer"
    return said


def _state(response: Any) -> str:
    told = json.loads(response.status)
    kind = told.get("model") or told.get("driver") or ""
    return ", ".join(text for text in (kind, response.state, *told.get("troubles", [])) if text)


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
