"""Writes SROS2's policy for the nodes of a parameter file, from the graph of these nodes.

    python -m tools.security_policies                        # security/demo.policy.xml, of config/demo.yaml
    python -m tools.security_policies ROBOT.yaml POLICY.xml  # of a robot of yours

Give it a ROS_DOMAIN_ID in which nothing else runs. The policy has two enclaves: /vision_service/stack for the process
that runs the nodes, and /vision_service/client for processes that may look and ask, but change nothing.
"""

from __future__ import annotations

import argparse
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VERSION = "0.2.0"
"""Of the format of the policies."""
STACK, CLIENT = "/vision_service/stack", "/vision_service/client"
ASKS = ("get_", "infer", "capture_all_from_camera", "describe_parameters", "list_parameters")
"""How the names of services begin that change nothing."""
PATIENCE = 60.0
"""Until the nodes have to be there, seconds."""


@dataclass(frozen=True)
class Entities:
    """What a node has on the graph: names of topics and services, sorted."""

    publishers: tuple[str, ...]
    subscriptions: tuple[str, ...]
    services: tuple[str, ...]
    clients: tuple[str, ...]


def entities_of(peer: Any, name: str, namespace: str) -> Entities:
    """Return what a node has.

    Args:
        peer: A node of rclpy's that looks at the graph.
        name: The node's.
        namespace: The node's.
    """
    looks = (
        peer.get_publisher_names_and_types_by_node,
        peer.get_subscriber_names_and_types_by_node,
        peer.get_service_names_and_types_by_node,
        peer.get_client_names_and_types_by_node,
    )
    return Entities(*(tuple(sorted(topic for topic, _ in look(name, namespace))) for look in looks))


def policy(nodes: Mapping[tuple[str, str], Entities]) -> str:
    """Return the policy for nodes that run in one process, and for their clients.

    Args:
        nodes: By namespace and name.
    """
    root = ET.Element("policy", version=VERSION)
    enclaves = ET.SubElement(root, "enclaves")
    profiles = _profiles(enclaves, STACK)
    for (namespace, name), has in sorted(nodes.items()):
        profile = ET.SubElement(profiles, "profile", ns=namespace, node=name)
        _allow(profile, "topics", "topic", subscribe=has.subscriptions, publish=has.publishers)
        _allow(profile, "services", "service", reply=has.services, request=has.clients)
    published = {topic for has in nodes.values() for topic in has.publishers}
    asked = {
        service
        for has in nodes.values()
        for service in has.services
        if service.rpartition("/")[2].startswith(ASKS)
    }  # fmt: skip
    own = ("/parameter_events", "/rosout")
    client = ET.SubElement(_profiles(enclaves, CLIENT), "profile", ns="/", node="client")
    _allow(client, "topics", "topic", subscribe=sorted(published), publish=own)
    _allow(client, "services", "service", reply=(), request=sorted(asked))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _profiles(enclaves: ET.Element, path: str) -> ET.Element:
    return ET.SubElement(ET.SubElement(enclaves, "enclave", path=path), "profiles")


def _allow(profile: ET.Element, group: str, item: str, **names: Sequence[str]) -> None:
    for permission, allowed in names.items():
        if allowed:
            parent = ET.SubElement(profile, group, {permission: "ALLOW"})
            for name in allowed:
                ET.SubElement(parent, item).text = name


def read_policy(text: str) -> dict[tuple[str, str], Entities]:
    """Return what a policy allows the nodes of the stack, as :func:`policy` has written it."""
    found = {}
    tree = ET.fromstring(text)  # noqa: S314 (our own file)
    for profile in tree.findall(f"enclaves/enclave[@path='{STACK}']/profiles/profile"):
        allowed = [
            tuple(each.text or "" for each in profile.findall(f"{group}[@{permission}='ALLOW']/*"))
            for group, permission in (
                ("topics", "publish"),
                ("topics", "subscribe"),
                ("services", "reply"),
                ("services", "request"),
            )
        ]
        found[profile.get("ns", "/"), profile.get("node", "")] = Entities(*allowed)
    return found


def observe(parameters: Path) -> dict[tuple[str, str], Entities]:
    """Run the nodes of a parameter file until all of them are active, and return what they have on the graph.

    Raises:
        TimeoutError: If they do not become active.
    """
    import rclpy
    from rclpy.context import Context
    from rclpy.signals import SignalHandlerOptions

    from vision_service.ros.node.base import ServiceNode
    from vision_service.ros.process.dds import choose_profile
    from vision_service.ros.process.spinning import close, spinning
    from vision_service.ros.stack import Stack

    choose_profile()
    context = Context()
    arguments = ["--ros-args", "--params-file", str(parameters)]
    rclpy.init(args=arguments, context=context, signal_handler_options=SignalHandlerOptions.NO)
    nodes = Stack(context=context).nodes
    try:
        with spinning(nodes):
            ends = time.monotonic() + PATIENCE
            while waiting := [n.get_name() for n in nodes if isinstance(n, ServiceNode) and n.state != "active"]:
                if time.monotonic() > ends:
                    msg = f"not active after {PATIENCE:g} s: {', '.join(waiting)}"
                    raise TimeoutError(msg)
                time.sleep(0.1)
            peer = nodes[0]
            return {
                (node.get_namespace(), node.get_name()): entities_of(peer, node.get_name(), node.get_namespace())
                for node in nodes
            }
    finally:
        close(nodes)
        rclpy.try_shutdown(context=context)


def main() -> None:
    """Write the policy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parameters", nargs="?", type=Path, default=ROOT / "config" / "demo.yaml")
    parser.add_argument("target", nargs="?", type=Path, default=ROOT / "security" / "demo.policy.xml")
    given = parser.parse_args()
    given.target.parent.mkdir(parents=True, exist_ok=True)
    given.target.write_text(policy(observe(given.parameters)), encoding="utf-8")
    print(f"written: {given.target}")


if __name__ == "__main__":
    main()
