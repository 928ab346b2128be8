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


def problems(caller: Caller, services: Mapping[str, str], timeout: float) -> list[Finding]:
    """Return what nodes of this package say that is wrong with them.

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
    found = []
    for node, answer in asked.items():
        try:
            status = json.loads(answer.result().status)
        except VisionError as error:
            found.append(Finding("problem", node, error.message))
            continue
        said = [status["last_error"]] if status.get("last_error") else []
        found += [Finding("problem", node, each) for each in [*said, *status.get("troubles", ())]]
    return found
