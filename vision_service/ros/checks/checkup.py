"""What is wrong on the graph, as it is seen from outside: publishers that do not fit, and what nodes say themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rclpy.node import Node

from vision_service.errors import VisionError
from vision_service.findings import Finding
from vision_service.ros.calling.caller import Caller
from vision_service.ros.qos import misfits, name_of
from vision_service.srv import GetStatus

Status = dict[str, Any] | VisionError
"""What a node says of itself, or why it does not answer."""


def unmatched(node: Node) -> list[Finding]:
    """Return which subscriptions on the graph a publisher of their topic does not reach, by their quality of service.

    Args:
        node: Who looks.
    """
    found = []
    for topic, _ in sorted(node.get_topic_names_and_types()):
        subscriptions: dict[str, list[Any]] = {}  # a node may have two, so that it receives all
        for each in node.get_subscriptions_info_by_topic(topic):
            subscriptions.setdefault(name_of(each), []).append(each.qos_profile)
        for publisher in node.get_publishers_info_by_topic(topic):
            for subscriber, asked in subscriptions.items():
                reasons = [misfits(publisher.qos_profile, profile) for profile in asked]
                if all(reasons):
                    found.append(_finding(topic, name_of(publisher), subscriber, reasons[0]))
    return list(dict.fromkeys(found))


def _finding(topic: str, publisher: str, subscriber: str, reasons: Mapping[str, str]) -> Finding:
    policies = [policy for policy in reasons if policy]
    advice = " and ".join(f"qos_overrides.{topic}.subscription.{policy}" for policy in policies)
    what = f"{publisher} publishes {' and '.join(reasons.values())} by {subscriber}"
    if not advice:
        return Finding("quality_of_service", topic, what)
    return Finding("quality_of_service", topic, f"{what}: set {advice} there", f"set {advice} of {subscriber}")


def statuses(caller: Caller, services: Mapping[str, str], timeout: float) -> dict[str, Status]:
    """Return what each node of this package says of itself, or why it does not answer, by its name.

    Args:
        caller: Calls them.
        services: The services on the graph: the names of their types by their own.
        timeout: How long a node may take to answer, seconds.
    """
    nodes = [name.rpartition("/")[0] for name, kind in sorted(services.items()) if kind == "GetStatus"]
    asked = {
        node: caller.call(GetStatus, f"{node}/get_status", GetStatus.Request(), lambda answer: answer, timeout)
        for node in nodes
    }
    found: dict[str, Status] = {}
    for node, answer in asked.items():
        try:
            found[node] = json.loads(answer.result().status)
        except VisionError as error:
            found[node] = error
    return found


def problems(said: Mapping[str, Status]) -> list[Finding]:
    """Return what nodes say that is wrong with them.

    Args:
        said: What :func:`statuses` returns.
    """
    found = []
    for node, status in said.items():
        if isinstance(status, VisionError):
            found.append(Finding("problem", node, status.message))
            continue
        errors = [status["last_error"]] if status.get("last_error") else []
        found += [Finding("problem", node, each) for each in [*errors, *status.get("troubles", ())]]
    return found


def recordings(said: Mapping[str, Status]) -> list[str]:
    """Return which nodes are cameras that play a recording, whose stamps are those of the time when it was made.

    Args:
        said: What :func:`statuses` returns.
    """
    return [node for node, status in said.items() if isinstance(status, dict) and status.get("driver") == "replay"]
